# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON-RPC form of the API, as the vAPI defines it.

Sources: the vendor's runtimes, both their source and their behaviour. Tests compare this file with them.

A request is exact: it has the names of all structures, and optional fields are always wrapped. In an answer, the names
of structures and unknown fields are ignored.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import DEEPEST
from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.answer import is_deeper
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import ERROR_PREFIX
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import EXCERPT
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import HINT_NOT_THE_API
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import Fault
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import Received
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import api_error
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import body_says_refused
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import data_texts
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import describe
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import error_type_name
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import excerpt
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import header_says_refused
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import message_ids
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import message_texts
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import not_the_api
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import unexpected
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import unexpected_body
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import wrong_shape
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
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer

PATH = "/api"
_SCHEME = "com.vmware.vapi.std.security."
#: The HTTP codes of a refusal. All other errors have the code 200.
_REFUSALS = {401: "UNAUTHENTICATED", 403: "UNAUTHORIZED"}
#: With these error types a server says that it failed while it worked. REST gives them a code from 500 on.
_FAILED_INSIDE = (
    "ERROR",
    "INTERNAL_SERVER_ERROR",
    "SERVICE_UNAVAILABLE",
    "TIMED_OUT",
    "CANCELED",
)


class JsonRpcCodec:
    """The JSON-RPC form."""

    name = "jsonrpc"

    def encode(self, call: Call, credentials: Credentials) -> Request:
        """See Codec. Raises also TypeError for an argument with a field that its structure does not have."""
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

    def decode(
        self,
        operation: Operation,
        answer: Answer,
        host: str,
        scrub: Callable[[str], str],
    ) -> Any:
        title = self.title(operation)
        received = Received(operation, title, answer, host, scrub)
        refusal = _refusal(received)

        value = answer.json
        if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
            raise refusal or _no_json_rpc(received)

        result = value.get("result")
        if isinstance(result, dict) and result.get("error") is not None:
            fault = _read_error(result["error"], scrub)
            is_unnamed_refusal = fault.error_type is None and body_says_refused(operation, answer)
            if is_unnamed_refusal or header_says_refused(answer):
                fault = replace(fault, error_type="UNAUTHENTICATED", outcome_unknown=False)

            raise api_error(received, fault)

        if refusal:
            refusal.confirms_form = True
            raise refusal

        if value.get("error") is not None:
            raise _protocol_error(received, value["error"])

        if not isinstance(result, dict) or "output" not in result or answer.status >= 300:
            message = f"{host}: the answer to {title} is JSON-RPC without a result."
            raise unexpected(received, message, HINT_NOT_THE_API)

        return _value_of(received, result["output"])

    def title(self, operation: Operation) -> str:
        return f"{operation.service.rpartition('.')[2]}.{operation.name} (JSON-RPC)"


JSON_RPC = JsonRpcCodec()


def to_wire(data_type: DataType, value: Any) -> Any:
    """The form in which JSON-RPC carries a value of this type.

    Examples: a secret "abc" is {"SECRET": "abc"}; an optional value that is unset is {"OPTIONAL": null}; a structure
    is {"STRUCTURE": {its name: its fields}}.

    Raises TypeError for a value of a field that a structure does not have.
    """
    if isinstance(data_type, OptionalType):
        content = None if value is None else to_wire(data_type.element, value)
        return {"OPTIONAL": content}
    if isinstance(data_type, ListType):
        return [to_wire(data_type.element, entry) for entry in value]
    if isinstance(data_type, StructType):
        return _structure(data_type.name, data_type.fields, value)
    if isinstance(data_type, SecretType):
        return {"SECRET": value}

    return value


def _structure(
    name: str,
    fields: Mapping[str, DataType],
    value: Mapping[str, Any],
) -> dict[str, Any]:
    """The form in which JSON-RPC carries a structure.

    name: the full name of the structure in the API.
    fields: the types of all its fields.
    value: its values by the names of the fields.

    Raises TypeError for a value of an unknown field.
    """
    unknown = set(value) - set(fields)
    if unknown:
        raise TypeError(f"{name} has no field {', '.join(sorted(unknown))}")

    carried = {}
    for field, data_type in fields.items():
        carried[field] = to_wire(data_type, value.get(field))

    return {"STRUCTURE": {name: carried}}


def from_wire(value: Any) -> Any:
    """The value that JSON-RPC carries, in the form of REST, which leaves out unset fields.

    value: the form of JSON-RPC, as in `to_wire`.

    Example: {"STRUCTURE": {"com.vmware.x": {"a": {"OPTIONAL": 1}, "b": {"OPTIONAL": null}}}} becomes {"a": 1}.
    """
    if isinstance(value, list):
        return [from_wire(entry) for entry in value]
    if not isinstance(value, dict) or len(value) != 1:
        return value

    (kind, content) = next(iter(value.items()))
    if kind in ("OPTIONAL", "SECRET", "BINARY"):
        return from_wire(content)

    if kind == "STRUCTURE" and isinstance(content, dict) and len(content) == 1:
        fields = next(iter(content.values()))
        if isinstance(fields, dict):
            return _set_fields(fields)

    return value


