# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: what may go wrong between a client and a host, queued per host and spent one request at a time."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from dataclasses import field
from typing import Annotated
from typing import Any
from typing import Literal
from typing import Union

from pydantic import Field
from pydantic import model_validator

from simulator.bodies import BODIES
from simulator.errors import HTTP_STATUS
from simulator.models import Certificate
from simulator.models import Identifier
from simulator.models import Model

Kind = Literal[
    "reset_before",
    "lose_answer",
    "cut_answer",
    "delay",
    "delay_answer",
    "drip",
    "status",
    "answer",
    "expire_tokens",
    "race",
    "race_after",
    "redirect",
]


class PutProvider(Model):
    """Creates a provider, or changes the given fields of one."""

    change: Literal["put_provider"]
    provider: Identifier
    type: Literal["NATIVE", "TRUST_AUTHORITY"] | None = None
    key_id: str | None = None
    key_derivation_key: str | None = None
    available: bool | None = None


class DeleteProvider(Model):
    change: Literal["delete_provider"]
    provider: Identifier


class PutIssuer(Model):
    """Creates an issuer, or changes the given fields of one."""

    change: Literal["put_issuer"]
    issuer_alias: Identifier
    issuer: Identifier | None = None
    chains: list[list[Certificate]] | None = None


class DeleteIssuer(Model):
    change: Literal["delete_issuer"]
    issuer_alias: Identifier


class PutClientProfile(Model):
    """Creates a client profile, or changes the given fields of the one with the id."""

    change: Literal["put_client_profile"]
    client_profile: Identifier | None = None
    type: Literal["LOCAL_USER", "EXTERNAL_GROUP", "EXTERNAL_USER", "PRIVILEGES"] | None = None
    name: Identifier | None = None
    issuer_alias: Identifier | None = None
    domain: Identifier | None = None
    grants: list[dict[str, Any]] | None = None
    privileges: dict[str, list[str]] | None = None


class DeleteClientProfile(Model):
    change: Literal["delete_client_profile"]
    client_profile: Identifier


Change = Annotated[
    Union[PutProvider, DeleteProvider, PutIssuer, DeleteIssuer, PutClientProfile, DeleteClientProfile],
    Field(discriminator="change"),
]


class Fault(Model):
    """`skip` matching requests pass first, then `times` requests meet the fault (None: all that follow)."""

    kind: Kind
    operation: str = "*"
    """An operation id, or a pattern of one. Only "*" also meets requests to unknown operations."""
    skip: Annotated[int, Field(ge=0)] = 0
    times: Annotated[int, Field(ge=1)] | None = 1

    seconds: Annotated[float, Field(ge=0)] = 0.0
    """delay, delay_answer: how long; drip: between two bytes."""
    requests: Annotated[int, Field(ge=1)] | None = None
    """delay: the host acts not after some time, but after so many more requests, just before it looks at the next."""
    bytes: Annotated[int, Field(ge=0)] | None = None
    """cut_answer: so much of the body; ready="huge": its size."""
    raw_bytes: Annotated[int, Field(ge=0)] | None = None
    """cut_answer: so much of the whole answer, its status line included."""
    abort: Literal["reset", "close"] = "reset"
    """How reset_before and lose_answer end the connection: a TCP reset, or an orderly close."""

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    error_type: str | None = None
    body: Any = None
    """Text is sent as it is, anything else as JSON."""
    ready: str | None = None
    """The name of a ready-made body."""
    content_type: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    location: str | None = None
    change: list[Change] = Field(default_factory=list)

    @model_validator(mode="after")
    def _complete(self) -> Fault:
        needs = {
            "cut_answer": self.bytes is not None or self.raw_bytes is not None,
            "status": self.status is not None or self.ready is not None or self.error_type is not None,
            "answer": self.status is not None or self.ready is not None or self.body is not None,
            "race": bool(self.change),
            "race_after": bool(self.change),
            "redirect": self.location is not None,
        }

        if not needs.get(self.kind, True):
            raise ValueError(f"A fault of kind {self.kind} needs more fields.")
        if self.ready is not None and self.ready not in BODIES:
            raise ValueError(f"There is no ready-made body {self.ready}; there are {', '.join(sorted(BODIES))}.")
        if self.error_type is not None and self.error_type not in HTTP_STATUS:
            raise ValueError(f"There is no error type {self.error_type}.")

        return self

    def meets(self, operation: str | None) -> bool:
        return self.operation == "*" or (operation is not None and fnmatch.fnmatchcase(operation, self.operation))


@dataclass
class _Queued:
    fault: Fault
    skip: int
    left: int | None
    used: bool = False


@dataclass
class FaultQueue:
    """The first fault that meets a request is spent on it; the others wait."""

    _queue: list[_Queued] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self._queue.append(_Queued(fault, fault.skip, fault.times))

    def clear(self) -> None:
        self._queue.clear()

    def take(self, operation: str | None) -> Fault | None:
        for entry in self._queue:
            if not entry.fault.meets(operation):
                continue
            if entry.skip > 0:
                entry.skip -= 1
                continue

            entry.used = True

            if entry.left is not None:
                entry.left -= 1
                if entry.left == 0:
                    self._queue.remove(entry)

            return entry.fault

        return None

    @property
    def unused(self) -> list[Fault]:
        """Faults still waiting for a request."""
        return [entry.fault for entry in self._queue if entry.left is not None or not entry.used]
