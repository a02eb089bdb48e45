# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON-RPC form of the API: from a request to an answer, without any socket.

The checks, their order and their codes are those of the vendor's server runtime (vmware-vapi-runtime 9.1.1.0), with
one exception: a request without an id, which that server performs and then answers with HTTP 500, is refused here.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator import authentication
from simulator import jsonrpc_introspection
from simulator import routing
from simulator.accounts import Principal
from simulator.authentication import SESSION_HEADER
from simulator.authentication import Credentials
from simulator.bodies import JSON
from simulator.errors import ApiError
from simulator.errors import message
from simulator.journal import SECRET_FIELDS
from simulator.journal import Record
from simulator.journal import masked
from simulator.jsonrpc_credentials import credentials as credentials_in
from simulator.jsonrpc_declarations import ERRORS
from simulator.jsonrpc_declarations import MESSAGE
from simulator.jsonrpc_declarations import input_of
from simulator.jsonrpc_declarations import output_of
from simulator.jsonrpc_types import decode
from simulator.jsonrpc_types import encode
from simulator.jsonrpc_values import NoBinary
from simulator.jsonrpc_values import NoValue
from simulator.jsonrpc_values import Value
from simulator.jsonrpc_values import parse
from simulator.jsonrpc_values import plain
from simulator.messages import Answer
from simulator.messages import Request
from simulator.messages import in_three_encodings
from simulator.messages import leaves
from simulator.models import Identifier
from simulator.models import validated_as
from simulator.operations import Call
from simulator.operations import Operation
from simulator.operations import carry_out
from simulator.state import HostState

PATH = "/api"
CHALLENGE = 'Basic realm="esx"'
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
INVALID_OPERATION = -31001
WORDS = {
    PARSE_ERROR: "Parse error.",
    INVALID_REQUEST: "Invalid Request.",
    METHOD_NOT_FOUND: "Method not found.",
    INVALID_PARAMS: "Invalid params.",
    INTERNAL_ERROR: "Internal error.",
    INVALID_OPERATION: "Mismatching operation identifier in HTTP header and payload",
}
SECRET_NAMES = SECRET_FIELDS | {"password", "accessToken", "samlToken", "sessionId", "SECRET"}


