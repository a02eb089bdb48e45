# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hides names that a person has chosen in facts that are published."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Optional

#: Replaces a name that must not be published.
HIDDEN = "(hidden)"
#: A name with at most so many characters can be a part of ordinary words, so it is only hidden as a whole word.
_SHORT = 3


def hide(value: Any, names: Iterable[Optional[str]]) -> Any:
    """The value without any of the names, at any depth.

    A short name is hidden only as a whole word, a longer name also inside of words.

    names: of hosts, users, providers, aliases and issuers. None and empty names are ignored.
    """
    longest_first = sorted({name for name in names if name}, key=len, reverse=True)
    if not longest_first:
        return value

    patterns = []
    for name in longest_first:
        pattern = re.escape(name)
        if len(name) <= _SHORT:
            pattern = rf"(?<![A-Za-z0-9_]){pattern}(?![A-Za-z0-9_])"

        patterns.append(pattern)

    return _hidden(value, re.compile("|".join(patterns), re.IGNORECASE))


def _hidden(value: Any, names: re.Pattern[str]) -> Any:
    """The value, with HIDDEN in the place of each match."""
    if isinstance(value, str):
        return names.sub(HIDDEN, value)

    if isinstance(value, Mapping):
        return {name: _hidden(entry, names) for name, entry in value.items()}

    if isinstance(value, (list, tuple)):
        return [_hidden(entry, names) for entry in value]

    return value
