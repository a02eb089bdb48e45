# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of each token issuer, declared or not, as `resources` of a result shows it."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ResourcePlan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import Held
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import by_alias
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import marked_holders
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import real_holder
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import target_alias
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import undeclared
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_messages import marker_message
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_messages import marker_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_messages import warnings_about
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import shown
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_plan import IssuerPlan


def issuer_resources(
    observed: tuple[TokenIssuer, ...],
    issuer_plan: IssuerPlan,
    declared: DeclaredIssuers,
) -> Iterator[ResourcePlan]:
    """The plans of all issuers, declared or not. observed: the issuers on the host before the plan."""
    first = by_alias(observed)

    steps: dict[str, list[Step]] = {}
    for move in issuer_plan.moves:
        steps.setdefault(move.owner, []).append(move.step)

    for desired in (*declared.present, *declared.absent):
        alias = desired.issuer_alias
        before, after = _records_of(observed, issuer_plan.held, desired, declared)
        conflict = issuer_plan.conflicts.get(alias)

        plan_of_issuer = Plan(
            before=before,
            after=before if conflict else after,
            steps=tuple(steps.get(alias, ())),
            warnings=_issuer_warnings(observed, desired, issuer_plan, declared),
            conflict=conflict,
        )
        resource = ResourcePlan.of(RESOURCE, alias, desired.state, plan_of_issuer, shown)

        saved = first.get(alias)
        message = marker_message(first, saved, declared) if saved else ""
        yield replace(resource, message=message)

    if declared.complete:
        for alias in undeclared(first, declared):
            yield _undeclared_issuer(first, alias, issuer_plan, declared)


def _records_of(
    observed: Sequence[TokenIssuer],
    held: Held,
    desired: DesiredTokenIssuer,
    declared: DeclaredIssuers,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The records of a declared issuer before and after the plan. A record is empty if the issuer is not there.

    observed: the issuers on the host before the plan.
    held: the issuers on the host after the plan.
    """
    first = by_alias(observed)
    before = first.get(desired.issuer_alias)
    if desired.state == "absent":
        return _record(before), {}

    issuer = desired.issuer or ""
    if before is None:
        before = real_holder(first, issuer)
    if before is None:
        before = next(iter(marked_holders(first, issuer)), None)

    alias = target_alias(held, desired, declared)
    after = held.get(alias) if alias else None

    return _record(before), _record(after)


def _record(issuer: Optional[TokenIssuer]) -> dict[str, Any]:
    return issuer.record() if issuer else {}


def _issuer_warnings(
    observed: tuple[TokenIssuer, ...],
    desired: DesiredTokenIssuer,
    issuer_plan: IssuerPlan,
    declared: DeclaredIssuers,
) -> tuple[str, ...]:
    """The warnings about one declared issuer."""
    if not declared.complete:
        return (
            *warnings_about(observed, desired, declared),
            *marker_warnings(observed, declared),
        )

    if desired.state == "absent":
        # If the issuer is also declared present under another alias, it is expected to stay trusted.
        if desired.issuer is not None and declared.of_issuer(desired.issuer):
            return ()

        return warnings_about(tuple(issuer_plan.held.values()), desired, declared)

    return warnings_about(observed, desired, declared)


def _undeclared_issuer(first: Held, alias: str, issuer_plan: IssuerPlan, declared: DeclaredIssuers) -> ResourcePlan:
    """The plan of an issuer that nobody declared. first: the issuers on the host before the plan."""
    issuer = first[alias]
    record = issuer.record()
    resource = ResourcePlan(resource=RESOURCE, id=alias, status="undeclared", before=record, after=record, show=shown)

    if issuer.marker is None and not declared.purge:
        return resource

    after = issuer_plan.held.get(alias)
    status = "extra" if after is None else "differs"
    message = marker_message(first, issuer, declared)

    warnings: tuple[str, ...] = ()
    if message and not declared.of_issuer(issuer.true_issuer):
        warnings = (message,)

    return replace(
        resource,
        status=status,
        after=after.record() if after else {},
        message=message,
        warnings=warnings,
    )
