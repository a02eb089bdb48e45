# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: the steps from the state of a host to the declared state, or the reason why no step is allowed.

A service plans each of its resources. The plan of a host joins those of its services.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

#: The records of a service as modules return them, by the name of the option that lists them.
Records = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Step:
    """One write to a host, in the terms of the service that it belongs to.

    action: create, update or delete.
    resource: the kind of the resource, for instance `token_issuer`.
    id: the name of the resource on the host.
    before: the object that the host holds under this id before the step, or None.
    after: the object that the host holds under this id after the step, or None.
    """

    action: str
    resource: str
    id: str
    before: Any = None
    after: Any = None

    @classmethod
    def between(cls, resource: str, name: str, before: Any, after: Any) -> Step:
        """The step that turns `before` into `after`. One of the two may be None."""
        if before is None:
            action = "create"
        elif after is None:
            action = "delete"
        else:
            action = "update"

        return cls(action, resource, name, before, after)

    @property
    def creates(self) -> bool:
        """True if the host holds nothing under this id before the step."""
        return self.before is None

    @property
    def updates(self) -> bool:
        """True if the host holds an object under this id before and after the step."""
        return self.before is not None and self.after is not None

    @property
    def deletes(self) -> bool:
        """True if the host holds nothing under this id after the step."""
        return self.after is None

    @property
    def key(self) -> tuple[str, str]:
        """The kind and the name of the resource that the step writes."""
        return self.resource, self.id

    def describe(self) -> dict[str, str]:
        """The entry of the step in RV(operations)."""
        return {
            "operation": self.action,
            "resource": self.resource,
            "id": self.id,
        }


#: A step that the host answered with a value, and that value. For instance, a host answers a creation with an id.
StepAnswer = tuple[Step, Any]


@dataclass(frozen=True)
class Plan:
    """The result of a comparison of the state of a host with the declared state.

    before: the record of the resource now, as modules return it and as the diff shows it; empty if it is absent.
    after: the record after the steps.
    steps: the writes, in their order.
    warnings: sentences for the user.
    conflict: the reason why nothing may be written, or None.
    found: further return values that describe the state of the host, for modules that return more than one record.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    conflict: Optional[str] = None
    found: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourcePlan:
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
    ) -> ResourcePlan:
        """The plan of one declared resource, with its status.

        state: the declared state, present or absent.
        plan: the steps of this resource alone.
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
class ServicePlan:
    """The plan of one service.

    resources: the plans of its resources.
    added: the steps that create and update.
    removed: the steps that delete. They follow after the creations and updates of all services.
    before: all records of the service now.
    after: all its records after the steps.
    warnings: warnings that belong to no single resource.
    conflicts: conflicts that belong to no single resource.
    """

    resources: tuple[ResourcePlan, ...]
    added: tuple[Step, ...]
    removed: tuple[Step, ...]
    before: Records
    after: Records
    warnings: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
