# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of the client profiles that a host lists, also of those that nobody can declare."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import LIST
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_reading import list_profiles
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_reading import read_profiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from support.memory import MemoryHost
from support.memory import ScriptedClient

PRIVILEGES = {"type": "PRIVILEGES", "privileges": {"scope": ["a"]}}
GROUP = {"type": "EXTERNAL_GROUP", "name": "Administrators", "issuer_alias": "vc", "domain": "vsphere.local"}
READ_ONLY = {"resource_type": "ENTITLEMENT", "entitlement": "READ_ONLY"}


class AnsweringClient(ScriptedClient):
    """A client whose host lists these profiles, and gives each of them as it was listed."""

    def __init__(self, *listed: dict[str, Any]) -> None:
        super().__init__(MemoryHost(), retries=0)
        self._listed = list(listed)

    def _send(self, call: Call) -> Any:
        self.calls.append(call.operation.name)
        if call.operation == LIST:
            return self._listed

        return next(entry for entry in self._listed if entry["client_profile"] == call.arguments["profile"])


@pytest.mark.parametrize("grants", [{}, {"grants": None}, {"grants": []}], ids=str)
@pytest.mark.parametrize(
    "subject", [PRIVILEGES, {"type": "API_CLIENT", "name": "backup"}], ids=lambda each: each["type"]
)
def test_a_subject_that_is_no_user_and_no_group_may_have_no_grants(
    subject: dict[str, Any], grants: dict[str, Any]
) -> None:
    client = AnsweringClient(
        {"client_profile": "1", "subject": subject, **grants},
        {"client_profile": "2", "subject": GROUP, "grants": [READ_ONLY]},
    )

    odd, group = list_profiles(client.as_client()) or ()

    assert (odd.label, odd.grants) == (f"{subject['type']} 1", ())
    assert odd.rights == ("privileges" if subject is PRIVILEGES else "nothing")
    assert group.entitlements == ("READ_ONLY",)
    assert client.calls == ["list"]


@pytest.mark.parametrize("grants", [{}, {"grants": None}, {"grants": "READ_ONLY"}], ids=str)
def test_a_group_without_grants_is_not_what_the_api_documents(grants: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswer):
        list_profiles(AnsweringClient({"client_profile": "1", "subject": GROUP, **grants}).as_client())


@pytest.mark.parametrize("subject", ["root", ["root"], 1], ids=str)
def test_a_subject_of_another_form_is_not_what_the_api_documents(subject: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        list_profiles(AnsweringClient({"client_profile": "1", "subject": subject}).as_client())


def not_found() -> UnexpectedAnswer:
    """A server before the service answers with 404, and with no error of the API."""
    return UnexpectedAnswer("esx01: answered with code 404 and an empty body.", operation=LIST.id, status=404)


def absent() -> ApiError:
    """The host says that it has no such service."""
    return ApiError("esx01: no such operation.", operation=LIST.id, status=404, error_type="OPERATION_NOT_FOUND")


def test_a_404_that_is_not_of_the_api_does_not_prove_that_there_are_no_profiles() -> None:
    client = ScriptedClient(MemoryHost(), retries=0)
    client.fails("list_profiles", not_found, times=2)
    held = read_profiles(client.as_client())

    assert held.offered
    assert held.refused == "404"


def test_a_momentary_404_is_asked_again() -> None:
    client = ScriptedClient(MemoryHost(), retries=0)
    client.fails("list_profiles", not_found)

    assert read_profiles(client.as_client()) == Profiles(())


def test_a_404_after_an_answer_is_waited_out() -> None:
    client = ScriptedClient(MemoryHost(), retries=1)
    read_profiles(client.as_client())
    client.fails("list_profiles", not_found)

    assert read_profiles(client.as_client()) == Profiles(())
    assert client.retries_spent == 1

    client.fails("list_profiles", not_found, times=2)
    with pytest.raises(UnexpectedAnswer):
        read_profiles(client.as_client())


def test_a_host_that_says_twice_that_it_has_no_service_is_believed() -> None:
    client = ScriptedClient(MemoryHost(), retries=0)
    client.fails("list_profiles", absent, times=2)

    assert not read_profiles(client.as_client()).offered
