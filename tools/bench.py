# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what a run over a fleet costs, and show it as a table: `make bench`.

    python tools/bench.py [--hosts N] [--rounds N] [--json FILE] [--docs]      ways to do the same work, compared
    python tools/bench.py --advice [--docs]                                    what settings of a run are worth

The ways take turns, so that a disturbance meets all of them, and what is shown are medians. With --docs the figures
and the chart of docs/performance.md are written anew. Needs the environment "run", or the one named with --core.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench_advice
import bench_report
import bench_stage
from bench_stage import AS_MODULE
from bench_stage import IN_WORKER
from bench_stage import NO_OP
from bench_stage import NO_OP_WITH_OPTIONS
from bench_stage import Figure
from bench_stage import Stage
from bench_stage import Work
from environment import ENVIRONMENTS
from environment import ROOT

FIRST, AGAIN = "first run", "converged"
#: Hosts on which the inside of a worker is measured: enough for a median.
INSIDE = 100


@dataclass(frozen=True)
class Cell:
    """What was run."""

    work: str
    run: str
    forks: int
    hosts: int


class Comparison:
    """The measurements, in rounds."""

    def __init__(self, stage: Stage, chosen: argparse.Namespace) -> None:
        self._stage = stage
        self._hosts: int = chosen.hosts
        self._slow_hosts: int = min(chosen.slow_hosts, chosen.hosts)
        self._forks: list[int] = chosen.forks
        self._growth: list[int] = chosen.growth
        self._rounds: int = chosen.rounds
        self._figures: dict[Cell, list[Figure]] = {}
        self._alone: list[Figure] = []
        self._inside: list[dict[str, float]] = []
        self._memory: list[dict[str, Any]] = []
        self._load = os.getloadavg()[0]
        self._uri = bench_stage.uri(stage.fleet)
        self._works = (NO_OP, NO_OP_WITH_OPTIONS, IN_WORKER, AS_MODULE, self._uri)

    def measure(self) -> None:
        for work in self._works:  # compiled and in the caches of the system from here on
            self._stage.work(work, 1, 1, first=True)
        for number in range(1, self._rounds + 1):
            print(f"round {number} of {self._rounds} ...", file=sys.stderr, flush=True)
            self._alone.append(self._stage.work(NO_OP, 1, 1))
            for forks in self._forks:
                for work in self._works:
                    self._first_and_again(work, self._slow_hosts if work.slow else self._hosts, forks)
            for hosts in self._growth:
                if hosts != self._hosts:
                    self._first_and_again(NO_OP, hosts, self._forks[0])
                    self._first_and_again(IN_WORKER, hosts, self._forks[0])
            said = self._stage.python(ROOT / "tools" / "bench_inside.py", given=self._given())
            self._inside.append(json.loads(said))
        self._stage.work(IN_WORKER, self._hosts, self._forks[0], first=True)
        for forks in self._forks:
            for work in (NO_OP, IN_WORKER):
                memory = self._stage.memory_of_all(work, self._hosts, forks)
                self._memory.append({"work": work.name, "forks": forks, "memory": memory})

    def document(self) -> dict[str, Any]:
        """Everything that was found."""
        alone = median(self._alone)
        return {
            "machine": machine(self._stage),
            "hosts": self._hosts,
            "rounds": self._rounds,
            "load": self._load,
            "alone": {"seconds": alone.seconds, "cpu": alone.cpu},
            "rows": [
                {
                    **vars(cell),
                    **vars(figure := median(figures)),
                    "growth": (
                        cell.hosts in self._growth
                        and cell.forks == self._forks[0]
                        and cell.work in (NO_OP.name, IN_WORKER.name)
                    ),
                    "each": (figure.seconds - alone.seconds) / cell.hosts,
                    "cpu_each": (figure.cpu - alone.cpu) / cell.hosts,
                    "simulator_share": figure.simulator / figure.seconds / (os.cpu_count() or 1),
                    "runs": [one.seconds for one in figures],
                }
                for cell, figures in self._figures.items()
            ],
            "memory_of_all": self._memory,
            "parts": self._parts(),
            "compared": self._compared(),
        }

    def _first_and_again(self, work: Work, hosts: int, forks: int) -> None:
        for run in (FIRST, AGAIN) if work.first else (AGAIN,):
            figure = self._stage.work(work, hosts, forks, first=run == FIRST)
            self._figures.setdefault(Cell(work.name, run, forks, hosts), []).append(figure)

    def _given(self) -> str:
        fleet = self._stage.fleet
        options = {"port": fleet.port, "username": "root", "ca_path": str(fleet.ca_path), "provider": "site-a"}
        secret = {"password": bench_stage.PASSWORD, "key_derivation_key": bench_stage.KEY}
        return json.dumps(
            {
                "collections": str(self._stage.collections),
                "addresses": fleet.addresses[: min(self._hosts, INSIDE)],
                "options": {**options, **secret, "key_id": bench_stage.KEY_ID},
            }
        )

    def _converged(self, work: Work, hosts: int) -> Figure:
        return median(self._figures[Cell(work.name, AGAIN, self._forks[0], hosts)])

    def _each(self, work: Work, hosts: int, what: Callable[[Figure], float]) -> float:
        """What a host adds to a converged run."""
        return (what(self._converged(work, hosts)) - what(median(self._alone))) / hosts

    def _compared(self) -> dict[str, float]:
        """What the targets are about; docs/performance.md names them."""
        ours, floor = (self._converged(work, self._hosts) for work in (IN_WORKER, NO_OP))
        alone = median(self._alone).seconds

        def slower(work: Work) -> float:
            each = self._each(work, self._slow_hosts, lambda figure: figure.seconds)
            return (alone + each * self._hosts) / ours.seconds

        sizes = [self._each(IN_WORKER, hosts, lambda figure: figure.seconds) for hosts in self._growth]
        return {
            "floor": ours.seconds / floor.seconds,
            "uri": slower(self._uri),
            "module": slower(AS_MODULE),
            "memory": ours.memory / floor.memory,
            "growth": max(sizes) / sizes[0],
        }

    def _parts(self) -> dict[str, float]:
        """Where the controller's CPU time of a converged run goes, in seconds for each host."""
        floor, options, ours = (
            self._each(work, self._hosts, lambda figure: figure.cpu) for work in (NO_OP, NO_OP_WITH_OPTIONS, IN_WORKER)
        )
        inside = {name: statistics.median(each[name] for each in self._inside) for name in self._inside[0]}
        return {
            "Ansible, for a task that does nothing": floor,
            "Ansible, for the templates of the options": options - floor,
            "Ansible, for the rest of our task": ours - options - inside["run"],
            "TLS: context and handshake": inside["tls"],
            "HTTP: requests, urllib3, sockets": inside["requests"] - inside["tls"],
            "esx.trust: checks, plan, masking": inside["run"] - inside["requests"],
        }


