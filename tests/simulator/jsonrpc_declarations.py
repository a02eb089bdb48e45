# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the models of the services to the declared types of JSON-RPC: one declaration serves both forms of the API."""

from __future__ import annotations

import enum
import types
from functools import cache
from typing import Annotated
from typing import Any
from typing import Union
from typing import get_args
from typing import get_origin

from simulator.jsonrpc_types import BOOLEAN
from simulator.jsonrpc_types import DOUBLE
from simulator.jsonrpc_types import DYNAMIC
from simulator.jsonrpc_types import LONG
from simulator.jsonrpc_types import OPERATION_INPUT
from simulator.jsonrpc_types import SECRET
from simulator.jsonrpc_types import TEXT
from simulator.jsonrpc_types import VOID
from simulator.jsonrpc_types import Declared
from simulator.jsonrpc_types import List
from simulator.jsonrpc_types import Map
from simulator.jsonrpc_types import Optional
from simulator.jsonrpc_types import Reference
from simulator.jsonrpc_types import Structure
from simulator.models import LocalizableMessage
from simulator.models import Model
from simulator.models import Sensitive
from simulator.models import Unique
from simulator.operations import Operation

STANDARD = "com.vmware.vapi.std."
ERRORS = STANDARD + "errors."
LOCALIZATION_PARAM = STANDARD + "localization_param"
_NESTED_MESSAGE = Structure(
    name=STANDARD + "nested_localizable_message",
    fields={"id": TEXT, "params": Optional(element=Map(value=Reference(name=LOCALIZATION_PARAM)))},
)
_PARAM = Structure(
    name=LOCALIZATION_PARAM,
    fields={
        "s": Optional(element=TEXT),
        "dt": Optional(element=TEXT),
        "i": Optional(element=LONG),
        "d": Optional(element=DOUBLE),
        "l": Optional(element=_NESTED_MESSAGE),
        "format": Optional(element=TEXT),
        "precision": Optional(element=LONG),
    },
)
MESSAGE = Structure(
    name=STANDARD + "localizable_message",
    fields={
        "id": TEXT,
        "default_message": TEXT,
        "args": List(element=TEXT),
        "params": Optional(element=Map(value=_PARAM)),
        "localized": Optional(element=TEXT),
    },
)
_SCALARS: dict[Any, Declared] = {str: TEXT, bool: BOOLEAN, int: LONG, float: DOUBLE, None: VOID}
# What the vendor's runtime may answer for every operation.
RUNTIME_ERRORS = ("INTERNAL_SERVER_ERROR", "INVALID_ARGUMENT", "UNEXPECTED_INPUT", "OPERATION_NOT_FOUND")


@cache
def input_of(operation: Operation) -> Structure:
    """What the operation takes."""
    fields = {name: declared(annotation) for name, annotation in operation.input}
    return Structure(name=OPERATION_INPUT, fields=fields)


@cache
def output_of(operation: Operation) -> Declared:
    """What the operation gives."""
    return declared(operation.result)


def errors_of(operation: Operation) -> list[Structure]:
    """The errors that the operation declares, and those of the runtime."""
    return [error(name) for name in dict.fromkeys((*operation.errors, *RUNTIME_ERRORS))]


def error(error_type: str) -> Structure:
    """The structure of an error."""
    fields: dict[str, Declared] = {
        "messages": List(element=MESSAGE),
        "data": Optional(element=DYNAMIC),
        "error_type": Optional(element=TEXT),
    }
    if error_type == "UNAUTHENTICATED":
        fields["challenge"] = Optional(element=TEXT)
    return Structure(name=ERRORS + error_type.lower(), fields=fields)


def declared(annotation: Any, markers: tuple[Any, ...] = ()) -> Declared:
    """The declared type of a Python annotation."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return declared(parts[0], (*parts[1:], *markers))

    if origin in (Union, types.UnionType):
        (inner,) = (part for part in parts if part is not type(None))
        return Optional(element=declared(inner, markers))

    if any(isinstance(marker, Sensitive) for marker in markers):
        return SECRET

    if origin is list:
        unique = any(isinstance(marker, Unique) for marker in markers)
        return List(element=declared(parts[0]), unique=unique)

    if origin is dict:
        return Map(value=declared(parts[1]))
    if annotation is LocalizableMessage:
        return MESSAGE
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return _structure(annotation)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return TEXT

    return _SCALARS[annotation]


def _structure(model: type[Model]) -> Structure:
    fields = {name: declared(info.annotation, tuple(info.metadata)) for name, info in model.model_fields.items()}
    return Structure(name=model.structure, fields=fields)
