# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moving and removing issuers does to client profiles: rights are carried along, or it is told who loses them.

A host that deletes an issuer deletes the client profiles that name its alias, and some hosts leave them. The steps here
end the same on both. They follow from what the host holds and from the steps of the issuers alone, so that a run that
was killed at any point is finished by the next one.
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
from ansible_collections.esx.trust.plugins.module_utils._services import issuer_plan
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
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import Held
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import real_holder


@dataclass(frozen=True)
class DeclaredProfiles:
    """What is declared of a host's client profiles.

    purge: whether profiles that are not declared are deleted. account: who is logged in.
    """

    profiles: tuple[DesiredClientProfile, ...] = ()
    purge: bool = False
    account: Account = UNKNOWN

    def of_subject(self, subject: Subject) -> Optional[DesiredClientProfile]:
        """The declaration of this subject."""
        return next((desired for desired in self.profiles if desired.subject == subject), None)

    def drops(self, subject: Subject) -> bool:
        """True if the subject shall have no profile."""
        desired = self.of_subject(subject)
        return self.purge if desired is None else desired.state == "absent"


@dataclass(frozen=True)
class Rights:
    """The steps of issuers and client profiles in one order: first those that are added and updated, then removals.

    A renaming belongs to the first, with all its steps.
    held: the profiles after the steps. warnings, conflicts: sentences; with a conflict nothing may be done.
    """

    added: tuple[Step, ...]
    removed: tuple[Step, ...]
    held: tuple[ClientProfile, ...]
    warnings: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All of them."""
        return (*self.added, *self.removed)


def concern_profiles(steps: Iterable[Step]) -> bool:
    """True if profiles that name the alias of one of these steps of issuers matter to what is planned or told."""
    return any(_takes_alias(step) or _makes_alias(step) for step in steps)


def may_take_rights(steps: Iterable[Step]) -> bool:
    """True if the steps of issuers take an issuer from an alias, so that rights may be lost if nobody looks."""
    return any(_takes_alias(step) for step in steps)


def plan_rights(held: Held, steps: Sequence[Step], profiles: Profiles, declared: DeclaredProfiles) -> Rights:
    """All steps: those of the issuers, in their order, and those of the client profiles between them. Pure.

    held: the issuers of the host before the steps. Profiles are added and updated after the issuers are, and deleted
    before the issuers are.
    """
    work = _Work(held, steps, profiles, declared)
    removals = len(steps)
    while removals and steps[removals - 1].after is None and work.destination(steps[removals - 1]) is None:
        removals -= 1

    for step in steps[:removals]:
        work.take(step)
    work.bring_about()
    added = len(work.steps)
    work.remove()
    for step in steps[removals:]:
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
    """True if the step takes the issuer from its alias; a marker in its place does not."""
    if step.before is None:
        return False
    return step.after is None or bool(step.after.true_issuer != step.before.true_issuer)


def _makes_alias(step: Step) -> bool:
    """True if the step makes an alias that profiles can name already. Nobody names an alias for parking."""
    return step.before is None and step.after is not None and not step.after.parked


def _named(profiles: Iterable[ClientProfile]) -> str:
    return "; ".join(f"{profile.label} ({profile.rights})" for profile in profiles)


@dataclass
class Carrying:
    """What the renaming of an issuer from the alias `old` to `new` has to do about the `held` profiles.

    copies: the profiles to be made under the new alias. first: the declarations of profiles that are there already, and
    have to be as declared before the old ones go. conflicts: why that may not be done.
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
        where = f"the issuer that is saved under the alias {self.old!r} cannot be renamed to {self.new!r}:"
        if not profile.subject.declarable:
            self.conflicts.append(
                f"{where} the client profile {profile.label!r} names the alias, and cannot be made anew."
            )
            return
        if profile.unknown_grants:
            self.conflicts.append(
                f"{where} the client profile of the {profile.label} grants what this collection does not know."
            )
            return

        subject = replace(profile.subject, issuer_alias=self.new)
        desired, old = self.declared.of_subject(subject), self.declared.of_subject(profile.subject)
        if self.declared.drops(subject) or (desired is None and old is not None and old.state == "absent"):
            return
        existing = next((other for other in self.held if other.subject == subject), None)
        if existing is None:
            copy = ClientProfile(subject, profile.grants)
            copy = desired.profile_on(copy) if desired else copy
            twin = next((other for other in self.copies if other.subject == subject), None)
            if twin is None:
                self.copies.append(copy)
            elif set(twin.grants) != set(copy.grants):
                self.conflicts.append(f"{where} there are two client profiles of the {profile.label}.")
        elif not self._is_met_by(existing, profile, desired):
            self.conflicts.append(
                f"{where} the {existing.label} has a client profile already, with other rights ({existing.rights}) than"
                f" the {profile.label} ({profile.rights}). Make them equal, or delete one of them."
            )
        elif desired is not None:
            self.first.append(desired)

    @staticmethod
    def _is_met_by(existing: ClientProfile, profile: ClientProfile, desired: Optional[DesiredClientProfile]) -> bool:
        if set(existing.grants) == set(profile.grants):
            return True
        if desired is None:
            return False
        # With exact, the declaration decides. With merge, the subject must not lose a grant.
        return desired.entitlements_mode == "exact" or set(profile.grants) <= set(existing.grants)


