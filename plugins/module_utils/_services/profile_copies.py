# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies of client profiles under the new alias of a renamed issuer."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles


@dataclass
class ProfileCopies:
    """The copies of client profiles for the renaming of an issuer. `plan_copies` finds them.

    held: the profiles on the host.
    old, new: the old and the new alias of the issuer.
    copies: the profiles that are created for the new alias.
    declared_first: the declarations of profiles that the new alias has already. They are carried out before the old
        profiles are deleted.
    conflicts: sentences about profiles that cannot be copied.
    """

    held: Sequence[ClientProfile]
    old: str
    new: str
    declared: DeclaredProfiles
    copies: list[ClientProfile] = field(default_factory=list)
    declared_first: list[DesiredClientProfile] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)

    def add(self, profile: ClientProfile) -> None:
        """Add the copy of a profile, or a conflict, or nothing if the new alias has the profile already."""
        obstacle = _obstacle(profile)
        if obstacle:
            self._add_conflict(obstacle)
            return

        subject = replace(profile.subject, issuer_alias=self.new)
        desired = self.declared.of_subject(subject)
        old = self.declared.of_subject(profile.subject)
        if self.declared.drops(subject) or (desired is None and old is not None and old.state == "absent"):
            return

        existing = _of_subject(self.held, subject)
        if existing is None:
            self._add_copy(profile, subject, desired)
        elif not self._is_met_by(existing, profile, desired):
            self._add_conflict(
                f"the {existing.label} has a client profile already, with other rights ({existing.rights}) than the"
                f" {profile.label} ({profile.rights}). Make them equal, or delete one of them."
            )
        elif desired is not None:
            self.declared_first.append(desired)

    def _add_copy(
        self,
        profile: ClientProfile,
        subject: Subject,
        desired: Optional[DesiredClientProfile],
    ) -> None:
        """Add the copy of a profile for its new subject, or a conflict if another copy of the subject differs.

        desired: the declaration of the new subject, or None.
        """
        copy = ClientProfile(subject, profile.grants)
        if desired:
            copy = desired.profile_on(copy)

        earlier_copy = _of_subject(self.copies, subject)
        if earlier_copy is None:
            self.copies.append(copy)
        elif earlier_copy.granted != copy.granted:
            self._add_conflict(f"there are two client profiles of the {profile.label}.")

    def _add_conflict(self, reason: str) -> None:
        """Add the sentence that says why the issuer cannot be renamed."""
        fact = f"the issuer that is saved under the alias {self.old!r} cannot be renamed to {self.new!r}"
        self.conflicts.append(f"{fact}: {reason}")

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


def plan_copies(held: Sequence[ClientProfile], old: str, new: str, declared: DeclaredProfiles) -> ProfileCopies:
    """The copies of the profiles that name the old alias of an issuer. Pure. The parameters are those of the result."""
    copies = ProfileCopies(held, old, new, declared)
    for profile in held:
        if profile.subject.issuer_alias == old:
            copies.add(profile)

    return copies


def _obstacle(profile: ClientProfile) -> str:
    """Why this collection cannot create a profile again. Empty if it can."""
    if not profile.subject.declarable:
        return (
            f"the client profile {profile.label!r} names the alias, and this collection cannot create it again. Delete"
            " this profile first, or keep the old alias."
        )

    unknown = ""
    if profile.unknown_grants:
        unknown = "grants"
    elif any(grant.unknown_fields for grant in profile.grants):
        unknown = "grants with fields"

    if unknown:
        return (
            f"the client profile of the {profile.label} has {unknown} that this collection does not know. Delete this"
            " profile first, or keep the old alias."
        )

    return ""


def _of_subject(profiles: Iterable[ClientProfile], subject: Subject) -> Optional[ClientProfile]:
    """The first profile of this subject, or None."""
    for profile in profiles:
        if profile.subject == subject:
            return profile

    return None
