# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of the API's parameters, as the vAPI names them. Only the JSON-RPC form shows them on the wire.

In Python a value is what JSON makes of it: a text, a number, a boolean, a list, or a dictionary for a structure.
A field or an element that is unset is None or left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Union


@dataclass(frozen=True)
class PlainType:
    """A value that is the same in JSON: a string, an identifier, an enumeration or a boolean."""


@dataclass(frozen=True)
class SecretType:
    """A string that must not be shown."""


@dataclass(frozen=True)
class OptionalType:
    """A value of type `element`, or none."""

    element: DataType


@dataclass(frozen=True)
class ListType:
    """Values of type `element`; the API's sets travel in the same way."""

    element: DataType


@dataclass(frozen=True)
class StructType:
    """A structure: `name` is its full name in the API, `fields` gives the type of each field."""

    name: str
    fields: Mapping[str, DataType] = field(hash=False)


DataType = Union[PlainType, SecretType, OptionalType, ListType, StructType]

STRING = PlainType()
BOOLEAN = PlainType()
ENUMERATION = PlainType()
SECRET = SecretType()
