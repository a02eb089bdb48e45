# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issuers with client profiles, and what is planned for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_plan
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import RightsPlan
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import plan_rights
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from support.certificates import chain

ISSUER, OTHER = "https://vc/oidc", "https://other/oidc"
OLD, NEW = (chains_from_host([{"cert_chain": chain(subject=subject)}]) for subject in ("old", "new"))
RENAMED = DesiredTokenIssuer("new", ISSUER, NEW, issuer_conflict="rename")
NOTHING = DeclaredProfiles()

Issuers = dict[str, TokenIssuer]


def issuers(**held: str) -> Issuers:
    return {alias: TokenIssuer(alias, issuer, OLD) for alias, issuer in held.items()}


def present(alias: str, issuer: str, policy: str = "fail", mode: str = "exact") -> DesiredTokenIssuer:
    return DesiredTokenIssuer(alias, issuer, OLD, issuer_conflict=policy, chains_mode=mode)


def absent(alias: str, issuer: str | None = None) -> DesiredTokenIssuer:
    return DesiredTokenIssuer(alias, issuer, state="absent")


def profile(alias: str, name: str, *grants: Any, identifier: str | None = None) -> ClientProfile:
    """A client profile of a group. grants: grants, or names of entitlements."""
    made = []
    for grant in grants:
        made.append(Grant.of_entitlement(grant) if isinstance(grant, str) else grant)

    return ClientProfile(Subject("EXTERNAL_GROUP", name, alias, "d"), tuple(made), identifier or f"{alias}/{name}")


def planned(
    held: Issuers,
    profiles: Iterable[ClientProfile] | Profiles,
    *declared: DesiredTokenIssuer,
    purge: bool = False,
    rights: DeclaredProfiles = NOTHING,
) -> RightsPlan:
    of_issuers = token_issuer_plan.plan_issuers(held.values(), DeclaredIssuers(declared, purge))
    assert not of_issuers.conflicts

    known = profiles if isinstance(profiles, Profiles) else Profiles(tuple(profiles))

    return plan_rights(held, of_issuers.steps, known, rights)


def all_steps(rights: RightsPlan) -> tuple[Step, ...]:
    return (*rights.added, *rights.removed)


def steps_of(rights: RightsPlan) -> list[tuple[str, str, str]]:
    return [(step.action, step.resource, step.id) for step in all_steps(rights)]
