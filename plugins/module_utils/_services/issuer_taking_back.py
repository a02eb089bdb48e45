# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run that failed gives issuers and client profiles back what it took from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_model
from ansible_collections.esx.trust.plugins.module_utils._services import issuer_plan
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import Held
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import carry_out
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import real_holder
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import Carrying
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer

_ISSUER = issuer_plan.RESOURCE
_PROFILE = client_profile_model.RESOURCE


def take_back(held: Held, sent: Sequence[Step], declared: DeclaredIssuers) -> list[Step]:
    """The steps that give each declared issuer, which the `sent` steps took from its alias, its alias back. Pure.

    An issuer that the host trusts by now stays where it is.
    """
    steps: list[Step] = []
    now = dict(held)

    def write(alias: str, after: Optional[TokenIssuer]) -> None:
        step = Step.between(_ISSUER, alias, now.get(alias), after)
        steps.append(step)
        now.update(carry_out(now, [step]))
        if after is None:
            now.pop(alias, None)

    # What is put back may displace another one, which is then put back in its turn.
    for _turn in range(len(sent) + 1):
        number = len(steps)
        for step in reversed(sent):
            before, after = step.before, step.after
            if before is None or not declared.of_issuer(before.issuer):
                continue
            if (after is None or after.issuer != before.issuer) and real_holder(now, before.issuer) is None:
                write(step.id, before)
        if len(steps) == number:
            break

    for step in reversed(sent):
        if step.before is None and step.after.parked and step.id in now and real_holder(now, step.after.true_issuer):
            write(step.id, None)
    return steps


def left_over(held: Held, sent: Sequence[Step]) -> list[str]:
    """A sentence for each marker that the `sent` steps left behind although its issuer is trusted. Pure."""
    aliases = dict.fromkeys(step.id for step in sent if step.after is not None and step.after.marker)
    return [
        f"The next run deletes the marker at {alias!r}."
        for alias in aliases
        if alias in held and held[alias].marker and real_holder(held, held[alias].true_issuer)
    ]


def undo_renaming(held: Held, profiles: Profiles, sent: Sequence[Step], declared: DeclaredProfiles) -> list[Step]:
    """The steps that undo a renaming of which a client profile could not be carried along. Pure.

    The new profiles go, both aliases get back what they held before, and a new alias that held nothing goes. That is
    also true of an issuer that nobody declared and that the renaming displaced: a run that failed takes nothing away.
    It gets its alias back only if the host does not trust it elsewhere by now.
    A renaming of which all profiles were carried along is left to be finished.
    """
    steps: list[Step] = []
    for marking in sent:
        if not _marks(marking):
            continue
        marked, new = held.get(marking.id), real_holder(held, marking.before.issuer)
        if marked is None or not marked.marker or new is None:
            continue
        moved = [step for step in sent if step.resource == _ISSUER and step.id == new.issuer_alias]
        bringing = next((step for step in reversed(moved) if _brings(step, new.issuer)), None)
        if bringing is None or not _not_carried(profiles, marking.id, new.issuer_alias, declared):
            continue

        made = [step.after.subject for step in sent if step.resource == _PROFILE and step.before is None]
        copies = [
            profile
            for profile in profiles.held
            if profile.subject in made and profile.subject.issuer_alias == new.issuer_alias
        ]
        steps.extend(Step.between(_PROFILE, profile.label, profile, None) for profile in copies)
        displaced = bringing.before
        if displaced is not None and real_holder(held, displaced.true_issuer) is not None:
            displaced = None
        steps.append(Step.between(_ISSUER, new.issuer_alias, new, displaced))
        steps.append(Step.between(_ISSUER, marking.id, marked, marking.before))
    return steps


def _marks(step: Step) -> bool:
    """True if the step is the first of a renaming."""
    if step.resource != _ISSUER or step.before is None or step.after is None:
        return False
    return step.before.marker is None and step.after.marker is not None


def _brings(step: Step, issuer: str) -> bool:
    """True if the step gives its alias this issuer. A host may keep the chains in a form of its own."""
    if step.after is None or step.after.issuer != issuer:
        return False
    return step.before is None or bool(step.before.issuer != issuer)


def _not_carried(profiles: Profiles, old: str, new: str, declared: DeclaredProfiles) -> bool:
    carried = Carrying(profiles.held, old, new, declared)
    return bool(carried.copies or carried.conflicts)
