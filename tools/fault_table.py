# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break every request of every module in every way, and show as a table what the modules made of it.

    python tools/fault_table.py [--jobs N] [--quick] [--share N] [--write]

Each combination goes over the form of the API that it names (REST or JSON-RPC), and by one of the two ways, the `run`
of a module or the whole action, which the name of the combination decides. All of them take hours; so the table is of a
share of them, which their names decide too, and its first line says which.

--write puts the totals into docs/faults.md. Ends with 1 if any outcome is not as that page promises. Needs the
environment "dev".
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import as_completed
from dataclasses import dataclass
from typing import Any

from environment import ROOT
from environment import link_collection

sys.path[:0] = [str(link_collection()), str(ROOT / "tests")]

from faults import oracle  # noqa: E402 - found by the path above
from faults import runner  # noqa: E402 - found by the path above
from faults import sweep  # noqa: E402 - found by the path above
from faults import troubles  # noqa: E402 - found by the path above
from simulator import Fleet  # noqa: E402 - found by the path above

HOSTS = 6
#: Of how many combinations one is tried, unless somebody has hours.
SHARE = 12
#: Where the totals are documented.
PAGE = ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- written by tools/fault_table.py -->", "<!-- until here -->"
WORDS = {"rest": "REST", "jsonrpc": "JSON-RPC", "auto": "JSON-RPC that auto finds"}
LABEL, CELL = 18, 10
SHOWN = 20


@dataclass(frozen=True)
class Outcome:
    """What is counted of one attempt."""

    operation: str
    column: str
    protocol: str
    way: str
    ok: bool
    changed: bool
    requests: int
    wrong: str


def outcomes(task: int, full: bool, share: int) -> list[Outcome]:
    """Sweep one combination in `share` of one part of the plan, on hosts of its own, by both ways."""
    logging.disable(logging.CRITICAL)  # the simulator's server complains about broken connections
    case, scope = sweep.plan(full)[task]
    found = []

    with Fleet(HOSTS) as fleet:
        hosts = sweep.Sweep(fleet)
        for way in runner.Way:
            with runner.sweeping(way):
                verdicts = hosts.sweep(case, scope, share=share)
            found += [outcome(verdict) for verdict in verdicts]

    return found


def outcome(verdict: oracle.Verdict) -> Outcome:
    attempt = verdict.attempt
    return Outcome(
        operation(attempt.operation),
        attempt.trouble.column,
        attempt.protocol,
        attempt.way.value,
        verdict.ok,
        verdict.changed,
        verdict.requests,
        str(verdict) if verdict.wrong else "",
    )


def operation(name: str) -> str:
    return oracle.short(name).replace("security_token_", "")


def swept(jobs: int, full: bool, share: int) -> Iterator[list[Outcome]]:
    with ProcessPoolExecutor(jobs) as pool:
        tasks = [pool.submit(outcomes, task, full, share) for task in range(len(sweep.plan(full)))]
        for done in as_completed(tasks):
            yield done.result()


def table(found: list[Outcome]) -> Iterator[str]:
    """Rows are requests, columns are faults."""
    yield "".join(["request broken".ljust(LABEL), *(column.rjust(CELL) for column in troubles.COLUMNS)]).rstrip()
    for row in sorted({one.operation for one in found}, key=lambda name: (name.startswith(("prov", "iss")), name)):
        cells = []
        for column in troubles.COLUMNS:
            here = [one for one in found if (one.operation, one.column) == (row, column)]
            ok = sum(one.ok for one in here)
            bad = "!" if any(one.wrong for one in here) else ""
            cells.append(f"{ok}/{len(here) - ok}{bad}" if here else "-")

        yield "".join([row.ljust(LABEL), *(cell.rjust(CELL) for cell in cells)])


def totals(found: list[Outcome]) -> Iterator[tuple[str, int]]:
    counted: Counter[str] = Counter()
    for one in found:
        counted["wrong" if one.wrong else "told" if not one.ok else "changed" if one.changed else "unchanged"] += 1
    yield "faults tried", len(found)

    for protocol, words in WORDS.items():
        for way in runner.Way:
            here = [one for one in found if (one.protocol, one.way) == (protocol, way.value)]
            yield f"  over {words}, by the {way.value}", len(here)

    yield "finished, changed is true and so it was", counted["changed"]
    yield "finished, changed is false and so it was", counted["unchanged"]
    yield "failed with one sentence, and ran again well", counted["told"]
    yield "wrong outcomes", counted["wrong"]
    yield "most requests in one run", max((one.requests for one in found), default=0)


def drawn(share: int) -> str:
    """Which combinations were tried."""
    return "All combinations" if share == 1 else f"One combination of {share}, which their names decide"


def documented(page: str, heading: str, figures: list[tuple[str, int]]) -> str:
    """The page with these figures in the place of those that it has."""
    before, begin, rest = page.partition(BEGIN)
    _former, end, after = rest.partition(END)
    if not end:
        raise ValueError("the page has no place for figures")
    rows = [f"| {name.strip()} | {count:,} |" for name, count in figures]
    lines = ["", "", f"| {heading} | |", "|---|---|", *rows, "", ""]

    return "".join([before, begin, "\n".join(lines), end, after])


def main() -> int:
    parser = argparse.ArgumentParser(description="Break every request in every way.")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--quick", action="store_true", help="the part that the tests do")
    words = f"one of N combinations, which their names decide; 1 is all, which takes hours (default: {SHARE})"
    parser.add_argument("--share", type=int, default=SHARE, metavar="N", help=words)
    parser.add_argument("--write", action="store_true", help="put the totals into docs/faults.md")
    chosen: Any = parser.parse_args()
    started = time.monotonic()
    share = 1 if chosen.quick else chosen.share
    found = [one for part in swept(chosen.jobs, not chosen.quick, share) for one in part]
    print(f"{drawn(share)}.")
    print("Each cell: runs that finished / runs that failed with one sentence. A ! marks a wrong outcome.\n")
    print("\n".join(table(found)))
    print()
    figures = list(totals(found))
    for name, count in figures:
        print(f"{name + ' ':.<52} {count:>7}")
    print(f"{'minutes ':.<52} {(time.monotonic() - started) / 60:>7.1f}")
    if chosen.write:
        PAGE.write_text(documented(PAGE.read_text("utf-8"), drawn(share), figures), "utf-8")
    wrong = [one.wrong for one in found if one.wrong]
    for text in wrong[:SHOWN]:
        print(f"\n{text}", file=sys.stderr)

    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
