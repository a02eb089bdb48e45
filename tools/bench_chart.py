# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart of docs/performance.md: text that a browser draws, in colours that are read on white and on black."""

from __future__ import annotations

import html
from typing import Any

#: The text is in two parts, so that no tool takes this line for the licence of this file.
LICENCE = "SPDX-License-" + "Identifier: GPL-3.0-or-later"

WIDTH, LEFT, BAR, GAP, RIGHT = 760, 250, 22, 12, 90
#: The heights of the title above the bars and of the line below them.
HEAD, FOOT = 56, 28
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
#: The chart leaves out the slow ways, because their bars would make all others too short, and hosts that differ.
NOT_DRAWN = ("esx_kms_provider as a module", "ansible.builtin.uri", "converge, first run")


def chart(found: dict[str, Any]) -> str:
    """CPU seconds of a run over hosts that are as declared, one bar for each way to do the work."""
    hosts = found["rows"][0]["size"]
    rows = [row for row in found["rows"] if row["size"] == hosts and row["name"] not in NOT_DRAWN]
    rows.sort(key=lambda row: -row["cpu"])

    scale = (WIDTH - LEFT - RIGHT) / rows[0]["cpu"]
    title = f"CPU seconds for {hosts} hosts, with {found['forks']} forks"
    height = HEAD + len(rows) * (BAR + GAP) + FOOT

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">',
        "<!-- Copyright (c) 2026, esx.trust contributors -->",
        f"<!-- {LICENCE} -->",
        f"<style>{STYLE}</style>",
        f'<text x="0" y="20" font-weight="600">{title}</text>',
        '<text x="0" y="40" class="small">of the controller, all its processes; shorter is better</text>',
    ]

    for number, row in enumerate(rows):
        drawn += _bar(row["name"], row["cpu"], scale, top=HEAD + number * (BAR + GAP))

    drawn += [f'<text x="0" y="{height - 6}" class="small">{html.escape(found["machine"])}</text>', "</svg>", ""]

    return "\n".join(drawn)


def _bar(name: str, seconds: float, scale: float, top: int) -> list[str]:
    """The name, the bar and the figure of one way. scale: pixels for each second."""
    width = max(seconds * scale, 1)
    kind = CLASSES.get(name, "other")

    return [
        f'<text x="{LEFT - 10}" y="{top + 16}" text-anchor="end">{html.escape(name)}</text>',
        f'<rect x="{LEFT}" y="{top}" width="{width:.1f}" height="{BAR}" rx="3" class="{kind}"/>',
        f'<text x="{LEFT + width + 8:.1f}" y="{top + 16}">{seconds:.1f} s</text>',
    ]
