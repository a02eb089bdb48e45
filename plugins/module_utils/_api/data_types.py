# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of the API's parameters, in the terms of the vAPI. Only the JSON-RPC form writes them into a request.

In Python, a value has the type that Python reads from JSON: a text, a number, a boolean, a list, or a dictionary for a
structure. An unset field or element is None, or it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Union


@dataclass(frozen=True)
class PlainType:
    """A value that JSON carries as it is: a string, an identifier, an enumeration or a boolean."""


@dataclass(frozen=True)
class SecretType:
    """A string that must not be shown."""


@dataclass(frozen=True)
class OptionalType:
    """A value of the type `element` that may be unset."""

    element: DataType


@dataclass(frozen=True)
class ListType:
    """A list of values of the type `element`. A set of the API has the same form."""

    element: DataType


@dataclass(frozen=True)
class StructType:
    """A structure.

    name: its full name in the API.
    fields: the type of each field, by the name of the field.
    """

    name: str
    fields: Mapping[str, DataType] = field(hash=False)


DataType = Union[PlainType, SecretType, OptionalType, ListType, StructType]

STRING = PlainType()
BOOLEAN = PlainType()
ENUMERATION = PlainType()
SECRET = SecretType()
