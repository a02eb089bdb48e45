# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the steps with which a failed run restores the issuers and client profiles that it has changed or removed."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_model
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_model
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import Held
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import carry_out
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import marked_holders
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import real_holder
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.profile_copies import plan_copies
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer

_ISSUER = token_issuer_model.RESOURCE
_PROFILE = client_profile_model.RESOURCE


def restoring_steps(held: Held, sent: Sequence[Step], declared: DeclaredIssuers) -> list[Step]:
    """The steps that restore each declared issuer that the sent steps have taken from its alias. Pure.

    An issuer that the host trusts again, under any alias, stays there.

    held: the issuers on the host now.
    sent: the steps of the failed run, in their order.
    """
    restoring = _Restoring(held)
    taken = []
    for step in reversed(sent):
        was_taken = step.deletes or (step.updates and step.after.issuer != step.before.issuer)
        if was_taken and declared.of_issuer(step.before.issuer):
            taken.append(step)

    # A restored issuer may displace another one, which is then restored in the next round. Each alias gets an issuer
    # back once: if a run that was planned again has taken two issuers from one alias, the later one.
    restored: set[str] = set()
    for _round in range(len(sent) + 1):
        steps_before = len(restoring.steps)

        for step in taken:
            if step.id not in restored and real_holder(restoring.now, step.before.issuer) is None:
                restoring.write(step.id, step.before)
                restored.add(step.id)

        if len(restoring.steps) == steps_before:
            break

    for step in reversed(sent):
        was_parked = step.creates and step.after.parked
        if was_parked and step.id in restoring.now and real_holder(restoring.now, step.after.true_issuer):
            restoring.write(step.id, None)

    for desired in declared.present:
        parked = _parked_chains(restoring.now, held, desired)
        if parked is not None:
            restoring.write(parked.issuer_alias, parked)

    return restoring.steps


def _parked_chains(now: Held, held: Held, desired: DesiredTokenIssuer) -> Optional[TokenIssuer]:
    """The marker that keeps the chains of an issuer which a restored issuer has displaced. None if not needed.

    Merge mode keeps chains that the host had under markers of earlier runs. The failed run has put them together under
    the alias that another issuer gets back now. The next run takes them from the marker.

    now: the issuers on the host after the restoring steps.
    held: the issuers on the host before them.
    """
    issuer = desired.issuer or ""
    displaced = real_holder(held, issuer)
    if desired.chains_mode != "merge" or displaced is None or real_holder(now, issuer) is not None:
        return None

    known = set(desired.chains)
    for marked in marked_holders(now, issuer):
        known.update(marked.chains)

    if set(displaced.chains) <= known:
        return None

    alias = desired.issuer_alias
    marker = write_marker(alias, issuer, [saved.issuer for saved in now.values()])

    return replace(displaced, issuer_alias=parking_alias(alias, now), issuer=marker)


class _Restoring:
    """Collects steps.

    now: the issuers on the host after the steps.
    steps: the steps so far.
    """

    def __init__(self, held: Held) -> None:
        self.now = dict(held)
        self.steps: list[Step] = []

    def write(self, alias: str, after: Optional[TokenIssuer]) -> None:
        """Add the step that gives the alias this issuer. None deletes it."""
        step = Step.between(_ISSUER, alias, self.now.get(alias), after)
        self.steps.append(step)
        self.now = dict(carry_out(self.now, [step]))


def left_over(held: Held, sent: Sequence[Step]) -> list[str]:
    """A sentence for each marker that the sent steps have left although the host trusts its issuer. Pure."""
    aliases: dict[str, None] = {}
    for step in sent:
        if not step.deletes and step.after.marker:
            aliases[step.id] = None

    sentences = []
    for alias in aliases:
        saved = held.get(alias)
        if saved and saved.marker and real_holder(held, saved.true_issuer):
            sentences.append(f"The next run deletes the marker at {alias!r}.")

    return sentences


