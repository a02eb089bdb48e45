# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of client profiles in the resources of a result: status, before, after, message and warnings."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ResourcePlan
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import IssuersAndProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import Observed
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from support.issuer_rights import ISSUER
from support.issuer_rights import OLD
from support.issuer_rights import Issuers
from support.issuer_rights import issuers
from support.issuer_rights import profile

ADMINS = "external group d\\admins of new"


def desired(*entitlements: str, state: str = "present") -> DesiredClientProfile:
    return DesiredClientProfile(
        Subject("EXTERNAL_GROUP", "admins", "new", "d"), frozenset(entitlements), entitlements_mode="exact", state=state
    )


def resources(
    held: Issuers,
    profiles: list[ClientProfile],
    declared: DesiredClientProfile,
    of_issuers: tuple[DesiredTokenIssuer, ...] | None = (),
    purge: bool = False,
) -> dict[str, ResourcePlan]:
    """The entries of client profiles, by label."""
    service = IssuersAndProfiles(issuers=of_issuers, profiles=(declared,), purge_profiles=purge)
    planned = service.plan(Observed(tuple(held.values()), Profiles(tuple(profiles))))
    found = {resource.id: resource for resource in planned.resources if resource.resource == RESOURCE}

    for resource in found.values():
        # People do not read the host's id of a profile.
        assert "profile" not in {**resource.describe()["before"], **resource.describe()["after"]}

    return found


def test_an_entry_shows_what_is_lacking_and_what_is_removed() -> None:
    held = [profile("new", "admins", "READ_ONLY")]
    changed = resources(issuers(new=ISSUER), held, desired("SECURITY_MGMT"))[ADMINS]
    removed = resources(issuers(new=ISSUER), held, desired(state="absent"))[ADMINS]

    assert changed.status == "differs"
    assert changed.message == "It lacks SECURITY_MGMT and it has READ_ONLY besides what is declared."
    assert (removed.status, removed.after) == ("extra", {})


def test_an_undeclared_profile_is_shown_with_its_rights_and_a_purge_deletes_it() -> None:
    held = [profile("new", "users", "READ_ONLY")]
    left = resources(issuers(new=ISSUER), held, desired(state="absent"))["external group d\\users of new"]
    purged = resources(issuers(new=ISSUER), held, desired(state="absent"), purge=True)[left.id]

    assert (left.status, left.before, left.after) == ("undeclared", held[0].record(), held[0].record())
    assert (purged.status, purged.before, purged.after) == ("extra", held[0].record(), {})
    assert left.message == purged.message == "It grants READ_ONLY."


def test_an_alias_without_an_issuer_is_warned_of_if_the_issuers_are_known() -> None:
    known, unknown = (resources(issuers(), [], desired("READ_ONLY"), of_issuers)[ADMINS] for of_issuers in ((), None))

    assert known.warnings == (
        "the client profile of the external group d\\admins of new names the alias 'new', which has no issuer after"
        " this run. The host may refuse such a profile: check issuer_alias.",
    )
    assert unknown.warnings == ()


def test_a_profile_is_not_declared_for_an_alias_whose_issuer_stays_under_another() -> None:
    elsewhere = (DesiredTokenIssuer("new", ISSUER, OLD),)
    entry = resources(issuers(old=ISSUER), [], desired("READ_ONLY"), elsewhere)[ADMINS]

    assert entry.conflict == (
        "the client profile of the external group d\\admins of new names the alias 'new', but its issuer"
        f" {ISSUER!r} stays under the alias 'old'. Declare 'old' with state absent, or set issuer_alias of the profile"
        " to 'old'."
    )
    assert resources(issuers(old=ISSUER), [], desired(state="absent"), elsewhere)[ADMINS].conflict == ""


def test_an_issuer_that_is_declared_absent_is_not_expected_under_the_alias_of_a_profile() -> None:
    absent = (DesiredTokenIssuer("new", ISSUER, state="absent"),)
    entry = resources(issuers(old=ISSUER), [], desired("READ_ONLY"), absent)[ADMINS]

    assert entry.conflict == ""
    assert len(entry.warnings) == 1
