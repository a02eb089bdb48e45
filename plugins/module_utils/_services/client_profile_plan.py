# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done so that a host holds a client profile as it is declared, and what nobody does to himself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ENTITLEMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import SUBJECT_KINDS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import shown
from ansible_collections.esx.trust.plugins.module_utils._services.names import look_alike_warnings

#: Whoever has it may change client profiles.
_KEEPS_CONTROL = "IDENTITY_MGMT"


@dataclass(frozen=True)
class Profiles:
    """What is known of the client profiles of a host.

    offered: False if the host has no such service. refused: why they may not be read, or empty.
    """

    held: tuple[ClientProfile, ...] = ()
    offered: bool = True
    refused: str = ""

    def naming(self, alias: str) -> frozenset[tuple[Subject, frozenset[Grant]]]:
        """Subjects and rights of the profiles that name the alias of an issuer."""
        return frozenset(
            (profile.subject, frozenset(profile.grants))
            for profile in self.held
            if profile.subject.issuer_alias == alias
        )

    def after(self, steps: Iterable[Step]) -> Profiles:
        """The same after the steps."""
        return replace(self, held=carry_out(self.held, [step for step in steps if step.resource == RESOURCE]))

    def as_plan_takes(self, held: Sequence[ClientProfile]) -> Optional[Sequence[ClientProfile]]:
        """`held`, or None without the service."""
        return held if self.offered else None


def plan(
    observed: Optional[Sequence[ClientProfile]], desired: DesiredClientProfile, account: Account = UNKNOWN
) -> Plan:
    """What has to be done so that a host that holds the `observed` profiles holds the one that is `desired`.

    observed: None if the host has no such service. account: who is logged in; no plan takes from it what it needs to
    undo the plan.
    """
    if observed is None:
        return Plan({}, {}, conflict=no_service(desired.subject.label) if desired.state == "present" else None)

    held = [profile for profile in observed if profile.subject == desired.subject]
    own = held[0] if held else None
    before = own.record() if own else {}
    if len(held) > 1:
        ids = ", ".join(repr(profile.profile) for profile in held)
        reason = (
            f"the host holds {len(held)} client profiles of the {desired.subject.label} ({ids}); delete all but one."
        )
        return Plan(before, before, conflict=reason)

    after = desired.profile_on(own) if desired.state == "present" else None
    conflict = _conflict(observed, own, after, desired, account)
    if conflict:
        return Plan(before, before, conflict=conflict)
    return Plan(
        before=before,
        after=after.record() if after else {},
        steps=steps_between(own, after),
        warnings=_look_alikes(observed, desired) if own is None and after else (),
    )


def no_service(label: str) -> str:
    """Why a profile cannot be brought about on a host without the service."""
    return f"the host has no service of client profiles, so it cannot hold the one of the {label}."


def _conflict(
    observed: Sequence[ClientProfile],
    own: Optional[ClientProfile],
    after: Optional[ClientProfile],
    desired: DesiredClientProfile,
    account: Account,
) -> Optional[str]:
    if own is None:
        return None

    strange = own.unknown_grants
    if after and strange and desired.entitlements_mode == "exact":
        named = ", ".join(json.dumps(grant.to_api(), sort_keys=True) for grant in strange)
        return (
            f"the client profile of the {own.label} grants what this collection does not know ({named}), and it would"
            " be lost; entitlements_mode merge keeps it."
        )
    if after and after != own and any(grant.other for grant in strange):
        return (
            f"the client profile of the {own.label} has grants with fields that this collection does not know, so it"
            " cannot be written again without the danger that they change."
        )
    others = [profile for profile in observed if profile.subject != own.subject]
    return locked_out(own, [*others, *([after] if after else [])], account)


def locked_out(own: ClientProfile, remaining: Iterable[ClientProfile], account: Account) -> Optional[str]:
    """Why `own` may not go while the `remaining` profiles stay: it would lock out the account that is logged in."""
    if not _keeps_in_control(own, account) or any(_keeps_in_control(profile, account) for profile in remaining):
        return None
    account_is = "of which the account that this task logs in with is a member"
    if own.subject.type != "EXTERNAL_GROUP":
        account_is = "which is the account that this task logs in with"
    return (
        f"this would take {_KEEPS_CONTROL} from the {own.label}, {account_is}, so it could not be given back; do that"
        " with another account."
    )


