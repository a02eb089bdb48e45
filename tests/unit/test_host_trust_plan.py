# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for a whole host: the order, the conflicts, and how declared issuers make room for each other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import HostTrust
from support.client_profiles import grants
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.examples import examples
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.steps import actions
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
from support.whole_hosts import providers_of
from support.whole_hosts import statuses
from support.whole_hosts import trusted


def test_providers_first_then_issuers_then_removals() -> None:
    host = host_with(("gone", "https://gone", OLD), ("vc", "https://vc", OLD), providers={"old": KEY_ID})
    wanted = desired(
        [provider("old", state="absent", key_id=None), provider("site")],
        [absent("gone"), issuer("vc", "https://vc", NEW), issuer("idp", "https://idp")],
    )
    plan = planned(host, wanted)

    assert actions(plan) == [
        ("create", "site"),
        ("update", "vc"),
        ("create", "idp"),
        ("delete", "gone"),
        ("delete", "old"),
    ]

    assert statuses(plan) == {"old": "extra", "site": "missing", "gone": "extra", "vc": "differs", "idp": "missing"}


def test_a_conflict_anywhere_and_nothing_is_planned_at_all() -> None:
    host = host_with(("other", "https://vc", NEW), providers={"site": OTHER_KEY_ID})
    wanted = desired(
        [provider("site"), provider("fine")], [issuer("vc", "https://vc", OLD), issuer("idp", "https://idp")]
    )
    plan = planned(host, wanted)

    assert plan.steps == ()
    assert plan.before == plan.after
    assert plan.conflict is not None
    assert OTHER_KEY_ID in plan.conflict
    assert "'other'" in plan.conflict
    assert statuses(plan) == {"site": "conflict", "fine": "missing", "vc": "conflict", "idp": "missing"}

    messages = {part["id"]: part["message"] for part in plan.found["resources"]}

    assert OTHER_KEY_ID in messages["site"]
    assert messages["fine"] == ""


def test_a_provider_that_is_missing_like_its_key_is_called_missing() -> None:
    """As in an audit that is not given the key."""
    wanted = desired([provider("site", key_derivation_key=None)], [issuer("vc", "https://vc")])
    plan = planned(host_with(), wanted)

    assert plan.conflict
    assert plan.steps == ()
    assert statuses(plan) == {"site": "missing", "vc": "missing"}
    assert "key_derivation_key" in plan.found["resources"][0]["message"]


def test_an_undeclared_resource_is_reported_and_left_alone() -> None:
    plan = planned(host_with(("stranger", "https://stranger", OLD)), desired(issuers=[issuer("vc", "https://vc")]))
    assert actions(plan) == [("create", "vc")]
    assert statuses(plan) == {"vc": "missing", "stranger": "undeclared"}


def test_a_purge_removes_what_nobody_declared_last() -> None:
    host = host_with(("stranger", "https://stranger", OLD))
    plan = planned(host, desired(issuers=[issuer("vc", "https://vc")], purge=True))

    assert actions(plan) == [("create", "vc"), ("delete", "stranger")]
    assert statuses(plan)["stranger"] == "extra"

    host.apply(plan.steps)

    assert trusted(host) == {"vc": "https://vc"}


def test_a_purge_spares_the_alias_that_serves_a_declared_issuer() -> None:
    plan = planned(host_with(("other", "https://vc", OLD)), desired(issuers=[issuer("vc", "https://vc")], purge=True))
    assert plan.steps == ()
    assert "'other'" in "".join(plan.warnings)


def test_a_purge_spares_an_adopted_alias() -> None:
    host = host_with(("other", "https://vc", OLD))
    declaration = issuer("vc", "https://vc", NEW, issuer_conflict="adopt")
    plan = planned(host, desired(issuers=[declaration], purge=True))

    assert actions(plan) == [("update", "other")]
    assert "adopted" in "".join(plan.warnings)

    host.apply(plan.steps)

    assert planned(host, desired(issuers=[declaration], purge=True)).steps == ()


def test_an_empty_list_and_a_purge_trust_nobody() -> None:
    host = host_with(("one", "https://one", OLD), ("two", "https://two", NEW))
    assert actions(planned(host, desired(issuers=[], purge=True))) == [("delete", "one"), ("delete", "two")]


