# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the steps to a declared client profile, and refuses plans that lock out the account that is logged in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Sequence
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
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import shown
from ansible_collections.esx.trust.plugins.module_utils._services.names import look_alike_warnings

#: The entitlement that allows an account to change client profiles.
_KEEPS_CONTROL = "IDENTITY_MGMT"


def plan(
    observed: Optional[Sequence[ClientProfile]],
    desired: DesiredClientProfile,
    account: Account = UNKNOWN,
) -> Plan:
    """The plan that brings the profile of one subject to its declared state. Pure.

    observed: the profiles on the host, None if the host has no such service.
    account: the account that is logged in. A plan is a conflict if the account could not undo it.
    """
    if observed is None:
        conflict = no_service(desired.subject.label) if desired.state == "present" else None
        return Plan({}, {}, conflict=conflict)

    of_subject = [profile for profile in observed if profile.subject == desired.subject]
    held = of_subject[0] if of_subject else None
    before = held.record() if held else {}

    if len(of_subject) > 1:
        ids = ", ".join(repr(profile.profile) for profile in of_subject)
        subject = desired.subject.label
        conflict = f"the host holds {len(of_subject)} client profiles of the {subject} ({ids}); delete all but one."

        return Plan(before, before, conflict=conflict)

    after = desired.profile_on(held) if desired.state == "present" else None
    conflict = _conflict(observed, held, after, desired, account)
    if conflict:
        return Plan(before, before, conflict=conflict)

    warnings: tuple[str, ...] = ()
    if held is None and after:
        warnings = _look_alikes(observed, desired)

    return Plan(
        before=before,
        after=after.record() if after else {},
        steps=steps_between(held, after),
        warnings=warnings,
    )


def no_service(label: str) -> str:
    """The conflict on a host without the service of client profiles. label: the name of the subject."""
    return f"the host has no service of client profiles, so it cannot hold a client profile of the {label}."


def _conflict(
    observed: Sequence[ClientProfile],
    held: Optional[ClientProfile],
    after: Optional[ClientProfile],
    desired: DesiredClientProfile,
    account: Account,
) -> Optional[str]:
    """Why the profile on the host may not be changed, or None.

    held: the profile of the subject on the host.
    after: the profile that the host shall hold, None if it shall be deleted.
    """
    if held is None:
        return None

    unknown = held.unknown_grants
    if after and unknown and desired.entitlements_mode == "exact":
        grants = ", ".join(json.dumps(grant.to_api(), sort_keys=True) for grant in unknown)

        return (
            f"the client profile of the {held.label} has grants that this collection does not know ({grants}); exact"
            " would remove them, entitlements_mode merge keeps them."
        )

    if after and after != held and _rewrites_unknown_fields(held, after):
        return (
            f"the client profile of the {held.label} has grants with fields that this collection does not know, so it"
            " cannot be written again without the danger that they change."
        )

    remaining = [profile for profile in observed if profile.subject != held.subject]
    if after:
        remaining.append(after)

    return locked_out(held, remaining, account)


def _rewrites_unknown_fields(held: ClientProfile, after: ClientProfile) -> bool:
    """True if the change keeps a grant that has fields which this collection does not know.

    A change writes all grants again. So the host could lose these fields or refuse them.
    """
    return any(grant.unknown_fields and grant.right in after.granted for grant in held.grants)


def locked_out(leaving: ClientProfile, remaining: Sequence[ClientProfile], account: Account) -> Optional[str]:
    """The conflict if a change of a profile would lock out the account that is logged in, or None.

    leaving: the profile that is deleted or changed.
    remaining: the profiles on the host after that.
    """
    if not _keeps_in_control(leaving, account):
        return None

    if any(_keeps_in_control(profile, account) for profile in remaining):
        return None

    relation = "which is the account that this task logs in with"
    if leaving.subject.type == "EXTERNAL_GROUP":
        relation = "of which the account that this task logs in with is a member"

    return (
        f"this would take {_KEEPS_CONTROL} from the {leaving.label}, {relation}, and the account could not restore"
        " it. Use another account."
    )


