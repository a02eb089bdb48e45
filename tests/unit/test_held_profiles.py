# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client profiles of a host: which of them name an alias, what steps make of them, and what a declaration drops."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import carry_out
from support.issuer_rights import profile

A, B, C = profile("vc", "a", "READ_ONLY"), profile("vc", "b"), profile("other", "c")


def creation(after: ClientProfile) -> Step:
    return Step.between(RESOURCE, after.label, None, after)


def deletion(before: ClientProfile) -> Step:
    return Step.between(RESOURCE, before.label, before, None)


def test_the_subjects_that_name_an_alias_are_found_with_their_grants() -> None:
    profiles = Profiles((A, B, C))

    assert profiles.naming("vc") == {(A.subject, A.granted), (B.subject, B.granted)}
    assert profiles.naming("third") == frozenset()


def test_every_step_is_carried_out_and_a_deletion_of_what_is_gone_changes_nothing() -> None:
    assert carry_out([], [creation(A), creation(B)]) == (A, B)
    assert carry_out([B, C], [deletion(A), deletion(B)]) == (C,)


def test_of_two_equal_profiles_that_with_the_id_is_deleted() -> None:
    first, second = profile("vc", "a", identifier="1"), profile("vc", "a", identifier="2")
    assert [held.profile for held in carry_out([first, second], [deletion(second)])] == ["1"]


def test_a_change_meets_its_own_subject_although_the_host_gave_the_id_twice() -> None:
    first, second = profile("vc", "a", identifier="1"), profile("vc", "b", identifier="1")
    assert carry_out([first, second], [deletion(second)]) == (first,)


def test_steps_of_issuers_change_no_profile() -> None:
    profiles = Profiles((A,), refused="UNAUTHORIZED")
    of_an_issuer = Step("delete", "token_issuer", "vc", before=A)

    assert profiles.after([of_an_issuer, creation(B)]) == Profiles((A, B), refused="UNAUTHORIZED")


def test_a_declaration_drops_what_it_declares_absent_and_a_purge_what_it_does_not_name() -> None:
    present = DesiredClientProfile(A.subject)
    absent = DesiredClientProfile(B.subject, state="absent")

    for purge in (False, True):
        declared = DeclaredProfiles((present, absent), purge)

        assert not declared.drops(A.subject)
        assert declared.drops(B.subject)
        assert declared.drops(C.subject) == purge
