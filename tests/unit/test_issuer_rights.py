# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moving and removing issuers does to client profiles, wherever a run is killed, and on hosts of both kinds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_model
from ansible_collections.esx.trust.plugins.module_utils._services import held_profiles
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_plan
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import carry_out as carry_out_issuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import concern_profiles
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_restoring import undo_renaming
from support.issuer_rights import ISSUER
from support.issuer_rights import NEW
from support.issuer_rights import NOTHING
from support.issuer_rights import OLD
from support.issuer_rights import OTHER
from support.issuer_rights import RENAMED
from support.issuer_rights import Issuers
from support.issuer_rights import all_steps
from support.issuer_rights import issuers
from support.issuer_rights import planned
from support.issuer_rights import profile
from support.issuer_rights import steps_of

ROLE = Grant("ROLE", None, '{"role": "auditor"}')
State = tuple[Issuers, tuple[ClientProfile, ...]]


def done(state: State, steps: Iterable[Step], cascade: bool) -> State:
    """What a host holds after the steps; its ids of new profiles are their labels."""
    held, profiles = state
    for step in steps:
        if step.resource == "client_profile":
            if step.before is not None and step.before not in profiles:
                raise AssertionError(f"{step.id} is not there")
            profiles = tuple(map(_with_an_id, held_profiles.carry_out(profiles, [step])))
            continue

        held = carry_out_issuers(held, [step])
        if step.after is None and cascade:
            profiles = tuple(held_profile for held_profile in profiles if held_profile.subject.issuer_alias != step.id)

    return held, profiles


def _with_an_id(profile: ClientProfile) -> ClientProfile:
    return profile if profile.profile else replace(profile, profile=profile.label)


def comparable(state: State) -> tuple[Issuers, set[tuple[Subject, frozenset[Grant]]]]:
    return state[0], {(held.subject, frozenset(held.grants)) for held in state[1]}


entitlements = st.sampled_from(client_profile_model.ENTITLEMENTS)
profile_lists = st.lists(
    st.builds(
        lambda alias, name, grants: profile(alias, name, *grants),
        st.sampled_from(["old", "new", "third"]),
        st.sampled_from(["a", "b"]),
        st.lists(entitlements, unique=True, max_size=2),
    ),
    max_size=5,
    unique_by=lambda profile: profile.subject,
)
held_issuers = st.sampled_from(
    [
        issuers(old=ISSUER),
        issuers(old=ISSUER, new=OTHER),
        issuers(old=ISSUER, third=OTHER),
        issuers(new=ISSUER, third=OTHER),
        issuers(third=OTHER),
    ]
)
declared_profiles = st.lists(
    st.builds(
        lambda alias, name, grants, mode, state: DesiredClientProfile(
            Subject("EXTERNAL_GROUP", name, alias, "d"), frozenset(grants), mode, state
        ),
        st.sampled_from(["new", "third"]),
        st.sampled_from(["a", "b"]),
        st.lists(entitlements, max_size=2),
        st.sampled_from(["exact", "merge"]),
        st.sampled_from(["present", "absent"]),
    ),
    max_size=3,
    unique_by=lambda profile: profile.subject,
)
rights_declared = st.builds(DeclaredProfiles, declared_profiles.map(tuple), st.booleans())
issuers_declared = st.sampled_from(
    [
        (RENAMED,),
        (RENAMED, DesiredTokenIssuer("third", state="absent")),
        (RENAMED, DesiredTokenIssuer("old", state="absent")),
        (DesiredTokenIssuer("old", state="absent"),),
        (RENAMED, DesiredTokenIssuer("third", OTHER, NEW, issuer_conflict="rename")),
    ]
)


@given(held_issuers, profile_lists, issuers_declared, st.booleans(), rights_declared, st.booleans())
def test_a_killed_run_is_finished_by_the_next(
    held: Issuers,
    profiles: list[ClientProfile],
    declared: tuple[DesiredTokenIssuer, ...],
    purge: bool,
    rights: DeclaredProfiles,
    cascade: bool,
) -> None:
    state: State = (held, tuple(profiles))
    first = planned(held, profiles, *declared, purge=purge, rights=rights)
    if first.conflicts:
        return
    ends = done(state, all_steps(first), cascade)
    again = planned(*ends, *declared, purge=purge, rights=rights)

    assert (all_steps(again), again.conflicts) == ((), ())
    assert comparable(ends) == comparable(done(state, all_steps(first), not cascade))

    for number in range(len(all_steps(first))):
        killed = done(state, all_steps(first)[:number], cascade)
        rest = planned(*killed, *declared, purge=purge, rights=rights)

        assert rest.conflicts == ()
        assert comparable(done(killed, all_steps(rest), cascade)) == comparable(ends)


