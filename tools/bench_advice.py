# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What settings of a run are worth: each question is one measurement, its settings in turns."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from bench_stage import Expected
from bench_stage import Stage
from bench_work import AS_MODULE
from bench_work import IN_WORKER
from bench_work import Work

#: Seconds that a host far away, and a slow one, take for each answer.
FAR, SLOW = 0.2, 1.0
#: One host in so many is slow.
SLOW_EVERY = 20
FORKS = 10

_LOOKS = [
    {"name": "Key providers", "esx.trust.esx_kms_provider_info": {}},
    {"name": "Token issuers", "esx.trust.esx_token_issuer_info": {}},
]
THREE_TASKS = replace(IN_WORKER, tasks=[*IN_WORKER.tasks, *_LOOKS])


@dataclass(frozen=True)
class Setting:
    """A way to run the play. parts: the number of runs at the same time, each over its share of the hosts."""

    label: str
    forks: int = FORKS
    keywords: Mapping[str, Any] | None = None
    environment: Mapping[str, str] | None = None
    parts: int = 1


@dataclass(frozen=True)
class Question:
    """A question, with the settings that are compared and the hosts on which they are measured.

    delay: the seconds before each answer of a late host, and the number of hosts of which one is late.
    share: the number of hosts of which one takes part.
    """

    text: str
    settings: Sequence[Setting]
    work: Work = IN_WORKER
    delay: tuple[float, int] | None = None
    share: int = 1


def _forks(*numbers: int) -> list[Setting]:
    return [Setting(f"{number} forks", forks=number) for number in numbers]


def _strategy(name: str) -> Setting:
    return Setting(f"strategy {name}", keywords={"strategy": f"ansible.builtin.{name}"})


def questions() -> Iterator[Question]:
    yield Question("Hosts that answer at once: how many forks?", _forks(5, 10, 25, 50))

    yield Question(
        f"Hosts that take {FAR} s for each answer: how many forks?",
        _forks(5, 10, 25, 50, 100),
        delay=(FAR, 1),
    )

    yield Question(
        f"Three tasks, and one host in {SLOW_EVERY} takes {SLOW:g} s for each answer: which strategy?",
        [_strategy("linear"), _strategy("free"), _strategy("host_pinned")],
        THREE_TASKS,
        delay=(SLOW, SLOW_EVERY),
    )

    yield Question(
        "Batches: what does caution cost?",
        [
            Setting("all at once"),
            Setting("serial: 25%", keywords={"serial": "25%"}),
            Setting("serial: 10%", keywords={"serial": "10%"}),
            Setting("serial: [1, 10%, 100%]", keywords={"serial": [1, "10%", "100%"]}),
        ],
    )

    yield Question(
        f"Slices: several runs at once, each over its share of the hosts (--limit), each with {FORKS} forks?",
        [Setting("1 run"), Setting("2 runs", parts=2), Setting("4 runs", parts=4)],
    )

    yield Question(
        f"Slices over hosts that take {FAR} s for each answer?",
        [Setting("1 run"), Setting("2 runs", parts=2), Setting("4 runs", parts=4)],
        delay=(FAR, 1),
    )

    yield Question(
        "One host in ten only: facts of the control node, gathered once for each host, or not?",
        [Setting("gather_facts: false"), Setting("gather_facts: true", keywords={"gather_facts": True})],
        share=10,
    )

    yield Question(
        "One host in ten only, where the work has to be done by the module (another machine, become, async)?",
        [Setting("as usual"), Setting("pipelining", environment={"ANSIBLE_PIPELINING": "True"})],
        AS_MODULE,
        share=10,
    )


@dataclass(frozen=True)
class Cost:
    """The cost of all runs of a setting together."""

    seconds: float
    cpu: float


@dataclass
class Answer:
    """The answer to a question. costs: the cost of each round, by the label of the setting."""

    question: Question
    costs: dict[str, list[Cost]]

    def rows(self) -> list[dict[str, Any]]:
        """A row for each setting, with the medians of its rounds."""
        rows = []

        for label, costs in self.costs.items():
            seconds = statistics.median(cost.seconds for cost in costs)
            cpu = statistics.median(cost.cpu for cost in costs)
            rows.append({"setting": label, "seconds": seconds, "cpu": cpu})

        return rows


def measure(
    stage: Stage, hosts: int, rounds: int, machine: str, asked: Sequence[Question] | None = None
) -> dict[str, Any]:
    """Everything that was found. asked: some questions in place of all."""
    answers = [Answer(question, {}) for question in asked or questions()]
    # Afterwards all hosts are as declared.
    stage.measure(IN_WORKER, hosts, FORKS, differing=hosts)

    for _round in range(rounds):
        for answer in answers:
            _ask(stage, answer, hosts)

    return {
        "machine": machine,
        "hosts": hosts,
        "rounds": rounds,
        "advice": [{"question": answer.question.text, "rows": answer.rows()} for answer in answers],
    }


def _ask(stage: Stage, answer: Answer, hosts: int) -> None:
    """Measure each setting once more."""
    question = answer.question

    with _delayed(stage, question):
        for setting in question.settings:
            cost = _cost(stage, question.work, setting, hosts // question.share)
            answer.costs.setdefault(setting.label, []).append(cost)


@contextlib.contextmanager
def _delayed(stage: Stage, question: Question) -> Iterator[None]:
    """While it is open, some hosts answer late, if the question wants that."""
    if question.delay is None:
        yield
        return

    seconds, every = question.delay
    with stage.fleet.late(seconds, stage.fleet.addresses[::every]):
        yield


def _cost(stage: Stage, work: Work, setting: Setting, hosts: int) -> Cost:
    """Do the work with a setting, and return the cost."""
    play = work.play(stage.fleet, **(setting.keywords or {}))

    def run(part: int) -> float:
        """The CPU seconds of a run over one share of the hosts."""
        first = hosts * part // setting.parts
        last = hosts * (part + 1) // setting.parts - 1

        figure = stage.measure_play(
            play,
            hosts,
            setting.forks,
            "--limit",
            f"esx[{first}:{last}]",
            variables=work.variables,
            expected=Expected(),
            environment=setting.environment,
        )

        return figure.cpu

    with ThreadPoolExecutor(setting.parts) as pool:
        started = time.perf_counter()
        cpu = sum(pool.map(run, range(setting.parts)))
        seconds = time.perf_counter() - started

    return Cost(seconds, cpu)
