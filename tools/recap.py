# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recap at the end of what ansible-playbook says, with a line of counters for each host."""

from __future__ import annotations

import re

_LINE = re.compile(r"^(?P<host>\S+) +: (?P<counters>ok=\d+ .*)$", re.MULTILINE)
_COUNTER = re.compile(r"(\w+)=(\d+)")


def counters(said: str) -> dict[str, dict[str, int]]:
    """Host -> name of a counter (ok, changed, unreachable, failed and others) -> its value."""
    found = {}

    for line in _LINE.finditer(said):
        found[line["host"]] = {name: int(value) for name, value in _COUNTER.findall(line["counters"])}

    return found


def hosts(said: str, counter: str) -> list[str]:
    """The hosts whose counter of this name is not 0."""
    return [host for host, values in counters(said).items() if values[counter]]