@pytest.mark.parametrize("pems", [OLD, NEW], ids=["same chains", "other chains"])
def test_an_issuer_moves_away_from_an_alias_that_is_declared_absent(pems: list[str]) -> None:
    host = host_with(("former", "https://vc", pems))
    wanted = desired(issuers=[absent("former"), issuer("vc", "https://vc", OLD)])
    plan = planned(host, wanted)

    assert actions(plan) == [("update", "former"), ("create", "vc"), ("delete", "former")]
    assert plan.warnings == ()
    assert statuses(plan) == {"vc": "differs", "former": "extra"}

    host.apply(plan.steps)

    assert trusted(host) == {"vc": "https://vc"}
    assert statuses(planned(host, wanted)) == {"vc": "ok", "former": "ok"}


def test_an_absent_alias_with_another_issuer_than_declared_is_a_conflict() -> None:
    plan = planned(host_with(("former", "https://vc", OLD)), desired(issuers=[absent("former", "https://other")]))
    assert plan.conflict
    assert statuses(plan) == {"former": "conflict"}


@pytest.mark.parametrize("order", [1, -1])
def test_an_alias_that_is_given_to_another_issuer_makes_room_first(order: int) -> None:
    """Whatever the order of the declarations."""
    host = host_with(("a", "https://x", OLD), ("b", "https://y", OLD))
    wanted = desired(issuers=[issuer("a", "https://y", OLD), issuer("b", "https://z", OLD)][::order])
    plan = planned(host, wanted)

    assert actions(plan) == [("update", "b"), ("update", "a"), ("update", "b")]

    host.apply(plan.steps)

    assert trusted(host) == {"a": "https://y", "b": "https://z"}


@pytest.mark.parametrize("order", [1, -1])
def test_an_issuer_whose_alias_is_given_away_gets_its_own(order: int) -> None:
    """The alias that holds it now looks as if it could serve, and will not."""
    host = host_with(("a", "https://x", OLD))
    wanted = desired(issuers=[issuer("b", "https://x", OLD), issuer("a", "https://y", OLD)][::order])
    plan = planned(host, wanted)

    assert actions(plan) == [("update", "a"), ("create", "b"), ("update", "a")]

    host.apply(plan.steps)

    assert trusted(host) == {"a": "https://y", "b": "https://x"}


def test_two_aliases_that_swap_their_issuers_are_a_conflict() -> None:
    host = host_with(("a", "https://x", OLD), ("b", "https://y", OLD))
    wanted = desired(issuers=[issuer("a", "https://y", OLD), issuer("b", "https://x", OLD)])
    assert planned(host, wanted).conflict


def test_two_aliases_swap_if_they_may_be_renamed() -> None:
    host = host_with(("a", "https://x", OLD), ("b", "https://y", OLD))
    may = {"issuer_conflict": "rename"}
    wanted = desired(issuers=[issuer("a", "https://y", OLD, **may), issuer("b", "https://x", OLD, **may)])
    host.apply(planned(host, wanted).steps)

    assert trusted(host) == {"a": "https://y", "b": "https://x"}
    assert planned(host, wanted).steps == ()


@pytest.mark.parametrize(("pems", "policy"), [(OLD, "fail"), (NEW, "adopt")], ids=["stays", "adopted"])
def test_a_profile_of_a_declared_alias_that_does_not_come_about_is_a_conflict(pems: list[str], policy: str) -> None:
    """The issuer stays under another alias, and the profile would name one that is not there."""
    host = host_with(("other", "https://vc", OLD))
    declared = issuer("vc", "https://vc", pems, issuer_conflict=policy)
    plan = planned(host, desired(issuers=[declared], profiles=[group("admins", "vc", "READ_ONLY")]))

    assert "stays under the alias 'other'. Declare 'other' with state absent, or set" in (plan.conflict or "")
    assert plan.steps == ()

    (row,) = (part for part in plan.found["resources"] if part["resource"] == "client_profile")

    assert (row["status"], row["message"]) == ("missing", plan.conflict)

    for alias in ("other", "elsewhere"):
        plan = planned(host, desired(issuers=[declared], profiles=[group("admins", alias, "READ_ONLY")]))
        assert plan.conflict is None

    followed = desired(issuers=[declared, absent("other")], profiles=[group("admins", "vc", "READ_ONLY")])
    plan = planned(host, followed)

    assert plan.conflict is None
    host.apply(plan.steps)
    assert trusted(host) == {"vc": "https://vc"}

    host = host_with(("other", "https://vc", OLD))
    renamed = issuer("vc", "https://vc", NEW, issuer_conflict="rename")

    assert planned(host, desired(issuers=[renamed], profiles=[group("admins", "vc")])).conflict is None