def undo_renaming(held: Held, profiles: Profiles, sent: Sequence[Step], declared: DeclaredProfiles) -> list[Step]:
    """The steps that undo a renaming if a client profile could not be copied to the new alias. Pure.

    The old profiles that the run deleted are created again, the new ones are deleted, and those that the run changed
    get their earlier grants back. Both aliases get their earlier contents back; if the new alias did not exist before,
    it is deleted. An undeclared issuer that the renaming displaced is restored too, because a failed run must not
    remove anything, unless the host trusts this issuer under another alias now.
    If all profiles were copied, there are no steps, and the next run finishes the renaming.

    held, profiles: the issuers and profiles on the host now.
    sent: the steps of the failed run, in their order.
    """
    steps: list[Step] = []
    for marking in sent:
        if not _marks(marking):
            continue

        marked = held.get(marking.id)
        new = real_holder(held, marking.before.issuer)
        if marked is None or not marked.marker or new is None:
            continue

        arrival = _arrival(sent, new)
        if arrival is None or not _not_carried(profiles, marking.id, new.issuer_alias, declared):
            continue

        # The old profiles come first, so that no subject is without its rights in between.
        steps.extend(_restored_profiles(profiles, sent, marking.id))
        steps.extend(_earlier_grants(profiles, sent, new.issuer_alias))

        for profile in _new_profiles(profiles, sent, new.issuer_alias):
            steps.append(Step.between(_PROFILE, profile.label, profile, None))

        displaced = arrival.before
        if displaced is not None and real_holder(held, displaced.true_issuer) is not None:
            displaced = None

        steps.append(Step.between(_ISSUER, new.issuer_alias, new, displaced))
        steps.append(Step.between(_ISSUER, marking.id, marked, marking.before))

    return steps


def _arrival(sent: Sequence[Step], new: TokenIssuer) -> Optional[Step]:
    """The last sent step that gave the new alias its issuer, or None."""
    for step in reversed(sent):
        if step.resource == _ISSUER and step.id == new.issuer_alias and _brings(step, new.issuer):
            return step

    return None


def _new_profiles(profiles: Profiles, sent: Sequence[Step], alias: str) -> list[ClientProfile]:
    """The profiles of an alias that the sent steps have created."""
    created = []
    for step in sent:
        if step.resource == _PROFILE and step.creates:
            created.append(step.after.subject)

    found = []
    for profile in profiles.held:
        if profile.subject in created and profile.subject.issuer_alias == alias:
            found.append(profile)

    return found


def _restored_profiles(profiles: Profiles, sent: Sequence[Step], alias: str) -> list[Step]:
    """The steps that create the profiles of an alias again which the sent steps have deleted."""
    subjects = [profile.subject for profile in profiles.held]

    steps = []
    for step in sent:
        was_deleted = step.resource == _PROFILE and step.deletes
        if not was_deleted or step.before.subject.issuer_alias != alias or step.before.subject in subjects:
            continue

        restored = ClientProfile(step.before.subject, _writable(step.before.grants))
        subjects.append(restored.subject)
        steps.append(Step.between(_PROFILE, restored.label, None, restored))

    return steps


def _earlier_grants(profiles: Profiles, sent: Sequence[Step], alias: str) -> list[Step]:
    """The steps that give changed profiles of an alias the grants back which they had before the sent steps."""
    steps = []
    for step in sent:
        was_changed = step.resource == _PROFILE and step.updates
        if not was_changed or step.after.subject.issuer_alias != alias:
            continue

        for profile in profiles.held:
            if profile.subject == step.after.subject and profile.granted == step.after.granted:
                earlier = replace(profile, grants=_writable(step.before.grants))
                steps.append(Step.between(_PROFILE, profile.label, profile, earlier))

    return steps


def _writable(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """The grants without the fields that a host adds to known entitlements. The API does not take these fields."""
    return tuple(grant.right for grant in grants)


def _marks(step: Step) -> bool:
    """True if the step is the first step of a renaming: it writes a marker in the place of an issuer."""
    if step.resource != _ISSUER or not step.updates:
        return False

    return step.before.marker is None and step.after.marker is not None


def _brings(step: Step, issuer: str) -> bool:
    """True if the step gives its alias this issuer. Chains are not compared: a host may save them in another form."""
    if step.deletes or step.after.issuer != issuer:
        return False

    return step.creates or bool(step.before.issuer != issuer)


def _not_carried(profiles: Profiles, old: str, new: str, declared: DeclaredProfiles) -> bool:
    """True if a profile of the old alias has not been copied to the new alias."""
    planned = plan_copies(profiles.held, old, new, declared)
    return bool(planned.copies or planned.conflicts)
