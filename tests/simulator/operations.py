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
    """The type of the answer's body. None means that the answer has no body."""
    input: tuple[tuple[str, Any], ...] = ()
    """The parameters in JSON-RPC and their types. An operation that exists only in REST does not use this."""
    entitlements: tuple[str, ...] = ()
    """An account needs one of these entitlements. If there are none, every account may call the operation."""
    writes: bool = False
    """True if the operation writes to one of the services."""
    public: bool = False
    """True if the operation needs no login and is not part of the API. Its errors are web pages."""
    content_type: str = JSON
    """The content type of the answer. If it is not JSON, the function returns the body as text."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers of the answer."""
    login: bool = False
    """True if the operation takes a password or an assertion and returns a token or a session."""
    switch: Callable[[HostState], bool] = lambda host: True
    """Returns true if this host has the operation at the moment."""

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
