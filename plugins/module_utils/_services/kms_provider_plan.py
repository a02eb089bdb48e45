# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the steps to a declared key provider."""

from __future__ import annotations

from collections.abc import Collection
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ResourcePlan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import same_key_id
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import KmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.names import look_alike_warnings


def plan(
    observed: Optional[KmsProvider],
    desired: DesiredKmsProvider,
    names: Collection[str] = (),
) -> ResourcePlan:
    """The plan that brings one key provider of a host to its declared state. Pure.

    A provider that has another key than declared is a conflict and never a change: a new key would lock the virtual
    machines that use the provider.

    observed: the provider on the host, or None.
    names: the names of all providers on the host, for a warning about look-alikes. If the declared one is among them,
        although the host does not know it, it is not created.
    """
    name = desired.provider
    if observed is None and desired.state == "present" and name in names:
        return ResourcePlan(
            resource=RESOURCE,
            id=name,
            # An audit must not call it missing, because a converge cannot create it.
            status="conflict",
            before={},
            after={},
            conflict=(
                f"the host lists the key provider {name!r}, and says that it does not know it, so it may hold another"
                " key."
            ),
        )

    return ResourcePlan.of(RESOURCE, name, desired.state, _plan(observed, desired, names))


def _plan(observed: Optional[KmsProvider], desired: DesiredKmsProvider, names: Collection[str]) -> Plan:
    """The plan for a provider of which the host says clearly whether it is there. For the arguments, see `plan`."""
    before = observed.record() if observed else {}
    conflict = _conflict(observed, desired)
    if conflict:
        return Plan(before=before, after=before, conflict=conflict)

    if observed and desired.state == "absent":
        removal = Step.between(RESOURCE, desired.provider, observed, None)
        return Plan(before=before, after={}, steps=(removal,))

    if observed or desired.state == "absent":
        return Plan(before=before, after=before)

    after = KmsProvider(
        provider=desired.provider,
        type="NATIVE",
        key_id=desired.key_id,
        key_derivation_key=desired.key_derivation_key,
    )
    creation = Step.between(RESOURCE, desired.provider, None, after)

    return Plan(
        before={},
        after=after.record(),
        steps=(creation,),
        warnings=look_alike_warnings("the key provider", desired.provider, names),
    )


def _conflict(observed: Optional[KmsProvider], desired: DesiredKmsProvider) -> Optional[str]:
    """Why the provider may not be written, or None. observed: the provider on the host, or None."""
    name = f"the key provider {desired.provider!r}"
    if observed is None:
        if desired.state == "absent" or desired.creates:
            return None

        return f"{name} is not there, and key_derivation_key, which is needed to create it, was not given."

    if observed.type != "NATIVE":
        return f"{name} has type {observed.type}; this module manages only NATIVE providers."

    if not desired.key_id:
        return None

    if not observed.key_id:
        return f"{name} is on the host, but its key_id cannot be read, so it may hold another key."

    if not same_key_id(observed.key_id, desired.key_id):
        return (
            f"{name} is there with key_id {observed.key_id}, not {desired.key_id}. Another key would lock the"
            " virtual machines that use this key."
        )

    return None


def was_carried_out(now: Optional[KmsProvider], step: Step) -> bool:
    """True if the host shows that an unconfirmed step was carried out. now: the provider on the host, or None."""
    if step.deletes:
        return now is None or not has_key_of(now, step.before)

    return now is not None and has_key_of(now, step.after)


def is_same(step: Step, other: Step) -> bool:
    """True if two deletions remove a provider with the same key."""
    return has_key_of(step.before, other.before)


def has_key_of(provider: KmsProvider, expected: KmsProvider) -> bool:
    """True if a provider has the type and the key that are expected."""
    return provider.type == expected.type and same_key_id(provider.key_id or "", expected.key_id or "")
