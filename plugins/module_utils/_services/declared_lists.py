# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the options that are lists of declarations."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional
from typing import TypeVar

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

_Desired = TypeVar("_Desired")


def read_list(
    option: str,
    entries: Optional[Sequence[Mapping[str, Any]]],
    read: Callable[[Mapping[str, Any]], _Desired],
) -> tuple[_Desired, ...]:
    """The entries of an option, each checked by `read`. An option that is not given has no entries.

    option: the name of the option.
    Raises InvalidInput, which names the entry that is wrong.
    """
    desired = []
    for number, entry in enumerate(entries or ()):
        try:
            desired.append(read(entry))
        except InvalidInput as error:
            error.reword(message=f"{option}[{number}].{error.message}")
            raise

    return tuple(desired)


def check_unique(option: str, part: str, names: Sequence[str]) -> None:
    """Raise InvalidInput if a name is in a list twice. part: the word for the name in the message."""
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"{option}: the {part} {name!r} is declared more than once.")
