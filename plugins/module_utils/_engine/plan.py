# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan: the steps from the state of a host to the declared state, or the reason why no step is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional


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
