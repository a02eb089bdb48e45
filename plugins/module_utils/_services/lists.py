# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads lists: options that are lists of declarations, and the lists of a host."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional
from typing import TypeVar

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

_Desired = TypeVar("_Desired")
_Read = TypeVar("_Read")


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


def read_listed(
    client: Client,
    call: Call,
    listing: Operation,
    is_listed: Callable[[], bool],
    read: Callable[[Any], _Read],
) -> Optional[_Read]:
    """The resource of an entry in the list of a host. None if the resource was deleted meanwhile.

    If the host does not find the resource, it is asked for its list again, because a service that restarts may find
    nothing for a moment.

    call: asks for the resource by its name in the list.
    listing: the operation that listed it.
    is_listed: asks the host for its list again, and returns whether it still names the resource.
    read: makes the resource of the answer.
    Raises TrustError. UnexpectedAnswer, if no request can have the name from the list.
    """
    try:
        value = client.call(call)
    except InvalidInput as error:
        raise client.wrong_shape(listing) from error
    except ApiError as error:
        is_not_found = error.operation == call.operation.id and error.error_type == "NOT_FOUND"
        if is_not_found and not is_listed():
            return None

        raise

    return read(value)
