# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is declared of one host, composed of its services: one plan, one conflict, one order.

Services add in the order in which they stand here, and remove in reverse. A conflict in one of them is a conflict of
the whole, so that nothing is done by halves.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Planned
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Resource
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError

#: What the host holds, as each service observed it, in the order of the services.
Observed = tuple[Any, ...]


@dataclass(frozen=True)
class Host:
    """What is declared of a host, service by service.

    single: True if one resource is declared and nothing else is of interest. Then the plan has its record alone.
    """

    resources: tuple[Resource, ...]
    single: bool = False

    def observe(self, client: Client) -> Observed:
        """Read what the host holds. Raises TrustError."""
        return tuple(resource.observe(client) for resource in self.resources)

    def look_again(self, client: Client, steps: Sequence[Step], observed: Observed) -> Any:
        """Read once more what the steps wrote, where hosts may keep another form of it; else None.

        Raises TrustError.
        """
        again = [
            resource.look_again(client, own, held) if own else None
            for resource, held, own in self._with_steps(observed, steps)
        ]
        if all(new is None for new in again):
            return None
        return tuple(held if new is None else new for held, new in zip(observed, again))

    def plan(self, observed: Observed) -> Plan:
        """Compare what the host holds with what is declared. Pure."""
        planned = [resource.plan(held) for resource, held in zip(self.resources, observed)]
        steps = _in_order(planned)
        parts = [part for own in planned for part in own.parts]
        conflicts = [
            *(part.conflict for part in parts if part.conflict),
            *(conflict for own in planned for conflict in own.conflicts),
            *self._impossible(steps),
        ]
        warnings = (
            *(warning for part in parts for warning in part.warnings),
            *(warning for own in planned for warning in own.warnings),
        )

        if self.single:
            before, after, found = parts[0].before, parts[0].after, {}
        else:
            before = {option: records for own in planned for option, records in own.before.items()}
            after = {option: records for own in planned for option, records in own.after.items()}
            found = {"resources": [part.describe() for part in parts]}
        if conflicts:
            return Plan(before, before, conflict=" Also, ".join(dict.fromkeys(conflicts)), found=found)
        return Plan(before, after, steps, warnings, found=found)

    def check(self, client: Client, step: Step, observed: Observed) -> None:
        """Look, right before a step that takes more away than it names, whether the host still holds `observed`.

        Raises Overtaken if not, and TrustError.
        """
        owner, held = self._owner_and_held(observed, step)
        owner.check(client, step, held)

    def perform(self, client: Client, step: Step) -> Any:
        """Send the request of a step and return what the host answers. Raises TrustError."""
        return self._owner(step).perform(client, step)

    def was_carried_out(self, observed: Observed, step: Step) -> bool:
        """True if what the host holds shows that a step whose answer was lost was carried out. Pure."""
        owner, held = self._owner_and_held(observed, step)
        return owner.was_carried_out(held, step)

    def is_same(self, step: Step, other: Step) -> bool:
        """True if two deletions under one name are of the same thing. Pure."""
        return self._owner(step).is_same(step, other)

    def take_back(self, observed: Observed, sent: Sequence[Step]) -> list[Step]:
        """The steps that put back what the `sent` steps took away and what is declared to stay. Pure."""
        return [
            step for resource, held, own in self._with_steps(observed, sent) for step in resource.take_back(held, own)
        ]

    def left_over(self, observed: Observed, sent: Sequence[Step]) -> list[str]:
        """A sentence for each thing that the `sent` steps left behind and that does no harm. Pure."""
        return [
            text for resource, held, own in self._with_steps(observed, sent) for text in resource.left_over(held, own)
        ]

    def assumed(self, observed: Observed, sent: Sequence[Step]) -> Observed:
        """What the host holds if it held `observed` and carried out all that was `sent`. Pure."""
        return tuple(resource.carry_out(held, own) for resource, held, own in self._with_steps(observed, sent))

    def own_form(self, observed: Observed, step: Step) -> str:
        """How the host's form of what a step wrote differs from the one that was written, or nothing. Pure."""
        owner, held = self._owner_and_held(observed, step)
        return owner.own_form(held, step)

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        """The error of a step that the host refused, with what is known about its service."""
        return self._owner(step).explain(error, step, host)

    def _owner(self, step: Step) -> Resource:
        return next(resource for resource in self.resources if step.resource in resource.kinds)

    def _owner_and_held(self, observed: Observed, step: Step) -> tuple[Resource, Any]:
        pairs = zip(self.resources, observed)
        return next((resource, held) for resource, held in pairs if step.resource in resource.kinds)

    def _with_steps(self, observed: Observed, steps: Sequence[Step]) -> Iterator[tuple[Resource, Any, list[Step]]]:
        """Each service with what it observed and with those of the steps that are its own."""
        for resource, held in zip(self.resources, observed):
            yield resource, held, [step for step in steps if step.resource in resource.kinds]

    def _impossible(self, steps: Iterable[Step]) -> Iterator[str]:
        """A sentence for each step that no request can ask for; hosts keep names that cannot stand in a URL."""
        for step in steps:
            try:
                self._owner(step).check_address(step)
            except InvalidInput as error:
                yield f"the {step.resource} {step.id!r} is there, and the API cannot {step.action} it ({error.message})"


def _in_order(planned: Sequence[Planned]) -> tuple[Step, ...]:
    """What is added, service by service, and then what is removed, the other way round."""
    added = [step for own in planned for step in own.added]
    removed = [step for own in reversed(planned) for step in own.removed]
    return (*added, *removed)
