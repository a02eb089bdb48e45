# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps with which a failed run restores issuers and client profiles, one by one."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_model
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_model
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_restoring import restoring_steps
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_restoring import undo_renaming
from support.issuer_rights import ISSUER
from support.issuer_rights import NEW
from support.issuer_rights import NOTHING
from support.issuer_rights import OLD
from support.issuer_rights import OTHER
from support.issuer_rights import Issuers
from support.issuer_rights import issuers
from support.issuer_rights import profile

MARKER = write_marker("new", ISSUER, ())


def of_issuer(alias: str, before: str | None, after: str | None) -> Step:
    """A step of an alias, from one issuer to another. None: the alias is not there."""
    entries = [issuers(**{alias: issuer})[alias] if issuer else None for issuer in (before, after)]
    return Step.between(token_issuer_model.RESOURCE, alias, *entries)


def of_profile(before: ClientProfile | None, after: ClientProfile | None) -> Step:
    label = (after or before or profile("", "")).label
    return Step.between(client_profile_model.RESOURCE, label, before, after)


MARKING, ARRIVAL = of_issuer("old", ISSUER, MARKER), of_issuer("new", None, ISSUER)


def undone(held: Issuers, profiles: list[ClientProfile], *sent: Step) -> list[tuple[str, str]]:
    steps = undo_renaming(held, Profiles(tuple(profiles)), sent, NOTHING)
    return [(step.action, step.id) for step in steps]


# A renaming that is undone, because the profile b was not copied


def test_profiles_come_back_before_the_aliases_get_their_earlier_contents() -> None:
    before, after = profile("new", "c", "READ_ONLY"), profile("new", "c", "SECURITY_MGMT")
    sent = (
        MARKING,
        ARRIVAL,
        of_profile(before, after),
        of_profile(None, profile("new", "a", "SECURITY_MGMT")),
        of_profile(profile("old", "a", "SECURITY_MGMT", identifier="1"), None),
        of_profile(profile("old", "a", "SECURITY_MGMT", identifier="2"), None),
        of_profile(profile("third", "a", "SECURITY_MGMT"), None),
    )
    profiles = [profile("old", "b"), after, profile("new", "a", "SECURITY_MGMT")]

    assert undone(issuers(old=MARKER, new=ISSUER), profiles, *sent) == [
        ("create", "external group d\\a of old"),
        ("update", "external group d\\c of new"),
        ("delete", "external group d\\a of new"),
        ("delete", "new"),
        ("update", "old"),
    ]


UNDONE = [("delete", "new"), ("update", "old")]


def test_a_renaming_is_undone_once_although_the_run_changed_the_chains_before_it() -> None:
    changed = of_issuer("old", ISSUER, ISSUER)
    assert undone(issuers(old=MARKER, new=ISSUER), [profile("old", "b")], changed, MARKING, ARRIVAL) == UNDONE


def test_each_renaming_is_judged_by_itself() -> None:
    """One of them is finished, one is complete but for the old alias, and the profiles of one were not copied."""
    finished = (of_issuer("first", "https://1", write_marker("second", "https://1", ())),)
    copied_marker = write_marker("fourth", "https://2", ())
    copied = (of_issuer("third", "https://2", copied_marker), of_issuer("fourth", None, "https://2"))
    held = issuers(second="https://1", third=copied_marker, fourth="https://2", old=MARKER, new=ISSUER)

    assert undone(held, [profile("old", "b")], *finished, *copied, MARKING, ARRIVAL) == UNDONE


def test_a_removal_of_another_issuer_after_the_renaming_does_not_come_to_the_new_alias() -> None:
    removal = of_issuer("third", OTHER, None)
    assert undone(issuers(old=MARKER, new=ISSUER), [profile("old", "b")], MARKING, ARRIVAL, removal) == UNDONE


def test_a_displaced_issuer_comes_back_although_the_run_also_tried_to_delete_the_new_alias() -> None:
    sent = [MARKING, of_issuer("new", OTHER, ISSUER), of_issuer("new", ISSUER, None)]
    steps = undo_renaming(issuers(old=MARKER, new=ISSUER), Profiles((profile("old", "b"),)), sent, NOTHING)

    assert [(step.id, step.after.issuer) for step in steps] == [("new", OTHER), ("old", ISSUER)]


# Issuers


def test_an_issuer_that_a_restored_one_displaces_is_restored_too() -> None:
    third_marker = write_marker("third", OTHER, ())
    sent = [of_issuer("old", ISSUER, MARKER), of_issuer("third", OTHER, third_marker), of_issuer("old", MARKER, OTHER)]
    declared = DeclaredIssuers((DesiredTokenIssuer("a", ISSUER, OLD), DesiredTokenIssuer("b", OTHER, OLD)))
    steps = restoring_steps(issuers(old=OTHER, third=third_marker), sent, declared)

    assert [(step.id, step.after.issuer) for step in steps] == [("old", ISSUER), ("third", OTHER)]


def parked(mode: str = "merge", **markers: str) -> list[TokenIssuer]:
    """The entries that the restoring creates. The run had given the alias vc to ISSUER, and OTHER gets it back."""
    before = issuers(vc=OTHER)["vc"]
    written = TokenIssuer("vc", ISSUER, OLD + NEW)
    sent = [Step.between(token_issuer_model.RESOURCE, "vc", before, written)]

    declared = DesiredTokenIssuer("vc", ISSUER, NEW, issuer_conflict="rename", chains_mode=mode)
    other = DesiredTokenIssuer("other", OTHER, OLD)
    steps = restoring_steps({"vc": written, **issuers(**markers)}, sent, DeclaredIssuers((declared, other)))

    assert steps[0] == Step.between(token_issuer_model.RESOURCE, "vc", written, before)

    return [step.after for step in steps[1:]]


def test_chains_that_only_the_displaced_issuer_held_are_kept_under_a_marker() -> None:
    assert parked() == [TokenIssuer(parking_alias("vc", ()), write_marker("vc", ISSUER, ()), OLD + NEW)]


def test_with_exact_the_chains_of_the_displaced_issuer_are_not_kept() -> None:
    assert parked("exact") == []


def test_chains_that_a_marker_has_are_not_kept_twice() -> None:
    assert parked(former=write_marker("vc", ISSUER, ())) == []
