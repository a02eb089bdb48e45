# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what the bench found: as text, as the tables of docs/performance.md, and as its chart."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from programs import fail

#: What is to hold: the case, the figure of it, at most so much, times the same figure of that case (none: as it is).
TARGETS = (
    ("audit", "cpu", 0.8, "no-op task"),
    ("converge", "cpu", 0.7, "no-op task"),
    ("audit", "cpu", 3.0, "threads, requests of audit"),
    ("converge", "cpu", 3.0, "threads, requests of converge"),
    ("audit, an event for each host", "cpu", 2.5, "no-op task"),
    ("converge, an event for each host", "cpu", 2.5, "no-op task"),
    ("converge, first run", "cpu", 5.0, "no-op task"),
    ("esx_kms_provider", "cpu", 1.8, "no-op task"),
    ("audit", "seconds_late", 1.0, "no-op task"),
    ("converge", "seconds_late", 1.0, "no-op task"),
    ("audit", "memory", 120.0, ""),
    ("converge", "memory", 120.0, ""),
)
FIGURES = {"cpu": "CPU", "seconds_late": "wall time, hosts that answer late", "memory": "MiB"}
Table = list[list[str]]


def lines(found: dict[str, Any]) -> Iterator[str]:
    """For a terminal."""
    for title, table in _tables(found):
        yield title
        widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]

        for row in table:
            cells = [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
            yield "  " + "  ".join(cells).rstrip()

        yield ""


def write(folder: Path, found: dict[str, Any]) -> None:
    """Put the figures into the page, between the two comments that name them, and draw the chart."""
    page = folder / "performance.md"
    name = "advice" if "advice" in found else "comparison"
    text = "\n\n".join(f"{title}\n\n{_markdown(table)}" for title, table in _tables(found))
    begin, end = f"<!-- begin {name}, written by tools/bench.py -->", f"<!-- end {name} -->"
    before = page.read_text("utf-8")
    after = re.sub(f"{re.escape(begin)}.*{re.escape(end)}", lambda _: f"{begin}\n\n{text}\n\n{end}", before, flags=re.S)
    if begin not in after:
        fail(f"{page} has no place for the figures: {begin}")
    page.write_text(after, "utf-8")
    if name == "comparison":
        (folder / "performance.svg").write_text(chart(found), "utf-8")


#: Put together, so that nobody takes this line for the licence of this file.
LICENCE = "SPDX-License-" + "Identifier: GPL-3.0-or-later"


def _markdown(table: Table) -> str:
    head, *rows = table
    rule = ["---", *("---:" for _cell in head[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _tables(found: dict[str, Any]) -> Iterator[tuple[str, Table]]:
    if "advice" in found:
        yield from _advice(found)
        return

    yield (
        f"Measured on {found['machine']}, {found['forks']} forks, with the simulated hosts on the same machine;"
        f" {_rounds(found)}. The load of the machine was {found['load']:.1f} before it began; on a quiet one"
        " it is below 0.5. A * marks what was measured with fewer hosts and projected.",
        [
            [
                "task or playbook",
                "hosts",
                "CPU ms/host",
                "times a no-op",
                "s",
                "s, 50 ms late",
                "MiB",
                "simulator's CPU",
            ],
            *(_line(row) for row in found["rows"]),
        ],
    )
    yield (
        "What is to hold:",
        [
            ["what", "of", "hosts", "found", "at most", ""],
            *([*words, f"{value:.2f}", f"{most:g}", _verdict(value, most)] for words, value, most in _targets(found)),
        ],
    )


def _rounds(found: dict[str, Any]) -> str:
    return f"medians of {found['rounds']} rounds" if found["rounds"] > 1 else "one round"


def _line(row: dict[str, Any]) -> list[str]:
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


def _targets(found: dict[str, Any]) -> Iterator[tuple[list[str], float, float]]:
    """The words, the figure and the bound of each target and number of hosts."""
    for size in sorted({row["size"] for row in found["rows"]}):
        rows = {row["name"]: row for row in found["rows"] if row["size"] == size}
        for name, figure, most, base in TARGETS:
            value = rows[name][figure] / (rows[base][figure] if base else 1)
            what = f"{FIGURES[figure]}, times that of {base}" if base else FIGURES[figure]
            yield [what, name, str(size)], value, most


def _verdict(value: float, most: float) -> str:
    return "holds" if value <= most else "missed"


def _advice(found: dict[str, Any]) -> Iterator[tuple[str, Table]]:
    for advice in found["advice"]:
        yield (
            advice["question"],
            [
                ["setting", "seconds", "CPU s"],
                *([row["setting"], f"{row['seconds']:.2f}", f"{row['cpu']:.1f}"] for row in advice["rows"]),
            ],
        )

    yield f"Measured on {found['machine']}; {_rounds(found)}.", [["hosts"], [str(found["hosts"])]]


# The chart: text that a browser draws, in colours that are read on white and on black.

WIDTH, LEFT, BAR, GAP, RIGHT = 760, 250, 22, 12, 90
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .small { font-size: 12px; fill: #59636e }
  .other { fill: #8c959f } .ours { fill: #0a7d55 } .nothing { fill: #b6bec6 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .other { fill: #6e7681 } .ours { fill: #2fbf86 } .nothing { fill: #484f58 }
  }
"""
CLASSES = {"no-op task": "nothing", "audit": "ours", "converge": "ours", "esx_kms_provider": "ours"}
#: What the chart leaves out: the slow ways, beside which nothing else is seen, and what is not as declared.
NOT_DRAWN = ("esx_kms_provider as a module", "ansible.builtin.uri", "converge, first run")


def chart(found: dict[str, Any]) -> str:
    """CPU seconds of a run over hosts that are as declared, one bar for each way to do the work."""
    hosts = found["rows"][0]["size"]
    drawn_rows = [row for row in found["rows"] if row["size"] == hosts and row["name"] not in NOT_DRAWN]
    bars = {row["name"]: row["cpu"] for row in drawn_rows}
    ordered = sorted(bars.items(), key=lambda bar: -bar[1])
    scale = (WIDTH - LEFT - RIGHT) / ordered[0][1]
    title = f"CPU seconds for {hosts} hosts, with {found['forks']} forks"
    height = 60 + len(ordered) * (BAR + GAP) + 24

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">',
        "<!-- Copyright (c) 2026, esx.trust contributors -->",
        f"<!-- {LICENCE} -->",
        f"<style>{STYLE}</style>",
        f'<text x="0" y="20" font-weight="600">{title}</text>',
        '<text x="0" y="40" class="small">of the controller, all its processes; shorter is better</text>',
    ]

    for number, (name, seconds) in enumerate(ordered):
        top = 56 + number * (BAR + GAP)
        width = max(seconds * scale, 1)
        kind = CLASSES.get(name, "other")

        drawn += [
            f'<text x="{LEFT - 10}" y="{top + 16}" text-anchor="end">{html.escape(name)}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{width:.1f}" height="{BAR}" rx="3" class="{kind}"/>',
            f'<text x="{LEFT + width + 8:.1f}" y="{top + 16}">{seconds:.1f} s</text>',
        ]

    drawn += [f'<text x="0" y="{height - 6}" class="small">{html.escape(found["machine"])}</text>', "</svg>", ""]

    return "\n".join(drawn)
