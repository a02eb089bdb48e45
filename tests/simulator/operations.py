# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of a host as data: id, method, path, codes, models, and the function that performs each."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from pydantic import BaseModel

from simulator.accounts import Principal
from simulator.bodies import JSON
from simulator.journal import Record
from simulator.models import NoParameters
from simulator.state import HostState


@dataclass(frozen=True)
class Call:
    """A decoded and authenticated request."""

    host: HostState
    principal: Principal
    identifiers: tuple[str, ...]
    """The variable parts of the path, decoded."""
    query: Any
    body: Any
    session: str | None
    """The id of the session that was used, if any."""


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of the API."""

    id: str
    method: str
    path: str
    success: int
    errors: Mapping[str, int]
    """The error types that are documented for it, and their codes."""
    perform: Callable[[Call], Any]
    query: type[BaseModel] = NoParameters
    body: type[BaseModel] | None = None
    result: Any = None
    """The type of the answer's body; None: no body."""
    input: tuple[tuple[str, Any], ...] = ()
    """What it takes in JSON-RPC: each parameter and its type. An operation that is only REST has no use for it."""
    entitlements: tuple[str, ...] = ()
    """Somebody who has one of them may call it; none: everybody."""
    writes: bool = False
    """It would write to one of the services."""
    public: bool = False
    """It asks for no login, and is no part of the API: its errors are web pages."""
    content_type: str = JSON
    """Of the answer; what is not JSON, the function gives as text."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further ones of the answer."""
    login: bool = False
    """It takes a password or an assertion and gives a token or a session for it."""
    switch: Callable[[HostState], bool] = lambda host: True
    """Whether this host has the operation at the moment."""

    @property
    def service(self) -> str:
        return self.id.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its id within the service."""
        return self.id.rpartition(".")[2]

    @property
    def variables(self) -> tuple[str, ...]:
        """The variable parts of the path."""
        parts = self.path.strip("/").split("/")
        return tuple(part[1:-1] for part in parts if part.startswith("{"))

    @property
    def pattern(self) -> tuple[str | None, ...]:
        """The path's segments, None where a variable stands."""
        return tuple(None if part.startswith("{") else part for part in self.path.strip("/").split("/"))


def carry_out(operation: Operation, call: Call, record: Record) -> Any:
    """The plain result; the record tells whether the state was written."""
    before = call.host.snapshot() if operation.writes else None
    result = operation.perform(call)
    record.wrote = before is not None and call.host.snapshot() != before

    return result


# What the runtime that decodes the requests may answer before an operation sees them.
RUNTIME_ERRORS: dict[str, int] = {"INVALID_ARGUMENT": 400, "INVALID_REQUEST": 400}
