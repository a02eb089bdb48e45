# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans what happens to client profiles when issuers are renamed or removed.

A renaming copies the profiles to the new alias. A removal warns with the subjects that lose their rights.

Some hosts delete the client profiles that name the alias of a deleted issuer, other hosts keep them. With the steps of
this file, the result is the same on both. The steps depend only on the contents of the host and on the steps of the
issuers. So if a run is killed at any point, the next run finishes its work.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services import held_issuers
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import locked_out
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import plan
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import Held
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import real_holder
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import carry_out
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import undeclared
from ansible_collections.esx.trust.plugins.module_utils._services.profile_copies import plan_copies


@dataclass(frozen=True)
class RightsPlan:
    """The steps of issuers and client profiles in one order.

    added: the steps that add and update, and all steps of renamings.
    removed: the steps that remove; they come after the others.
    held: the profiles on the host after the steps.
    warnings, conflicts: sentences. If there is a conflict, nothing may be written.
    """

    added: tuple[Step, ...]
    removed: tuple[Step, ...]
    held: tuple[ClientProfile, ...]
    warnings: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def concern_profiles(steps: Iterable[Step]) -> bool:
    """True if these steps of issuers can change rights, so that the client profiles must be read for the plan."""
    return any(_takes_alias(step) or _makes_alias(step) for step in steps)


def may_take_rights(steps: Iterable[Step]) -> bool:
    """True if these steps take an issuer from its alias, so that subjects can lose their rights."""
    return any(_takes_alias(step) for step in steps)


def plan_rights(held: Held, steps: Sequence[Step], profiles: Profiles, declared: DeclaredProfiles) -> RightsPlan:
    """All steps of issuers and client profiles. Pure.

    The steps of the issuers keep their order. Profiles are added and updated after the issuers, and they are deleted
    before the issuers.

    held: the issuers on the host before the steps.
    steps: the steps of the issuers.
    profiles: the client profiles on the host before the steps.
    """
    in_order = _StepsInOrder(held, steps, profiles, declared)
    first_removal = len(steps)
    while first_removal > 0 and in_order.is_removal(steps[first_removal - 1]):
        first_removal -= 1

    for step in steps[:first_removal]:
        in_order.add_issuer_step(step)

    in_order.add_present_profiles()
    added = len(in_order.steps)
    in_order.remove_profiles()

    for step in steps[first_removal:]:
        in_order.add_issuer_step(step)

    in_order.check_declared_aliases()

    return RightsPlan(
        added=tuple(in_order.steps[:added]),
        removed=tuple(in_order.steps[added:]),
        held=tuple(in_order.now),
        warnings=tuple(in_order.warnings),
        conflicts=tuple(dict.fromkeys(in_order.conflicts)),
    )


def _takes_alias(step: Step) -> bool:
    """True if the step takes an issuer from its alias. A step that only writes a marker does not."""
    if step.creates:
        return False

    return step.deletes or bool(step.after.true_issuer != step.before.true_issuer)


def _makes_alias(step: Step) -> bool:
    """True if the step creates an alias that profiles may name already. No profile names an alias for parking."""
    return step.creates and not step.after.parked


def _named(profiles: Iterable[ClientProfile]) -> str:
    """The profiles and their rights, as a sentence lists them."""
    return "; ".join(f"{profile.label} ({profile.rights})" for profile in profiles)


