# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the form of an answer: its media type, the kind of its body, its error and its fields. Never their contents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.answer import BodyKind
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import ERROR_PREFIX

#: Replaces a name that cannot be the name of a field in an API.
STRANGE = "(strange)"
#: The types of the vAPI's errors. Source: the vendor's Python packages.
_ERROR_TYPES = frozenset(
    (
        "ERROR",
        "ALREADY_EXISTS",
        "ALREADY_IN_DESIRED_STATE",
        "CANCELED",
        "CONCURRENT_CHANGE",
        "FEATURE_IN_USE",
        "INTERNAL_SERVER_ERROR",
        "INVALID_ARGUMENT",
        "INVALID_ELEMENT_CONFIGURATION",
        "INVALID_ELEMENT_TYPE",
        "INVALID_REQUEST",
        "NOT_ALLOWED_IN_CURRENT_STATE",
        "NOT_FOUND",
        "OPERATION_NOT_FOUND",
        "RESOURCE_BUSY",
        "RESOURCE_IN_USE",
        "RESOURCE_INACCESSIBLE",
        "SERVICE_UNAVAILABLE",
        "TIMED_OUT",
        "UNABLE_TO_ALLOCATE_RESOURCE",
        "UNAUTHENTICATED",
        "UNAUTHORIZED",
        "UNEXPECTED_INPUT",
        "UNSUPPORTED",
        "UNVERIFIED_PEER",
    )
)
#: At most so many paths of fields are listed for one answer.
MOST_FIELDS = 80
#: Values that are nested deeper are not read.
DEEPEST = 20
#: At most so many entries of a list are read.
_MOST_ENTRIES = 50

_FIELD = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$@-]{0,47}|com\.vmware\.[A-Za-z0-9_.]{1,140}")
_MEDIA_TYPE = re.compile(r"\s*([a-z]+/[a-z0-9.+-]{1,60})(?:\s*;\s*charset=\"?([a-z0-9-]{1,20}))?", re.IGNORECASE)
#: Known texts of hosts and of proxies in front of them. They show who sent the answer.
_KNOWN_TEXTS = ("Unsupported content type", "no healthy upstream", "upstream connect error")


def content_type(value: str) -> Optional[str]:
    """The media type and the charset in the value of a header. None if the value is empty."""
    found = _MEDIA_TYPE.match(value)
    if not found:
        return STRANGE if value.strip() else None

    media_type = found[1].lower()
    if not found[2]:
        return media_type

    return f"{media_type}; charset={found[2].lower()}"


def body_word(answer: Answer) -> str:
    """A word for the kind of a body, with a known text of hosts if it holds one."""
    if answer.kind not in (BodyKind.TEXT, BodyKind.BROKEN_JSON):
        return str(answer.kind.value)

    beginning = answer.body[:4096].decode("utf-8", "replace")
    for known in _KNOWN_TEXTS:
        if known in beginning:
            return f"text: {known}"

    return "text"


def error_in(answer: Answer) -> Optional[str]:
    """The error in an answer of either form: the type of a vAPI error, or the number of a JSON-RPC error.

    None if there is no error, or if its type is not known.
    """
    value = answer.json
    if not isinstance(value, dict):
        return None

    if answer.is_json_rpc:
        error = value.get("error")
        if isinstance(error, dict):
            code = error.get("code")
            return f"JSON-RPC {code}" if isinstance(code, int) else "JSON-RPC"

        error_type = _error_structure(value.get("result"))
    elif isinstance(value.get("type"), str) and value["type"].startswith(ERROR_PREFIX):
        error_type = value["type"]
    else:
        error_type = value.get("error_type")

    if not isinstance(error_type, str):
        return None

    # An unknown type is a text of the host, which may repeat a secret in capitals.
    name = error_type.rpartition(".")[2].upper()
    return name if name in _ERROR_TYPES else None


def _error_structure(result: Any) -> Any:
    """The name of the structure of an error in the result of a JSON-RPC answer, or None."""
    error = result.get("error") if isinstance(result, dict) else None
    structure = error.get("ERROR") if isinstance(error, dict) else None
    if not isinstance(structure, dict):
        return None

    return next(iter(structure), None)


def field_name(name: str) -> str:
    """The name of a field, or STRANGE if it cannot be the name of a field in an API."""
    return name if _FIELD.fullmatch(name) else STRANGE


def field_paths(value: Any) -> tuple[str, ...]:
    """The paths of all fields in JSON with the kinds of their values, such as `[].provider: string`."""
    found: dict[str, None] = {}
    for path in _paths(value, "", 0):
        found.setdefault(path)
        if len(found) > MOST_FIELDS:
            break

    return tuple(list(found)[:MOST_FIELDS])


def _paths(value: Any, path: str, depth: int) -> Iterator[str]:
    """The paths of the fields below a path."""
    if depth > DEEPEST:
        yield f"{path}: ..."
    elif isinstance(value, dict) and value:
        for name, entry in value.items():
            yield from _paths(entry, f"{path}.{field_name(name)}".lstrip("."), depth + 1)
    elif isinstance(value, list) and value:
        for entry in value[:_MOST_ENTRIES]:
            yield from _paths(entry, f"{path}[]", depth + 1)
    else:
        yield f"{path}: {_kind(value)}".lstrip(": ")


def _kind(value: Any) -> str:
    """The kind of a JSON value that has no fields."""
    kinds = {
        dict: "empty object",
        list: "empty list",
        bool: "boolean",
        str: "string",
        type(None): "null",
    }

    return kinds.get(type(value), "number")
