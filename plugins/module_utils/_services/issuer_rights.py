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
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services import held_issuers
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import carry_out
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import locked_out
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import plan
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import Held
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import real_holder


@dataclass(frozen=True)
class DeclaredProfiles:
    """The declaration of a host's client profiles.

    purge: whether profiles that are not declared are deleted.
    account: the account that is logged in.
    """

    profiles: tuple[DesiredClientProfile, ...] = ()
    purge: bool = False
    account: Account = UNKNOWN

    def of_subject(self, subject: Subject) -> Optional[DesiredClientProfile]:
        """The declaration of this subject, or None."""
        for desired in self.profiles:
            if desired.subject == subject:
                return desired

        return None

    def drops(self, subject: Subject) -> bool:
        """True if the declaration removes the profile of this subject."""
        desired = self.of_subject(subject)
        if desired is None:
            return self.purge

        return desired.state == "absent"


@dataclass(frozen=True)
class Rights:
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

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in their order."""
        return (*self.added, *self.removed)


def concern_profiles(steps: Iterable[Step]) -> bool:
    """True if these steps of issuers can change rights, so that the client profiles must be read for the plan."""
    return any(_takes_alias(step) or _makes_alias(step) for step in steps)


def may_take_rights(steps: Iterable[Step]) -> bool:
    """True if these steps take an issuer from its alias, so that subjects can lose their rights."""
    return any(_takes_alias(step) for step in steps)


def plan_rights(held: Held, steps: Sequence[Step], profiles: Profiles, declared: DeclaredProfiles) -> Rights:
    """All steps of issuers and client profiles. Pure.

    The steps of the issuers keep their order. Profiles are added and updated after the issuers, and they are deleted
    before the issuers.

    held: the issuers on the host before the steps.
    steps: the steps of the issuers.
    profiles: the client profiles on the host before the steps.
    """
    work = _Work(held, steps, profiles, declared)
    first_removal = len(steps)
    while first_removal > 0 and work.is_removal(steps[first_removal - 1]):
        first_removal -= 1

    for step in steps[:first_removal]:
        work.take(step)

    work.add_present()
    added = len(work.steps)
    work.remove()

    for step in steps[first_removal:]:
        work.take(step)

    work.check_declared_aliases()

    return Rights(
        added=tuple(work.steps[:added]),
        removed=tuple(work.steps[added:]),
        held=tuple(work.now),
        warnings=tuple(work.warnings),
        conflicts=tuple(dict.fromkeys(work.conflicts)),
    )


def _takes_alias(step: Step) -> bool:
    """True if the step takes an issuer from its alias. A step that only writes a marker does not."""
    if step.before is None:
        return False

    return step.after is None or bool(step.after.true_issuer != step.before.true_issuer)


def _makes_alias(step: Step) -> bool:
    """True if the step creates an alias that profiles may name already. No profile names an alias for parking."""
    return step.before is None and step.after is not None and not step.after.parked


def _named(profiles: Iterable[ClientProfile]) -> str:
    """The profiles and their rights, as a sentence lists them."""
    return "; ".join(f"{profile.label} ({profile.rights})" for profile in profiles)


@dataclass
class Carrying:
    """The copies of client profiles for the renaming of an issuer.

    held: the profiles on the host.
    old, new: the old and the new alias of the issuer.
    copies: the profiles that are created for the new alias.
    first: the declarations of profiles that the new alias has already. They are carried out before the old profiles
        are deleted.
    conflicts: sentences about profiles that cannot be copied.
    """

    held: Sequence[ClientProfile]
    old: str
    new: str
    declared: DeclaredProfiles
    copies: list[ClientProfile] = field(default_factory=list)
    first: list[DesiredClientProfile] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for profile in self.held:
            if profile.subject.issuer_alias == self.old:
                self._carry(profile)

    def _carry(self, profile: ClientProfile) -> None:
        """Add the copy of a profile, or a conflict, or nothing if the new alias has the profile already."""
        where = f"the issuer that is saved under the alias {self.old!r} cannot be renamed to {self.new!r}:"
        if not profile.subject.declarable:
            self.conflicts.append(
                f"{where} the client profile {profile.label!r} names the alias, and cannot be made anew."
            )
            return

        has_unknown_fields = any(grant.other for grant in profile.grants)
        if profile.unknown_grants or has_unknown_fields:
            self.conflicts.append(
                f"{where} the client profile of the {profile.label} grants what this collection does not know."
            )
            return

        subject = replace(profile.subject, issuer_alias=self.new)
        desired = self.declared.of_subject(subject)
        old = self.declared.of_subject(profile.subject)
        if self.declared.drops(subject) or (desired is None and old is not None and old.state == "absent"):
            return

        existing = _of_subject(self.held, subject)
        if existing is None:
            copy = ClientProfile(subject, profile.grants)
            if desired:
                copy = desired.profile_on(copy)

            earlier_copy = _of_subject(self.copies, subject)
            if earlier_copy is None:
                self.copies.append(copy)
            elif earlier_copy.granted != copy.granted:
                self.conflicts.append(f"{where} there are two client profiles of the {profile.label}.")
        elif not self._is_met_by(existing, profile, desired):
            self.conflicts.append(
                f"{where} the {existing.label} has a client profile already, with other rights ({existing.rights}) than"
                f" the {profile.label} ({profile.rights}). Make them equal, or delete one of them."
            )
        elif desired is not None:
            self.first.append(desired)

    @staticmethod
    def _is_met_by(
        existing: ClientProfile,
        profile: ClientProfile,
        desired: Optional[DesiredClientProfile],
    ) -> bool:
        """True if the existing profile of the new alias has the rights that a copy would have."""
        if existing.granted == profile.granted:
            return True

        if desired is None:
            return False

        # With exact, the declaration decides. With merge, the subject must not lose a grant.
        return desired.entitlements_mode == "exact" or profile.granted <= existing.granted


def _of_subject(profiles: Iterable[ClientProfile], subject: Subject) -> Optional[ClientProfile]:
    """The first profile of this subject, or None."""
    for profile in profiles:
        if profile.subject == subject:
            return profile

    return None


class _Work:
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
        self._changes_places = any(step.after is not None and step.after.parked for step in steps)
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
        return step.after is None and self.destination(step) is None

    def take(self, step: Step) -> None:
        """Add a step of an issuer. The steps of profiles that must come before it are added first."""
        if _takes_alias(step):
            self._check_own_issuer(step)
            if self._profiles.offered:
                self._add_steps_before(step)
        elif _makes_alias(step) and self._profiles.offered:
            self._warn_of_a_new_alias(step)

        self.steps.append(step)

    def _check_own_issuer(self, step: Step) -> None:
        """Add a conflict if the host would no longer trust the issuer of the token that is logged in."""
        issuer = self._declared.account.issuer
        if issuer is None or issuer != step.before.true_issuer:
            return

        if real_holder(self._last, issuer) is None:
            self.conflicts.append(
                f"the host would no longer trust the issuer that is saved under the alias {step.id!r}. It issued the"
                " SAML token that this task logs in with, so that could not be undone; do it with another account."
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
            carrying = Carrying(self.now, alias, new, self._declared)
            self.conflicts.extend(carrying.conflicts)

            for desired in carrying.first:
                self._follow(desired)

            for copy in carrying.copies:
                self._add(Step.between(RESOURCE, copy.label, None, copy))

            self._check_own_profiles(named)
            self._delete(named)
        elif step.after is None:
            self._check_own_profiles(named)
            self._warn_of_a_removal(alias, named)
            self._delete(named)
        elif refused:
            self.warnings.append(
                f"the alias {alias!r} passes to the issuer {step.after.true_issuer!r}, and the client profiles of the"
                f" host may not be read ({refused}), so nobody can tell which rights that gives to its subjects."
            )
        elif named:
            self.warnings.append(
                f"the alias {alias!r} passes to the issuer {step.after.true_issuer!r}, whose subjects get the rights of"
                f" the client profiles that name it: {_named(named)}."
            )
            self._check_own_profiles(named)

    def _profiles_naming(self, alias: str) -> list[ClientProfile]:
        """The profiles on the host that name this alias."""
        return [profile for profile in self.now if profile.subject.issuer_alias == alias]

    def _check_own_profiles(self, leaving: Sequence[ClientProfile]) -> None:
        """Add a conflict if the account that is logged in would lose the profiles that it needs to undo this."""
        remaining = [profile for profile in self.now if profile not in leaving]
        for profile in leaving:
            conflict = locked_out(profile, remaining, self._declared.account)
            if conflict:
                self.conflicts.append(conflict)

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
                f"the alias {alias!r} is new, and the client profiles of the host may not be read ({refused}), so"
                " nobody can tell whether some name it already and give rights to the subjects of its issuer."
            )
        elif left_over:
            self.warnings.append(
                f"the alias {alias!r} is new, and client profiles name it already: {_named(left_over)}. The subjects of"
                f" the issuer {step.after.true_issuer!r} get these rights."
            )

    def _warn_of_a_removal(self, alias: str, named: Sequence[ClientProfile]) -> None:
        """Add a warning if subjects lose their rights, because their profiles name a removed alias."""
        if self._profiles.refused:
            self.warnings.append(
                f"the client profiles of the host may not be read ({self._profiles.refused}), so nobody can tell whose"
                f" rights go with the issuer {alias!r}."
            )
        elif named:
            self.warnings.append(f"with the issuer {alias!r} go the client profiles that name it: {_named(named)}.")

    def _add(self, step: Step) -> None:
        """Add a step of a profile."""
        self.steps.append(step)
        self.now = list(carry_out(self.now, [step]))

    def _delete(self, profiles: Iterable[ClientProfile]) -> None:
        """Add the steps that delete these profiles. Profiles that cannot be declared stay."""
        for profile in profiles:
            if profile.subject.declarable:
                self._add(Step.between(RESOURCE, profile.label, profile, None))

    def add_present(self) -> None:
        """Add the steps of the profiles that are declared present."""
        for desired in self._declared.profiles:
            if desired.state == "present":
                self._follow(desired)

    def remove(self) -> None:
        """Add the steps that delete the profiles that are declared absent. With purge, also those not declared."""
        for desired in self._declared.profiles:
            if desired.state == "absent":
                self._follow(desired)

        if not self._declared.purge:
            return

        for profile in undeclared(self.now, self._declared):
            remaining = [candidate for candidate in self.now if candidate is not profile]
            conflict = locked_out(profile, remaining, self._declared.account)
            if conflict:
                self.conflicts.append(conflict)
            else:
                self._delete([profile])

    def _follow(self, desired: DesiredClientProfile) -> None:
        """Add the steps and the conflict of one declared profile."""
        profile_plan = plan(self._profiles.as_plan_takes(self.now), desired, self._declared.account)
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
                    " one that goes."
                )


def undeclared(profiles: Iterable[ClientProfile], declared: DeclaredProfiles) -> Iterator[ClientProfile]:
    """The profiles that nobody declared. `profiles` may change while they are read."""
    for profile in list(profiles):
        if declared.of_subject(profile.subject) is None:
            yield profile
