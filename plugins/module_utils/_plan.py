# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is: the steps from what a host holds to what is declared, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation


@dataclass(frozen=True)
class Step:
    """One write.

    action: create, update or delete. resource: the kind of thing, id: its name on the host.
    body: kept out of the repr, because it may hold a key.
    restore: the step that takes this one back if a later one fails.
    """

    action: str
    resource: str
    id: str
    operation: Operation
    path: Mapping[str, str] = field(default_factory=dict)
    body: Optional[Mapping[str, Any]] = field(default=None, repr=False)
    restore: Optional[Step] = None

    @property
    def call(self) -> Call:
        """The call that carries the step out."""
        return Call(self.operation, {**self.path, **({} if self.body is None else {"spec": self.body})})

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
