# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine asks of a service. Services answer it in files of their own, and the engine knows nothing else."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import ClassVar
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError

#: A step that created something, with what the host answered.
Answer = tuple[Step, Any]
#: The records of a service, by the option that lists them: what modules return.
Records = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Part:
    """What was found of one resource that is declared, or that is there and not declared, and what is done about it.

    status: what was found, as RV(resources[].status) tells it. before, after: the records, empty if it is absent.
    conflict: why nothing may be done, or empty. message: what else a person should know about what was found.
    show: makes the form of a record that a person reads.
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
        own: Plan,
        show: Callable[[Mapping[str, Any]], dict[str, Any]] = dict,
    ) -> Part:
        """The part of a resource that is declared with this state and has a plan of its own."""
        if own.conflict:
            # If the resource is absent, the declaration is incomplete: report it as missing.
            status = "conflict" if own.before else "missing"
        elif state == "absent":
            status = "extra" if own.before else "ok"
        elif not own.steps:
            status = "ok"
        else:
            status = "differs" if own.before else "missing"
        return cls(
            resource, name, status, own.before, own.after, own.steps, own.warnings, own.conflict or "", show=show
        )

    def describe(self) -> dict[str, Any]:
        """The entry of RV(resources)."""
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

    added: the steps that create and update. removed: the steps that delete; they come after those of all services.
    before, after: all its records. warnings, conflicts: those that belong to no single part.
    """

    parts: tuple[Part, ...]
    added: tuple[Step, ...]
    removed: tuple[Step, ...]
    before: Records
    after: Records
    warnings: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = field(default=())


class Resource(Protocol):
    """What is declared of one service on one host. `observed` is always what `observe` of the same service returned.

    The methods that have a body do what is right for a service that has nothing to say there.
    """

    #: The kinds of its resources, as they stand in Step.resource.
    kinds: ClassVar[tuple[str, ...]]

    def observe(self, client: Client) -> Any:
        """Read what the host holds, as far as the declaration needs it. Raises TrustError."""

    def look_again(self, client: Client, steps: Sequence[Step], observed: Any) -> Any:
        """`observed` with what the steps wrote read once more, where hosts may keep another form of it; else None.

        Raises TrustError.
        """
        return None

    def plan(self, observed: Any) -> Planned:
        """Compare what the host holds with what is declared. Pure."""

    def check(self, client: Client, step: Step, observed: Any) -> None:
        """Look, right before a step that takes more away than it names, whether the host still holds `observed`.

        Raises Overtaken if not, and TrustError.
        """
        return

    def perform(self, client: Client, step: Step) -> Any:
        """Send the request of a step and return what the host answers. Raises TrustError."""

    def was_carried_out(self, observed: Any, step: Step) -> bool:
        """True if what the host holds shows that a step whose answer was lost was carried out. Pure."""

    def is_same(self, step: Step, other: Step) -> bool:
        """True if two deletions under one name are of the same thing. Pure."""

    def carry_out(self, observed: Any, steps: Sequence[Step]) -> Any:
        """What the host holds after the steps. Pure."""

    def take_back(self, observed: Any, sent: Sequence[Step]) -> list[Step]:
        """The steps that put back what the `sent` steps took away and what is declared to stay. Pure."""
        return []

    def left_over(self, observed: Any, sent: Sequence[Step]) -> list[str]:
        """A sentence for each thing that the `sent` steps left behind and that does no harm. Pure."""
        return []

    def own_form(self, observed: Any, step: Step) -> str:
        """How the host's form of what a step wrote differs from the one that was written, or nothing. Pure."""
        return ""

    def check_address(self, step: Step) -> None:
        """Raise InvalidInput if no request can name what the step is about."""

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        """The error of a step that the host refused, with what is known about this service."""
        return error

    def shown(self, records: Records) -> dict[str, Any]:
        """The records for a diff: by name, and in the form that a person reads."""

    def tell_ids(self, records: Records, answers: Sequence[Answer]) -> None:
        """Put the ids that the host gave to what it created into the records."""
        return