@given(held_issuers, profile_lists, st.booleans())
def test_a_renaming_loses_no_right_and_gives_none(held: Issuers, profiles: list[ClientProfile], cascade: bool) -> None:
    first = planned(held, profiles, RENAMED)
    if first.conflicts or "old" not in held:
        return
    _issuers, left = done((held, tuple(profiles)), all_steps(first), cascade)
    after = {held_profile.subject: set(held_profile.grants) for held_profile in left}

    for held_profile in profiles:
        if held_profile.subject.issuer_alias == "old":
            assert after.pop(replace(held_profile.subject, issuer_alias="new")) == set(held_profile.grants)
            assert held_profile.subject not in after

    assert set(after) <= {held_profile.subject for held_profile in profiles}


def rights_of_issuers(state: State) -> set[tuple[str, str | None, Grant]]:
    """What the subjects of each issuer may do, also of one that is moving."""
    held, profiles = state
    rights: set[tuple[str, str | None, Grant]] = set()

    for held_profile in profiles:
        subject = held_profile.subject
        if subject.issuer_alias in held:
            issuer = held[subject.issuer_alias].true_issuer
            rights.update((issuer, subject.name, grant) for grant in held_profile.grants)

    return rights


@given(held_issuers, profile_lists, issuers_declared, st.booleans(), rights_declared, st.booleans())
@example(
    issuers(old=ISSUER),
    [profile("old", "a", "READ_ONLY", "SECURITY_MGMT"), profile("new", "a", "SECURITY_MGMT")],
    (RENAMED,),
    False,
    DeclaredProfiles(
        (DesiredClientProfile(Subject("EXTERNAL_GROUP", "a", "new", "d"), frozenset({"READ_ONLY", "SECURITY_MGMT"})),)
    ),
    True,
)
def test_a_right_that_stays_is_there_at_every_moment(
    held: Issuers,
    profiles: list[ClientProfile],
    declared: tuple[DesiredTokenIssuer, ...],
    purge: bool,
    rights: DeclaredProfiles,
    cascade: bool,
) -> None:
    state: State = (held, tuple(profiles))
    first = planned(held, profiles, *declared, purge=purge, rights=rights)
    if first.conflicts:
        return
    stays = rights_of_issuers(state) & rights_of_issuers(done(state, all_steps(first), cascade))

    for step in all_steps(first):
        state = done(state, [step], cascade)
        assert stays <= rights_of_issuers(state), step.id


@given(held_issuers, profile_lists, issuers_declared, st.booleans())
def test_every_loss_is_reported(
    held: Issuers, profiles: list[ClientProfile], declared: tuple[DesiredTokenIssuer, ...], purge: bool
) -> None:
    first = planned(held, profiles, *declared, purge=purge)
    if first.conflicts:
        return

    def without_the_alias(right: ClientProfile) -> tuple[Any, ...]:
        return right.subject.name, right.subject.domain, frozenset(right.grants)

    after = set(map(without_the_alias, first.held))

    for held_profile in profiles:
        if without_the_alias(held_profile) not in after:
            assert held_profile.label in " ".join(first.warnings)


def test_the_order_of_a_renaming() -> None:
    first = planned(issuers(old=ISSUER), [profile("old", "a", "READ_ONLY")], RENAMED)
    assert steps_of(first) == [
        ("update", "token_issuer", "old"),
        ("create", "token_issuer", "new"),
        ("create", "client_profile", "external group d\\a of new"),
        ("delete", "client_profile", "external group d\\a of old"),
        ("delete", "token_issuer", "old"),
    ]
    assert first.warnings == ()


def test_the_order_of_everything() -> None:
    rights = DeclaredProfiles(
        (
            DesiredClientProfile(Subject("LOCAL_USER", "x"), state="absent"),
            DesiredClientProfile(Subject("EXTERNAL_GROUP", "b", "vc", "d"), frozenset({"READ_ONLY"})),
        )
    )

    held = [
        ClientProfile(Subject("LOCAL_USER", "x"), (), "1"),
        profile("gone", "a", "SECURITY_MGMT"),
    ]
    absent = DesiredTokenIssuer("gone", state="absent")
    first = planned(issuers(gone=OTHER), held, absent, DesiredTokenIssuer("vc", ISSUER), rights=rights)

    assert steps_of(first) == [
        ("create", "token_issuer", "vc"),
        ("create", "client_profile", "external group d\\b of vc"),
        ("delete", "client_profile", "local user x"),
        ("delete", "client_profile", "external group d\\a of gone"),
        ("delete", "token_issuer", "gone"),
    ]

    (warning,) = first.warnings

    assert "'gone'" in warning
    assert "external group d\\a of gone (SECURITY_MGMT)" in warning


