# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declared key providers of a host as a service for the engine."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import ClassVar
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Records
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ResourcePlan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ServicePlan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import ChangedMeanwhile
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider_plan
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider_reading
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.declared_lists import check_unique
from ansible_collections.esx.trust.plugins.module_utils._services.declared_lists import read_list
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import KmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.resource_facts import ResourceFacts
from ansible_collections.esx.trust.plugins.module_utils._services.service import Service

#: The option of esx_host_trust that lists key providers.
LIST_OPTION = "kms_providers"


@dataclass(frozen=True)
class Observed:
    """The key providers of a host, as far as the plan needs them.

    found: the declared providers by name. None for a provider that the host does not have.
    names: the names of all providers, if one is to be created. Otherwise empty.
    """

    found: Mapping[str, Optional[KmsProvider]] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class KmsProviders(Service):
    """The service of key providers: the declaration for a host. See `Service` for the methods."""

    desired: tuple[DesiredKmsProvider, ...] = ()

    resources: ClassVar[tuple[ResourceFacts, ...]] = (kms_provider.FACTS,)
    kinds: ClassVar[tuple[str, ...]] = tuple(facts.kind for facts in resources)
    list_options: ClassVar[tuple[str, ...]] = (LIST_OPTION,)
    arguments: ClassVar[Arguments] = Arguments(
        options={LIST_OPTION: kms_provider.DECLARATION.list_option()},
        likely_secrets=kms_provider.DECLARATION.likely_secrets,
    )

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> KmsProviders:
        """The declaration in the options of esx_host_trust. Raises InvalidInput, which names option and entry."""
        providers = read_list(LIST_OPTION, params[LIST_OPTION], DesiredKmsProvider.from_params)
        check_unique(LIST_OPTION, "provider", [desired.provider for desired in providers])

        return cls(providers)

    def ping(self, client: Client) -> None:
        kms_provider_reading.list_names(client)

    def observe(self, client: Client) -> Observed:
        found: dict[str, Optional[KmsProvider]] = {}
        for desired in self.desired:
            find = kms_provider_reading.find_to_remove if desired.state == "absent" else kms_provider_reading.find
            found[desired.provider] = find(client, desired.provider)

        names = kms_provider_reading.names_beside(client, self.desired, list(found.values()))

        for name, provider in found.items():
            if provider is None and name in names:
                # Somebody else may have created it meanwhile.
                found[name] = kms_provider_reading.find(client, name)

        return Observed(found, names)

    def plan(self, observed: Observed) -> ServicePlan:
        resources: list[ResourcePlan] = []
        added: list[Step] = []
        removed: list[Step] = []

        for desired in self.desired:
            resource = kms_provider_plan.plan(observed.found.get(desired.provider), desired, observed.names)
            resources.append(resource)

            for step in resource.steps:
                steps = removed if step.deletes else added
                steps.append(step)

        before = [provider.record() for provider in observed.found.values() if provider]
        after = [dict(resource.after) for resource in resources if resource.after]

        return ServicePlan(
            resources=tuple(resources),
            added=tuple(added),
            removed=tuple(removed),
            before={LIST_OPTION: before},
            after={LIST_OPTION: after},
        )

    def check(self, client: Client, step: Step, observed: Observed, just_observed: bool) -> None:
        """Before a provider is deleted: check that it has the key of the plan, unless the run has just seen that.

        vCenter may have replaced the provider meanwhile, and its new key must not be deleted. Raises ChangedMeanwhile
        if the provider is gone or has another key, and TrustError.
        """
        if just_observed or not step.deletes:
            return

        now = kms_provider_reading.find(client, step.id)
        if now is None or not kms_provider_plan.has_key_of(now, step.before):
            raise ChangedMeanwhile(
                f"{client.host}: the key provider {step.id!r} was replaced or deleted since the last look.",
                HINT_RUN_AGAIN,
            )

    def perform(self, client: Client, step: Step) -> Any:
        return kms_provider.perform(client, step)

    def was_carried_out(self, observed: Observed, step: Step) -> bool:
        return kms_provider_plan.was_carried_out(observed.found[step.id], step)

    def is_same(self, step: Step, other: Step) -> bool:
        return kms_provider_plan.is_same(step, other)

    def carry_out(self, observed: Observed, steps: Sequence[Step]) -> Observed:
        found = dict(observed.found)
        for step in steps:
            found[step.id] = step.after

        return replace(observed, found=found)

    def not_restored(self, step: Step) -> dict[str, Any]:
        """The name of the provider alone. No run restores one, because no host returns its key."""
        return {"provider": step.id}

    def check_address(self, step: Step) -> None:
        kms_provider.check_address(step)

    def shown(self, records: Records) -> dict[str, Any]:
        return {LIST_OPTION: {record["provider"]: record for record in records[LIST_OPTION]}}
