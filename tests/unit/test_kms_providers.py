# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key providers of a declaration: what is asked of the host, what is found, and what the errors say."""

from __future__ import annotations

from typing import Any
from typing import Optional

import pytest

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import ChangedMeanwhile
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import DECLARATION
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import KmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_plan import has_key_of
from ansible_collections.esx.trust.plugins.module_utils._services.kms_providers import KmsProviders
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error
from support.whole_hosts import desired
from support.whole_hosts import host_with
from support.whole_hosts import provider
from support.whole_hosts import run


def service(*params: dict[str, Any]) -> KmsProviders:
    return KmsProviders(tuple(DesiredKmsProvider.from_params(each) for each in params))


def held(key_id: Optional[str] = KEY_ID) -> KmsProvider:
    return KmsProvider("site-a", "NATIVE", key_id)


def deletion(name: str = "site-a") -> Step:
    return Step.between("kms_provider", name, KmsProvider(name, "NATIVE", KEY_ID), None)


def test_a_provider_that_is_declared_twice_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        desired([provider("site-a"), provider("site-a", state="absent")])
    assert caught.value.message == "kms_providers: the provider 'site-a' is declared more than once."


@pytest.mark.parametrize(
    ("there", "state", "calls"),
    [
        (True, "present", ["get"]),
        (False, "absent", ["get"]),
        (False, "present", ["get", "list", "create"]),
    ],
)
def test_the_list_is_read_only_before_a_creation(there: bool, state: str, calls: list[str]) -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID} if there else {}))
    run(client, desired([provider("site-a", state=state)]))
    assert client.calls == calls


def test_a_provider_that_somebody_creates_during_the_look_is_found() -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))
    client.fails("get", lambda: api_error("NOT_FOUND", 404))
    outcome = run(client, desired([provider("site-a")]))

    assert client.calls == ["get", "list", "get"]
    assert outcome.steps == ()


def test_a_provider_that_a_host_lists_and_does_not_know_is_a_conflict_and_is_not_called_missing() -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))
    client.fails("get", lambda: api_error("NOT_FOUND", 404), times=2)
    with pytest.raises(Conflict) as caught:
        run(client, desired([provider("site-a")]))
    (resource,) = caught.value.returned["resources"]

    assert "the host lists the key provider 'site-a', and says that it does not know it" in caught.value.message
    assert (resource["resource"], resource["id"], resource["status"]) == ("kms_provider", "site-a", "conflict")
    assert client.writes == []


@pytest.mark.parametrize("now", [None, OTHER_KEY_ID])
def test_a_provider_that_is_gone_or_has_another_key_is_not_deleted(now: Optional[str]) -> None:
    client = ScriptedClient(host_with(providers={"site-a": now} if now else {}))
    declared = service(provider("site-a", state="absent"))
    observed = declared.observe(client.as_client())
    with pytest.raises(ChangedMeanwhile) as caught:
        declared.check(client.as_client(), deletion(), observed, False)

    assert caught.value.message == "esx01: the key provider 'site-a' was replaced or deleted since the last look."
    assert caught.value.hint == HINT_RUN_AGAIN


def test_a_plan_that_is_assumed_to_be_carried_out_leaves_nothing_to_do() -> None:
    declared = service(provider("site-a"), provider("site-b", state="absent"))
    host = host_with(providers={"site-b": KEY_ID})
    observed = declared.observe(ScriptedClient(host).as_client())
    plan = declared.plan(observed)
    steps = [*plan.added, *plan.removed]
    assumed = declared.plan(declared.carry_out(observed, steps))

    assert [(step.action, step.id) for step in steps] == [("create", "site-a"), ("delete", "site-b")]
    assert (assumed.added, assumed.removed) == ((), ())
    assert assumed.before == plan.after


def test_a_diff_shows_each_provider_under_its_name() -> None:
    declared = service(provider("site-a"))
    plan = declared.plan(declared.observe(ScriptedClient(MemoryHost()).as_client()))
    shown = declared.shown(plan.after)["kms_providers"]

    assert set(shown) == {"site-a"}
    assert shown["site-a"]["key_id"] == KEY_ID


@pytest.mark.parametrize("expected", [None, ""])
def test_providers_whose_key_ids_cannot_be_read_are_not_distinguished(expected: Optional[str]) -> None:
    assert has_key_of(held(None), held(expected))
    assert has_key_of(held(expected), held(None))
    assert not has_key_of(held(None), held())


def test_a_provider_whose_name_no_url_can_hold_cannot_be_deleted() -> None:
    declared = service(provider("site-a"))
    with pytest.raises(InvalidInput) as caught:
        declared.check_address(deletion(".."))
    assert caught.value.message == "provider: '..' cannot be the name of anything in a URL."

    # A creation has the name in its body.
    declared.check_address(Step.between("kms_provider", "..", None, held()))


@pytest.mark.parametrize(
    ("params", "masked"),
    [
        ({"provider": "site-a", "key_id": KEY_ID}, set()),
        ({"provider": "site-a", "key_id": f" {KEY_ID} "}, set()),
        ({"provider": KEY, "key_id": KEY_ID}, {KEY}),
        ({"provider": "site-a", "key_id": KEY}, {KEY}),
    ],
)
def test_a_key_in_the_place_of_another_option_is_masked_and_a_key_id_is_not(
    params: dict[str, str], masked: set[str]
) -> None:
    assert DECLARATION.misplaced(params) == masked


def test_a_failure_never_tells_the_key_of_a_provider() -> None:
    created = KmsProvider("site-a", "NATIVE", KEY_ID, key_derivation_key=KEY)
    assert service().not_restored(Step.between("kms_provider", "site-a", None, created)) == {"provider": "site-a"}
