# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of rights that go with an issuer, or come with an alias; and what forbids such a plan."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from support.issuer_rights import ISSUER
from support.issuer_rights import OLD
from support.issuer_rights import OTHER
from support.issuer_rights import RENAMED
from support.issuer_rights import Issuers
from support.issuer_rights import issuers
from support.issuer_rights import planned
from support.issuer_rights import profile
from support.issuer_rights import steps_of

ABSENT = DesiredTokenIssuer("old", state="absent")
UNREADABLE = Profiles(refused="UNAUTHORIZED")


def test_the_profiles_that_go_with_an_issuer_are_listed_with_their_rights() -> None:
    held = [profile("old", "a", "READ_ONLY"), profile("old", "b")]
    assert planned(issuers(old=ISSUER), held, ABSENT).warnings == (
        "removing the issuer 'old' also removes the client profiles that name it: external group d\\a of old"
        " (READ_ONLY); external group d\\b of old (nothing).",
    )


@pytest.mark.parametrize(
    ("held", "declared", "sentence"),
    [
        (
            issuers(vc=OTHER),
            DesiredTokenIssuer("vc", ISSUER, OLD),
            f"the alias 'vc' passes to the issuer {ISSUER!r}, and the client profiles of the host may not be read"
            " (UNAUTHORIZED): the rights that the issuer's subjects get are unknown.",
        ),
        (
            issuers(),
            DesiredTokenIssuer("vc", ISSUER, OLD),
            "the alias 'vc' is new, and the client profiles of the host may not be read (UNAUTHORIZED). If some"
            " name it already, the subjects of its issuer get their rights.",
        ),
    ],
    ids=["an alias with another issuer", "a new alias"],
)
def test_where_profiles_may_not_be_read_unknown_rights_are_warned_of(
    held: Issuers, declared: DesiredTokenIssuer, sentence: str
) -> None:
    assert planned(held, UNREADABLE, declared).warnings == (sentence,)


def test_an_alias_that_passes_to_another_issuer_is_named_with_the_rights_that_its_subjects_get() -> None:
    first = planned(issuers(vc=OTHER), [profile("vc", "a", "READ_ONLY")], DesiredTokenIssuer("vc", ISSUER, OLD))
    assert first.warnings == (
        f"the alias 'vc' passes to the issuer {ISSUER!r}, whose subjects get the rights of the client profiles that"
        " name it: external group d\\a of vc (READ_ONLY).",
    )


# What forbids a plan


def test_the_issuer_of_the_account_is_not_removed() -> None:
    rights = DeclaredProfiles(account=Account(issuer=ISSUER))
    assert planned(issuers(old=ISSUER), [], ABSENT, rights=rights).conflicts == (
        "the host would no longer trust the issuer that is saved under the alias 'old'. It issued the SAML token that"
        " this task logs in with, so the account could not undo this. Use another account.",
    )


def test_an_issuer_is_not_renamed_where_profiles_may_not_be_read() -> None:
    assert planned(issuers(old=ISSUER), UNREADABLE, RENAMED).conflicts == (
        "the client profiles of the host may not be read (UNAUTHORIZED), and the renaming of 'old' to 'new' could take"
        " rights away without anybody noticing.",
    )


def test_issuers_do_not_change_places_while_profiles_name_one_of_them() -> None:
    declared = (
        DesiredTokenIssuer("old", OTHER, OLD, issuer_conflict="rename"),
        DesiredTokenIssuer("third", ISSUER, OLD, issuer_conflict="rename"),
    )
    first = planned(issuers(old=ISSUER, third=OTHER), [profile("old", "a", "READ_ONLY")], *declared)

    assert first.conflicts == (
        "issuers change places, and client profiles name the alias 'old': external group d\\a of old (READ_ONLY)."
        " Rename the issuers one after the other, or delete these profiles.",
    )


def test_a_profile_is_not_declared_for_an_alias_that_the_declaration_removes() -> None:
    declared = DesiredClientProfile(profile("old", "a").subject, frozenset({"READ_ONLY"}))
    first = planned(issuers(old=ISSUER), [], ABSENT, rights=DeclaredProfiles((declared,)))

    assert first.conflicts == (
        "the client profile of the external group d\\a of old is declared present, and the alias 'old' is removed by"
        " the same declaration.",
    )


# The order


def test_a_plan_that_only_removes_has_no_step_among_the_additions() -> None:
    first = planned(issuers(old=ISSUER), [], ABSENT)

    assert first.added == ()
    assert steps_of(first) == [("delete", "token_issuer", "old")]


def test_profiles_do_not_follow_to_the_second_alias_of_an_issuer_that_a_host_lists_twice() -> None:
    first = planned(issuers(old=ISSUER, second=ISSUER), [profile("old", "a")], ABSENT)

    assert first.added == ()
    assert steps_of(first) == [
        ("delete", "client_profile", "external group d\\a of old"),
        ("delete", "token_issuer", "old"),
    ]
