# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warnings about token issuers, and the sentences about markers on a host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import Held
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import by_alias
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import is_restored
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import real_holder
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import target_alias
from ansible_collections.esx.trust.plugins.module_utils._services.names import look_alike_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer


def warnings_about(
    observed: Sequence[TokenIssuer], desired: DesiredTokenIssuer, declared: DeclaredIssuers
) -> tuple[str, ...]:
    """The warnings about a declared issuer that the host saves, or will save, under another alias than declared."""
    held = by_alias(observed)
    alias = desired.issuer_alias
    issuer = desired.issuer
    holder = real_holder(held, issuer) if issuer is not None else None

    if desired.state == "absent":
        if holder is None or holder.issuer_alias == alias:
            return ()

        return (
            f"the issuer {issuer!r} stays trusted: it is saved under the alias {holder.issuer_alias!r}, and only"
            f" {alias!r} was declared absent.",
        )

    target = target_alias(held, desired, declared)
    if target == alias and alias not in held:
        return _look_alikes(held, desired, declared)

    if target in (None, alias):
        return ()

    where = f"the issuer {issuer!r} is saved under the alias {target!r}"
    if holder and desired.is_met_by(holder):
        return (
            f"{where}, not {alias!r}, with the declared certificates; nothing was changed. To rename it, declare"
            f" {target!r} with state absent in the same list (esx_host_trust).",
        )

    return (f"{where}; that alias was adopted in place of {alias!r}.",)


def _look_alikes(held: Held, desired: DesiredTokenIssuer, declared: DeclaredIssuers) -> tuple[str, ...]:
    """A warning for each name on the host that a person could confuse with the alias or the issuer of a new issuer."""
    aliases = []
    issuers = []
    for saved in held.values():
        stays = not declared.takes_away(saved.issuer_alias, saved.issuer)
        if stays and saved.true_issuer != desired.issuer:
            aliases.append(saved.issuer_alias)
            issuers.append(saved.true_issuer)

    return (
        *look_alike_warnings("the alias", desired.issuer_alias, aliases),
        *look_alike_warnings("the issuer", desired.issuer or "", issuers),
    )


def marker_message(held: Held, marked: TokenIssuer, declared: DeclaredIssuers) -> str:
    """A sentence about a marker on the host and about the plan for it. Empty if there is no marker.

    marked: the entry of the host that may hold a marker.
    """
    marker = marked.marker
    if marker is None:
        return ""

    fact = f"the alias {marked.issuer_alias!r} holds the marker of an interrupted renaming: {marker.describe()}"
    desired = declared.of_issuer(marker.issuer)
    if not declared.concerns(marked):
        return f"{fact}."

    if desired:
        alias = target_alias(held, desired, declared)
        return f"{fact}; the issuer goes to the alias {alias!r}, as it is declared."

    if declared.of_alias(marked.issuer_alias):
        return f"{fact}; the alias gets what is declared of it."

    if is_restored(held, marked, declared):
        return f"{fact}; the alias gets its issuer back, because nothing else is declared of it."

    if real_holder(held, marker.issuer):
        return f"{fact}; the alias is deleted, because the issuer is saved under another alias."

    return f"{fact}; the alias is deleted, and the host no longer trusts the issuer."


def marker_warnings(observed: Sequence[TokenIssuer], declared: DeclaredIssuers) -> tuple[str, ...]:
    """A warning for each marker that the plan removes although nobody declared its issuer present."""
    held = by_alias(observed)

    warnings = []
    for marked in held.values():
        if declared.concerns(marked) and not declared.of_issuer(marked.true_issuer):
            warnings.append(marker_message(held, marked, declared))

    return tuple(warnings)


def difference_from_written(observed: Sequence[TokenIssuer], step: Step) -> str:
    """A sentence about the differences between an issuer as it was written and as the host saved it. Empty if equal."""
    after: Optional[TokenIssuer] = step.after
    now = by_alias(observed).get(step.id)
    if after is None or now is None:
        return ""

    issuer = ""
    if now.issuer != after.issuer:
        issuer = (
            f"the host does not keep the issuer of {step.id!r} as it was written: it saved {now.issuer!r}, not"
            f" {after.issuer!r}"
        )

    return "; ".join(sentence for sentence in (issuer, _difference_of_chains(now, after)) if sentence)


def _difference_of_chains(now: TokenIssuer, after: TokenIssuer) -> str:
    """A sentence about the differences between the chains as they were written and as the host saved them."""
    if set(now.chains) == set(after.chains):
        return ""

    written = after.certificates
    saved = now.certificates
    dropped = [f"{certificate.subject!r}" for certificate in written if certificate not in saved]
    added = [f"{certificate.subject!r}" for certificate in saved if certificate not in written]

    parts = []
    if dropped:
        parts.append(f"it dropped {', '.join(dropped)}")

    if added:
        parts.append(f"it added {', '.join(added)}")

    if not parts:
        parts.append("it put the certificates into another order or into other chains")

    return f"the host does not keep the chains of {after.issuer_alias!r} as they were written: {' and '.join(parts)}"
