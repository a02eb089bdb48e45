# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies of client profiles for an issuer that gets a new alias: what is copied, and what forbids the renaming."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.profile_copies import ProfileCopies
from ansible_collections.esx.trust.plugins.module_utils._services.profile_copies import plan_copies
from support.issuer_rights import profile

SECURITY, IDENTITY = "SECURITY_MGMT", "IDENTITY_MGMT"


def desired(alias: str, name: str, *entitlements: str, **changes: Any) -> DesiredClientProfile:
    return DesiredClientProfile(Subject("EXTERNAL_GROUP", name, alias, "d"), frozenset(entitlements), **changes)


def copied(*held: Any, declared: tuple[DesiredClientProfile, ...] = (), purge: bool = False) -> ProfileCopies:
    return plan_copies(held, "old", "new", DeclaredProfiles(declared, purge))


def test_a_profile_of_the_old_alias_is_copied_with_its_grants_and_others_are_not() -> None:
    copies = copied(profile("old", "admins", SECURITY), profile("other", "admins", IDENTITY))

    assert copies.copies == [profile("new", "admins", SECURITY)]
    assert copies.copies[0].profile is None
    assert copies.conflicts == []


def test_a_declaration_of_the_new_subject_decides_what_the_copy_grants() -> None:
    exact = copied(profile("old", "admins", SECURITY), declared=(desired("new", "admins", IDENTITY),))
    merge = copied(
        profile("old", "admins", SECURITY), declared=(desired("new", "admins", IDENTITY, entitlements_mode="merge"),)
    )

    assert exact.copies == [profile("new", "admins", IDENTITY)]
    assert merge.copies == [profile("new", "admins", SECURITY, IDENTITY)]


@pytest.mark.parametrize(
    ("declared", "purge"),
    [
        ((desired("new", "admins", state="absent"),), False),
        ((desired("old", "admins", state="absent"),), False),
        ((), True),
    ],
    ids=["the new subject is absent", "the old subject is absent", "purge"],
)
def test_a_profile_that_the_declaration_removes_is_not_copied(
    declared: tuple[DesiredClientProfile, ...], purge: bool
) -> None:
    copies = copied(profile("old", "admins", SECURITY), declared=declared, purge=purge)
    assert (copies.copies, copies.declared_first, copies.conflicts) == ([], [], [])


def test_a_declared_new_subject_is_copied_although_the_old_one_is_declared_absent() -> None:
    declared = (desired("old", "admins", state="absent"), desired("new", "admins", SECURITY))
    assert copied(profile("old", "admins", SECURITY), declared=declared).copies == [profile("new", "admins", SECURITY)]


# The new alias has a profile of the subject already.


def test_an_equal_profile_of_the_new_alias_needs_no_copy() -> None:
    copies = copied(profile("old", "admins", SECURITY), profile("new", "admins", SECURITY))
    assert (copies.copies, copies.declared_first, copies.conflicts) == ([], [], [])


def test_other_rights_under_the_new_alias_forbid_the_renaming() -> None:
    copies = copied(profile("old", "admins", SECURITY), profile("new", "admins", IDENTITY))

    assert copies.copies == []
    assert copies.conflicts == [
        "the issuer that is saved under the alias 'old' cannot be renamed to 'new': the external group d\\admins of new"
        " has a client profile already, with other rights (IDENTITY_MGMT) than the external group d\\admins of old"
        " (SECURITY_MGMT). Make them equal, or delete one of them."
    ]


def test_with_exact_the_declaration_decides_over_other_rights_and_is_carried_out_first() -> None:
    declaration = desired("new", "admins", SECURITY)
    copies = copied(profile("old", "admins", SECURITY), profile("new", "admins", IDENTITY), declared=(declaration,))

    assert copies.conflicts == []
    assert copies.declared_first == [declaration]


@pytest.mark.parametrize("existing", [(SECURITY,), (SECURITY, IDENTITY)])
def test_with_merge_the_new_alias_may_have_more_rights(existing: tuple[str, ...]) -> None:
    declaration = desired("new", "admins", IDENTITY, entitlements_mode="merge")
    copies = copied(profile("old", "admins", SECURITY), profile("new", "admins", *existing), declared=(declaration,))

    assert copies.conflicts == []
    assert copies.declared_first == [declaration]


def test_with_merge_the_new_alias_may_not_have_fewer_rights() -> None:
    declaration = desired("new", "admins", IDENTITY, entitlements_mode="merge")
    copies = copied(profile("old", "admins", SECURITY), profile("new", "admins", IDENTITY), declared=(declaration,))
    assert len(copies.conflicts) == 1


# What cannot be created again.


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (
            ClientProfile(Subject("PRIVILEGES", None, "old"), (), "9"),
            "the client profile 'PRIVILEGES 9' names the alias, and this collection cannot create it again. Delete"
            " this profile first, or keep the old alias.",
        ),
        (
            profile("old", "admins", Grant("ENTITLEMENT", "NEW_RIGHT")),
            "the client profile of the external group d\\admins of old has grants that this collection does not"
            " know. Delete this profile first, or keep the old alias.",
        ),
        (
            profile("old", "admins", Grant("ENTITLEMENT", SECURITY, '{"by": "x"}')),
            "the client profile of the external group d\\admins of old has grants with fields that this collection"
            " does not know. Delete this profile first, or keep the old alias.",
        ),
    ],
    ids=["privileges", "an unknown grant", "an unknown field"],
)
def test_a_profile_that_cannot_be_written_again_forbids_the_renaming(held: Any, reason: str) -> None:
    copies = copied(held)

    assert copies.copies == []
    assert copies.conflicts == [f"the issuer that is saved under the alias 'old' cannot be renamed to 'new': {reason}"]


def test_two_profiles_of_a_subject_are_copied_once_if_they_are_equal() -> None:
    first, second = profile("old", "admins", SECURITY), profile("old", "admins", SECURITY, identifier="2")
    assert copied(first, second).copies == [profile("new", "admins", SECURITY)]


def test_two_profiles_of_a_subject_with_other_rights_forbid_the_renaming() -> None:
    first, second = profile("old", "admins", SECURITY), profile("old", "admins", IDENTITY, identifier="2")
    copies = copied(first, second)

    assert copies.conflicts == [
        "the issuer that is saved under the alias 'old' cannot be renamed to 'new': there are two client profiles of"
        " the external group d\\admins of old."
    ]
