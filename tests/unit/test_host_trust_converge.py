# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole host while things go wrong: what was done is told, and what was trusted stays trusted."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import HostTrust
from support.constants import KEY_ID
from support.examples import examples
from support.memory import DroppingHost
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error
from support.steps import actions
from support.whole_hosts import DEEP
from support.whole_hosts import NEW
from support.whole_hosts import OLD
from support.whole_hosts import absent
from support.whole_hosts import declarations
from support.whole_hosts import desired
from support.whole_hosts import group
from support.whole_hosts import holdings
from support.whole_hosts import host_with
from support.whole_hosts import issuer
from support.whole_hosts import issuers_of
from support.whole_hosts import planned
from support.whole_hosts import provider
from support.whole_hosts import run
from support.whole_hosts import trusted


def test_a_run_of_one_step_looks_no_second_time() -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))
    run(client, desired([provider("site-a", state="absent")]))
    assert client.calls == ["get", "delete"]


@pytest.mark.parametrize("alias", ["..", "", "\ud800"])
def test_what_cannot_be_asked_for_is_a_conflict_before_anything_is_written(alias: str) -> None:
    client = ScriptedClient(host_with((alias, "https://s", OLD)))
    with pytest.raises(Conflict) as caught:
        run(client, desired([provider("site")], [issuer("vc", "https://vc")], purge=True))

    assert client.writes == []
    assert caught.value.message.startswith("esx01: ")


def test_a_second_alias_of_a_declared_issuer_is_undeclared() -> None:
    """The API says that there is none; a host may say otherwise."""
    host = host_with(("vc", "https://vc", OLD), ("shadow", "https://vc", NEW))
    outcome = run(ScriptedClient(host), desired(issuers=[issuer("vc", "https://vc")]))

    assert [part["status"] for part in outcome.found["resources"]] == ["ok", "undeclared"]
    assert actions(run(ScriptedClient(host), desired(issuers=[issuer("vc", "https://vc")], purge=True))) == [
        ("delete", "shadow")
    ]


def test_an_alias_that_is_listed_twice_ends_in_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    client = ScriptedClient(host_with(("s", "https://s", OLD)))
    listed = client.memory._list_issuers

    def twice(path: Any, body: Any) -> Any:
        return listed(path, body) * 2

    monkeypatch.setattr(client.memory, "_list_issuers", twice)
    run(client, desired(issuers=[absent("other")], purge=True), check_mode=True)


@settings(max_examples=examples(300))
@given(host=holdings(), wanted=declarations(), trouble=st.integers(0, 6), refused=st.booleans())
def test_one_lost_answer_or_refusal_hides_nothing_and_costs_no_trust(
    host: MemoryHost, wanted: HostTrust, trouble: int, refused: bool
) -> None:
    before = set(trusted(host).values())
    client = ScriptedClient(host)
    done: list[tuple[str, str]] = []
    perform, count = host.perform, 0

    def watched(call: Call) -> Any:
        nonlocal count
        action = call.operation.name
        if call.operation.reads:
            return perform(call)
        count += 1
        if count == trouble and refused:
            raise api_error("INVALID_ARGUMENT")
        answer = perform(call)
        names = {**call.arguments, **call.arguments.get("spec", {})}
        done.append((action, names.get("provider") or names["issuer_alias"]))
        if count == trouble:
            raise api_error("INTERNAL_SERVER_ERROR", 500)

        return answer

    try:
        with mock.patch.object(host, "perform", watched):
            reported = actions(run(client, wanted))
        message = ""
    except TrustError as error:
        reported = [(entry["operation"], entry["id"]) for entry in error.operations]
        message = "" if isinstance(error, Conflict) else error.message

    assert sorted(reported) == sorted(done), message

    if message:
        kept = {declared.issuer for declared in issuers_of(wanted).issuers or () if declared.state == "present"}
        assert not (before & kept) - set(trusted(host).values()), message

        run(ScriptedClient(host), wanted)

        assert not planned(host, wanted).steps


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "in doubt"])
def test_the_last_look_counts_each_write_once(lost: bool) -> None:
    """The profile that was made is one, whether it was seen before or is assumed."""
    client = ScriptedClient(DroppingHost())
    if lost:
        client.passes("create")
        client.loses_answer("create")

    profiles = [group("admins", "vc", "READ_ONLY"), group("people", "vc", "READ_ONLY")]
    outcome = run(client, desired(issuers=[issuer("vc", "https://vc", DEEP)], profiles=profiles))

    assert len(outcome.warnings) == 1
    assert [profile["external_group_name"] for profile in outcome.after["client_profiles"]] == ["admins", "people"]
