# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol between the engine and the services.

Each service fulfils it in its own file. The engine knows nothing else about a service.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import ClassVar
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Records
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ServicePlan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import StepAnswer


class DeclaredService(Protocol):
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

    def plan(self, observed: Any) -> ServicePlan:
        """Compare the state of the host with the declaration. Pure."""

    def check(self, client: Client, step: Step, observed: Any, just_observed: bool) -> None:
        """Check right before a step that the host is still in the state `observed`, if the step needs that.

        A step may remove more resources than it names, because hosts remove what depends on the resource.

        just_observed: True if the run has sent no step, and has waited for nothing, since it read the state. Then
            nobody else had much time to change the resource of the step.

        Raises ChangedMeanwhile if the state has changed, or another TrustError if the host cannot be read.
        """
        return

    def perform(self, client: Client, step: Step) -> Any:
        """Send the request of a step and return the value that the host answers.

        Raises TrustError, with a hint that is true for this service.
        """

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

    def not_restored(self, step: Step) -> dict[str, Any]:
        """The entry of RV(failure.not_restored) for a restoring step that failed. It must hold no secret. Pure.

        A person needs it to restore the resource by hand.
        """

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

    def shown(self, records: Records) -> dict[str, Any]:
        """The records in the form that a diff shows to people, by name."""

    def with_ids(self, records: Records, answers: Sequence[StepAnswer]) -> Records:
        """The records with the ids that the host gave to new resources. Pure."""
        return records
