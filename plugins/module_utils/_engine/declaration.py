# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine asks of what is declared. Services answer it, and the engine knows nothing else of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError


class Declaration(Protocol):
    """What is declared of one host: one resource, or several that are planned together."""

    def observe(self, client: Client) -> Any:
        """Read what the host holds. Raises TrustError."""

    def look_again(self, client: Client, steps: Sequence[Step], observed: Any) -> Any:
        """Read once more what the steps wrote, where hosts may keep another form of it; else None.

        Raises TrustError.
        """

    def plan(self, observed: Any) -> Plan:
        """Compare what the host holds with what is declared. Pure."""

    def perform(self, client: Client, step: Step) -> None:
        """Send the request of a step. Raises TrustError."""

    def was_carried_out(self, observed: Any, step: Step) -> bool:
        """True if what the host holds shows that a step whose answer was lost was carried out. Pure."""

    def is_same(self, step: Step, other: Step) -> bool:
        """True if two deletions under one name are of the same thing. Pure."""

    def take_back(self, observed: Any, sent: Sequence[Step]) -> list[Step]:
        """The steps that put back what the `sent` steps took away and what is declared to stay. Pure."""

    def left_over(self, observed: Any, sent: Sequence[Step]) -> list[str]:
        """A sentence for each thing that the `sent` steps left behind and that does no harm. Pure."""

    def assumed(self, observed: Any, sent: Sequence[Step]) -> Any:
        """What the host holds if it held `observed` and carried out all that was `sent`. Pure."""

    def own_form(self, observed: Any, step: Step) -> str:
        """How the host's form of what a step wrote differs from the one that was written, or nothing. Pure."""

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        """The error of a step that the host refused, with what is known about this resource."""
