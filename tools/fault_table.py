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
from collections.abc import Iterable
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import as_completed
from dataclasses import dataclass

from environment import ROOT
from environment import link_collection
from page import replaced

sys.path[:0] = [str(link_collection()), str(ROOT / "tests")]

from faults import oracle  # noqa: E402 - found by the path above
from faults import runner  # noqa: E402 - found by the path above
from faults import sweep  # noqa: E402 - found by the path above
from faults import troubles  # noqa: E402 - found by the path above
from simulator import Fleet  # noqa: E402 - found by the path above

HOSTS = 6
#: One of this many combinations is tried. All of them take hours.
SHARE = 12
#: Where the totals are documented.
PAGE = ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- written by tools/fault_table.py -->", "<!-- until here -->"
PROTOCOLS = {"rest": "REST", "jsonrpc": "JSON-RPC", "auto": "JSON-RPC that auto finds"}
#: The widths of the columns of the table, and of the words before a total.
LABEL, CELL, WORDS = 18, 10, 52
#: So many wrong outcomes are shown in full.
SHOWN = 20


@dataclass(frozen=True)
class Outcome:
    """What is counted of one attempt. wrong: a text about everything that is not as the page promises, or empty."""

    operation: str
    column: str
    protocol: str
    way: str
    ok: bool
    changed: bool
    requests: int
    wrong: str


def outcomes(task: int, full: bool, share: int) -> list[Outcome]:
    """The outcomes of one part of the plan, by both ways, on hosts that no other part uses.

    task: the number of the part.
    full: whether the plan has all parts. If not, it has those of the tests.
    share: of so many combinations, one is tried.
    """
    logging.disable(logging.CRITICAL)  # the simulator's server complains about broken connections
    case, scope = sweep.plan(full)[task]
    found = []

    with Fleet(HOSTS) as fleet:
        hosts = sweep.Sweep(fleet)
        for way in runner.Way:
            with runner.sweeping(way):
                verdicts = hosts.sweep(case, scope, share=share)

            found += [outcome_of(verdict) for verdict in verdicts]

    return found


def outcome_of(verdict: oracle.Verdict) -> Outcome:
    attempt = verdict.attempt

    return Outcome(
        operation=oracle.short(attempt.operation).replace("security_token_", ""),
        column=attempt.trouble.column,
        protocol=attempt.protocol,
        way=attempt.way.value,
        ok=verdict.ok,
        changed=verdict.changed,
        requests=verdict.requests,
        wrong=str(verdict) if verdict.wrong else "",
    )


def swept(jobs: int, full: bool, share: int) -> list[Outcome]:
    """Sweep all parts of the plan, several at once."""
    found = []

    with ProcessPoolExecutor(jobs) as pool:
        tasks = [pool.submit(outcomes, task, full, share) for task in range(len(sweep.plan(full)))]
        for done in as_completed(tasks):
            found += done.result()

    return found


def table(found: list[Outcome]) -> Iterator[str]:
    """Rows are requests, columns are faults."""
    yield _row("request broken", troubles.COLUMNS)

    by_cell: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in found:
        by_cell.setdefault((outcome.operation, outcome.column), []).append(outcome)

    for operation in sorted({outcome.operation for outcome in found}, key=_order):
        cells = [_cell(by_cell.get((operation, column), [])) for column in troubles.COLUMNS]
        yield _row(operation, cells)


def _order(operation: str) -> tuple[bool, str]:
    """Logins and logouts stand first."""
    return not operation.startswith(("session.", "token.")), operation


def _row(label: str, cells: Iterable[str]) -> str:
    return "".join([label.ljust(LABEL), *(cell.rjust(CELL) for cell in cells)]).rstrip()


def _cell(found: list[Outcome]) -> str:
    """How many runs finished, how many failed, and whether one of them is wrong."""
    if not found:
        return "-"

    finished = sum(outcome.ok for outcome in found)
    mark = "!" if any(outcome.wrong for outcome in found) else ""

    return f"{finished}/{len(found) - finished}{mark}"


def totals(found: list[Outcome]) -> Iterator[tuple[str, int]]:
    """The lines below the table: the words and the number of each."""
    yield "faults tried", len(found)

    for protocol, words in PROTOCOLS.items():
        for way in runner.Way:
            count = 0
            for outcome in found:
                if outcome.protocol == protocol and outcome.way == way.value:
                    count += 1

            yield f"  over {words}, by the {way.value}", count

    right = [outcome for outcome in found if not outcome.wrong]
    finished = [outcome for outcome in right if outcome.ok]
    changed = sum(outcome.changed for outcome in finished)

    yield "finished, changed is true and so it was", changed
    yield "finished, changed is false and so it was", len(finished) - changed
    yield "failed with one sentence, and ran again well", len(right) - len(finished)
    yield "wrong outcomes", len(found) - len(right)
    yield "most requests in one run", max((outcome.requests for outcome in found), default=0)


def drawn(share: int) -> str:
    """Which combinations were tried."""
    return "All combinations" if share == 1 else f"One combination of {share}, which their names decide"


def documented(heading: str, figures: list[tuple[str, int]]) -> str:
    """The totals as a table of Markdown."""
    rows = [f"| {words.strip()} | {count:,} |" for words, count in figures]

    return "\n".join([f"| {heading} | |", "|---|---|", *rows])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Break every request in every way.")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--quick", action="store_true", help="the part that the tests do")
    words = f"one of N combinations, which their names decide; 1 is all, which takes hours (default: {SHARE})"
    parser.add_argument("--share", type=int, default=SHARE, metavar="N", help=words)
    parser.add_argument("--write", action="store_true", help="put the totals into docs/faults.md")

    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    started = time.monotonic()
    share = 1 if chosen.quick else chosen.share
    found = swept(chosen.jobs, not chosen.quick, share)
    figures = list(totals(found))
    minutes = (time.monotonic() - started) / 60

    print(f"{drawn(share)}.")
    print("Each cell: runs that finished / runs that failed with one sentence. A ! marks a wrong outcome.\n")
    print("\n".join(table(found)))
    print()

    for words, count in figures:
        print(f"{words + ' ':.<{WORDS}} {count:>7}")
    print(f"{'minutes ':.<{WORDS}} {minutes:>7.1f}")

    if chosen.write:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(replaced(page, BEGIN, END, documented(drawn(share), figures)), "utf-8")

    wrong = [outcome.wrong for outcome in found if outcome.wrong]
    for text in wrong[:SHOWN]:
        print(f"\n{text}", file=sys.stderr)

    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
