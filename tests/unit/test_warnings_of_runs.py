# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells besides its steps: the warnings of what was done, the state before, and what a failed run keeps."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.converging import invalid
from support.memory import DroppingHost
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error
from support.steps import actions
from support.whole_hosts import DEEP
from support.whole_hosts import OLD
from support.whole_hosts import desired
from support.whole_hosts import host_with
from support.whole_hosts import issuer
from support.whole_hosts import provider
from support.whole_hosts import run

#: The host holds a provider whose name looks like that of the declared one.
LOOK_ALIKE = {"SITE-A": OTHER_KEY_ID}


def failed(client: ScriptedClient) -> TrustError:
    """The error of a run that creates two providers."""
    with pytest.raises(TrustError) as caught:
        run(client, desired([provider("site-a"), provider("site-b")]))
    return caught.value


def test_a_failed_run_keeps_the_warnings_about_the_steps_that_were_done() -> None:
    client = ScriptedClient(host_with(providers=LOOK_ALIKE))
    client.passes("create")
    client.fails("create", invalid)
    error = failed(client)
    (warning,) = error.returned["warnings"]

    assert [step["id"] for step in error.operations] == ["site-a"]
    assert warning.startswith("esx01: ")
    assert "'SITE-A'" in warning


def test_a_failed_run_that_did_nothing_warns_of_nothing() -> None:
    client = ScriptedClient(host_with(providers=LOOK_ALIKE))
    client.fails("create", invalid)
    assert "warnings" not in failed(client).returned


def test_a_run_without_warnings_fails_without_warnings() -> None:
    client = ScriptedClient(MemoryHost())
    client.passes("create")
    client.fails("create", invalid)
    assert "warnings" not in failed(client).returned


def test_a_plan_of_which_nothing_was_done_warns_of_nothing() -> None:
    """The provider that looks alike is gone when the provider is created."""
    client = ScriptedClient(host_with(providers=LOOK_ALIKE))

    def gone() -> TrustError:
        client.memory.key_providers.clear()
        return api_error("ALREADY_EXISTS")

    client.fails("create", gone)
    outcome = run(client, desired([provider("site-a")]))

    assert actions(outcome) == [("create", "site-a")]
    assert outcome.warnings == ()


def test_a_warning_of_the_plan_is_kept_beside_one_of_the_last_look() -> None:
    host = DroppingHost()
    host.hold_issuer("VC", "https://other", [OLD])
    outcome = run(ScriptedClient(host), desired(issuers=[issuer("vc", "https://vc", DEEP)]))
    of_the_plan, of_the_look = outcome.warnings

    assert "'VC'" in of_the_plan
    assert "it dropped 'CN=deep root'" in of_the_look


def test_a_run_returns_the_records_and_the_findings_of_check_mode() -> None:
    wanted = desired(issuers=[issuer("vc", "https://vc", DEEP)])
    foretold = run(ScriptedClient(MemoryHost()), wanted, check_mode=True)
    done = run(ScriptedClient(MemoryHost()), wanted)

    assert done.after == foretold.after
    assert done.found == foretold.found
    assert [part["status"] for part in done.found["resources"]] == ["missing"]


def test_a_conflict_returns_what_was_found() -> None:
    client = ScriptedClient(host_with(providers={"site-a": OTHER_KEY_ID}))
    error = failed(client)

    assert isinstance(error, Conflict)
    assert [part["status"] for part in error.returned["resources"]] == ["conflict", "missing"]


def test_a_resource_that_somebody_created_again_is_left_alone_and_the_error_says_what_to_do() -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))
    client.is_raced("create", lambda memory: memory.hold_provider("site-a", key_id=OTHER_KEY_ID))
    with pytest.raises(Conflict) as caught:
        run(client, desired([provider("site-a", state="absent", key_id=None)], [issuer("a", "https://a")]))

    assert caught.value.message.endswith(
        "'site-a' was created again by somebody else while this task deleted it."
        " The new resource was left alone; run the task again to remove it, too."
    )


# What costs a retry


def test_each_step_may_be_refused_once_because_somebody_else_wrote() -> None:
    client = ScriptedClient(MemoryHost())
    for _provider in "ab":
        client.fails("create", lambda: api_error("ALREADY_EXISTS"))
        client.passes("create")

    outcome = run(client, desired([provider("site-a"), provider("site-b")]))
    assert actions(outcome) == [("create", "site-a"), ("create", "site-b")]


@pytest.mark.parametrize("retries", [0, 1])
def test_a_failed_step_that_is_no_longer_needed_costs_a_retry_unless_the_host_said_why(retries: int) -> None:
    client = ScriptedClient(MemoryHost(), retries=retries)

    def created_by_another() -> TrustError:
        client.memory.hold_provider("site-a", key_id=KEY_ID)
        return invalid()

    client.fails("create", created_by_another)

    if retries:
        outcome = run(client, desired([provider("site-a"), provider("site-b")]))
        assert actions(outcome) == [("create", "site-b")]
        assert client.retries_spent == 1
    else:
        assert failed(client).error_type == "INVALID_ARGUMENT"
        assert set(client.memory.key_providers) == {"site-a"}
