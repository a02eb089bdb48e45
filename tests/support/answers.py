# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of a host over REST, and the value or the error that the codec makes of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from typing import Optional
from urllib.parse import quote

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import STRING
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import StructType
from ansible_collections.esx.trust.plugins.module_utils._api.operation import BODY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from support.credentials import basic_credentials

SPEC = Parameter("spec", OptionalType(StructType("com.example.things.spec", {"name": STRING})), BODY)
READ = Operation("com.example.things.get", "GET", "/api/things", success=(200,), errors=(), returns=True)
WRITE = Operation("com.example.things.create", "POST", "/api/things", success=(204,), errors=(), parameters=(SPEC,))
LOGIN = Operation("com.example.login", "POST", "/api/login", success=(201,), errors=(), returns=True, secret=True)
SECRET = "Tr0ub4dor&3/+ä"
SCRUB = Redactor([SECRET]).scrub
#: The forms in which a host may repeat SECRET.
ENCODED = {
    "plain": SECRET,
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "url": quote(SECRET, safe=""),
    "basic": basic_credentials("root", SECRET),
}

ERROR_TYPES = [
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
]


def answer(status: int, body: Any = b"", **headers: str) -> Answer:
    """An answer whose body is given as bytes, or as the value that its JSON stands for."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def value_of(given: Answer, operation: Operation = READ, scrub: Callable[[str], str] = SCRUB) -> Any:
    return REST.decode(operation, given, "esx01", scrub)


def error_of(given: Answer, operation: Operation = READ, scrub: Callable[[str], str] = SCRUB) -> TrustError:
    """The error that an answer is: it names host, operation and code, and is one line."""
    with pytest.raises(TrustError) as caught:
        value_of(given, operation, scrub)
    error = caught.value

    assert error.message.startswith("esx01: ")
    assert operation.title in error.message
    assert error.operation == operation.id
    assert error.status == given.status
    assert "\n" not in str(error)

    return error


def api_error_of(given: Answer, operation: Operation = READ) -> ApiError:
    error = error_of(given, operation)
    assert isinstance(error, ApiError)

    return error


def clean(error_type: Optional[str], *texts: str, **more: Any) -> dict[str, Any]:
    """The newer form of an error."""
    messages = [{"id": "com.example.id", "default_message": text, "args": []} for text in texts]
    return {"error_type": error_type, "messages": messages, **more}


def older(error_type: str, *texts: str, **more: Any) -> dict[str, Any]:
    """The older form of an error, whose type stands in its name alone."""
    content = clean(None, *texts, **more)
    del content["error_type"]
    return {"type": f"com.vmware.vapi.std.errors.{error_type.lower()}", "value": content}


#: How the two forms of an error are made.
DIALECTS: dict[str, Callable[..., dict[str, Any]]] = {"clean": clean, "older": older}
