# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole host that another client changes while a run works: nothing of the other client is deleted or claimed."""

from __future__ import annotations

from typing import Any
from typing import Optional
from unittest import mock

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.steps import actions
from support.transport import down
from support.whole_hosts import DEEP
from support.whole_hosts import NEW
from support.whole_hosts import OLD
from support.whole_hosts import absent
from support.whole_hosts import desired
from support.whole_hosts import host_with
from support.whole_hosts import issuer
from support.whole_hosts import provider
from support.whole_hosts import run
from support.whole_hosts import trusted


def test_a_write_in_doubt_is_reported_although_somebody_else_did_some_of_the_rest() -> None:
    host = host_with(("a", "https://a", OLD), ("s", "https://s", OLD))
    client = ScriptedClient(host)
    client.loses_answer("update")
    client.passes("list")
    client.is_raced("list", lambda memory: memory.issuers.pop("s"))
    outcome = run(client, desired(issuers=[issuer("a", "https://a", NEW)], purge=True))

    assert actions(outcome) == [("update", "a")]


@pytest.mark.parametrize("key_id", [KEY_ID, None])
def test_a_provider_that_was_replaced_while_the_run_wrote_is_not_deleted(key_id: Optional[str]) -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))
    client.is_raced("create", lambda memory: memory.hold_provider("site-a", key_id=OTHER_KEY_ID))
    wanted = desired([provider("site-a", state="absent", key_id=key_id)], [issuer("a", "https://a")])
    with pytest.raises(Conflict) as caught:
        run(client, wanted)

    assert client.writes == ["create"]
    assert [entry["id"] for entry in caught.value.operations] == ["a"]
    assert client.memory.key_providers["site-a"]["native_info"]["key_id"] == OTHER_KEY_ID


def test_a_provider_that_was_replaced_while_the_run_waited_is_not_deleted() -> None:
    """Nothing was written, but the host was slow to tell its issuers."""
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))

    def replace_and_fail() -> TrustError:
        client.memory.hold_provider("site-a", key_id=OTHER_KEY_ID)
        return AnswerLost("esx01: the answer was lost (silence).")

    client.fails("list", replace_and_fail)
    with pytest.raises(Conflict):
        run(client, desired([provider("site-a", state="absent")], [absent("a")]))

    assert client.writes == []


@pytest.mark.parametrize("key_id", [KEY_ID, None])
def test_a_provider_that_was_replaced_while_its_deletion_waited_is_not_deleted(key_id: Optional[str]) -> None:
    """The host took no connection, so nothing was sent."""
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))

    def replace_and_fail() -> TrustError:
        client.memory.hold_provider("site-a", key_id=OTHER_KEY_ID)
        return down()

    client.fails("delete", replace_and_fail)
    with pytest.raises(Conflict):
        run(client, desired([provider("site-a", state="absent", key_id=key_id)]))

    assert client.memory.key_providers["site-a"]["native_info"]["key_id"] == OTHER_KEY_ID


def test_a_chain_that_was_added_while_an_update_waited_is_kept() -> None:
    client = ScriptedClient(host_with(("a", "https://a", OLD)))

    def add_and_fail() -> TrustError:
        client.memory.hold_issuer("a", "https://a", [OLD, DEEP])
        return down()

    client.fails("update", add_and_fail)
    run(client, desired(issuers=[issuer("a", "https://a", NEW, chains_mode="merge")]))

    (held,) = client.memory.issuers.values()
    assert len(held["signing_cert_chains"]) == 3


@pytest.mark.parametrize(("silent_looks", "retries"), [(0, 1), (1, 1), (3, 3)])
def test_a_write_that_was_not_sent_costs_one_pause_beside_those_of_the_look(silent_looks: int, retries: int) -> None:
    """If the look had to wait for the host, the run has waited long enough."""
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}), retries=retries)
    client.passes("get")
    client.fails("delete", down)
    client.fails("get", down, times=silent_looks)
    outcome = run(client, desired([provider("site-a", state="absent")]))

    assert actions(outcome) == [("delete", "site-a")]
    assert client.retries_left == 0