def _keeps_in_control(profile: ClientProfile, account: Account) -> bool:
    """True if the profile lets the account change client profiles."""
    if _KEEPS_CONTROL not in profile.entitlements:
        return False

    subject = profile.subject
    if subject.type == "LOCAL_USER":
        return subject.name is not None and subject.name == account.username

    if not account.may_be_of(subject.issuer_alias):
        return False

    if subject.type == "EXTERNAL_USER":
        return account.is_user(subject.name, subject.domain)

    return subject.type == "EXTERNAL_GROUP" and account.is_member(subject.name, subject.domain)


def _look_alikes(observed: Iterable[ClientProfile], desired: DesiredClientProfile) -> tuple[str, ...]:
    """A warning for each subject on the host that a person could confuse with a new subject of the same type."""
    subject = desired.subject
    names = []
    for profile in observed:
        if profile.subject.type == subject.type and profile.subject.name is not None:
            names.append(profile.subject.name)

    return look_alike_warnings(f"a client profile of the {SUBJECT_KINDS[subject.type]}", subject.name or "", names)


def steps_between(before: Optional[ClientProfile], after: Optional[ClientProfile]) -> tuple[Step, ...]:
    """The step from a profile to another, or no step if they have the same grants. None stands for no profile."""
    if before is None:
        if after is None:
            return ()

        return (Step.between(RESOURCE, after.label, None, after),)

    if after is not None and after.granted == before.granted:
        return ()

    return (Step.between(RESOURCE, before.label, before, after),)


def was_carried_out(observed: Iterable[ClientProfile], step: Step) -> bool:
    """True if the host shows that an unconfirmed step was carried out.

    observed: the profiles on the host after the step was sent.
    """
    before: Optional[ClientProfile] = step.before
    after: Optional[ClientProfile] = step.after
    # The subject is the identity of a profile. The host may give it another id.
    if after is None:
        return before is not None and not any(_is_equal(profile, before) for profile in observed)

    return any(_is_equal(profile, after) for profile in observed)


def difference_from_written(observed: Iterable[ClientProfile], step: Step) -> str:
    """A sentence about the differences between a profile as it was written and as the host saved it. Empty if equal."""
    after: Optional[ClientProfile] = step.after
    if after is None:
        return ""

    for now in observed:
        if now.subject == after.subject and now.granted != after.granted:
            return (
                f"the host does not keep the client profile of the {after.label} as it was written: it grants"
                f" {now.rights}, not {after.rights}"
            )

    return ""


def is_same(step: Step, other: Step) -> bool:
    """True if two deletions remove the same rights of the same subject."""
    return _is_equal(step.before, other.before)


def _is_equal(profile: ClientProfile, expected: ClientProfile) -> bool:
    """True if both give the same rights to the same subject."""
    return profile.subject == expected.subject and profile.granted == expected.granted


def difference(profile_plan: Plan) -> str:
    """A sentence about the entitlements that a plan adds and removes. Empty if there are none."""
    before = set(profile_plan.before.get("entitlements", ()))
    after = set(profile_plan.after.get("entitlements", ()))
    lacking = [name for name in ENTITLEMENTS if name in after - before]
    exceeding = [name for name in ENTITLEMENTS if name in before - after]

    clauses = []
    if lacking:
        clauses.append(f"it lacks {', '.join(lacking)}")

    if exceeding:
        clauses.append(f"it has {', '.join(exceeding)} besides what is declared")

    if not clauses:
        return ""

    text = " and ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}."


def touched(steps: Iterable[Step]) -> Optional[tuple[dict[str, Any], dict[str, Any]]]:
    """The profiles that the steps change, for a diff: before and after, by their labels. None if there are none."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for step in steps:
        if step.resource != RESOURCE:
            continue

        if not step.creates and step.id not in after:
            before.setdefault(step.id, shown(step.before.record()))

        after[step.id] = None if step.deletes else shown(step.after.record())

    if not (before or after):
        return None

    remaining = {label: record for label, record in after.items() if record is not None}
    return before, remaining
