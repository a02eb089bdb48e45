# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of esx_host_trust: what it returns of a run, in check mode and without it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._services import host_trust
from support.constants import KEY_ID
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.whole_hosts import desired
from support.whole_hosts import group
from support.whole_hosts import host_with
from support.whole_hosts import issuer
from support.whole_hosts import provider

CONNECTION = Connection("esx01", username="root", password="VMware1!", validate_certs=False)


def result_of(client: ScriptedClient, check_mode: bool = False) -> dict[str, Any]:
    wanted = desired(
        [provider("site-a")], [issuer("vc", "https://vc")], profiles=[group("admins", "vc", "IDENTITY_MGMT")]
    )
    return host_trust.converged(client.as_client(), CONNECTION, wanted, check_mode=check_mode)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_result_holds_the_operations_the_records_and_the_status_of_each_resource(check_mode: bool) -> None:
    client = ScriptedClient(host_with(providers={"SITE-A": KEY_ID}))
    result = result_of(client, check_mode)

    assert result["changed"] is True
    assert bool(client.writes) is not check_mode
    assert [operation["id"] for operation in result["operations"]][:2] == ["site-a", "vc"]
    assert [record["provider"] for record in result["host_trust"]["kms_providers"]] == ["site-a"]
    assert [part["status"] for part in result["resources"]] == ["missing"] * 3


def test_a_profile_that_was_made_is_returned_with_the_id_that_the_host_gave_it() -> None:
    client = ScriptedClient(MemoryHost())
    (profile,) = result_of(client)["host_trust"]["client_profiles"]
    assert [profile["profile"]] == list(client.memory.profiles)


def test_a_diff_is_about_the_host_and_shows_resources_by_their_names() -> None:
    diff = result_of(ScriptedClient(MemoryHost()))["diff"]

    assert diff["before_header"] == diff["after_header"] == "esx01 host_trust"
    assert set(diff["before"]["kms_providers"]) == set()
    assert set(diff["after"]["kms_providers"]) == {"site-a"}
    assert set(diff["after"]["token_issuers"]) == {"vc"}


def test_a_result_warns_of_the_connection_the_declaration_and_the_host() -> None:
    client = ScriptedClient(host_with(providers={"SITE-A": KEY_ID}))
    warnings = " ".join(result_of(client)["warnings"])

    assert "its certificate was not verified" in warnings
    assert "'SITE-A'" in warnings
