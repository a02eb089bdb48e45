# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vAPI JSON-RPC form of the API. Sources: the vendor's runtimes, measured and read; see the tests that run them.

Strict on the way out: the names of structures are exact, optional fields are always wrapped. Tolerant on the way in:
the names of structures and unknown fields are ignored.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import ERROR_PREFIX
from ansible_collections.esx.trust.plugins.module_utils._api.answer import EXCERPT
from ansible_collections.esx.trust.plugins.module_utils._api.answer import HINT_NOT_THE_API
from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.answer import Fault
from ansible_collections.esx.trust.plugins.module_utils._api.answer import api_error
from ansible_collections.esx.trust.plugins.module_utils._api.answer import data_texts
from ansible_collections.esx.trust.plugins.module_utils._api.answer import describe
from ansible_collections.esx.trust.plugins.module_utils._api.answer import error_type_name
from ansible_collections.esx.trust.plugins.module_utils._api.answer import excerpt
from ansible_collections.esx.trust.plugins.module_utils._api.answer import message_ids
from ansible_collections.esx.trust.plugins.module_utils._api.answer import message_texts
from ansible_collections.esx.trust.plugins.module_utils._api.answer import not_the_api
from ansible_collections.esx.trust.plugins.module_utils._api.answer import unexpected
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Request
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import AccessToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import Credentials
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SamlToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SessionId
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import UserPassword
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import DataType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import ListType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import SecretType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import StructType
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import read_json
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer

PATH = "/api"
#: Levels of an answer that are read.
_DEEPEST = 64
_SCHEME = "com.vmware.vapi.std.security."
#: Error types with which a server broke off while it worked; REST gives them a code of 500 and above.
_FAILED_INSIDE = ("ERROR", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "TIMED_OUT", "CANCELED")


class JsonRpcCodec:
    """The JSON-RPC form."""

    name = "jsonrpc"

    def encode(self, call: Call, credentials: Credentials) -> Request:
        operation = call.operation
        fields = {parameter.name: parameter.type for parameter in operation.parameters}
        context: dict[str, Any] = {"appCtx": {"opId": str(uuid.uuid4())}}
        login = _security_context(credentials)
        if login:
            context["securityCtx"] = login

        envelope = {
            "jsonrpc": "2.0",
            "method": "invoke",
            "id": "0",
            "params": {
                "serviceId": operation.service,
                "operationId": operation.name,
                "input": _structure("operation-input", fields, call.arguments),
                "ctx": context,
            },
        }
        headers = {
            "Content-Type": "application/json",
            "vapi-service": operation.service,
            "vapi-operation": operation.name,
        }
        return Request("POST", PATH, headers, json.dumps(envelope).encode())

    def decode(self, operation: Operation, answer: Answer, host: str, scrub: Callable[[str], str]) -> Any:
        title = self.title(operation)
        value, is_json = read_json(answer.body)
        # Whatever a body says, these codes are a refusal.
        refused = {401: "UNAUTHENTICATED", 403: "UNAUTHORIZED"}.get(answer.status)

        if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
            if refused:
                fault = Fault(refused, inferred=True, texts=(), status=answer.status)
                raise api_error(operation, title, fault, answer, host, scrub)
            raise _no_json_rpc(operation, title, answer, is_json, host, scrub)

        result = value.get("result")
        if isinstance(result, dict) and result.get("error") is not None:
            fault = _read_error(result["error"], scrub)
            raise api_error(operation, title, fault, answer, host, scrub)

        if refused:
            fault = Fault(refused, inferred=True, texts=(), status=answer.status)
            raise api_error(operation, title, fault, answer, host, scrub)

        if value.get("error") is not None:
            problem = _protocol_error(operation, title, value["error"], host, scrub)
            problem.own_form = True
            raise problem

        if not isinstance(result, dict) or "output" not in result or answer.status >= 300:
            raise unexpected(
                operation, answer, f"{host}: the answer to {title} is JSON-RPC without a result.", HINT_NOT_THE_API
            )
        if operation.returns:
            return from_wire(result["output"])
        if result["output"] is not None:
            message = f"{host}: {title} was answered with a value, which this operation does not return."
            raise unexpected(operation, answer, message, HINT_NOT_THE_API)
        return None

    def title(self, operation: Operation) -> str:
        return f"{operation.service.rpartition('.')[2]}.{operation.name} (JSON-RPC)"


JSON_RPC = JsonRpcCodec()


def to_wire(data_type: DataType, value: Any) -> Any:
    """`value` as JSON-RPC carries a value of this type."""
    if isinstance(data_type, OptionalType):
        return {"OPTIONAL": None if value is None else to_wire(data_type.element, value)}
    if isinstance(data_type, ListType):
        return [to_wire(data_type.element, entry) for entry in value]
    if isinstance(data_type, StructType):
        return _structure(data_type.name, data_type.fields, value)
    if isinstance(data_type, SecretType):
        return {"SECRET": value}
    return value


