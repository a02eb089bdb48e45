# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of each client profile, declared or not, as `resources` of a result shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ResourcePlan
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_plan
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import shown
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import real_holder
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import undeclared
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import RightsPlan
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_plan import IssuerPlan


def profile_resources(
    profiles: Profiles,
    issuer_plan: IssuerPlan,
    rights: RightsPlan,
    declared: DeclaredProfiles,
    issuers: DeclaredIssuers,
    *,
    aliases_known: bool,
) -> Iterator[ResourcePlan]:
    """The plans of all client profiles, declared or not.

    profiles: the profiles on the host before the plan.
    issuer_plan: the plan of the issuers.
    rights: the steps of issuers and profiles.
    declared, issuers: the declarations of the profiles and of the issuers.
    aliases_known: True if the issuers on the host were read.
    """
    for desired in declared.profiles:
        plan_of_profile = _plan_of_profile(desired, profiles, issuer_plan, rights, declared.account, issuers)
        if aliases_known and _is_created_without_issuer(plan_of_profile, desired, issuer_plan):
            plan_of_profile = replace(plan_of_profile, warnings=(*plan_of_profile.warnings, _unknown_alias(desired)))

        label = desired.subject.label
        resource = ResourcePlan.of(RESOURCE, label, desired.state, plan_of_profile, shown)

        if resource.status == "differs":
            resource = replace(resource, message=client_profile_plan.difference(plan_of_profile))

        yield resource

    if issuers.complete:
        for profile in undeclared(profiles.held, declared):
            yield _undeclared_profile(profile, profile not in rights.held)


def _plan_of_profile(
    desired: DesiredClientProfile,
    profiles: Profiles,
    issuer_plan: IssuerPlan,
    rights: RightsPlan,
    account: Account,
    issuers: DeclaredIssuers,
) -> Plan:
    """The plan of one declared profile, seen by itself."""
    held = profiles.if_offered(profiles.held)
    profile_plan = client_profile_plan.plan(held, desired, account)
    if profile_plan.conflict and profile_plan.conflict not in rights.conflicts:
        # An earlier step gives the account the right in another profile, so it is not locked out.
        profile_plan = client_profile_plan.plan(held, desired)

    without_issuer = _without_issuer(desired, issuer_plan, issuers)
    if without_issuer and not profile_plan.conflict:
        return Plan(profile_plan.before, profile_plan.before, conflict=without_issuer)

    return profile_plan


def _is_created_without_issuer(profile_plan: Plan, desired: DesiredClientProfile, issuer_plan: IssuerPlan) -> bool:
    """True if a profile is created for an alias that has no issuer after the run."""
    alias = desired.subject.issuer_alias
    if alias is None or alias in issuer_plan.held or alias in issuer_plan.conflicts:
        return False

    return any(step.creates for step in profile_plan.steps)


def _unknown_alias(desired: DesiredClientProfile) -> str:
    """The warning about a profile that names an alias without an issuer."""
    return (
        f"the client profile of the {desired.subject.label} names the alias {desired.subject.issuer_alias!r}, which"
        " has no issuer after this run. The host may refuse such a profile: check issuer_alias."
    )


def _without_issuer(desired: DesiredClientProfile, issuer_plan: IssuerPlan, issuers: DeclaredIssuers) -> str:
    """The conflict if a profile names an alias under which no issuer will be saved, although one is declared.

    Empty if there is no conflict.
    """
    alias = desired.subject.issuer_alias or ""
    issuer = issuers.of_alias(alias)
    if desired.state == "absent" or issuer is None or issuer.state == "absent":
        return ""

    if alias in issuer_plan.held or alias in issuer_plan.conflicts:
        return ""

    holder = real_holder(issuer_plan.held, issuer.issuer or "")
    if holder is None:
        return ""

    return (
        f"the client profile of the {desired.subject.label} names the alias {alias!r}, but its issuer"
        f" {holder.issuer!r} stays under the alias {holder.issuer_alias!r}. Declare {holder.issuer_alias!r} with state"
        f" absent, or set issuer_alias of the profile to {holder.issuer_alias!r}."
    )


def _undeclared_profile(profile: ClientProfile, is_deleted: bool) -> ResourcePlan:
    """The plan of a profile that nobody declared. is_deleted: whether the plan deletes it."""
    record = profile.record()

    return ResourcePlan(
        resource=RESOURCE,
        id=profile.label,
        status="extra" if is_deleted else "undeclared",
        before=record,
        after={} if is_deleted else record,
        message=f"It grants {profile.rights}.",
        show=shown,
    )