def test_a_write_that_waited_for_a_login_costs_no_pause_of_its_own() -> None:
    """The client says that it waited, and the host answers the look at once."""
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}), retries=1)

    def wait_and_fail() -> TrustError:
        client.spend_retry(down())
        return down()

    client.passes("get")
    client.fails("delete", wait_and_fail)
    outcome = run(client, desired([provider("site-a", state="absent")]))

    assert actions(outcome) == [("delete", "site-a")]


def test_a_provider_that_somebody_else_deleted_meanwhile_is_not_claimed() -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))
    client.is_raced("create", lambda memory: memory.key_providers.clear())
    outcome = run(client, desired([provider("site-a", state="absent")], [issuer("a", "https://a")]))

    assert actions(outcome) == [("create", "a")]


@pytest.mark.parametrize("raced", ["get", "delete"], ids=["seen before the deletion", "seen by the deletion"])
def test_a_removal_goes_on_without_a_retry_where_somebody_else_removed_a_part(raced: str) -> None:
    host = host_with(*((alias, f"https://{alias}", OLD) for alias in "abc"))
    client = ScriptedClient(host, retries=0)
    if raced == "delete":
        client.passes("delete")
    client.is_raced(raced, lambda memory: memory.issuers.pop("b"))
    outcome = run(client, desired(issuers=[], purge=True))

    assert actions(outcome) == [("delete", "a"), ("delete", "c")]
    assert host.issuers == {}


def test_a_removal_of_providers_goes_on_without_a_retry() -> None:
    host = host_with(providers=dict.fromkeys("abc", KEY_ID))
    client = ScriptedClient(host, retries=0)
    for _look in "abc":
        client.passes("get")
    client.is_raced("get", lambda memory: memory.key_providers.pop("b"))
    wanted = desired([provider(name, state="absent") for name in "abc"])

    assert actions(run(client, wanted)) == [("delete", "a"), ("delete", "c")]
    assert host.key_providers == {}


def test_a_plan_that_somebody_else_made_larger_costs_a_retry() -> None:
    """The new plan is not shorter than the rest of the old one, so the run may not go on for nothing."""
    host = host_with(("a", "https://a", OLD), ("b", "https://b", OLD))
    client = ScriptedClient(host, retries=0)

    def exchange(memory: MemoryHost) -> None:
        del memory.issuers["b"]
        memory.hold_issuer("d", "https://d", [OLD])

    client.is_raced("get", exchange)
    with pytest.raises(TrustError) as caught:
        run(client, desired(issuers=[], purge=True))

    assert "since the last look" in caught.value.message
    assert list(host.issuers) == ["d"]


def test_an_alias_that_got_another_issuer_while_the_run_wrote_is_not_deleted() -> None:
    client = ScriptedClient(host_with(("a", "https://a", OLD), ("b", "https://b", OLD)))
    client.is_raced("delete", lambda memory: memory.hold_issuer("b", "https://theirs", [OLD]))
    with pytest.raises(Conflict, match="created again"):
        run(client, desired(issuers=[absent("a"), absent("b")]))

    assert trusted(client.memory) == {"b": "https://theirs"}


def test_chains_are_not_given_to_the_issuer_of_somebody_else() -> None:
    client = ScriptedClient(host_with(("a", "https://a", OLD), ("b", "https://b", OLD)))
    bodies: list[Any] = []
    perform = client.memory.perform

    def watched(call: Call) -> Any:
        if call.operation.name == "update":
            bodies.append((call.arguments["issuer_alias"], sorted(call.arguments["spec"])))
        return perform(call)

    client.is_raced("update", lambda memory: memory.hold_issuer("b", "https://theirs", [OLD]))
    with mock.patch.object(client.memory, "perform", watched):
        run(client, desired(issuers=[issuer("a", "https://a", NEW), issuer("b", "https://b", NEW)]))

    # The alias was declared of https://b, so it gets all that is declared, and not only the chains.
    assert bodies == [("a", ["signing_cert_chains"]), ("b", ["issuer", "signing_cert_chains"])]
