# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the specifications of options, in the form in which AnsibleModule takes them, and their values."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any


def spellings(options: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """All names and aliases of the options, at any depth."""
    for name, option in options.items():
        yield from (name, *option.get("aliases", ()))
        yield from spellings(option.get("options", {}))


def options_by_spelling(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The options by their names and by their aliases."""
    by_spelling = {}
    for name, option in options.items():
        for spelling in (name, *option.get("aliases", ())):
            by_spelling[spelling] = option

    return by_spelling


def entries_of(value: Any) -> Iterable[Any]:
    """The entries of a list. A single value is a list of one entry, and null is an empty list."""
    if value is None:
        return ()

    if isinstance(value, (list, tuple)):
        return value

    return (value,)


def is_blank(value: Any) -> bool:
    """True if a value means "not given": null, or a text of spaces only, such as a blank answer of a survey."""
    return value is None or (isinstance(value, str) and not value.strip())