@pytest.mark.parametrize("state", ["present", "absent"])
def test_control_may_pass_from_one_group_of_the_account_to_another(state: str) -> None:
    """The other group gets it first, so the account is never without it."""
    host = MemoryHost()
    subject = {"type": "EXTERNAL_GROUP", "name": "old", "issuer_alias": "vc", "domain": "d"}
    host.profiles["1"] = {
        "subject": subject,
        "grants": grants("IDENTITY_MGMT"),
    }
    old, new = {**group("old", "vc"), "state": state}, group("new", "vc", "IDENTITY_MGMT")
    both = Account(groups=frozenset({("d", "old"), ("d", "new")}))
    plan = planned(host, desired(profiles=[new, old]).logged_in(both))

    assert plan.conflict is None
    assert len(plan.steps) == 2
    assert "conflict" not in statuses(plan).values()

    for profiles, account in (([new, old], Account(groups=frozenset({("d", "old")}))), ([old], both)):
        plan = planned(host, desired(profiles=profiles).logged_in(account))
        assert "IDENTITY_MGMT" in (plan.conflict or "")
        assert statuses(plan)["external group d\\old of vc"] == "conflict"


def test_issuers_are_not_read_where_none_are_declared() -> None:
    client = ScriptedClient(host_with(("vc", "https://vc", OLD)))
    wanted = desired([provider("site")])
    observed = wanted.host.observe(client.as_client())

    # The list is that of the key providers.
    assert client.calls == ["get", "list"]
    assert wanted.host.plan(observed).after["token_issuers"] == []


@pytest.mark.parametrize(
    ("providers", "issuers", "names"),
    [
        ([provider("site"), provider("site")], None, ["kms_providers", "'site'"]),
        (None, [issuer("vc", "https://a"), absent("vc")], ["token_issuers", "issuer_alias", "'vc'"]),
        (None, [issuer("a", "https://vc"), issuer("b", "https://vc")], ["token_issuers", "issuer", "'https://vc'"]),
        ([provider("site"), provider("b", key_id="nonsense")], None, ["kms_providers[1].key_id:"]),
        (None, [issuer("a", "https://vc", ["nonsense"])], ["token_issuers[0].signing_cert_chains[0].cert_chain:"]),
    ],
)
def test_what_cannot_be_meant_is_refused(providers: Any, issuers: Any, names: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        desired(providers, issuers)
    for name in names:
        assert name in str(caught.value)


def test_one_issuer_may_be_present_here_and_absent_there() -> None:
    assert issuers_of(desired(issuers=[issuer("a", "https://vc"), absent("b", "https://vc")])).issuers


@settings(max_examples=examples(400))
@given(host=holdings(), wanted=declarations())
def test_a_plan_is_a_conflict_or_leads_where_it_says_and_leaves_nothing_to_do(
    host: MemoryHost, wanted: HostTrust
) -> None:
    before = host.state()
    plan = planned(host, wanted)

    assert host.state() == before

    if plan.conflict:
        assert plan.steps == ()
        assert "contradict" not in plan.conflict

        return

    host.apply(plan.steps)
    again = planned(host, wanted)

    assert not again.conflict
    assert again.steps == ()
    assert again.before == plan.after
    assert set(statuses(again).values()) <= {"ok", "undeclared"}

    held = trusted(host)

    for declared in issuers_of(wanted).issuers or ():
        if declared.state == "present":
            assert declared.issuer in held.values()
        else:
            assert declared.issuer_alias not in held

    if issuers_of(wanted).purge_issuers:
        meant = {declared.issuer for declared in issuers_of(wanted).issuers or () if declared.state == "present"}
        assert set(held.values()) == meant

    names = {declared.provider for declared in providers_of(wanted) if declared.state == "present"}

    assert names <= set(host.key_providers)


@given(host=holdings(), wanted=declarations())
def test_nothing_to_do_and_all_is_ok_are_the_same(host: MemoryHost, wanted: HostTrust) -> None:
    plan = planned(host, wanted)
    quiet = {part["status"] for part in plan.found["resources"]} <= {"ok", "undeclared"}
    assert quiet == (not plan.steps and not plan.conflict)
