# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token issuers and client profiles as one service: its options, what it reads, checks, plans and shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import ChangedMeanwhile
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE as PROFILE_KIND
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import ISSUER as ISSUER_KIND
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import IssuersAndProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import Observed
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from support.client_profiles import grants
from support.issuer_rights import ISSUER
from support.issuer_rights import OLD
from support.issuer_rights import OTHER
from support.issuer_rights import issuers
from support.issuer_rights import profile
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error
from support.whole_hosts import NOTHING_DECLARED
from support.whole_hosts import absent
from support.whole_hosts import group
from support.whole_hosts import issuer

ABSENT, CREATED = DesiredTokenIssuer("vc", state="absent"), DesiredTokenIssuer("new", OTHER, OLD)
HELD = issuers(vc=ISSUER)


def declared(**params: Any) -> IssuersAndProfiles:
    return IssuersAndProfiles.from_params({**NOTHING_DECLARED, **params})


def client_with_issuer() -> ScriptedClient:
    host = MemoryHost()
    host.hold_issuer("vc", ISSUER, [])
    host.profiles["1"] = {
        "subject": {"type": "EXTERNAL_GROUP", "name": "admins", "issuer_alias": "vc", "domain": "d"},
        "grants": grants("READ_ONLY"),
    }
    return ScriptedClient(host)


def unauthorized() -> TrustError:
    return Unauthorized("esx01: refused.", error_type="UNAUTHORIZED")


def refused_login() -> TrustError:
    return Unauthorized("esx01: refused.", error_type="UNAUTHORIZED", operation=TOKEN_CREATE.id)


