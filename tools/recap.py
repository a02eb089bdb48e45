# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the recap at the end of the output of ansible-playbook, which has a line of counters for each host."""

from __future__ import annotations

import re

_LINE = re.compile(r"^(?P<host>\S+) +: (?P<counters>ok=\d+ .*)$", re.MULTILINE)
_COUNTER = re.compile(r"(\w+)=(\d+)")


def counters(output: str) -> dict[str, dict[str, int]]:
    """The counters of each host by their names (ok, changed, unreachable, failed and others), by host."""
    found = {}

    for line in _LINE.finditer(output):
        found[line["host"]] = {name: int(value) for name, value in _COUNTER.findall(line["counters"])}

    return found


def hosts(output: str, counter: str) -> list[str]:
    """The hosts whose counter of this name is not 0."""
    return [host for host, values in counters(output).items() if values[counter]]
