# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations of the API's operations, and calls of them. Neither depends on a form of the API."""

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

    name: its name in the API.
    type: the type of its value.
    place: where REST puts it: PATH, QUERY or BODY. A structure in the query stands there field by field.
    """

    name: str
    type: DataType
    place: str

    @property
    def required(self) -> bool:
        """True if every call must have this argument."""
        return not isinstance(self.type, OptionalType)


@dataclass(frozen=True)
class Operation:
    """One operation of the API, as its reference declares it.

    id: the full name of the operation in the API: the id of the service, a dot, and the name of the operation.
    method: the HTTP method of the REST form.
    path: the path of the REST form. Names in braces are parameters.
    success: the HTTP codes of success that the reference documents. Hosts may use others.
    errors: the error types that the reference documents. Hosts may use others.
    parameters: the parameters of a call.
    returns: True if a successful answer has a value.
    secret: True if this value must never be quoted.
    public: True if the operation needs no login. It is then sent without credentials.
    media: the format of the answer's body, "json" or "xml".
    hints: what a person can do, by error type. For the other types there are general hints.

    A call of the operation is written like a call of a function: `GET(provider="site-a")`.
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
        """A call of this operation.

        arguments: the values by their names in the API. None means that the argument is unset.

        Raises TypeError if an argument is unknown, or if a needed argument is missing.
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
        """The name of the operation within its service."""
        return self.id.rpartition(".")[2]

    @property
    def title(self) -> str:
        """The name of the operation in messages about the REST form."""
        return f"{self.method} {self.path}"

    @property
    def reads(self) -> bool:
        """True if the operation changes nothing on the host, so that it may be repeated."""
        return self.method == "GET"


@dataclass(frozen=True)
class Call:
    """An operation with its arguments. The repr leaves out the arguments, because they may hold a key."""

    operation: Operation
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
