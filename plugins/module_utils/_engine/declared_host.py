# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole declaration of one host: its services, joined to one plan with one order.

The services add in the order in which they are listed, and remove in the reverse order. So a resource that names a
resource of an earlier service is created after it, and deleted before it. A conflict in one service is a conflict of
the whole host, so that a run never does a part of its work.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_service import DeclaredService
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ResourcePlan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ServicePlan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

#: The state of the host, as each service observed it, in the order of the services.
Observed = tuple[Any, ...]


@dataclass(frozen=True)
class DeclaredHost:
    """The declaration of a host, service by service.

    A method that `DeclaredService` has too calls that of the service to which a step belongs, or those of all services.

    services: the declarations of the services, in the order of writing.
    single_resource: True if exactly one resource is declared and no other is of interest. The plan then has its record
        alone.
    """

    services: tuple[DeclaredService, ...]
    single_resource: bool = False

    def observe(self, client: Client) -> Observed:
        """Read the state of the host. Raises TrustError."""
        return tuple(service.observe(client) for service in self.services)

    def look_again(
        self,
        client: Client,
        steps: Sequence[Step],
        observed: Observed,
    ) -> Optional[Observed]:
        """See `DeclaredService`."""
        latest: list[Any] = []
        something_was_read = False

        for service, state, steps_of_service in self._with_steps(observed, steps):
            reread = None
            if steps_of_service:
                reread = service.look_again(client, steps_of_service, state)

            if reread is None:
                latest.append(state)
            else:
                latest.append(reread)
                something_was_read = True

        return tuple(latest) if something_was_read else None

    def plan(self, observed: Observed) -> Plan:
        """Compare the state of the host with the declaration. Pure."""
        service_plans = [service.plan(state) for service, state in zip(self.services, observed)]
        resources: list[ResourcePlan] = []

        for service_plan in service_plans:
            resources.extend(service_plan.resources)

        if self.single_resource:
            before, after = resources[0].before, resources[0].after
            found: Mapping[str, Any] = {}
        else:
            before, after = _all_records(service_plans)
            found = {"resources": [resource.describe() for resource in resources]}

        steps = _in_order(service_plans)
        conflicts = [*_conflicts(service_plans, resources), *self._impossible(steps)]
        if conflicts:
            # Two services may report the same conflict.
            text = " Also, ".join(dict.fromkeys(conflicts))
            return Plan(before=before, after=before, conflict=text, found=found)

        return Plan(before=before, after=after, steps=steps, warnings=_warnings(service_plans, resources), found=found)

    def check(self, client: Client, step: Step, observed: Observed, just_observed: bool) -> None:
        """See `DeclaredService`."""
        service, state = self._service_and_state(observed, step)
        service.check(client, step, state, just_observed)

    def perform(self, client: Client, step: Step) -> Any:
        """See `DeclaredService`."""
        return self._service_of(step).perform(client, step)

    def was_carried_out(self, observed: Observed, step: Step) -> bool:
        """See `DeclaredService`."""
        service, state = self._service_and_state(observed, step)
        return service.was_carried_out(state, step)

    def is_same(self, step: Step, other: Step) -> bool:
        """See `DeclaredService`."""
        return self._service_of(step).is_same(step, other)

    def restoring_steps(self, observed: Observed, sent: Sequence[Step]) -> list[Step]:
        """See `DeclaredService`."""
        restoring: list[Step] = []
        for service, state, steps_of_service in self._with_steps(observed, sent):
            restoring.extend(service.restoring_steps(state, steps_of_service))

        return restoring

    def not_restored(self, step: Step) -> dict[str, Any]:
        """See `DeclaredService`."""
        return self._service_of(step).not_restored(step)

    def left_over(self, observed: Observed, sent: Sequence[Step]) -> list[str]:
        """See `DeclaredService`."""
        sentences: list[str] = []
        for service, state, steps_of_service in self._with_steps(observed, sent):
            sentences.extend(service.left_over(state, steps_of_service))

        return sentences

    def assumed(self, observed: Observed, sent: Sequence[Step]) -> Observed:
        """The state of a host that was in the state `observed` and carried out all `sent` steps since. Pure."""
        states: list[Any] = []
        for service, state, steps_of_service in self._with_steps(observed, sent):
            states.append(service.carry_out(state, steps_of_service))

        return tuple(states)

    def difference_from_written(self, observed: Observed, step: Step) -> str:
        """See `DeclaredService`."""
        service, state = self._service_and_state(observed, step)
        return service.difference_from_written(state, step)

    def _service_of(self, step: Step) -> DeclaredService:
        """The service that the step belongs to."""
        return next(service for service in self.services if step.resource in service.kinds)

    def _service_and_state(self, observed: Observed, step: Step) -> tuple[DeclaredService, Any]:
        """The service that the step belongs to, and the state that it observed."""
        pairs = zip(self.services, observed)
        return next((service, state) for service, state in pairs if step.resource in service.kinds)

    def _with_steps(
        self,
        observed: Observed,
        steps: Sequence[Step],
    ) -> Iterator[tuple[DeclaredService, Any, list[Step]]]:
        """Each service, the state that it observed, and those of the steps that belong to it."""
        for service, state in zip(self.services, observed):
            steps_of_service = [step for step in steps if step.resource in service.kinds]
            yield service, state, steps_of_service

    def _impossible(self, steps: Iterable[Step]) -> Iterator[str]:
        """A sentence for each step that no request can express.

        Hosts may keep names that cannot stand in a URL.
        """
        for step in steps:
            try:
                self._service_of(step).check_address(step)
            except InvalidInput as error:
                yield f"the {step.resource} {step.id!r} is there, and the API cannot {step.action} it ({error.message})"


def _in_order(service_plans: Sequence[ServicePlan]) -> tuple[Step, ...]:
    """All additions, service by service, and then all removals, with the services in reverse order."""
    steps: list[Step] = []
    for service_plan in service_plans:
        steps.extend(service_plan.added)

    for service_plan in reversed(service_plans):
        steps.extend(service_plan.removed)

    return tuple(steps)


def _all_records(
    service_plans: Sequence[ServicePlan],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The records of all services before and after the steps, by the options that list them."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}

    for service_plan in service_plans:
        before.update(service_plan.before)
        after.update(service_plan.after)

    return before, after


def _conflicts(service_plans: Sequence[ServicePlan], resources: Sequence[ResourcePlan]) -> list[str]:
    """The conflicts of the single resources, and then those of the services."""
    conflicts = [resource.conflict for resource in resources if resource.conflict]

    for service_plan in service_plans:
        conflicts.extend(service_plan.conflicts)

    return conflicts


def _warnings(service_plans: Sequence[ServicePlan], resources: Sequence[ResourcePlan]) -> tuple[str, ...]:
    """The warnings of the single resources, and then those of the services."""
    warnings: list[str] = []
    for resource in resources:
        warnings.extend(resource.warnings)

    for service_plan in service_plans:
        warnings.extend(service_plan.warnings)

    return tuple(warnings)