def _keeps_in_control(profile: ClientProfile, account: Account) -> bool:
    """True if the profile lets the account change client profiles."""
    if _KEEPS_CONTROL not in profile.entitlements:
        return False
    subject = profile.subject
    if subject.type == "LOCAL_USER":
        return subject.name is not None and subject.name == account.username
    if subject.type == "EXTERNAL_USER":
        return account.is_user(subject.name, subject.domain)
    return subject.type == "EXTERNAL_GROUP" and account.is_member(subject.name, subject.domain)


def _look_alikes(observed: Iterable[ClientProfile], desired: DesiredClientProfile) -> tuple[str, ...]:
    subject = desired.subject
    alike = [profile.subject for profile in observed if profile.subject.type == subject.type]
    names = [other.name for other in alike if other.name is not None]
    return look_alike_warnings(f"a client profile of the {SUBJECT_KINDS[subject.type]}", subject.name or "", names)


def steps_between(before: Optional[ClientProfile], after: Optional[ClientProfile]) -> tuple[Step, ...]:
    """The write that makes `after` of `before`; either may be None."""
    if before is None:
        return (Step.between(RESOURCE, after.label, None, after),) if after else ()
    if after is not None and set(after.grants) == set(before.grants):
        return ()
    return (Step.between(RESOURCE, before.label, before, after),)


def carry_out(profiles: Iterable[ClientProfile], steps: Iterable[Step]) -> tuple[ClientProfile, ...]:
    """What a host holds after the steps."""
    held = list(profiles)
    for step in steps:
        before: Optional[ClientProfile] = step.before
        place = len(held)
        if before is not None:
            found = [
                number for number, profile in enumerate(held) if profile.profile == before.profile and profile == before
            ]
            if not found:
                continue
            place = found[0]
        held[place : place + 1] = [] if step.after is None else [step.after]
    return tuple(held)


def was_carried_out(observed: Iterable[ClientProfile], step: Step) -> bool:
    """True if what the host holds now shows that a write in doubt was carried out."""
    before: Optional[ClientProfile] = step.before
    after: Optional[ClientProfile] = step.after
    # The subject is the identity of a profile. The host may give it another id.
    if after is None:
        return before is not None and not any(_is_equal(profile, before) for profile in observed)
    return any(_is_equal(profile, after) for profile in observed)


def is_same(step: Step, other: Step) -> bool:
    """True if two deletions are of the same rights of the same subject."""
    return _is_equal(step.before, other.before)


def _is_equal(profile: ClientProfile, other: ClientProfile) -> bool:
    """True if both give the same rights to the same subject; the order of grants means nothing."""
    return profile.subject == other.subject and set(profile.grants) == set(other.grants)


def difference(own: Plan) -> str:
    """A sentence for the entitlements that a plan adds and takes away."""
    before, after = (set(record.get("entitlements", ())) for record in (own.before, own.after))
    lacks = ", ".join(name for name in ENTITLEMENTS if name in after - before)
    exceeds = ", ".join(name for name in ENTITLEMENTS if name in before - after)
    parts = [f"it lacks {lacks}"] if lacks else []
    parts += [f"it has {exceeds} besides what is declared"] if exceeds else []
    text = " and ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def touched(steps: Iterable[Step]) -> Optional[tuple[dict[str, Any], dict[str, Any]]]:
    """The profiles that the steps are about, by their labels, for a diff: before and after. None if there are none."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for step in steps:
        if step.resource != RESOURCE:
            continue
        if step.before is not None and step.id not in after:
            before.setdefault(step.id, shown(step.before.record()))
        after[step.id] = shown(step.after.record()) if step.after is not None else None
    if not (before or after):
        return None
    return before, {label: record for label, record in after.items() if record is not None}
