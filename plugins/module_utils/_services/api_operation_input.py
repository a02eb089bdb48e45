# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the input of an operation, as the introspection of a host defines it and as this collection declares it."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.data_types import DataType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import ListType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import SecretType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import StructType
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import DEEPEST
from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import field_name


def input_fields(definition: Any) -> Optional[set[str]]:
    """The fields of the input of an operation by the host's introspection, each as `structure.field: kind`.

    definition: the input definition as the host returns it. None if it cannot be read.
    """
    if not isinstance(definition, dict):
        return None

    return set(_defined(definition, 0))


def _defined(definition: Mapping[str, Any], depth: int) -> Iterator[str]:
    """The fields of a definition and of the definitions in it."""
    if depth > DEEPEST:
        return

    element = definition.get("element_definition")
    if isinstance(element, dict):
        yield from _defined(element, depth + 1)

    fields = definition.get("fields")
    for entry in fields if isinstance(fields, list) else ():
        inner = entry.get("value") if isinstance(entry, dict) else None
        if isinstance(inner, dict):
            name = field_name(str(definition.get("name")))
            yield f"{name}.{field_name(str(entry.get('key')))}: {_defined_kind(inner)}"
            yield from _defined(inner, depth + 1)


def _defined_kind(definition: Mapping[str, Any], depth: int = 0) -> str:
    """The kind of a value by its definition, such as `optional list plain`."""
    kind = str(definition.get("type"))
    if kind in ("STRUCTURE", "STRUCTURE_REF"):
        return f"structure {field_name(str(definition.get('name')))}"

    inner = ""
    element = definition.get("element_definition")
    if isinstance(element, dict) and depth < DEEPEST:
        inner = _defined_kind(element, depth + 1)

    words = {"OPTIONAL": "optional", "LIST": "list", "SECRET": "secret"}  # nosec: B105 - kinds of values
    return f"{words.get(kind, 'plain')} {inner}".strip()


def declared_fields(operation: Operation) -> set[str]:
    """The fields of the input of an operation as this collection declares it, each as `structure.field: kind`."""
    fields = {parameter.name: parameter.type for parameter in operation.parameters}
    return set(_declared(StructType("operation-input", fields)))


def _declared(data_type: DataType) -> Iterator[str]:
    """The fields of a type and of the types in it."""
    if isinstance(data_type, (OptionalType, ListType)):
        yield from _declared(data_type.element)

    if isinstance(data_type, StructType):
        for name, inner in data_type.fields.items():
            yield f"{data_type.name}.{name}: {_declared_kind(inner)}"
            yield from _declared(inner)


def _declared_kind(data_type: DataType) -> str:
    """The kind of a value by its type, such as `optional list plain`."""
    if isinstance(data_type, OptionalType):
        return f"optional {_declared_kind(data_type.element)}"

    if isinstance(data_type, ListType):
        return f"list {_declared_kind(data_type.element)}"

    if isinstance(data_type, StructType):
        return f"structure {data_type.name}"

    return "secret" if isinstance(data_type, SecretType) else "plain"
