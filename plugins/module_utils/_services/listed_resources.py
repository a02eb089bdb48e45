# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the resources that a host lists, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import Optional
from typing import TypeVar

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

_Read = TypeVar("_Read")


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
