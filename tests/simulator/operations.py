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


@dataclass(frozen=True)
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
    entitlement: str | None = None
    writes: bool = False
    """It would write to one of the two services."""
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
    def pattern(self) -> tuple[str | None, ...]:
        """The path's segments, None where a variable stands."""
        return tuple(None if part.startswith("{") else part for part in self.path.strip("/").split("/"))


# What the runtime that decodes the requests may answer before an operation sees them.
RUNTIME_ERRORS: dict[str, int] = {"INVALID_ARGUMENT": 400, "INVALID_REQUEST": 400}
