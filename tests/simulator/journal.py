# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a host: every request that arrived, and what became of it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from dataclasses import field
from typing import Any

MASK = "********"
SECRET_FIELDS = frozenset({"key_derivation_key"})


@dataclass
class Record:
    """One request."""

    number: int
    connection: int
    operation: str | None
    """The API's id of the operation; None where there is no such operation."""
    method: str
    path: str
    """As it came over the wire, still percent-encoded."""
    query: str
    body: Any
    authentication: str | None
    """basic, bearer, sign, session, other, or None: the same words for either form of the API."""
    writes: bool
    """A request that would write to one of the services."""
    protocol: str = "rest"
    """The form of the API in which the request came: rest or jsonrpc."""
    identifier: str | None = None
    """The name of the resource that the request is about, where REST carries it in its path."""
    status: int | None = None
    """None when the client got no answer."""
    fault: str | None = None
    wrote: bool = False
    """The state was written."""


@dataclass
class Journal:
    """Records in order of arrival."""

    records: list[Record] = field(default_factory=list)

    def add(self, **fields: Any) -> Record:
        record = Record(number=len(self.records) + 1, **fields)
        self.records.append(record)
        return record

    def copy(self) -> list[Record]:
        return copy.deepcopy(self.records)


def masked(value: Any) -> Any:
    """The value without its secrets."""
    if isinstance(value, dict):
        return {key: MASK if key in SECRET_FIELDS else masked(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [masked(entry) for entry in value]
    return value