class _Work:
    """The steps as they are collected, with what the host holds after them."""

    def __init__(self, held: Held, steps: Sequence[Step], profiles: Profiles, declared: DeclaredProfiles) -> None:
        self._first = held
        self._last = issuer_plan.carry_out(held, steps)
        self._changes_places = any(step.after is not None and step.after.parked for step in steps)
        self._profiles = profiles
        self._declared = declared
        self.now = list(profiles.held)
        self.steps: list[Step] = []
        self.warnings: list[str] = []
        self.conflicts: list[str] = []

    def destination(self, step: Step) -> Optional[str]:
        """The alias to which the issuer moves that the step takes from its alias; None if it moves nowhere."""
        if not _takes_alias(step) or step.before.marker is None:
            return None
        holder = real_holder(self._last, step.before.true_issuer)
        return holder.issuer_alias if holder and holder.issuer_alias != step.id else None

    def take(self, step: Step) -> None:
        """Add a step of an issuer, behind those of the profiles that come before it."""
        if _takes_alias(step):
            self._check_own_issuer(step)
            if self._profiles.offered:
                self._before(step)
        elif _makes_alias(step) and self._profiles.offered:
            self._warn_of_a_new_alias(step)
        self.steps.append(step)

    def _check_own_issuer(self, step: Step) -> None:
        """Nobody takes the trust from the issuer that his own token is of."""
        own = self._declared.account.issuer
        if own is not None and own == step.before.true_issuer and real_holder(self._last, own) is None:
            self.conflicts.append(
                f"the host would no longer trust the issuer that is saved under the alias {step.id!r}. It issued the"
                " SAML token that this task logs in with, so that could not be undone; do it with another account."
            )

    def _before(self, step: Step) -> None:
        alias, new = step.id, self.destination(step)
        named = self._that_name(alias)
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

    def _that_name(self, alias: str) -> list[ClientProfile]:
        return [profile for profile in self.now if profile.subject.issuer_alias == alias]

    def _check_own_profiles(self, leaving: Sequence[ClientProfile]) -> None:
        """Nobody takes from himself the profiles that he needs to undo that."""
        remaining = [profile for profile in self.now if profile not in leaving]
        conflicts = (locked_out(profile, remaining, self._declared.account) for profile in leaving)
        self.conflicts.extend(conflict for conflict in conflicts if conflict)

    def _warn_of_a_new_alias(self, step: Step) -> None:
        alias, refused = step.id, self._profiles.refused
        # What is declared of a profile decides about its rights, so it is no surprise.
        left_over = [
            profile
            for profile in self._that_name(alias)
            if self._declared.of_subject(profile.subject) is None and not self._declared.drops(profile.subject)
        ]
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
        if self._profiles.refused:
            self.warnings.append(
                f"the client profiles of the host may not be read ({self._profiles.refused}), so nobody can tell whose"
                f" rights go with the issuer {alias!r}."
            )
        elif named:
            self.warnings.append(f"with the issuer {alias!r} go the client profiles that name it: {_named(named)}.")

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        self.now = list(carry_out(self.now, [step]))

    def _delete(self, profiles: Iterable[ClientProfile]) -> None:
        for profile in profiles:
            if profile.subject.declarable:
                self._add(Step.between(RESOURCE, profile.label, profile, None))

    def bring_about(self) -> None:
        """Add the steps of the profiles that are declared present."""
        for desired in self._declared.profiles:
            if desired.state == "present":
                self._follow(desired)

    def remove(self) -> None:
        """Add the steps that delete profiles that are declared absent, and those that are not declared."""
        for desired in self._declared.profiles:
            if desired.state == "absent":
                self._follow(desired)
        if self._declared.purge:
            for profile in undeclared(self.now, self._declared):
                remaining = [other for other in self.now if other is not profile]
                conflict = locked_out(profile, remaining, self._declared.account)
                if conflict:
                    self.conflicts.append(conflict)
                else:
                    self._delete([profile])

    def _follow(self, desired: DesiredClientProfile) -> None:
        own = plan(self._profiles.as_plan_takes(self.now), desired, self._declared.account)
        if own.conflict:
            self.conflicts.append(own.conflict)
        for step in own.steps:
            self._add(step)

    def check_declared_aliases(self) -> None:
        """A profile that is declared of an alias that goes would be deleted and made again for ever."""
        for desired in self._declared.profiles:
            alias = desired.subject.issuer_alias
            if desired.state == "present" and alias in self._first and alias not in self._last:
                self.conflicts.append(
                    f"the client profile of the {desired.subject.label} is declared present, and the alias {alias!r} is"
                    " one that goes."
                )


def undeclared(profiles: Iterable[ClientProfile], declared: DeclaredProfiles) -> Iterator[ClientProfile]:
    """The profiles that nobody declared."""
    return (profile for profile in list(profiles) if declared.of_subject(profile.subject) is None)
