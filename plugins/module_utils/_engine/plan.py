# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is: the steps from what a host holds to what is declared, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional


@dataclass(frozen=True)
class Step:
    """One write, in the terms of the service that it belongs to.

    action: create, update or delete. resource: the kind of thing, id: its name on the host.
    before: the object that the host holds under this id until then, None if there is none.
    after: the object that it holds from then on, None if there is none.
    """

    action: str
    resource: str
    id: str
    before: Any = None
    after: Any = None

    @classmethod
    def between(cls, resource: str, name: str, before: Any, after: Any) -> Step:
        """The step that makes `after` of `before`; one of the two may be None."""
        if before is None:
            action = "create"
        elif after is None:
            action = "delete"
        else:
            action = "update"
        return cls(action, resource, name, before, after)

    @property
    def key(self) -> tuple[str, str]:
        """What the step is about."""
        return self.resource, self.id

    def describe(self) -> dict[str, str]:
        """The entry of RV(operations)."""
        return {"operation": self.action, "resource": self.resource, "id": self.id}


@dataclass(frozen=True)
class Plan:
    """The outcome of comparing what is with what shall be.

    before, after: the record of the resource, as modules return it and as the diff shows it; empty if absent.
    conflict: why nothing may be done, or None.
    found: what was found, in return values of a module that tells more than the record.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    conflict: Optional[str] = None
    found: Mapping[str, Any] = field(default_factory=dict)
