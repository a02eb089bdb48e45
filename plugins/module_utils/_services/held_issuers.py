# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token issuers of a host, and the questions of a declaration about them. Everything here is pure."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import Marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer

#: The issuers on a host, by alias.
Held = Mapping[str, TokenIssuer]


@dataclass(frozen=True)
class DeclaredIssuers:
    """The declaration of a host's token issuers.

    purge: whether issuers that are not declared are deleted.
    complete: True if these are all issuers that are declared for the host. If not, a marker is left alone unless it
        concerns a declared alias or a declared issuer.
    """

    issuers: tuple[DesiredTokenIssuer, ...]
    purge: bool = False
    complete: bool = True

    @property
    def present(self) -> list[DesiredTokenIssuer]:
        """The issuers that are declared present."""
        return [desired for desired in self.issuers if desired.state == "present"]

    @property
    def absent(self) -> list[DesiredTokenIssuer]:
        """The issuers that are declared absent."""
        return [desired for desired in self.issuers if desired.state == "absent"]

    def of_issuer(self, issuer: str) -> Optional[DesiredTokenIssuer]:
        """The declaration of this issuer as present, or None."""
        for desired in self.present:
            if desired.issuer == issuer:
                return desired

        return None

    def of_alias(self, alias: str) -> Optional[DesiredTokenIssuer]:
        """The declaration of this alias, or None."""
        for desired in self.issuers:
            if desired.issuer_alias == alias:
                return desired

        return None

    def takes_away(self, alias: str, issuer: str) -> bool:
        """True if the alias is declared absent, or declared with another issuer than this one."""
        desired = self.of_alias(alias)
        return desired is not None and (desired.state == "absent" or desired.issuer != issuer)

    def concerns(self, held: TokenIssuer) -> bool:
        """True if an entry of the host holds a marker that this declaration has to handle."""
        marker = held.marker
        if marker is None:
            return False

        if self.complete or self.of_issuer(marker.issuer):
            return True

        return self.of_alias(held.issuer_alias) is not None or self.of_alias(marker.alias) is not None


def by_alias(observed: Iterable[TokenIssuer]) -> dict[str, TokenIssuer]:
    """The issuers on a host, by alias. If a host lists an alias twice, the first entry counts."""
    held: dict[str, TokenIssuer] = {}
    for issuer in observed:
        held.setdefault(issuer.issuer_alias, issuer)

    return held


def carry_out(held: Held, steps: Iterable[Step]) -> dict[str, TokenIssuer]:
    """The issuers on a host after the steps."""
    result = dict(held)
    for step in steps:
        if step.deletes:
            result.pop(step.id, None)
        else:
            result[step.id] = step.after

    return result


def target_alias(held: Held, desired: DesiredTokenIssuer, declared: DeclaredIssuers) -> Optional[str]:
    """The alias under which a declared issuer is to be saved, or None if the declaration is a conflict."""
    alias = desired.issuer_alias
    issuer = desired.issuer or ""
    saved = held.get(alias)
    if saved and saved.issuer == issuer:
        return alias

    holder = real_holder(held, issuer)
    if holder is not None:
        if declared.takes_away(holder.issuer_alias, issuer):
            return alias

        if saved is None and (desired.issuer_conflict == "adopt" or desired.is_met_by(holder)):
            return holder.issuer_alias

        return alias if desired.issuer_conflict == "rename" else None

    # A renaming that was begun is finished, unless the old alias may be adopted.
    if saved is None and desired.issuer_conflict == "adopt":
        for marked in marked_holders(held, issuer):
            if not marked.parked and not declared.takes_away(marked.issuer_alias, issuer):
                return marked.issuer_alias

    return alias


def real_holder(held: Held, issuer: str) -> Optional[TokenIssuer]:
    """The entry of the host that holds this issuer itself, and not only a marker of it."""
    for saved in held.values():
        if saved.issuer == issuer:
            return saved

    return None


def marked_holders(held: Held, issuer: str) -> list[TokenIssuer]:
    """The entries of the host that hold a marker of this issuer."""
    return [saved for saved in held.values() if saved.marker and saved.marker.issuer == issuer]


def is_restored(held: Held, marked: TokenIssuer, declared: DeclaredIssuers) -> bool:
    """True if a marker of an undeclared issuer is replaced by the issuer. False if the marker is deleted."""
    issuer = marked.true_issuer
    new_alias = declared.of_alias(marked.marker.alias) if marked.marker else None
    if new_alias is not None and new_alias.state == "absent" and new_alias.issuer == issuer:
        return False

    return not (marked.parked or declared.purge or real_holder(held, issuer))


def undeclared(held: Held, declared: DeclaredIssuers) -> list[str]:
    """The aliases on the host that are not declared and hold no declared issuer."""
    known = {desired.issuer_alias for desired in declared.issuers}
    for desired in declared.present:
        saved = held.get(desired.issuer_alias)
        holder = real_holder(held, desired.issuer or "")
        if holder and not (saved and saved.issuer == desired.issuer):
            known.add(holder.issuer_alias)

    return [alias for alias in held if alias not in known]


def markers(held: Held, declared: DeclaredIssuers) -> list[tuple[TokenIssuer, Marker]]:
    """The entries of the host with a marker that this declaration has to handle, and their markers."""
    return [(saved, saved.marker) for saved in held.values() if saved.marker and declared.concerns(saved)]


def is_declared_present(alias: str, declared: DeclaredIssuers) -> bool:
    """True if this alias is declared present."""
    desired = declared.of_alias(alias)
    return desired is not None and desired.state == "present"
