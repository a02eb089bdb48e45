# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as they stand in a JSON-RPC message: what the JSON alone tells about each, before any declaration is asked."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from simulator.journal import MASK

# How the JSON's own types are called.
SCALARS: tuple[tuple[type, str], ...] = ((bool, "BOOLEAN"), (str, "STRING"), (int, "LONG"), (float, "DOUBLE"))


class NoValue(Exception):
    """The JSON stands for no value of the API."""


class NoBinary(NoValue):
    """The text of a binary value is not Base64."""


@dataclass(frozen=True)
class Value:
    """One value: its kind, and its content as the kind has it."""

    kind: str
    content: Any = None
    """Text, number, a list of values, a value or None (OPTIONAL), or a dictionary of values (STRUCTURE, ERROR)."""
    name: str = ""
    """Of a structure or an error."""


def parse(content: Any) -> Value:
    """The value that decoded JSON stands for.

    Raises:
        NoValue: The JSON stands for none.
    """
    if content is None:
        return Value("VOID")
    if isinstance(content, list):
        return Value("LIST", [parse(entry) for entry in content])
    if isinstance(content, dict):
        return _tagged(content)

    for python_type, kind in SCALARS:
        if isinstance(content, python_type):
            return Value(kind, content)

    raise NoValue


def _tagged(content: dict[str, Any]) -> Value:
    if len(content) != 1:
        raise NoValue
    ((kind, inner),) = content.items()
    if kind == "OPTIONAL":
        return Value(kind, None if inner is None else parse(inner))

    if kind in ("SECRET", "BINARY"):
        if not isinstance(inner, str):
            raise NoValue
        if kind == "BINARY":
            _require_base64(inner)
        return Value(kind, inner)

    if kind in ("STRUCTURE", "ERROR"):
        return _structure(kind, inner)
    raise NoValue


def _structure(kind: str, inner: Any) -> Value:
    if not isinstance(inner, dict) or len(inner) != 1:
        raise NoValue
    ((name, fields),) = inner.items()
    if not isinstance(fields, dict):
        raise NoValue

    return Value(kind, {field: parse(value) for field, value in fields.items()}, name)


def _require_base64(text: str) -> None:
    try:
        base64.b64decode(text)
    except (binascii.Error, ValueError) as error:
        raise NoBinary from error


def plain(content: Any) -> Any:
    """Decoded JSON without the tags of its types, secrets masked: the form in which the journal keeps a body."""
    if isinstance(content, list):
        return [plain(entry) for entry in content]
    if not isinstance(content, dict):
        return content

    if len(content) == 1:
        ((kind, inner),) = content.items()
        if kind == "SECRET":
            return MASK
        if kind == "OPTIONAL":
            return plain(inner)

        if kind == "STRUCTURE" and isinstance(inner, dict) and len(inner) == 1:
            (fields,) = inner.values()
            return plain(fields)

    unwrapped = {name: plain(value) for name, value in content.items()}

    return {name: value for name, value in unwrapped.items() if value is not None}