@pytest.mark.parametrize(
    ("profiles", "sentence"),
    [
        (
            [ClientProfile(Subject("PRIVILEGES", None, "old"), (), "1")],
            "the client profile 'PRIVILEGES 1' names the alias, and this collection cannot create it again.",
        ),
        (
            [profile("old", "a", ROLE)],
            "the client profile of the external group d\\a of old has grants that this collection does not know.",
        ),
        (
            [profile("old", "a", "READ_ONLY"), profile("new", "a", "SECURITY_MGMT")],
            "the external group d\\a of new has a client profile already, with other rights (SECURITY_MGMT) than",
        ),
        (
            [profile("old", "a", "READ_ONLY"), profile("new", "a")],
            "the external group d\\a of new has a client profile already, with other rights (nothing) than",
        ),
        (
            [profile("old", "a", "READ_ONLY", identifier="1"), profile("old", "a", identifier="2")],
            "there are two client profiles of the external group d\\a of old.",
        ),
        (Profiles(refused="UNAUTHORIZED"), "the client profiles of the host may not be read (UNAUTHORIZED)"),
    ],
)
def test_conflicts_of_a_renaming(profiles: Any, sentence: str) -> None:
    (conflict,) = planned(issuers(old=ISSUER), profiles, RENAMED).conflicts
    assert sentence in conflict


def test_a_declared_profile_replaces_the_copied_one() -> None:
    old = [profile("old", "a", "SECURITY_MGMT"), profile("old", "b", "SECURITY_MGMT")]
    subject = Subject("EXTERNAL_GROUP", "a", "new", "d")
    declared = DesiredClientProfile(subject, frozenset({"READ_ONLY"}))
    first = planned(issuers(old=ISSUER), old, RENAMED, rights=DeclaredProfiles((declared,)))

    assert {held_profile.label: held_profile.rights for held_profile in first.held} == {
        "external group d\\a of new": "READ_ONLY",
        "external group d\\b of new": "SECURITY_MGMT",
    }

    merged = replace(declared, entitlements_mode="merge")
    first = planned(issuers(old=ISSUER), old[:1], RENAMED, rights=DeclaredProfiles((merged,)))

    assert [held_profile.rights for held_profile in first.held] == ["SECURITY_MGMT, READ_ONLY"]
    assert [step.action for step in all_steps(first) if step.resource == "client_profile"] == ["create", "delete"]


def test_a_host_without_the_service_has_nothing_to_lose() -> None:
    for declared in (RENAMED, DesiredTokenIssuer("old", state="absent")):
        first = planned(issuers(old=ISSUER), Profiles(offered=False), declared)
        assert {step.resource for step in all_steps(first)} == {"token_issuer"}
        assert (first.warnings, first.conflicts) == ((), ())


def test_a_removal_goes_on_where_profiles_may_not_be_read() -> None:
    first = planned(issuers(old=ISSUER), Profiles(refused="UNAUTHORIZED"), DesiredTokenIssuer("old", state="absent"))
    assert steps_of(first) == [("delete", "token_issuer", "old")]
    assert "UNAUTHORIZED" in first.warnings[0]


def test_privileges_are_never_deleted() -> None:
    held = [ClientProfile(Subject("PRIVILEGES", None, "old"), (), "1")]
    gone = planned(issuers(old=ISSUER), held, DesiredTokenIssuer("old", state="absent"))

    assert steps_of(gone) == [("delete", "token_issuer", "old")]
    assert "PRIVILEGES 1" in gone.warnings[0]
    assert all_steps(planned({}, held, rights=DeclaredProfiles(purge=True))) == ()


def test_an_alias_that_passes_to_another_issuer() -> None:
    first = planned(issuers(vc=OTHER), [profile("vc", "a", "READ_ONLY")], DesiredTokenIssuer("vc", ISSUER))
    assert steps_of(first) == [("update", "token_issuer", "vc")]

    (warning,) = first.warnings

    assert ISSUER in warning
    assert "external group d\\a of vc (READ_ONLY)" in warning


def test_a_new_alias_that_left_over_profiles_name() -> None:
    left_over = [profile("new", "a", "READ_ONLY"), profile("other", "b", "SECURITY_MGMT")]
    for held in ({}, issuers(old=ISSUER)):
        (warning,) = planned(held, left_over, RENAMED).warnings
        assert "'new'" in warning
        assert "external group d\\a of new (READ_ONLY)" in warning
        assert "SECURITY_MGMT" not in warning


