# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine when somebody else changes the host between a look and a write."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from support.certificates import chain
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.converging import ISSUER
from support.converging import NEW
from support.converging import OLD
from support.converging import failure
from support.converging import issuer
from support.converging import issuer_there
from support.converging import operations
from support.converging import provider
from support.converging import provider_there
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error
from support.steps import actions

OTHER = chain(subject="other")


def test_who_comes_second_with_the_same_has_nothing_done() -> None:
    client = ScriptedClient(MemoryHost(), retries=0)
    client.is_raced("create", lambda host: host.hold_provider("nkp", key_id=KEY_ID))
    outcome = converge(client.as_client(), provider(), check_mode=False)

    assert outcome.steps == ()
    assert outcome.after["key_id"] == KEY_ID


@pytest.mark.parametrize("trouble", ["lost", "refused"])
def test_who_comes_second_with_another_key_has_a_conflict(trouble: str) -> None:
    client = ScriptedClient(MemoryHost())
    raced = "create"

    if trouble == "lost":
        client.loses_request("create")
        client.passes("get")
        raced = "get"

    client.is_raced(raced, lambda host: host.hold_provider("nkp", key_id=OTHER_KEY_ID))
    error = failure(client, provider())

    assert isinstance(error, Conflict)
    assert "othing was sent" not in error.message
    assert error.message.endswith(".")
    assert client.writes == ["create"]
    assert operations(error) == []


def test_who_comes_second_with_other_chains_updates() -> None:
    client = ScriptedClient(MemoryHost())
    client.is_raced("create", lambda host: host.hold_issuer("vc", ISSUER, [OLD]))
    outcome = converge(client.as_client(), issuer(), check_mode=False)

    assert actions(outcome) == [("update", "vc")]
    assert client.memory.issuers["vc"]["signing_cert_chains"] == [{"cert_chain": NEW}]


def test_what_somebody_else_deleted_meanwhile_is_not_claimed() -> None:
    client = ScriptedClient(issuer_there(), retries=0)
    client.is_raced("delete", lambda host: host.issuers.clear())
    assert converge(client.as_client(), issuer(state="absent"), check_mode=False).steps == ()


def test_what_somebody_else_deleted_before_an_update_is_created() -> None:
    client = ScriptedClient(issuer_there())
    client.is_raced("update", lambda host: host.issuers.clear())
    assert actions(converge(client.as_client(), issuer(), check_mode=False)) == [("create", "vc")]


def test_a_race_that_undoes_itself_is_run_again_once() -> None:
    # "Already exists", and then it is not there: somebody made it and took it away.
    client = ScriptedClient(MemoryHost())
    client.fails("create", lambda: api_error("ALREADY_EXISTS"))
    assert actions(converge(client.as_client(), provider(), check_mode=False)) == [("create", "nkp")]


def test_a_host_that_contradicts_itself_is_not_asked_for_ever() -> None:
    client = ScriptedClient(MemoryHost(), retries=50)
    client.fails("create", lambda: api_error("ALREADY_EXISTS"), times=50)

    assert failure(client, provider()).error_type == "ALREADY_EXISTS"
    assert len(client.writes) <= 3


def test_an_attempt_in_doubt_stays_so_when_its_repetition_is_answered() -> None:
    """The host acts on the first attempt after it was looked at for the second time."""
    client = ScriptedClient(MemoryHost())
    client.loses_request("create")
    client.is_raced("create", lambda host: host.hold_provider("nkp", key_id=KEY_ID))
    outcome = converge(client.as_client(), provider(), check_mode=False)

    assert actions(outcome) == [("create", "nkp")]
    assert outcome.changed


def test_a_provider_that_was_made_anew_meanwhile_is_not_deleted() -> None:
    client = ScriptedClient(provider_there())
    client.loses_answer("delete")
    client.passes("get")
    client.is_raced("get", lambda host: host.hold_provider("nkp", key_id=OTHER_KEY_ID))
    error = failure(client, provider(state="absent", key_id=None))

    assert isinstance(error, Conflict)
    assert "created again" in error.message
    assert operations(error) == [("delete", "nkp")]
    assert client.memory.key_providers["nkp"]["native_info"]["key_id"] == OTHER_KEY_ID


def test_two_attempts_in_doubt_at_one_change_are_reported_once() -> None:
    """Somebody else changed the issuer between them, so they are not the same step."""
    client = ScriptedClient(issuer_there())
    client.loses_request("update")
    client.passes("list")
    client.is_raced("list", lambda host: host.hold_issuer("vc", ISSUER, [OLD, OTHER]))
    client.loses_answer("update")
    outcome = converge(client.as_client(), issuer(), check_mode=False)

    assert actions(outcome) == [("update", "vc")]
