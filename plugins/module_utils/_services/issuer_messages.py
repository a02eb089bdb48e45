# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person is told about token issuers: records, warnings, and what a marker on a host means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import Held
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import by_alias
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import goes_back
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import marked_holders
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import real_holder
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import target_alias
from ansible_collections.esx.trust.plugins.module_utils._services.names import look_alike_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer


def records_of(
    observed: Sequence[TokenIssuer], held: Held, desired: DesiredTokenIssuer, declared: DeclaredIssuers
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The records of a declared issuer: as it was `observed`, and as it is `held` after the plan."""
    first = by_alias(observed)
    own = first.get(desired.issuer_alias)
    if desired.state == "absent":
        return (own.record() if own else {}), {}

    issuer = desired.issuer or ""
    before = own or real_holder(first, issuer) or next(iter(marked_holders(first, issuer)), None)
    alias = target_alias(held, desired, declared)
    after = held.get(alias) if alias else None
    return (before.record() if before else {}), (after.record() if after else {})


def warnings_about(
    observed: Sequence[TokenIssuer], desired: DesiredTokenIssuer, declared: DeclaredIssuers
) -> tuple[str, ...]:
    """What a person should know about a declared issuer that is saved under another alias than declared."""
    held = by_alias(observed)
    alias, issuer = desired.issuer_alias, desired.issuer
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
        return (f"{where}, not {alias!r}, with the declared certificates; nothing was changed.",)
    return (f"{where}; that alias was adopted in place of {alias!r}.",)


def _look_alikes(held: Held, desired: DesiredTokenIssuer, declared: DeclaredIssuers) -> tuple[str, ...]:
    """A warning for each name beside a new issuer that a person could take for its alias or its issuer."""
    staying = [
        other
        for other in held.values()
        if other.true_issuer != desired.issuer and not declared.takes_away(other.issuer_alias, other.issuer)
    ]
    return (
        *look_alike_warnings("the alias", desired.issuer_alias, [other.issuer_alias for other in staying]),
        *look_alike_warnings("the issuer", desired.issuer or "", [other.true_issuer for other in staying]),
    )


def marker_message(held: Held, marked: TokenIssuer, declared: DeclaredIssuers) -> str:
    """What a marker on the host is, and what is done about it."""
    marker = marked.marker
    if marker is None:
        return ""
    what = f"the alias {marked.issuer_alias!r} holds the trace of an interrupted renaming: {marker.describe()}"
    desired = declared.of_issuer(marker.issuer)
    if not declared.concerns(marked):
        return f"{what}."
    if desired:
        alias = target_alias(held, desired, declared)
        return f"{what}; the issuer goes to the alias {alias!r}, as it is declared."
    if declared.of_alias(marked.issuer_alias):
        return f"{what}; the alias gets what is declared of it."
    if goes_back(held, marked, declared):
        return f"{what}; the alias gets its issuer back, because nothing else is declared of it."
    if real_holder(held, marker.issuer):
        return f"{what}; the alias is deleted, because the issuer is saved under another one."
    return f"{what}; the alias is deleted, and the host no longer trusts the issuer."


def marker_warnings(observed: Sequence[TokenIssuer], declared: DeclaredIssuers) -> tuple[str, ...]:
    """A warning for each marker whose issuer is not declared present and that is taken away all the same."""
    held = by_alias(observed)
    return tuple(
        marker_message(held, marked, declared)
        for marked in held.values()
        if declared.concerns(marked) and not declared.of_issuer(marked.true_issuer)
    )