class ProtocolError(Exception):
    """A request that is no call of an operation."""

    def __init__(self, code: int, data: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.data = data


@dataclass(frozen=True)
class Envelope:
    """A request of JSON-RPC 2.0."""

    id: Any
    method: str
    params: Any


@dataclass(frozen=True)
class Invocation:
    """A call of an operation; nothing of it is held against a declaration yet."""

    service: str
    operation: str
    input: Value
    credentials: Credentials


def perform(host: HostState, request: Request, record: Record) -> Answer:
    """Acts on the host and answers. Every answer is HTTP 200.

    Raises:
        ApiError: The host refuses.
    """
    identifier: Any = None
    try:
        envelope = _envelope(request)
        identifier = envelope.id
        if envelope.method != "invoke":
            raise ProtocolError(METHOD_NOT_FOUND)
        output = _invoke(host, _invocation(request, envelope.params), record)
    except ProtocolError as error:
        return _protocol_error(host, request, error, identifier)

    return _answer({"jsonrpc": "2.0", "id": identifier, "result": {"output": output}})


# From the request to a call


def _envelope(request: Request) -> Envelope:
    try:
        content = request.json()
    except UnicodeDecodeError as error:
        raise ProtocolError(INVALID_REQUEST, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise ProtocolError(PARSE_ERROR, str(error)) from error

    if not isinstance(content, dict) or content.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST)
    identifier, method, params = content.get("id"), content.get("method"), content.get("params")
    readable = isinstance(method, str) and (params is None or isinstance(params, (dict, list)))
    if not readable or "id" not in content or not (identifier is None or isinstance(identifier, (str, int))):
        raise ProtocolError(INVALID_REQUEST)

    return Envelope(identifier, str(method), params)


def _invocation(request: Request, params: Any) -> Invocation:
    if not isinstance(params, dict):
        raise ProtocolError(INVALID_PARAMS)
    service, operation = str(params.get("serviceId", "")), str(params.get("operationId", ""))

    try:
        given = parse(params.get("input"))
    except NoBinary as error:
        raise ProtocolError(INTERNAL_ERROR) from error
    except (NoValue, RecursionError) as error:
        raise ProtocolError(INVALID_PARAMS) from error

    context = params.get("ctx")
    if not isinstance(context, dict):
        raise ProtocolError(INVALID_PARAMS)

    for part in ("appCtx", "securityCtx"):
        if not isinstance(context.get(part), (dict, type(None))):
            raise ProtocolError(INVALID_PARAMS)

    _compare_headers(request, service, operation)
    session = request.headers.get(SESSION_HEADER)

    return Invocation(service, operation, given, credentials_in(context.get("securityCtx"), session))


def _compare_headers(request: Request, service: str, operation: str) -> None:
    """Both headers are absent, or both agree with the body."""
    headers = request.headers.get("vapi-service"), request.headers.get("vapi-operation")
    if headers == (None, None):
        return
    if not service or not operation:
        raise ProtocolError(INVALID_PARAMS)
    if headers != (service, operation):
        raise ProtocolError(INVALID_OPERATION)


# The call


def _invoke(host: HostState, invocation: Invocation, record: Record) -> Any:
    given = invocation.credentials
    principal = None

    if given.scheme not in (None, "other"):
        # Given credentials are judged before the service is looked up.
        principal = authentication.judge(host, given)
        if principal is None:
            raise ApiError(
                "UNAUTHENTICATED", message("Unable to authenticate user", "vapi.security.authentication.invalid")
            )

    if invocation.input.kind != "STRUCTURE" and invocation.input.content != []:
        raise ApiError("INVALID_ARGUMENT", message("Invalid input to method", "vapi.method.input.invalid"))
    answer = jsonrpc_introspection.perform(host, invocation.service, invocation.operation, invocation.input, principal)
    if answer is not None:
        return answer
    operation = _operation(host, invocation)
    arguments = decode(input_of(operation), invocation.input)

    if principal is None:
        error = authentication.unauthenticated()
        error.challenge = CHALLENGE
        raise error

    authentication.require_scheme(host, operation, given)
    authentication.authorize(host, operation, principal)
    result = carry_out(operation, _call(host, principal, operation, arguments), record)

    return encode(output_of(operation), result)


def _operation(host: HostState, invocation: Invocation) -> Operation:
    """The operation, if this host has it at the moment."""
    offered = jsonrpc_introspection.offered(host)
    if invocation.service not in {operation.service for operation in offered}:
        words = f"Invalid interface {invocation.service}"
        identifier, args = "vapi.method.input.invalid.interface", [invocation.service]
        raise ApiError("OPERATION_NOT_FOUND", message(words, identifier, args=args))

    for operation in offered:
        if (operation.service, operation.name) == (invocation.service, invocation.operation):
            return operation

    words = f"Invalid method {invocation.operation}"
    identifier, args = "vapi.method.input.invalid.method", [invocation.operation]
    raise ApiError("OPERATION_NOT_FOUND", message(words, identifier, args=args))


def _call(host: HostState, principal: Principal, operation: Operation, arguments: dict[str, Any]) -> Call:
    """The same call that REST spreads over path, query and body."""
    left = dict(arguments)
    identifiers = tuple(validated_as(Identifier, left.pop(name)) for name in operation.variables)
    body = validated_as(operation.body, left.pop("spec")) if operation.body else None
    query: dict[str, Any] = {}
    for name, value in left.items():
        query.update(value if isinstance(value, dict) else {name: value})

    return Call(host, principal, identifiers, validated_as(operation.query, query), body, None)


# From the result to an answer


def refusal(host: HostState, request: Request, error: ApiError) -> Answer:
    """An error of the API."""
    more = [message(text, "echo") for text in _echo(request)] if host.settings.echo_requests else []
    data = None if error.data is None else {"STRUCTURE": {error.data_structure: error.data}}
    error_type = error.error_type if host.settings.error_type_present else None

    content: dict[str, Any] = {
        "messages": [encode(MESSAGE, each) for each in (*more, *error.messages)],
        "data": {"OPTIONAL": data},
        "error_type": {"OPTIONAL": error_type},
    }

    if error.challenge is not None:
        content["challenge"] = {"OPTIONAL": error.challenge}
    name = ERRORS + error.error_type.lower()
    answer = _answer({"jsonrpc": "2.0", "id": _identifier(request), "result": {"error": {"ERROR": {name: content}}}})
    answer.headers["vapi-error"] = name

    return answer


def _protocol_error(host: HostState, request: Request, error: ProtocolError, identifier: Any) -> Answer:
    content: dict[str, Any] = {"code": error.code, "message": WORDS[error.code]}
    data = " ".join([error.data, *(_echo(request) if host.settings.echo_requests else ())]).strip()
    if data:
        content["data"] = data

    return _answer({"jsonrpc": "2.0", "id": identifier, "error": content})


def _answer(content: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(content, separators=(",", ":")).encode(), JSON)


# What the journal and a hostile host want to know of a request, whatever it is worth


def _peek(request: Request) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        content = request.json()
        if isinstance(content, dict):
            return content

    return {}


def _identifier(request: Request) -> Any:
    return _peek(request).get("id")


def _params(request: Request) -> dict[str, Any]:
    params = _peek(request).get("params")
    return params if isinstance(params, dict) else {}


def operation_of(request: Request) -> Operation | None:
    """The operation that a request names, whether or not this host has it switched on."""
    params = _params(request)
    wanted = f"{params.get('serviceId')}.{params.get('operationId')}"
    return next((operation for operation in routing.JSONRPC if operation.id == wanted), None)


def credentials(request: Request) -> Credentials:
    """What a request brought along; nothing is verified yet."""
    context = _params(request).get("ctx")
    security = context.get("securityCtx") if isinstance(context, dict) else None
    return credentials_in(security, request.headers.get(SESSION_HEADER))


def body_of(request: Request) -> Any:
    """What REST would carry in its body, without the tags of types: None where there is no specification."""
    with contextlib.suppress(RecursionError):
        arguments = plain(_params(request).get("input"))
        if isinstance(arguments, dict) and "spec" in arguments:
            return masked(arguments["spec"])

    return None


def identifier_of(request: Request, operation: Operation) -> str | None:
    """The name that REST would carry in its path, or None."""
    with contextlib.suppress(RecursionError):
        arguments = plain(_params(request).get("input"))
        if operation.variables and isinstance(arguments, dict):
            value = arguments.get(operation.variables[0])
            return value if isinstance(value, str) else None

    return None


def _echo(request: Request) -> Iterator[str]:
    """The request as a hostile host repeats it. What is secret comes first, because clients quote the beginning."""
    given = credentials(request)
    rest = dict(request.headers)
    carriers = [rest.pop(name, "") for name in ("authorization", SESSION_HEADER)]

    with contextlib.suppress(RecursionError):
        named_texts = sorted(leaves(_peek(request)), key=lambda leaf: leaf[0] not in SECRET_NAMES)
        texts = [text for _name, text in named_texts]
        body = [*texts, request.body.decode("utf-8", "replace")]

        for values in ([given.password, given.token, *carriers], body, [given.user, *rest.values()]):
            text = " ".join(in_three_encodings(value) for value in dict.fromkeys(values) if value)
            if text:
                yield text
