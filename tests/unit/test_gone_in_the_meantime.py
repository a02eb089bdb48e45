# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of a list that the host does not find a moment later: gone, or only for a moment. Lists without details."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_reading
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_reading
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error

Read = Callable[[Client], Any]
SERVICES = pytest.mark.parametrize(
    ("read", "entry"),
    [
        (client_profile_reading.list_profiles, {"summary_type": "BRIEF", "client_profile": "1"}),
        (token_issuer_reading.list_issuers, {"summary_type": "BRIEF", "issuer_alias": "vc"}),
    ],
    ids=["client profile", "token issuer"],
)


class Listing(ScriptedClient):
    """A host that gives these lists, one after the other, and finds nothing that it lists."""

    def __init__(self, *lists: list[dict[str, Any]]) -> None:
        super().__init__(MemoryHost())
        self._lists = list(lists)

    def _send(self, call: Call) -> Any:
        if call.operation.name == "list":
            return self._lists.pop(0)
        raise api_error("NOT_FOUND", 404)


@SERVICES
def test_what_is_listed_no_more_is_left_out(read: Read, entry: dict[str, Any]) -> None:
    assert read(Listing([entry], []).as_client()) == ()


@SERVICES
def test_what_is_listed_still_is_not_taken_for_gone(read: Read, entry: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as raised:
        read(Listing([entry], [entry]).as_client())
    assert raised.value.error_type == "NOT_FOUND"
