# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what the bench found: as text, and as the tables of docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from page import replaced


@dataclass(frozen=True)
class Target:
    """A limit for a figure of a case.

    case, figure: the names of the case and of its figure.
    at_most: the limit.
    base: another case. If it is given, the limit is a multiple of the same figure of that case.
    """

    case: str
    figure: str
    at_most: float
    base: str = ""

    def value(self, rows: dict[str, dict[str, Any]]) -> float:
        """The value that the limit is for. rows: the rows of a fleet, by the name of the case."""
        found = float(rows[self.case][self.figure])

        return found / rows[self.base][self.figure] if self.base else found

    def words(self) -> str:
        figure = FIGURES[self.figure]

        return f"{figure}, times that of {self.base}" if self.base else figure


FIGURES = {"cpu": "CPU", "seconds_late": "wall time, hosts that answer late", "memory": "MiB"}
TARGETS = (
    Target("audit", "cpu", 0.8, "no-op task"),
    Target("converge", "cpu", 0.7, "no-op task"),
    Target("audit", "cpu", 3.0, "threads, requests of audit"),
    Target("converge", "cpu", 3.0, "threads, requests of converge"),
    Target("audit, an event for each host", "cpu", 2.5, "no-op task"),
    Target("converge, an event for each host", "cpu", 2.5, "no-op task"),
    Target("converge, first run", "cpu", 5.0, "no-op task"),
    Target("esx_kms_provider", "cpu", 1.8, "no-op task"),
    Target("audit", "seconds_late", 1.0, "no-op task"),
    Target("converge", "seconds_late", 1.0, "no-op task"),
    Target("audit", "memory", 120.0),
    Target("converge", "memory", 120.0),
)

#: The figures of the page stand between these two comments.
BEGIN = "<!-- begin comparison, written by tools/bench.py -->"
END = "<!-- end comparison -->"

#: A table has a title and rows of cells; the first row is its head.
Rows = list[list[str]]
Table = tuple[str, Rows]


def lines(found: dict[str, Any]) -> Iterator[str]:
    """For a terminal."""
    for title, rows in _tables(found):
        yield title
        yield from _aligned(rows)
        yield ""


def write(page: Path, found: dict[str, Any]) -> None:
    """Put the figures into the page, between the two comments that name them."""
    texts = [f"{title}\n\n{_markdown(rows)}" for title, rows in _tables(found)]

    before = page.read_text("utf-8")
    page.write_text(replaced(before, BEGIN, END, "\n\n".join(texts)), "utf-8")


def _aligned(rows: Rows) -> Iterator[str]:
    """The first column is flush left, all others are flush right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]

    for row in rows:
        cells = [row[0].ljust(widths[0])]
        for cell, width in zip(row[1:], widths[1:], strict=True):
            cells.append(cell.rjust(width))

        yield "  " + "  ".join(cells).rstrip()


def _markdown(rows: Rows) -> str:
    head, *others = rows
    rule = ["---", *("---:" for _cell in head[1:])]

    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *others))


def _tables(found: dict[str, Any]) -> Iterator[Table]:
    yield _table_of_figures(found)
    yield _table_of_targets(found)


def _table_of_figures(found: dict[str, Any]) -> Table:
    rounds = f"medians of {found['rounds']} rounds" if found["rounds"] > 1 else "one round"
    title = (
        f"Measured on {found['machine']}, {found['forks']} forks, with the simulated hosts on the same machine;"
        f" {rounds}. The load of the machine was {found['load']:.1f} before it began; on a quiet one"
        " it is below 0.5. A * marks what was measured with fewer hosts and projected."
    )
    head = [
        "task or playbook",
        "hosts",
        "CPU ms/host",
        "times a no-op",
        "s",
        "s, 50 ms late",
        "MiB",
        "simulator's CPU",
    ]

    return title, [head, *(_figures(row) for row in found["rows"])]


def _figures(row: dict[str, Any]) -> list[str]:
    star = "" if row["hosts"] == row["size"] else "*"
    late = row["seconds_late"]

    return [
        row["name"],
        str(row["size"]),
        f"{1000 * row['cpu_each']:.1f}{star}",
        f"{row['times_no_op']:.2f}{star}",
        f"{row['seconds']:.2f}{star}",
        "" if late is None else f"{late:.2f}",
        f"{row['memory']:.0f}",
        f"{row['simulator_share']:.0%}",
    ]


def _table_of_targets(found: dict[str, Any]) -> Table:
    rows = [["figure", "task or playbook", "hosts", "found", "at most", ""]]

    for size in sorted({row["size"] for row in found["rows"]}):
        by_name = {row["name"]: row for row in found["rows"] if row["size"] == size}

        for target in TARGETS:
            value = target.value(by_name)
            verdict = "holds" if value <= target.at_most else "missed"
            rows.append([target.words(), target.case, str(size), f"{value:.2f}", f"{target.at_most:g}", verdict])

    return "Targets:", rows