class _StepsInOrder:
    """Collects the steps of issuers and profiles.

    steps: the steps so far.
    now: the profiles on the host after these steps.
    warnings, conflicts: sentences so far.
    """

    def __init__(
        self,
        held: Held,
        steps: Sequence[Step],
        profiles: Profiles,
        declared: DeclaredProfiles,
    ) -> None:
        self._first = held
        self._last = held_issuers.carry_out(held, steps)
        self._changes_places = any(not step.deletes and step.after.parked for step in steps)
        self._profiles = profiles
        self._declared = declared
        self.now = list(profiles.held)
        self.steps: list[Step] = []
        self.warnings: list[str] = []
        self.conflicts: list[str] = []

    def destination(self, step: Step) -> Optional[str]:
        """The new alias of the issuer that the step takes from its alias. None if the step is no part of a renaming."""
        if not _takes_alias(step) or step.before.marker is None:
            return None

        holder = real_holder(self._last, step.before.true_issuer)
        if holder is None or holder.issuer_alias == step.id:
            return None

        return holder.issuer_alias

    def is_removal(self, step: Step) -> bool:
        """True if the step deletes an issuer and is no part of a renaming."""
        return step.deletes and self.destination(step) is None

    def add_issuer_step(self, step: Step) -> None:
        """Add a step of an issuer. The steps of profiles that must come before it are added first."""
        if _takes_alias(step):
            self._check_issuer_of_account(step)
            if self._profiles.offered:
                self._add_steps_before(step)
        elif _makes_alias(step) and self._profiles.offered:
            self._warn_of_a_new_alias(step)

        self.steps.append(step)

    def _check_issuer_of_account(self, step: Step) -> None:
        """Add a conflict if the host would no longer trust the issuer of the token that is logged in."""
        issuer = self._declared.account.issuer
        if issuer is None or issuer != step.before.true_issuer:
            return

        if real_holder(self._last, issuer) is None:
            self.conflicts.append(
                f"the host would no longer trust the issuer that is saved under the alias {step.id!r}. It issued the"
                " SAML token that this task logs in with, so the account could not undo this. Use another account."
            )

    def _add_steps_before(self, step: Step) -> None:
        """Add the steps of the profiles that name the alias of a step which takes an issuer from it.

        If the profiles cannot follow the issuer, add a conflict. If subjects lose or get rights, add a warning.
        """
        alias = step.id
        new = self.destination(step)
        named = self._profiles_naming(alias)
        refused = self._profiles.refused

        if new is not None and refused:
            self.conflicts.append(
                f"the client profiles of the host may not be read ({refused}), and the renaming of {alias!r} to"
                f" {new!r} could take rights away without anybody noticing."
            )
        elif self._changes_places and named:
            self.conflicts.append(
                f"issuers change places, and client profiles name the alias {alias!r}: {_named(named)}. Rename the"
                " issuers one after the other, or delete these profiles."
            )
        elif new is not None:
            self._follow_issuer(alias, new, named)
        elif step.deletes:
            self._remove_with_issuer(alias, named)
        else:
            self._warn_of_another_issuer(alias, step.after.true_issuer, named)

    def _follow_issuer(self, alias: str, new: str, named: Sequence[ClientProfile]) -> None:
        """Copy the profiles that name the alias to the new alias of its issuer, and delete the old ones."""
        planned = plan_copies(self.now, alias, new, self._declared)
        self.conflicts.extend(planned.conflicts)

        for desired in planned.declared_first:
            self._add_declared(desired)

        for copy in planned.copies:
            self._add(Step.between(RESOURCE, copy.label, None, copy))

        self._check_profiles_of_account(named)
        self._delete(named)

    def _remove_with_issuer(self, alias: str, named: Sequence[ClientProfile]) -> None:
        """Delete the profiles that name the alias of a removed issuer, with a warning."""
        self._check_profiles_of_account(named)

        if self._profiles.refused:
            self.warnings.append(
                f"the client profiles of the host may not be read ({self._profiles.refused}): the rights"
                f" that the subjects of the issuer {alias!r} lose are unknown."
            )
        elif named:
            self.warnings.append(
                f"removing the issuer {alias!r} also removes the client profiles that name it: {_named(named)}."
            )

        self._delete(named)

    def _warn_of_another_issuer(self, alias: str, issuer: str, named: Sequence[ClientProfile]) -> None:
        """Add a warning if subjects get rights, because the alias that profiles name passes to their issuer.

        issuer: the issuer that the alias has after the step.
        """
        refused = self._profiles.refused
        if refused:
            self.warnings.append(
                f"the alias {alias!r} passes to the issuer {issuer!r}, and the client profiles of the host may not be"
                f" read ({refused}): the rights that the issuer's subjects get are unknown."
            )
        elif named:
            self.warnings.append(
                f"the alias {alias!r} passes to the issuer {issuer!r}, whose subjects get the rights of the client"
                f" profiles that name it: {_named(named)}."
            )
            self._check_profiles_of_account(named)

    def _profiles_naming(self, alias: str) -> list[ClientProfile]:
        """The profiles on the host that name this alias."""
        return [profile for profile in self.now if profile.subject.issuer_alias == alias]

    def _check_profiles_of_account(self, leaving: Sequence[ClientProfile]) -> bool:
        """True if the account that is logged in keeps the profiles that it needs to undo this.

        If not, add a conflict.
        """
        remaining = [profile for profile in self.now if profile not in leaving]
        conflicts = []
        for profile in leaving:
            conflict = locked_out(profile, remaining, self._declared.account)
            if conflict:
                conflicts.append(conflict)

        self.conflicts.extend(conflicts)
        return not conflicts

    def _warn_of_a_new_alias(self, step: Step) -> None:
        """Add a warning if subjects get rights, because profiles name the new alias already."""
        alias = step.id
        refused = self._profiles.refused

        left_over = []
        for profile in self._profiles_naming(alias):
            # The declaration of a profile decides about its rights, so they surprise nobody.
            is_declared = self._declared.of_subject(profile.subject) is not None
            if not is_declared and not self._declared.drops(profile.subject):
                left_over.append(profile)

        if refused:
            self.warnings.append(
                f"the alias {alias!r} is new, and the client profiles of the host may not be read ({refused})."
                " If some name it already, the subjects of its issuer get their rights."
            )
        elif left_over:
            self.warnings.append(
                f"the alias {alias!r} is new, and client profiles name it already: {_named(left_over)}. The subjects of"
                f" the issuer {step.after.true_issuer!r} get these rights."
            )

    def _add(self, step: Step) -> None:
        """Add a step of a profile."""
        self.steps.append(step)
        self.now = list(carry_out(self.now, [step]))

    def _delete(self, profiles: Iterable[ClientProfile]) -> None:
        """Add the steps that delete these profiles. Profiles that cannot be declared stay."""
        for profile in profiles:
            if profile.subject.declarable:
                self._add(Step.between(RESOURCE, profile.label, profile, None))

    def add_present_profiles(self) -> None:
        """Add the steps of the profiles that are declared present."""
        for desired in self._declared.profiles:
            if desired.state == "present":
                self._add_declared(desired)

    def remove_profiles(self) -> None:
        """Add the steps that delete the profiles that are declared absent. With purge, also those not declared."""
        for desired in self._declared.profiles:
            if desired.state == "absent":
                self._add_declared(desired)

        if not self._declared.purge:
            return

        for profile in undeclared(self.now, self._declared):
            if self._check_profiles_of_account([profile]):
                self._delete([profile])

    def _add_declared(self, desired: DesiredClientProfile) -> None:
        """Add the steps and the conflict of one declared profile."""
        profile_plan = plan(self._profiles.if_offered(self.now), desired, self._declared.account)
        if profile_plan.conflict:
            self.conflicts.append(profile_plan.conflict)

        for step in profile_plan.steps:
            self._add(step)

    def check_declared_aliases(self) -> None:
        """Add a conflict for each profile that is declared present and names an alias that is removed.

        Each run would create such a profile and delete it again.
        """
        for desired in self._declared.profiles:
            alias = desired.subject.issuer_alias
            if desired.state == "present" and alias in self._first and alias not in self._last:
                self.conflicts.append(
                    f"the client profile of the {desired.subject.label} is declared present, and the alias {alias!r} is"
                    " removed by the same declaration."
                )
