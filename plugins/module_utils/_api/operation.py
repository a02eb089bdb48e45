# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations of the API's operations, and calls of them. No form of the wire is known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.data_types import DataType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType

#: Where REST puts a parameter.
PATH, QUERY, BODY = "path", "query", "body"


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation.

    name: as the API calls it. type: of its value.
    place: where REST puts it, PATH, QUERY or BODY. The fields of a structure in the query stand there one by one.
    """

    name: str
    type: DataType
    place: str

    @property
    def required(self) -> bool:
        """True if a call must give it."""
        return not isinstance(self.type, OptionalType)


@dataclass(frozen=True)
class Operation:
    """One operation of the API, as its reference declares it.

    id: the operation's full name in the API: the service's id, a dot, and the operation's own name.
    method, path: of the REST form; names in braces are parameters in the path.
    success, errors: the HTTP codes and the error types that the reference documents; hosts may differ.
    parameters: what a call can give.
    returns: whether a successful answer has a value. secret: whether that value must never be quoted.
    public: whether the operation needs no login; then none is sent.
    media: the language of the answer's body, "json" or "xml".
    hints: for an error type, what a person can do about it; where there is none, a general sentence is used.
    """

    id: str
    method: str
    path: str
    success: tuple[int, ...]
    errors: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    returns: bool = False
    secret: bool = False
    public: bool = False
    media: str = "json"
    hints: Mapping[str, str] = field(default_factory=dict, hash=False, compare=False, repr=False)

    def __call__(self, **arguments: Any) -> Call:
        """A call of this operation. `arguments` are in the API's own names; None counts as unset.

        Raises TypeError for an argument that the operation does not have, or that it lacks.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        known = {parameter.name for parameter in self.parameters}
        needed = {parameter.name for parameter in self.parameters if parameter.required}

        if not needed <= set(given) <= known:
            raise TypeError(f"{self.id} takes {sorted(known)} and needs {sorted(needed)}, not {sorted(given)}")

        return Call(self, given)

    @property
    def service(self) -> str:
        """The id of the service."""
        return self.id.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The operation's own name within its service."""
        return self.id.rpartition(".")[2]

    @property
    def title(self) -> str:
        """The name of the operation in messages about the REST form."""
        return f"{self.method} {self.path}"

    @property
    def reads(self) -> bool:
        """True if the operation changes nothing, so that it may be repeated at will."""
        return self.method == "GET"


@dataclass(frozen=True)
class Call:
    """An operation with its arguments. The arguments stay out of the repr, because they may hold a key."""

    operation: Operation
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