def _set_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a structure that are set, each in the form of REST."""
    values: dict[str, Any] = {}
    for name, entry in fields.items():
        value = from_wire(entry)
        if value is not None:
            values[name] = value

    return values


def _security_context(credentials: Credentials) -> dict[str, str]:
    """The part of a request that carries the credentials; empty without credentials."""
    if isinstance(credentials, UserPassword):
        return {
            "schemeId": f"{_SCHEME}user_pass",
            "userName": credentials.username,
            "password": credentials.password,
        }

    if isinstance(credentials, SamlToken):
        return {
            "schemeId": f"{_SCHEME}saml_bearer_token",
            "samlToken": credentials.xml,
        }
    if isinstance(credentials, AccessToken):
        return {"schemeId": f"{_SCHEME}oauth", "accessToken": credentials.token}
    if isinstance(credentials, SessionId):
        return {"schemeId": f"{_SCHEME}session_id", "sessionId": credentials.id}

    return {}


def _value_of(received: Received, output: Any) -> Any:
    """The value that an operation returned, in the form of REST. None if the operation returns no value.

    output: the value in the form of JSON-RPC.

    Raises UnexpectedAnswer for a value that the operation cannot have returned.
    """
    operation = received.operation
    host = received.host
    title = received.title

    if operation.returns:
        value = from_wire(output)
        if is_deeper(value, DEEPEST):
            raise wrong_shape(operation, title, host)

        return value

    if output is not None:
        message = f"{host}: {title} was answered with a value, which this operation does not return."
        raise unexpected(received, message, HINT_NOT_THE_API)

    return None


def _refusal(received: Received) -> Optional[ApiError]:
    """The error for an answer that is a refusal by its HTTP code, by a header or by any part of its body; else None.

    An answer with an output is judged by its code only.
    """
    answer = received.answer
    status: Optional[int] = answer.status
    error_type = _REFUSALS.get(answer.status)

    if error_type is None and not _has_output(answer.json):
        status = None
        if header_says_refused(answer) or body_says_refused(received.operation, answer):
            error_type = "UNAUTHENTICATED"

    if error_type is None:
        return None

    fault = Fault(error_type, inferred=True, texts=(), status=status)
    return api_error(received, fault)


def _has_output(value: Any) -> bool:
    """True if the JSON of an answer holds the value of an operation."""
    result = value.get("result") if isinstance(value, dict) else None
    return isinstance(result, dict) and "output" in result and result.get("error") is None


def _read_error(error: Any, scrub: Callable[[str], str]) -> Fault:
    """The vAPI error in a result.

    error: the value of "error". It should be a structure whose name is the type of the error.
    """
    structure_name = ""
    fields: dict[str, Any] = {}
    content = error.get("ERROR") if isinstance(error, dict) else None
    if isinstance(content, dict) and len(content) == 1:
        (structure_name, inner) = next(iter(content.items()))
        if isinstance(inner, dict):
            fields = from_wire({"STRUCTURE": {structure_name: inner}})

    error_type = error_type_name(fields.get("error_type"), scrub)
    if error_type is None and structure_name.startswith(ERROR_PREFIX):
        error_type = error_type_name(structure_name, scrub)

    if structure_name.rpartition(".")[2] == "unauthenticated":
        # A refusal stays a refusal, whatever type stands inside and whatever stands before the name.
        error_type = "UNAUTHENTICATED"

    messages = fields.get("messages")
    return Fault(
        error_type=error_type,
        inferred=False,
        texts=[*message_texts(messages), *data_texts(fields.get("data"))],
        ids=message_ids(messages),
        # The HTTP code is 200 for every error, so only the type tells whether the host may have done the work.
        outcome_unknown=error_type is None or error_type in _FAILED_INSIDE,
    )


def _protocol_error(received: Received, error: Any) -> UnexpectedAnswer:
    """The error for a server that did not understand the request as a request of the vAPI.

    error: the value of "error" in the answer, which JSON-RPC itself defines.
    """
    operation = received.operation
    fields = error if isinstance(error, dict) else {}

    details = ""
    code = fields.get("code")
    if isinstance(code, int):
        details += f" {code}"

    # A request that a server could not read may hold a password or a key. `data` quotes it, so `data` is not shown.
    message = fields.get("message")
    if isinstance(message, str) and not operation.secret:
        words = excerpt(message, EXCERPT, received.scrub).rstrip(".")
        if words:
            details += f": {words}"

    return UnexpectedAnswer(
        f"{received.host}: {received.title} was refused as a JSON-RPC request (protocol error{details}).",
        "The host's JSON-RPC differs from the vAPI's; please report it with the release of the host.",
        operation=operation.id,
        # These codes mean that nothing was carried out. But a server that does not understand its own protocol may be
        # wrong about that, so the host is looked at.
        outcome_unknown=True,
        confirms_form=True,
    )


def _no_json_rpc(received: Received) -> UnexpectedAnswer:
    """The error for an answer that is not JSON-RPC."""
    if 200 <= received.answer.status < 300:
        body = describe(received, "JSON that is not JSON-RPC")
        return unexpected_body(received, body, may_try_other_form=True)

    hint = f"{HINT_NOT_THE_API} With api_protocol rest or auto, the host is asked over REST."
    return not_the_api(received, hint, may_try_other_form=True)
