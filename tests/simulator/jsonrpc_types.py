# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declared types of the API and how strictly a value is held against them.

The order and the names of the refusals are those of the vendor's own server runtime (vmware-vapi-runtime 9.1.1.0): a
value of another kind where an optional, a structure or a list is declared is an internal server error there, because
the runtime completes a value before it validates it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from simulator.errors import ApiError
from simulator.errors import message
from simulator.jsonrpc_values import Value

MAP_ENTRY = "map-entry"
OPERATION_INPUT = "operation-input"
ANY_NAME = (MAP_ENTRY, OPERATION_INPUT)
DATA_DEFINITION = "com.vmware.vapi.std.introspection.operation.data_definition"


@dataclass(frozen=True)
class Declared:
    """A type that has no parts: STRING, BOOLEAN, LONG, DOUBLE, SECRET, VOID, DYNAMIC_STRUCTURE."""

    kind: str


TEXT = Declared("STRING")
SECRET = Declared("SECRET")
BOOLEAN = Declared("BOOLEAN")
LONG = Declared("LONG")
DOUBLE = Declared("DOUBLE")
VOID = Declared("VOID")
DYNAMIC = Declared("DYNAMIC_STRUCTURE")


@dataclass(frozen=True)
class Optional(Declared):
    element: Declared = TEXT
    kind: str = "OPTIONAL"


@dataclass(frozen=True)
class List(Declared):
    element: Declared = TEXT
    unique: bool = False
    """A set."""
    kind: str = "LIST"


@dataclass(frozen=True)
class Structure(Declared):
    name: str = ""
    fields: Mapping[str, Declared] = field(default_factory=dict)
    kind: str = "STRUCTURE"


@dataclass(frozen=True)
class Map(Declared):
    """A list of entries on the wire, a dictionary everywhere else."""

    value: Declared = TEXT
    kind: str = "LIST"

    @property
    def entries(self) -> List:
        return List(element=Structure(name=MAP_ENTRY, fields={"key": TEXT, "value": self.value}))


@dataclass(frozen=True)
class Reference(Declared):
    """A structure that is named only, because it holds itself."""

    name: str = ""
    kind: str = "STRUCTURE_REF"


# From the wire


def decode(declared: Declared, value: Value) -> Any:
    """The plain form of a value: structures are dictionaries, unset optionals are left out.

    Raises:
        ApiError: The value is not of the declared type.
    """
    _complete(declared, value)
    reasons = _mismatch(declared, value)
    if reasons:
        raise ApiError("INVALID_ARGUMENT", *reasons)
    _refuse_unknown_fields(declared, value)

    return _plain(declared, value)


def _complete(declared: Declared, value: Value) -> None:
    """Refuses the kinds that the vendor's runtime trips over."""
    if isinstance(declared, Map):
        declared = declared.entries
    if isinstance(declared, (Optional, List, Structure)) and value.kind != declared.kind:
        raise ApiError(
            "INTERNAL_SERVER_ERROR", message("Error in method invocation", "vapi.method.invoke.exception", args=[""])
        )

    if isinstance(declared, Optional) and value.content is not None:
        _complete(declared.element, value.content)
    elif isinstance(declared, List):
        for entry in value.content:
            _complete(declared.element, entry)
    elif isinstance(declared, Structure):
        for name, wanted in declared.fields.items():
            if name in value.content:
                _complete(wanted, value.content[name])


def _mismatch(declared: Declared, value: Value) -> list[dict[str, Any]]:
    """The reasons against a value, outermost first; none for a value of the type."""
    if isinstance(declared, Map):
        declared = declared.entries
    if value.kind != declared.kind:
        return [_reason("vapi.data.validate.mismatch", declared.kind, value.kind)]

    if isinstance(declared, Optional) and value.content is not None:
        inner = _mismatch(declared.element, value.content)
        return [_reason("vapi.data.optional.validate"), *inner] if inner else []

    if isinstance(declared, List):
        for index, entry in enumerate(value.content):
            inner = _mismatch(declared.element, entry)
            if inner:
                return [_reason("vapi.data.list.invalid.entry", "", str(index)), *inner]

    if isinstance(declared, Structure):
        return _structure_mismatch(declared, value)

    return []


def _structure_mismatch(declared: Structure, value: Value) -> list[dict[str, Any]]:
    if value.name != declared.name and declared.name not in ANY_NAME:
        return [_reason("vapi.data.structure.name.mismatch", declared.name, value.name)]
    for name, wanted in declared.fields.items():
        if name in value.content:
            inner = _mismatch(wanted, value.content[name])
            if inner:
                return [_reason("vapi.data.structure.field.invalid", name, declared.name), *inner]
        elif not isinstance(wanted, Optional):
            return [_reason("vapi.data.structure.field.missing", declared.name, name)]

    return []


