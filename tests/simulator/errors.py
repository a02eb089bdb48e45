# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the API: their types, their HTTP codes, and how each dialect writes them down."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

HTTP_STATUS: dict[str, int] = {
    "ALREADY_EXISTS": 400,
    "ALREADY_IN_DESIRED_STATE": 400,
    "CONCURRENT_CHANGE": 409,
    "ERROR": 500,
    "FEATURE_IN_USE": 400,
    "INTERNAL_SERVER_ERROR": 500,
    "INVALID_ARGUMENT": 400,
    "INVALID_REQUEST": 400,
    "NOT_ALLOWED_IN_CURRENT_STATE": 400,
    "NOT_FOUND": 404,
    "OPERATION_NOT_FOUND": 404,
    "RESOURCE_BUSY": 400,
    "RESOURCE_INACCESSIBLE": 400,
    "RESOURCE_IN_USE": 400,
    "SERVICE_UNAVAILABLE": 503,
    "TIMED_OUT": 504,
    "UNABLE_TO_ALLOCATE_RESOURCE": 400,
    "UNAUTHENTICATED": 401,
    "UNAUTHORIZED": 403,
    "UNEXPECTED_INPUT": 400,
    "UNSUPPORTED": 400,
}

# What a server says when all it has is a code.
TYPE_OF_STATUS: dict[int, str] = {
    400: "INVALID_REQUEST",
    401: "UNAUTHENTICATED",
    403: "UNAUTHORIZED",
    404: "NOT_FOUND",
    405: "INVALID_REQUEST",
    409: "CONCURRENT_CHANGE",
    415: "INVALID_REQUEST",
    422: "INVALID_REQUEST",
    429: "SERVICE_UNAVAILABLE",
    500: "INTERNAL_SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
    504: "TIMED_OUT",
}

MESSAGE_PREFIX = "com.vmware.esx.simulator."


def message(
    default_message: str,
    identifier: str = "message",
    *,
    args: Iterable[str] = (),
    params: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One localizable message; an identifier without a dot is one of the simulator's own."""
    known = identifier if "." in identifier else MESSAGE_PREFIX + identifier
    content: dict[str, Any] = {"id": known, "default_message": default_message, "args": list(args)}
    if params is not None:
        content["params"] = {name: {"s": value} for name, value in params.items()}

    return content


class ApiError(Exception):
    """An error the host answers with."""

    def __init__(
        self,
        error_type: str,
        *messages: dict[str, Any] | str,
        data: dict[str, Any] | None = None,
        data_structure: str = "",
        challenge: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(error_type)
        self.error_type = error_type
        self.messages = [message(entry) if isinstance(entry, str) else entry for entry in messages]
        self.data = data
        self.data_structure = data_structure
        """The name of the data's type; only JSON-RPC tells it."""
        self.challenge = challenge
        self.status = HTTP_STATUS[error_type] if status is None else status


def render(
    error: ApiError, dialect: str, error_type_present: bool, more: Iterable[dict[str, Any]] = ()
) -> dict[str, Any]:
    """The body of an error, as the host's generation writes it; `more` goes before its own messages."""
    content: dict[str, Any] = {"messages": [*more, *error.messages]}
    if error.data is not None:
        content["data"] = error.data
    if error_type_present:
        content["error_type"] = error.error_type
    if dialect == "rest":
        return {"type": "com.vmware.vapi.std.errors." + error.error_type.lower(), "value": content}

    return content