# Options


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (
            {"token_issuers": [issuer("vc", ISSUER), issuer("vc", OTHER)]},
            "token_issuers: the issuer_alias 'vc' is declared more than once.",
        ),
        (
            {"token_issuers": [issuer("a", ISSUER), issuer("b", ISSUER)]},
            f"token_issuers: the issuer {ISSUER!r} is declared more than once.",
        ),
        (
            {"client_profiles": [group("admins", "vc"), group("admins", "vc", "READ_ONLY")]},
            "client_profiles: the subject 'external group d\\\\admins of vc' is declared more than once.",
        ),
        (
            {"client_profiles": [group("admins", "vc"), group("users", "vc", "ROOT")]},
            "client_profiles[1].entitlements: can be IDENTITY_MGMT, SECURITY_MGMT, READ_ONLY, OBSERVABILITY.",
        ),
        (
            {"token_issuers": [absent("vc")], "client_profiles": [group("admins", "vc")]},
            "client_profiles[0].issuer_alias: the issuer 'vc' is declared absent.",
        ),
    ],
)
def test_a_contradiction_is_refused_with_the_option_and_the_name(params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        declared(**params)

    assert caught.value.message == sentence


def test_options_that_are_no_contradiction_are_read() -> None:
    removed = {**group("admins", "vc"), "state": "absent"}
    service = declared(
        token_issuers=[absent("vc"), issuer("new", OTHER)], client_profiles=[removed], purge_client_profiles=True
    )

    assert [desired.issuer_alias for desired in service.issuers or ()] == ["vc", "new"]
    assert [desired.state for desired in service.profiles or ()] == ["absent"]
    assert (service.purge_issuers, service.purge_profiles) == (False, True)


# What is read


def test_the_issuers_are_read_for_the_account_only_where_none_are_declared() -> None:
    account = Account(issuer=ISSUER)
    client = client_with_issuer().as_client()
    by_profiles = IssuersAndProfiles(profiles=(), account=account).observe(client)
    by_both = IssuersAndProfiles(issuers=(), profiles=(), account=account).observe(client)

    assert (by_profiles.issuers, [held.issuer_alias for held in by_profiles.trusted]) == ((), ["vc"])
    assert ([held.issuer_alias for held in by_both.issuers], by_both.trusted) == (["vc"], ())


def test_a_host_that_does_not_list_issuers_is_read_on_unless_the_login_was_refused() -> None:
    service = IssuersAndProfiles(profiles=(), account=Account(issuer=ISSUER))
    client = client_with_issuer()
    client.fails("list", unauthorized)

    assert service.observe(client.as_client()).trusted == ()

    client.fails("list", refused_login)
    with pytest.raises(Unauthorized):
        service.observe(client.as_client())


@pytest.mark.parametrize(
    ("declaration", "error", "goes_on"),
    [
        (CREATED, lambda: api_error("ERROR"), True),
        (CREATED, refused_login, False),
        (ABSENT, lambda: api_error("ERROR"), False),
    ],
    ids=["a new alias", "a new alias and a refused login", "a removal"],
)
def test_profiles_that_cannot_be_read_stop_only_what_may_take_rights(
    declaration: DesiredTokenIssuer, error: Callable[[], TrustError], goes_on: bool
) -> None:
    client = client_with_issuer()
    client.fails("list_profiles", error)
    service = IssuersAndProfiles(issuers=(declaration,))

    if goes_on:
        assert service.observe(client.as_client()).profiles == Profiles(refused="ERROR")
    else:
        with pytest.raises(TrustError):
            service.observe(client.as_client())


# Before a step


def test_a_removal_stops_if_other_profiles_name_the_alias_now() -> None:
    deletion = Step.between(ISSUER_KIND, "vc", HELD["vc"], None)
    service = IssuersAndProfiles(issuers=(ABSENT,))
    client = client_with_issuer()
    known = service.observe(client.as_client())
    service.check(client.as_client(), deletion, known, just_observed=True)

    with pytest.raises(ChangedMeanwhile) as caught:
        service.check(client.as_client(), deletion, Observed(known.issuers), just_observed=True)

    assert caught.value.message == (
        "esx01: the client profiles that name the alias 'vc' have changed since the last look."
    )
    assert caught.value.hint == HINT_RUN_AGAIN


def test_a_new_issuer_needs_no_look_at_profiles() -> None:
    creation = Step.between(ISSUER_KIND, "new", None, issuers(new=OTHER)["new"])
    client = client_with_issuer()
    client.fails("list_profiles", unauthorized)
    IssuersAndProfiles(issuers=(CREATED,)).check(client.as_client(), creation, Observed(), just_observed=True)

    assert client.calls == []


@pytest.mark.parametrize("profiles", [None, ()], ids=["not declared", "declared"])
def test_profiles_must_be_readable_only_if_some_are_declared(profiles: tuple[DesiredClientProfile, ...] | None) -> None:
    client = client_with_issuer()
    client.fails("list_profiles", unauthorized)
    service = IssuersAndProfiles(issuers=(ABSENT,), profiles=profiles)
    deletion = Step.between(ISSUER_KIND, "vc", HELD["vc"], None)

    if profiles is None:
        service.check(client.as_client(), deletion, Observed(), just_observed=True)
    else:
        with pytest.raises(Unauthorized):
            service.check(client.as_client(), deletion, Observed(), just_observed=True)


# The plan


def test_the_account_is_only_in_the_groups_of_its_own_issuer() -> None:
    account = Account(issuer=ISSUER, groups=frozenset({("d", "admins")}))
    conflicts = {}
    for alias in ("vc", "other"):
        held = profile(alias, "admins", "IDENTITY_MGMT")
        removal = DesiredClientProfile(held.subject, state="absent")
        service = IssuersAndProfiles(profiles=(removal,), account=account)
        planned = service.plan(Observed((), Profiles((held,)), tuple(HELD.values())))
        conflicts[alias] = len(planned.conflicts)

    assert conflicts == {"vc": 1, "other": 0}


def test_a_plan_warns_of_the_rights_that_go_with_an_issuer() -> None:
    observed = Observed(tuple(HELD.values()), Profiles((profile("vc", "admins", "READ_ONLY"),)))
    (warning,) = IssuersAndProfiles(issuers=(ABSENT,)).plan(observed).warnings

    assert "external group d\\admins of vc (READ_ONLY)" in warning


def test_steps_change_issuers_and_profiles_of_what_was_observed() -> None:
    admins = profile("vc", "admins")
    observed = Observed(tuple(HELD.values()), Profiles((admins,)))
    steps = [
        Step.between(PROFILE_KIND, admins.label, admins, None),
        Step.between(ISSUER_KIND, "vc", HELD["vc"], None),
    ]

    assert IssuersAndProfiles().carry_out(observed, steps) == Observed((), Profiles(()))


# Records


def test_a_diff_shows_issuers_by_alias_and_profiles_by_label() -> None:
    admins = profile("vc", "admins", "READ_ONLY")
    records = {"token_issuers": [HELD["vc"].record()], "client_profiles": [admins.record()]}
    shown = IssuersAndProfiles().shown(records)

    assert list(shown) == ["token_issuers", "client_profiles"]
    assert list(shown["token_issuers"]) == ["vc"]
    assert list(shown["token_issuers"]["vc"]) == ["issuer_alias", "issuer", "certificates"]
    assert list(shown["client_profiles"]) == [admins.label]
    assert shown["client_profiles"][admins.label]["entitlements"] == ["READ_ONLY"]


def test_the_id_of_a_new_profile_comes_into_its_record() -> None:
    created = ClientProfile(profile("vc", "admins").subject)
    records = {"token_issuers": [HELD["vc"].record()], "client_profiles": [created.record()]}
    returned = IssuersAndProfiles().with_ids(records, [(Step.between(PROFILE_KIND, created.label, None, created), "7")])

    assert returned == {**records, "client_profiles": [{**created.record(), "profile": "7"}]}
