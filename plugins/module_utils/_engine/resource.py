# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol between the engine and the services.

Each service fulfils it in its own file. The engine knows nothing else about a service.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import ClassVar
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError

#: A step that the host answered with a value, and that value. For instance, a host answers a creation with an id.
StepAnswer = tuple[Step, Any]
#: The records of a service as modules return them, by the name of the option that lists them.
Records = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Part:
    """The plan of one resource, which is declared or which only the host holds.

    resource: the kind of the resource.
    id: its name on the host.
    status: the comparison of host and declaration, as RV(resources[].status) tells it.
    before: the record now; empty if the resource is absent.
    after: the record after the steps; empty if the resource is absent then.
    steps: the writes, in their order.
    warnings: sentences for the user.
    conflict: the reason why nothing may be written, or empty.
    message: a further sentence about the state of the resource, or empty.
    show: turns a record into the form that people read.
    """

    resource: str
    id: str
    status: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    conflict: str = ""
    message: str = ""
    show: Callable[[Mapping[str, Any]], dict[str, Any]] = dict

    @classmethod
    def of(
        cls,
        resource: str,
        name: str,
        state: str,
        plan: Plan,
        show: Callable[[Mapping[str, Any]], dict[str, Any]] = dict,
    ) -> Part:
        """The part of one declared resource.

        state: the declared state, present or absent. plan: the plan of this resource alone.
        """
        exists = bool(plan.before)
        if plan.conflict:
            # If the resource is absent, the declaration is incomplete: report it as missing.
            status = "conflict" if exists else "missing"
        elif state == "absent":
            status = "extra" if exists else "ok"
        elif not plan.steps:
            status = "ok"
        else:
            status = "differs" if exists else "missing"

        return cls(
            resource=resource,
            id=name,
            status=status,
            before=plan.before,
            after=plan.after,
            steps=plan.steps,
            warnings=plan.warnings,
            conflict=plan.conflict or "",
            show=show,
        )

    def describe(self) -> dict[str, Any]:
        """The entry of the resource in RV(resources)."""
        return {
            "resource": self.resource,
            "id": self.id,
            "status": self.status,
            "message": self.conflict or self.message,
            "before": self.show(self.before),
            "after": self.show(self.after),
        }


@dataclass(frozen=True)
class Planned:
    """The plan of one service.

    parts: the plans of its resources.
    added: the steps that create and update.
    removed: the steps that delete. They follow after the creations and updates of all services.
    before: all records of the service now.
    after: all its records after the steps.
    warnings: warnings that belong to no single part.
    conflicts: conflicts that belong to no single part.
    """

    parts: tuple[Part, ...]
    added: tuple[Step, ...]
    removed: tuple[Step, ...]
    before: Records
    after: Records
    warnings: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


class Resource(Protocol):
    """The declaration of one service on one host.

    `observed` is always a value that `observe` of the same service returned: the state of the host. A service need not
    write the methods that have a body here, if it has nothing to add.
    """

    #: The kinds of the resources of the service, as Step.resource names them.
    kinds: ClassVar[tuple[str, ...]]

    def observe(self, client: Client) -> Any:
        """Read the state of the host, as far as the declaration needs it. Raises TrustError."""

    def look_again(self, client: Client, steps: Sequence[Step], observed: Any) -> Any:
        """Read the resources of the steps once more, if hosts may keep them in another form than the written form.

        Returns `observed` with the resources as the host holds them now, or None if there is nothing to read.
        Raises TrustError.
        """
        return None

    def plan(self, observed: Any) -> Planned:
        """Compare the state of the host with the declaration. Pure."""

    def check(self, client: Client, step: Step, observed: Any, just_observed: bool) -> None:
        """Check right before a step that the host is still in the state `observed`, if the step needs that.

        A step may remove more resources than it names, because hosts remove what depends on the resource.

        just_observed: True if the run has sent no step, and has waited for nothing, since it read the state. Then
            nobody else had much time to change the resource of the step.

        Raises Overtaken if the state has changed, or another TrustError if the host cannot be read.
        """
        return

    def perform(self, client: Client, step: Step) -> Any:
        """Send the request of a step and return the value that the host answers. Raises TrustError."""

    def was_carried_out(self, observed: Any, step: Step) -> bool:
        """True if the state of the host proves that the step was carried out, although its answer was lost. Pure."""

    def is_same(self, step: Step, other: Step) -> bool:
        """True if two deletions of the same name delete the same resource.

        They do not if somebody created the resource anew between the two. Pure.
        """

    def carry_out(self, observed: Any, steps: Sequence[Step]) -> Any:
        """The state of the host after the steps. Pure."""

    def restoring_steps(self, observed: Any, sent: Sequence[Step]) -> list[Step]:
        """The steps that restore the resources which the `sent` steps took away and the declaration keeps. Pure."""
        return []

    def left_over(self, observed: Any, sent: Sequence[Step]) -> list[str]:
        """A sentence for each harmless resource that the `sent` steps left on the host. Pure."""
        return []

    def difference_from_written(self, observed: Any, step: Step) -> str:
        """A sentence that says how the host's form of the resource differs from the form that the step wrote.

        Empty if there is no difference. Pure.
        """
        return ""

    def check_address(self, step: Step) -> None:
        """Raise InvalidInput if no request can name the resource of the step."""

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        """The error of a step that the host refused, with a hint that is true for this service."""
        return error

    def shown(self, records: Records) -> dict[str, Any]:
        """The records in the form that a diff shows to people, by name."""

    def tell_ids(self, records: Records, answers: Sequence[StepAnswer]) -> None:
        """Write the ids that the host gave to new resources into the records."""
        return