def _structure(name: str, fields: Mapping[str, DataType], value: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(value) - set(fields)
    if unknown:
        raise TypeError(f"{name} has no field {', '.join(sorted(unknown))}")

    return {"STRUCTURE": {name: {field: to_wire(data_type, value.get(field)) for field, data_type in fields.items()}}}


def from_wire(value: Any, depth: int = 0) -> Any:
    """The value that JSON-RPC carries, in the form that REST has: unset fields are left out."""
    if depth > _DEEPEST:
        # No answer of the API comes near. What is unset is of the wrong shape where it is needed.
        return None
    if isinstance(value, list):
        return [from_wire(entry, depth + 1) for entry in value]
    if not isinstance(value, dict) or len(value) != 1:
        return value

    (kind, content) = next(iter(value.items()))
    if kind in ("OPTIONAL", "SECRET", "BINARY"):
        return from_wire(content, depth + 1)
    if kind == "STRUCTURE" and isinstance(content, dict) and len(content) == 1:
        fields = next(iter(content.values()))
        if isinstance(fields, dict):
            read = {name: from_wire(entry, depth + 1) for name, entry in fields.items()}
            return {name: entry for name, entry in read.items() if entry is not None}
    return value


def _security_context(credentials: Credentials) -> dict[str, str]:
    if isinstance(credentials, UserPassword):
        return {
            "schemeId": f"{_SCHEME}user_pass",
            "userName": credentials.username,
            "password": credentials.password,
        }
    if isinstance(credentials, SamlToken):
        return {"schemeId": f"{_SCHEME}saml_bearer_token", "samlToken": credentials.xml}
    if isinstance(credentials, AccessToken):
        return {"schemeId": f"{_SCHEME}oauth", "accessToken": credentials.token}
    if isinstance(credentials, SessionId):
        return {"schemeId": f"{_SCHEME}session_id", "sessionId": credentials.id}
    return {}


def _read_error(error: Any, scrub: Callable[[str], str]) -> Fault:
    """The vAPI error in a result."""
    content = error.get("ERROR") if isinstance(error, dict) else None
    named, read = "", {}
    if isinstance(content, dict) and len(content) == 1:
        (named, fields) = next(iter(content.items()))
        if isinstance(fields, dict):
            read = from_wire({"STRUCTURE": {named: fields}})

    error_type = error_type_name(read.get("error_type"), scrub)
    refused = named == f"{ERROR_PREFIX}unauthenticated"
    # A refusal stays one, whatever else the body says.
    if named.startswith(ERROR_PREFIX) and (error_type is None or refused):
        error_type = error_type_name(named, scrub)
    messages = read.get("messages")

    return Fault(
        error_type=error_type,
        inferred=False,
        texts=[*message_texts(messages), *data_texts(read.get("data"))],
        ids=message_ids(messages),
        # The code is 200 for every error, so only the type tells whether the work may be done.
        outcome_unknown=error_type is None or error_type in _FAILED_INSIDE,
    )


def _protocol_error(
    operation: Operation, title: str, error: Any, host: str, scrub: Callable[[str], str]
) -> UnexpectedAnswer:
    """The error for a server that understood no vAPI request in what it was sent."""
    fields = error if isinstance(error, dict) else {}
    code: Optional[int] = fields.get("code") if isinstance(fields.get("code"), int) else None
    # What a server could not read holds the password or the key, and `data` quotes it.
    words = fields.get("message") if isinstance(fields.get("message"), str) and not operation.secret else ""
    said = excerpt(words or "", EXCERPT, scrub).rstrip(".")
    known = "" if code is None else f" {code}"

    return UnexpectedAnswer(
        f"{host}: {title} was refused as a JSON-RPC request (protocol error{known}{f': {said}' if said else ''}).",
        "The host's JSON-RPC differs from the vAPI's; please report it with the release of the host.",
        operation=operation.id,
        # By these codes nothing was carried out; the next look at the host is worth more than the word of a server that
        # does not understand its own protocol.
        outcome_unknown=True,
    )


def _no_json_rpc(
    operation: Operation, title: str, answer: Answer, is_json: bool, host: str, scrub: Callable[[str], str]
) -> UnexpectedAnswer:
    """The error for an answer that is not JSON-RPC."""
    if 200 <= answer.status < 300:
        what = "JSON that is not JSON-RPC" if is_json else describe(operation, answer, scrub)
        error = unexpected(operation, answer, f"{host}: {title} was answered with {what}.", HINT_NOT_THE_API)
    else:
        error = not_the_api(operation, title, answer, is_json, host, scrub)
        if answer.status < 500 and not error.retriable:
            error.hint = f"{HINT_NOT_THE_API} With api_protocol rest or auto, the host is asked over REST."
    error.other_form = True
    return error