def test_a_new_alias_whose_profiles_are_declared_is_no_surprise() -> None:
    left_over = profile("new", "a", "READ_ONLY")
    for state in ("present", "absent"):
        declared = DesiredClientProfile(left_over.subject, frozenset({"READ_ONLY"}), state=state)
        assert planned({}, [left_over], RENAMED, rights=DeclaredProfiles((declared,))).warnings == ()

    assert planned({}, [left_over], RENAMED, rights=DeclaredProfiles(purge=True)).warnings == ()


def test_a_new_alias_where_profiles_may_not_be_read() -> None:
    (warning,) = planned({}, Profiles(refused="UNAUTHORIZED"), RENAMED).warnings
    assert "UNAUTHORIZED" in warning
    assert planned({}, Profiles(offered=False), RENAMED).warnings == ()


def test_issuers_that_change_places_are_parked_under_an_alias_that_warns_of_nothing() -> None:
    declared = (
        DesiredTokenIssuer("old", OTHER, OLD, issuer_conflict="rename"),
        DesiredTokenIssuer("third", ISSUER, OLD, issuer_conflict="rename"),
    )
    first = planned(issuers(old=ISSUER, third=OTHER), Profiles(), *declared)

    assert all_steps(first)[0].after.parked
    assert first.warnings == ()


def test_an_issuer_that_a_renaming_displaced_comes_back_only_where_it_is_nowhere_else() -> None:
    """The run renamed it before."""
    known = issuers(old=ISSUER, new=OTHER)
    profiles = (profile("old", "a", "READ_ONLY"), profile("old", "b", "READ_ONLY"))
    first = planned(known, profiles, RENAMED, DesiredTokenIssuer("third", OTHER, OLD))
    created = next(number for number, step in enumerate(all_steps(first)) if step.id.endswith("a of new"))
    sent = all_steps(first)[: created + 1]
    state = done((known, profiles), sent, cascade=True)

    assert state[0]["third"].issuer == OTHER

    back = undo_renaming(state[0], Profiles(state[1]), sent, NOTHING)
    ends = done(state, back, cascade=True)

    assert {alias: held.issuer for alias, held in ends[0].items()} == {"old": ISSUER, "third": OTHER}


def test_a_profile_of_an_alias_that_goes_is_no_declaration_to_follow() -> None:
    declared = DesiredClientProfile(Subject("EXTERNAL_GROUP", "a", "old", "d"), frozenset({"READ_ONLY"}))
    assert planned(issuers(old=ISSUER), [], RENAMED, rights=DeclaredProfiles((declared,))).conflicts


@pytest.mark.parametrize("known", [issuers(old=ISSUER), issuers(old=ISSUER, new=OTHER)])
def test_a_renaming_that_could_not_carry_everything_is_undone(known: Issuers) -> None:
    profiles = (profile("old", "a", "READ_ONLY"), profile("old", "b", "SECURITY_MGMT"))
    first = planned(known, profiles, RENAMED)
    copies = [number for number, step in enumerate(all_steps(first)) if step.resource == "client_profile"][:2]

    for number in range(copies[0], copies[1] + 1):
        state = done((known, profiles), all_steps(first)[:number], cascade=True)
        back = undo_renaming(state[0], Profiles(state[1]), all_steps(first)[:number], NOTHING)
        assert comparable(done(state, back, cascade=True)) == comparable((known, profiles))

    state = done((known, profiles), all_steps(first)[: copies[1] + 1], cascade=True)

    assert undo_renaming(state[0], Profiles(state[1]), all_steps(first)[: copies[1] + 1], NOTHING) == []


def test_profiles_matter_only_where_an_alias_loses_its_issuer() -> None:
    def matter(held: Issuers, *declared: DesiredTokenIssuer) -> bool:
        return concern_profiles(token_issuer_plan.plan_issuers(held.values(), DeclaredIssuers(declared)).steps)

    assert matter(issuers(old=ISSUER), RENAMED)
    assert matter(issuers(old=ISSUER), DesiredTokenIssuer("old", state="absent"))
    assert matter(issuers(old=ISSUER), DesiredTokenIssuer("old", OTHER))
    # A profile that was left over may name an alias that is new.
    assert matter({}, RENAMED)
    assert not matter(issuers(new=ISSUER), RENAMED)
    assert not matter(issuers(vc=ISSUER, third=OTHER), DesiredTokenIssuer("vc", ISSUER, NEW))
