# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client profiles of a host, and the questions of a declaration about them. Everything here is pure."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject


@dataclass(frozen=True)
class Profiles:
    """The client profiles of a host, as far as they are known.

    offered: False if the host has no such service.
    refused: why the account may not read the profiles, or empty.
    """

    held: tuple[ClientProfile, ...] = ()
    offered: bool = True
    refused: str = ""

    def naming(self, alias: str) -> frozenset[tuple[Subject, frozenset[Grant]]]:
        """The subjects that name the alias of an issuer, each with its grants."""
        found = set()
        for profile in self.held:
            if profile.subject.issuer_alias == alias:
                found.add((profile.subject, profile.granted))

        return frozenset(found)

    def after(self, steps: Iterable[Step]) -> Profiles:
        """The profiles after the steps. Steps of other resources are ignored."""
        of_profiles = [step for step in steps if step.resource == RESOURCE]
        return replace(self, held=carry_out(self.held, of_profiles))

    def if_offered(self, held: Sequence[ClientProfile]) -> Optional[Sequence[ClientProfile]]:
        """These profiles, or None if the host has no such service, as `client_profile_plan.plan` takes them."""
        return held if self.offered else None


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


def undeclared(profiles: Iterable[ClientProfile], declared: DeclaredProfiles) -> Iterator[ClientProfile]:
    """The profiles that nobody declared. `profiles` may change while they are read."""
    for profile in list(profiles):
        if declared.of_subject(profile.subject) is None:
            yield profile


def carry_out(profiles: Iterable[ClientProfile], steps: Iterable[Step]) -> tuple[ClientProfile, ...]:
    """The profiles on a host after the steps."""
    held = list(profiles)
    for step in steps:
        if step.creates:
            held.append(step.after)
            continue

        place = _place_of(step.before, held)
        if place is None:
            continue

        if step.deletes:
            del held[place]
        else:
            held[place] = step.after

    return tuple(held)


def _place_of(profile: ClientProfile, held: Sequence[ClientProfile]) -> Optional[int]:
    """The place of a profile among those of a host, or None. Its id must be equal too."""
    for place, candidate in enumerate(held):
        if candidate == profile and candidate.profile == profile.profile:
            return place

    return None
