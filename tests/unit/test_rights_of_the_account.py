# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issuers and client profiles: nobody takes the rights from the account that is logged in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from support.issuer_rights import ISSUER
from support.issuer_rights import OTHER
from support.issuer_rights import RENAMED
from support.issuer_rights import issuers
from support.issuer_rights import planned
from support.issuer_rights import profile
from support.issuer_rights import steps_of


def test_nobody_purges_himself() -> None:
    held = ClientProfile(Subject("LOCAL_USER", "me"), (Grant.of_entitlement("IDENTITY_MGMT"),), "1")
    assert planned({}, [held], rights=DeclaredProfiles(purge=True, account=Account.of_user("me"))).conflicts
    assert steps_of(planned({}, [held], rights=DeclaredProfiles(purge=True, account=Account.of_user("you"))))


MEMBER = frozenset({("d", "admins")})


@pytest.mark.parametrize(
    "declared",
    [DesiredTokenIssuer("old", state="absent"), DesiredTokenIssuer("old", OTHER)],
    ids=["removed", "displaced"],
)
@pytest.mark.parametrize(
    ("account", "locked"),
    [
        (Account(issuer=ISSUER), True),
        (Account(groups=MEMBER), True),
        (Account(issuer=OTHER, groups=frozenset({("d", "others")})), False),
        (UNKNOWN, False),
    ],
    ids=["own issuer", "own profile", "another", "unknown"],
)
@pytest.mark.parametrize("profiles", ["known", "refused"])
def test_nobody_takes_away_his_own_issuer(
    declared: DesiredTokenIssuer, account: Account, locked: bool, profiles: str
) -> None:
    known = Profiles((profile("old", "admins", "IDENTITY_MGMT"),)) if profiles == "known" else Profiles(refused="X")
    rights = DeclaredProfiles(account=account)
    planned_rights = planned(issuers(old=ISSUER), known, declared, rights=rights)

    if profiles == "refused":
        # What may not be read tells nothing; the issuer is known all the same.
        locked = account.issuer == ISSUER

    assert bool(planned_rights.conflicts) == locked

    # A second profile, or a renaming, keeps the account in control.
    if account.issuer is None and profiles == "known":
        both = Profiles((*known.held, profile("third", "admins", "IDENTITY_MGMT")))
        assert not planned(issuers(old=ISSUER), both, declared, rights=rights).conflicts


def test_a_renaming_that_drops_the_profile_of_the_account_is_a_conflict() -> None:
    account = Account(issuer=ISSUER, groups=MEMBER)
    held = [profile("old", "admins", "IDENTITY_MGMT")]

    assert not planned(issuers(old=ISSUER), held, RENAMED, rights=DeclaredProfiles(account=account)).conflicts

    for subject in (held[0].subject, replace(held[0].subject, issuer_alias="new")):
        dropped = (DesiredClientProfile(subject, state="absent"),)
        rights = DeclaredProfiles(dropped, account=account)
        assert planned(issuers(old=ISSUER), held, RENAMED, rights=rights).conflicts