def median(figures: Sequence[Figure]) -> Figure:
    """The median of each number by itself."""
    names = ("seconds", "cpu", "memory", "simulator", "requests", "connections")
    return Figure(*(statistics.median(getattr(figure, name) for figure in figures) for name in names))


def machine(stage: Stage) -> str:
    """What was measured on, in a line."""
    said = stage.python("-c", "import ansible.release, platform; print(ansible.release.__version__)")
    versions = f"ansible-core {said.strip()}, Python {stage.python('-V').split()[-1]}"
    return f"{os.cpu_count()} CPUs ({platform.machine()}), {platform.system()}, {versions}"


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what a run over a fleet costs.")
    parser.add_argument("--hosts", type=int, default=200, help="how many (default: %(default)s)")
    parser.add_argument("--slow-hosts", type=int, default=40, help="how many for what is slow (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (default: %(default)s)")
    parser.add_argument("--forks", type=numbers, default=[10, 50], help="the first is compared (default: 10,50)")
    parser.add_argument("--growth", type=numbers, default=[50, 200, 800], help="numbers of hosts (default: 50,200,800)")
    parser.add_argument("--core", default="run", help="the environment with the ansible-core (default: %(default)s)")
    parser.add_argument("--advice", action="store_true", help="measure settings of Ansible in place of the comparison")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--docs", action="store_true", help="write them into docs/performance.md, with the chart")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    chosen = arguments(words)
    hosts = chosen.hosts if chosen.advice else max(chosen.hosts, *chosen.growth)
    with bench_stage.stage(hosts, ENVIRONMENTS[chosen.core]) as stage:
        if chosen.advice:
            found = bench_advice.measure(stage, chosen.hosts, chosen.rounds, machine(stage))
        else:
            comparison = Comparison(stage, chosen)
            comparison.measure()
            found = comparison.document()
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), "utf-8")
    if chosen.docs:
        bench_report.write(ROOT / "docs", found)
    print("\n".join(bench_report.lines(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
