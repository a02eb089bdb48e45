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

from bench_stage import AS_MODULE
from bench_stage import IN_WORKER
from bench_stage import Stage
from bench_stage import Work

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
    """A way to run the play. parts: so many runs at once, each over its share of the hosts."""

    label: str
    forks: int = FORKS
    keywords: Mapping[str, Any] | None = None
    environment: Mapping[str, str] | None = None
    parts: int = 1


@dataclass(frozen=True)
class Question:
    """What is asked, on which hosts. delays: seconds for an answer -> one host in so many."""

    text: str
    settings: Sequence[Setting]
    work: Work = IN_WORKER
    delay: tuple[float, int] | None = None
    #: Of the hosts, one in so many takes part.
    share: int = 1


def questions() -> Iterator[Question]:
    yield Question("Hosts that answer at once: how many forks?", [_forks(forks) for forks in (5, 10, 25, 50)])

    yield Question(
        f"Hosts that take {FAR} s for each answer: how many forks?",
        [_forks(forks) for forks in (5, 10, 25, 50, 100)],
        delay=(FAR, 1),
    )

    yield Question(
        f"Three tasks, and one host in {SLOW_EVERY} takes {SLOW:g} s for each answer: which strategy?",
        [
            Setting(f"strategy {name}", keywords={"strategy": f"ansible.builtin.{name}"})
            for name in ("linear", "free", "host_pinned")
        ],
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


def measure(
    stage: Stage, hosts: int, rounds: int, machine: str, asked: Sequence[Question] | None = None
) -> dict[str, Any]:
    """Everything that was found. asked: some questions in place of all."""
    asked = list(questions()) if asked is None else asked
    found: list[list[list[tuple[float, float]]]] = [[[] for _setting in question.settings] for question in asked]
    stage.work(IN_WORKER, hosts, FORKS, differing=hosts)

    for _round in range(rounds):
        for question, taken in zip(asked, found, strict=True):
            with _delayed(stage, question):
                for setting, figures in zip(question.settings, taken, strict=True):
                    figures.append(_run(stage, question, setting, hosts // question.share))

    return {
        "machine": machine,
        "hosts": hosts,
        "rounds": rounds,
        "advice": [
            {"question": question.text, "rows": _rows(question, taken)}
            for question, taken in zip(asked, found, strict=True)
        ],
    }


def _rows(question: Question, taken: list[list[tuple[float, float]]]) -> list[dict[str, Any]]:
    """A row for each setting of a question, with the medians of what was taken of it."""
    rows = []

    for setting, figures in zip(question.settings, taken, strict=True):
        seconds = statistics.median(seconds for seconds, _cpu in figures)
        cpu = statistics.median(cpu for _seconds, cpu in figures)
        rows.append({"setting": setting.label, "seconds": seconds, "cpu": cpu})

    return rows


def _forks(number: int) -> Setting:
    return Setting(f"{number} forks", forks=number)


@contextlib.contextmanager
def _delayed(stage: Stage, question: Question) -> Iterator[None]:
    """Inside, some hosts answer late."""
    if question.delay is None:
        yield
        return

    seconds, every = question.delay
    with stage.fleet.late(seconds, stage.fleet.addresses[::every]):
        yield


def _run(stage: Stage, question: Question, setting: Setting, hosts: int) -> tuple[float, float]:
    """Seconds, and CPU seconds of all runs together."""
    play = question.work.play(stage.fleet, **(setting.keywords or {}))
    variables = question.work.variables
    bounds = [hosts * part // setting.parts for part in range(setting.parts + 1)]

    def part(number: int) -> float:
        limit = f"esx[{bounds[number]}:{bounds[number + 1] - 1}]"
        figure = stage.run(
            play,
            hosts,
            setting.forks,
            "--limit",
            limit,
            variables=variables,
            environment=setting.environment,
        )
        return figure.cpu

    with ThreadPoolExecutor(setting.parts) as pool:
        started = time.perf_counter()
        cpu = sum(pool.map(part, range(setting.parts)))
        return time.perf_counter() - started, cpu
