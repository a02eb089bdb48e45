# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what the bench found: as text, as the tables of docs/performance.md, and as its chart."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from environment import fail

#: name -> what it says, the target, and how the figure is written.
TARGETS = {
    "floor": ("times the time of a task that does nothing", "at most", 1.8, "{:.2f}"),
    "uri": ("times faster than ansible.builtin.uri", "at least", 20.0, "{:.0f}"),
    "module": ("times faster than the same module the ordinary way", "at least", 10.0, "{:.0f}"),
    "memory": ("times the memory of the controller for a task that does nothing", "at most", 1.15, "{:.2f}"),
    "growth": ("times the time for a host in the smallest fleet, at most, in the larger", "about", 1.0, "{:.2f}"),
}
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
    hosts, rounds, alone = found["hosts"], found["rounds"], found["alone"]["seconds"]
    yield (
        f"Measured on {found['machine']}, with the simulated hosts on the same machine; medians of {rounds} rounds."
        f" The load of the machine was {found['load']:.1f} before it began; on a quiet one it is below 0.5."
        f" `ansible-playbook` for one host and nothing to do takes {alone:.2f} s, which is part of all seconds and of"
        f" no figure for one host. A * marks what was measured with fewer hosts and projected to {hosts}.",
        [
            ["task", "run", "forks", "hosts", f"s for {hosts}", "hosts/s", "CPU ms/host", "MiB", "simulator's CPU"],
            *(_line(row, hosts, alone) for row in found["rows"] if row["hosts"] == hosts or not row["growth"]),
        ],
    )
    yield (
        f"What is to hold for a converged run of {hosts} hosts with {found['rows'][0]['forks']} forks:",
        [
            ["ours is or takes", "found", "target", ""],
            *(
                [what, form.format(found["compared"][name]), f"{bound} {target:g}", _verdict(found, name)]
                for name, (what, bound, target, form) in TARGETS.items()
            ),
        ],
    )
    yield (
        "How the cost grows with the fleet, converged (seconds, and milliseconds that a host adds):",
        [
            ["hosts", "nothing, s", "ms/host", "MiB", "esx_kms_provider, s", "ms/host", "MiB"],
            *(_growth(found, size) for size in sorted({row["hosts"] for row in found["rows"] if row["growth"]})),
        ],
    )
    parts = found["parts"]
    total = sum(parts.values())
    yield (
        "Where the controller's CPU time of a converged run goes, for one host:",
        [
            ["part", "ms", "share"],
            *([name, f"{1000 * each:.1f}", f"{each / total:.0%}"] for name, each in parts.items()),
            ["together", f"{1000 * total:.1f}", "100%"],
        ],
    )
    yield (
        "The most memory that all processes of a run had at one time, shared pages counted once:",
        [
            ["task", "forks", "MiB"],
            *([row["work"], str(row["forks"]), f"{row['memory']:.0f}"] for row in found["memory_of_all"]),
        ],
    )


def _line(row: dict[str, Any], hosts: int, alone: float) -> list[str]:
    exact = row["hosts"] == hosts
    return [
        row["work"],
        row["run"],
        str(row["forks"]),
        str(row["hosts"]),
        f"{row['seconds']:.2f}" if exact else f"{alone + row['each'] * hosts:.1f}*",
        f"{row['hosts'] / row['seconds']:.1f}",
        f"{1000 * row['cpu_each']:.1f}",
        f"{row['memory']:.0f}",
        f"{row['simulator_share']:.0%}",
    ]


def _verdict(found: dict[str, Any], name: str) -> str:
    _what, bound, target, _form = TARGETS[name]
    value = found["compared"][name]
    holds = {"at most": value <= target, "at least": value >= target, "about": value <= 1.1 * target}[bound]
    return "holds" if holds else "missed"


def _growth(found: dict[str, Any], size: int) -> list[str]:
    rows = [row for row in found["rows"] if row["growth"] and row["hosts"] == size and row["run"] == "converged"]
    nothing, ours = (next(row for row in rows if row["work"] == name) for name in ("no-op task", "esx_kms_provider"))
    return [
        str(size),
        *(
            cell
            for row in (nothing, ours)
            for cell in (f"{row['seconds']:.2f}", f"{1000 * row['each']:.1f}", f"{row['memory']:.0f}")
        ),
    ]


def _advice(found: dict[str, Any]) -> Iterator[tuple[str, Table]]:
    for advice in found["advice"]:
        yield (
            advice["question"],
            [
                ["setting", "seconds", "CPU s"],
                *([row["setting"], f"{row['seconds']:.2f}", f"{row['cpu']:.1f}"] for row in advice["rows"]),
            ],
        )
    yield f"Measured on {found['machine']}; medians of {found['rounds']} rounds.", [["hosts"], [str(found["hosts"])]]


# The chart: text that a browser draws, in colours that are read on white and on black.

WIDTH, LEFT, BAR, GAP, RIGHT = 760, 230, 22, 12, 90
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .small { font-size: 12px; fill: #59636e }
  .other { fill: #8c959f } .ours { fill: #0a7d55 } .nothing { fill: #b6bec6 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .other { fill: #6e7681 } .ours { fill: #2fbf86 } .nothing { fill: #484f58 }
  }
"""
CLASSES = {"no-op task": "nothing", "esx_kms_provider": "ours"}


def chart(found: dict[str, Any]) -> str:
    """Seconds of a converged run, one bar for each way to do the work."""
    hosts, alone, forks = found["hosts"], found["alone"]["seconds"], found["rows"][0]["forks"]
    bars: dict[str, float] = {}
    for row in found["rows"]:
        wanted = row["run"] == "converged" and row["forks"] == forks and row["work"] != "no-op task with our options"
        if wanted and (row["hosts"] == hosts or not row["growth"]):
            bars[row["work"]] = row["seconds"] if row["hosts"] == hosts else alone + row["each"] * hosts
    ordered = sorted(bars.items(), key=lambda bar: -bar[1])
    scale = (WIDTH - LEFT - RIGHT) / ordered[0][1]
    title = f"Seconds to find {hosts} hosts converged, with {forks} forks"
    height = 60 + len(ordered) * (BAR + GAP) + 24
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">',
        "<!-- Copyright (c) 2026, esx.trust contributors -->",
        f"<!-- {LICENCE} -->",
        f"<style>{STYLE}</style>",
        f'<text x="0" y="20" font-weight="600">{title}</text>',
        '<text x="0" y="40" class="small">login and one read for each host; shorter is better</text>',
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