def _refuse_unknown_fields(declared: Declared, value: Value) -> None:
    """An unknown field is refused unless it is an optional that is not set."""
    if isinstance(declared, Map):
        declared = declared.entries
    if isinstance(declared, Optional) and value.content is not None:
        _refuse_unknown_fields(declared.element, value.content)
    elif isinstance(declared, List):
        for entry in value.content:
            _refuse_unknown_fields(declared.element, entry)
    elif isinstance(declared, Structure):
        for name, given in value.content.items():
            unset = given.kind == "OPTIONAL" and given.content is None
            if name not in declared.fields and not unset:
                reason = _reason("vapi.data.structure.field.unexpected", name, value.name)
                raise ApiError("UNEXPECTED_INPUT", reason)

        for name, wanted in declared.fields.items():
            if name in value.content:
                _refuse_unknown_fields(wanted, value.content[name])


def _plain(declared: Declared, value: Value) -> Any:
    if isinstance(declared, Optional):
        return None if value.content is None else _plain(declared.element, value.content)
    if isinstance(declared, Map):
        entries = _plain(declared.entries, value)
        return {entry["key"]: entry["value"] for entry in entries}

    if isinstance(declared, List):
        items = [_plain(declared.element, entry) for entry in value.content]
        if declared.unique and len(set(items)) < len(items):
            raise ApiError("INVALID_ARGUMENT", _reason("vapi.bindings.typeconverter.set.duplicate.element"))
        return items

    if isinstance(declared, Structure):
        given = {
            name: _plain(wanted, value.content[name])
            for name, wanted in declared.fields.items()
            if name in value.content
        }
        return {name: entry for name, entry in given.items() if entry is not None}

    return value.content


def _reason(identifier: str, *args: str) -> dict[str, Any]:
    words = {
        "vapi.data.validate.mismatch": "Type mismatch, expected an object of type {}, but got {}",
        "vapi.data.optional.validate": "The given OptionalValue does not match the OptionalDefinition",
        "vapi.data.list.invalid.entry": "The value {} at index {} in the list is invalid",
        "vapi.data.structure.name.mismatch": "Name mismatch for structure. Expected {}, but got {}",
        "vapi.data.structure.field.invalid": 'Found invalid field "{}" in structure "{}".',
        "vapi.data.structure.field.missing": 'Structure {} is missing a field "{}"',
        "vapi.data.structure.field.unexpected": 'Found unexpected field "{}" in structure "{}"',
        "vapi.bindings.typeconverter.set.duplicate.element": "List contains duplicate element.",
    }
    return message(words[identifier].format(*args), identifier, args=list(args))


# To the wire


def encode(declared: Declared, content: Any) -> Any:
    """The JSON of a plain value."""
    if isinstance(declared, Optional):
        return {"OPTIONAL": None if content is None else encode(declared.element, content)}
    if isinstance(declared, Map):
        return encode(declared.entries, [{"key": key, "value": value} for key, value in content.items()])
    if isinstance(declared, List):
        return [encode(declared.element, entry) for entry in content]

    if isinstance(declared, Structure):
        fields = {name: encode(wanted, content.get(name)) for name, wanted in declared.fields.items()}
        # A newer host has fields that nobody declared; they are optional texts.
        more = {name: {"OPTIONAL": value} for name, value in content.items() if name not in fields}
        return {"STRUCTURE": {declared.name: {**fields, **more}}}

    if declared.kind == SECRET.kind:
        return {"SECRET": content}

    return content


# For the introspection


def definition(declared: Declared, kind: str | None = None) -> dict[str, Any]:
    """The type in the words of the introspection services."""
    if isinstance(declared, Map):
        declared = declared.entries
    name = declared.name if isinstance(declared, (Structure, Reference)) else None
    element = definition(declared.element) if isinstance(declared, (Optional, List)) else None
    fields = None

    if isinstance(declared, Structure):
        fields = [
            {"STRUCTURE": {MAP_ENTRY: {"key": key, "value": definition(wanted)}}}
            for key, wanted in declared.fields.items()
        ]

    content = {
        "type": kind or declared.kind,
        "name": {"OPTIONAL": name},
        "element_definition": {"OPTIONAL": element},
        "fields": {"OPTIONAL": fields},
    }

    return {"STRUCTURE": {DATA_DEFINITION: content}}
