# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what a run over a fleet costs, and show it as a table: `make bench`.

    python tools/bench.py [--hosts N,N] [--rounds N] [--json FILE] [--docs]

The ways to do the work take turns, so that a disturbance meets all of them, and the figures are medians. With --docs
the program writes the figures of docs/performance.md anew. It needs the environment "run", or the one that --core
names.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import fields
from pathlib import Path
from typing import Any

import bench_report
import bench_stage
import bench_work
from bench_fleet import SimulatedFleet
from bench_stage import Figure
from bench_stage import Stage
from bench_work import Work
from environment import ENVIRONMENTS
from environment import ROOT

#: Seconds that a host which answers late takes for each answer.
LATE = 0.05
#: In the cases in which some hosts differ: of so many hosts, one holds nothing yet.
SHARE = 10


@dataclass(frozen=True)
class Case:
    """Work that is measured over the hosts of a fleet.

    share: of so many hosts, one holds nothing yet. 0: all hosts are as declared.
    late: whether the work is also measured with hosts that answer late.
    """

    name: str
    work: Work
    share: int = 0
    late: bool = False

    def differing(self, hosts: int) -> int:
        """How many of the hosts hold nothing yet."""
        return max(hosts // self.share, 1) if self.share else 0


def as_declared(work: Work, *, late: bool = False) -> Case:
    """The work over hosts that are as declared."""
    return Case(work.name, work, late=late)


def cases(fleet: SimulatedFleet) -> list[Case]:
    """All cases, in the order in which they are run.

    After an audit of hosts that differ, they still differ. The converge that follows makes them as declared.
    """
    return [
        Case("converge, first run", bench_work.CONVERGE, share=1),
        as_declared(bench_work.CONVERGE, late=True),
        as_declared(bench_work.AUDIT, late=True),
        as_declared(bench_work.CONVERGE_EACH),
        as_declared(bench_work.AUDIT_EACH),
        as_declared(bench_work.NO_OP, late=True),
        as_declared(bench_work.CONVERGE_THREADS, late=True),
        as_declared(bench_work.AUDIT_THREADS, late=True),
        as_declared(bench_work.IN_WORKER),
        as_declared(bench_work.AS_MODULE),
        as_declared(bench_work.uri(fleet)),
        Case("audit, a tenth differs", bench_work.AUDIT, share=SHARE),
        Case("converge, a tenth differs", bench_work.CONVERGE, share=SHARE),
    ]


class Comparison:
    """The measurements, in rounds."""

    def __init__(self, stage: Stage, chosen: argparse.Namespace) -> None:
        self._stage = stage
        self._sizes: list[int] = chosen.hosts
        self._slow_hosts: int = chosen.slow_hosts
        self._forks: int = chosen.forks
        self._rounds: int = chosen.rounds
        self._cases = cases(stage.fleet)
        #: By the name of the case and the size of the fleet.
        self._figures: dict[tuple[str, int], list[Figure]] = {}
        self._late: dict[tuple[str, int], list[Figure]] = {}
        #: A task that does nothing on one host. It costs nearly what a run costs without any host.
        self._alone: list[Figure] = []
        self._load = os.getloadavg()[0]

    def measure(self) -> None:
        # After this run everything is compiled and in the caches of the system.
        self._run(self._cases[0], 1)

        for number in range(1, self._rounds + 1):
            print(f"round {number} of {self._rounds} ...", file=sys.stderr, flush=True)
            self._alone.append(self._stage.measure(bench_work.NO_OP, 1, 1))
            for size in self._sizes:
                self._round(size)

    def _round(self, size: int) -> None:
        addresses = self._stage.fleet.addresses[:size]

        for case in self._cases:
            if case.work.slow and size != self._sizes[0]:
                continue

            key = (case.name, size)
            hosts = self._hosts_of(case, size)
            self._figures.setdefault(key, []).append(self._run(case, hosts))

            if case.late:
                with self._stage.fleet.late(LATE, addresses):
                    self._late.setdefault(key, []).append(self._run(case, hosts))

    def _hosts_of(self, case: Case, size: int) -> int:
        """How many hosts of a fleet are measured."""
        return min(self._slow_hosts, size) if case.work.slow else size

    def _run(self, case: Case, hosts: int) -> Figure:
        return self._stage.measure(case.work, hosts, self._forks, differing=case.differing(hosts))

    def document(self) -> dict[str, Any]:
        """Everything that was found."""
        rows = []

        for size in self._sizes:
            measured = [case for case in self._cases if (case.name, size) in self._figures]
            rows += [self._row(case, size) for case in measured]

        return {
            "machine": machine(self._stage),
            "rounds": self._rounds,
            "forks": self._forks,
            "load": self._load,
            "rows": rows,
        }

    def _row(self, case: Case, size: int) -> dict[str, Any]:
        """The figures of one case over a fleet of a size. If fewer hosts were measured, the figures are projected."""
        figures = self._figures[case.name, size]
        late = self._late.get((case.name, size))
        figure = median(figures)
        alone = median(self._alone)
        no_op = median(self._figures[bench_work.NO_OP.name, size])

        hosts = self._hosts_of(case, size)
        cpu = projected(figure.cpu, alone.cpu, hosts, size)

        return {
            **vars(figure),
            "name": case.name,
            "size": size,
            "hosts": hosts,
            "seconds": projected(figure.seconds, alone.seconds, hosts, size),
            "seconds_late": median(late).seconds if late else None,
            "cpu": cpu,
            "cpu_each": cpu / size,
            "times_no_op": cpu / no_op.cpu,
            "simulator_share": figure.simulator / figure.seconds / (os.cpu_count() or 1),
            "runs": [run.cpu for run in figures],
        }


def projected(found: float, once: float, hosts: int, size: int) -> float:
    """The figure of a fleet of `size` hosts.

    found: the figure that was measured with `hosts` hosts.
    once: the part of it that does not depend on the number of hosts.
    """
    for_each = (found - once) / hosts
    return once + for_each * size


def median(figures: Sequence[Figure]) -> Figure:
    """The median of each number by itself."""
    medians = {}
    for number in fields(Figure):
        medians[number.name] = statistics.median(getattr(figure, number.name) for figure in figures)

    return Figure(**medians)


def machine(stage: Stage) -> str:
    """The machine and the programs that were measured, in a line."""
    core = stage.python("-c", "import ansible.release; print(ansible.release.__version__)")
    python = stage.python("-c", "import platform; print(platform.python_version())")
    processors = f"{os.cpu_count()} CPUs ({platform.machine()})"

    return f"{processors}, {platform.system()}, ansible-core {core}, Python {python}"


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what a run over a fleet costs.")
    parser.add_argument("--hosts", type=numbers, default=[200], help="how many hosts, such as 200,1000 (default: 200)")
    parser.add_argument(
        "--slow-hosts", type=int, default=40, help="how many hosts for slow ways (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default: %(default)s)")
    parser.add_argument("--forks", type=int, default=10, help="forks of every play (default: %(default)s)")
    parser.add_argument("--core", default="run", help="the environment with the ansible-core (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write all figures into this file")
    parser.add_argument("--docs", action="store_true", help="write the figures into docs/performance.md")

    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    chosen = arguments(words)

    with bench_stage.stage(max(chosen.hosts), ENVIRONMENTS[chosen.core]) as stage:
        comparison = Comparison(stage, chosen)
        comparison.measure()

    found = comparison.document()

    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), "utf-8")
    if chosen.docs:
        bench_report.write(ROOT / "docs" / "performance.md", found)
    print("\n".join(bench_report.lines(found)))

    return 0


if __name__ == "__main__":
    sys.exit(main())
