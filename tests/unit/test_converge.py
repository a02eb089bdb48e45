# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine without trouble, and the errors with which its runs end."""

from __future__ import annotations

from typing import Any
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.converging import ISSUER
from support.converging import OLD
from support.converging import broken
from support.converging import failure
from support.converging import host_with_leftover
from support.converging import issuer
from support.converging import provider
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error
from support.steps import actions


def test_a_difference_is_corrected_and_reported() -> None:
    client = ScriptedClient(MemoryHost())
    outcome = converge(client.as_client(), provider(), check_mode=False)

    assert actions(outcome) == [("create", "nkp")]
    assert (outcome.before, outcome.after["key_id"]) == ({}, KEY_ID)
    # What else is there is looked at before something is made.
    assert client.calls == ["get", "list", "create"]


def test_a_second_run_writes_nothing() -> None:
    host = host_with_leftover()
    converge(ScriptedClient(host).as_client(), issuer(), check_mode=False)
    client = ScriptedClient(host)
    outcome = converge(client.as_client(), issuer(), check_mode=False)

    assert outcome.steps == ()
    assert client.calls == ["list"]


@given(
    st.sampled_from(["fail", "adopt", "rename"]),
    st.sampled_from(["exact", "merge"]),
    st.sampled_from(["present", "absent"]),
    st.sampled_from(["vc", "leftover", None]),
    st.sampled_from([ISSUER, "https://other"]),
)
def test_check_mode_writes_nothing_and_reports_what_a_run_then_does(
    policy: str, mode: str, state: str, alias: Optional[str], held: str
) -> None:
    host = MemoryHost()
    if alias:
        host.hold_issuer(alias, held, [OLD])
    declared = issuer(issuer_conflict=policy, chains_mode=mode, state=state)
    before = host.state()
    checking, running = ScriptedClient(host), ScriptedClient(host)

    try:
        foretold: Any = converge(checking.as_client(), declared, check_mode=True)
    except Conflict as error:
        foretold = str(error)

    assert checking.writes == []
    assert host.state() == before

    try:
        done: Any = converge(running.as_client(), declared, check_mode=False)
    except Conflict as error:
        done = str(error)

    assert foretold == done


def test_a_conflict_sends_nothing_and_names_the_host() -> None:
    host = MemoryHost()
    host.hold_provider("nkp", key_id=OTHER_KEY_ID)
    client = ScriptedClient(host)
    error = failure(client, provider())

    assert isinstance(error, Conflict)
    assert error.message.startswith("esx01: ")
    assert error.message.endswith(". Nothing was sent.")
    assert client.writes == []
    assert error.operations == []


def test_a_host_without_a_delete_says_so_in_a_sentence() -> None:
    host = MemoryHost(deletes_providers=False)
    host.hold_provider("nkp", key_id=KEY_ID)
    client = ScriptedClient(host)
    error = failure(client, provider(state="absent"))

    assert "no operation that deletes key providers" in error.message
    assert client.writes == ["delete"]


@pytest.mark.parametrize("error_type", ["INVALID_ARGUMENT", "UNAUTHORIZED", "SERVICE_UNAVAILABLE"])
@pytest.mark.parametrize("looks", [True, False])
def test_a_refused_write_ends_the_run_with_the_error_of_the_write(error_type: str, looks: bool) -> None:
    refusal: TrustError = api_error(error_type)
    if error_type == "UNAUTHORIZED":
        refusal = Unauthorized("esx01: no.", status=403, error_type=error_type)
    client = ScriptedClient(MemoryHost(), retries=0)
    client.fails("create", lambda: refusal)
    client.passes("get")
    if not looks:
        client.fails("get", broken)

    assert failure(client, provider()) is refusal
