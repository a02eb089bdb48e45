# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST form of the API: from a request to an answer, without any socket."""

from __future__ import annotations

import contextlib
import json
import urllib.parse
from collections.abc import Iterator
from typing import Any
from typing import get_origin

from pydantic import BaseModel

from simulator import authentication
from simulator import kms_providers
from simulator import routing
from simulator.accounts import Principal
from simulator.authentication import Credentials
from simulator.bodies import JSON
from simulator.errors import ApiError
from simulator.errors import message
from simulator.errors import render
from simulator.journal import SECRET_FIELDS
from simulator.journal import Record
from simulator.journal import masked
from simulator.messages import Answer
from simulator.messages import Request
from simulator.messages import in_three_encodings
from simulator.messages import leaves
from simulator.messages import ready
from simulator.models import validated
from simulator.operations import Call
from simulator.operations import Operation
from simulator.operations import carry_out
from simulator.state import HostState

CHALLENGE = 'SIGN realm="esx",sts="https://localhost/sts", Basic realm="esx"'


def credentials(request: Request) -> Credentials:
    """What the headers bring along."""
    headers = request.headers
    return authentication.credentials(headers.get("authorization"), headers.get(authentication.SESSION_HEADER))


def body_of(request: Request) -> Any:
    """The body as the journal keeps it."""
    try:
        return masked(_json(request)) if request.body else None
    except ApiError:
        return None


def perform(host: HostState, request: Request, route: routing.Route, record: Record) -> Answer:
    """Acts on the host and answers.

    Raises:
        ApiError: The host refuses; a page of no API answers itself.
    """
    public = route.operation is not None and route.operation.public
    if not public and _not_liked(host, request, route):
        return ready("unsupported_content_type", 400)

    try:
        operation = routing.switched_on(host, route)
        result = carry_out(operation, _decode(host, request, route, operation), record)
    except ApiError as error:
        if public:
            return ready("not_found_page", error.status)
        raise

    if operation.result is None:
        return Answer(operation.success)
    value = {"value": result} if host.settings.wrap_values and not public else result
    content = json.dumps(value) if operation.content_type == JSON else str(value)

    return Answer(operation.success, content.encode(), operation.content_type, dict(operation.headers))


def _not_liked(host: HostState, request: Request, route: routing.Route) -> bool:
    """Where the host has no REST operation, its JSON-RPC handler gets the request and does not like its type."""
    if request.path == authentication.SESSION_PATH:
        return not host.settings.session_service
    return route.operation is kms_providers.DELETE and host.settings.provider_delete == "unsupported_content_type"


def refusal(host: HostState, request: Request, error: ApiError) -> Answer:
    """An error in the host's dialect."""
    settings = host.settings
    more = [message(text, "echo") for text in _echo(request)] if settings.echo_requests else []
    content = render(error, settings.dialect, settings.error_type_present, more)
    answer = Answer(error.status, json.dumps(content).encode(), JSON)
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = CHALLENGE

    return answer


def _decode(host: HostState, request: Request, route: routing.Route, operation: Operation) -> Call:
    given = credentials(request)
    principal = Principal("") if operation.public else authentication.authenticate(host, operation, given)
    authentication.authorize(host, operation, principal)
    identifiers = tuple(routing.decoded(segment) for segment in route.identifiers)
    query = validated(operation.query, _query(request.query, operation.query))
    session = given.token if given.scheme == "session" else None

    return Call(host, principal, identifiers, query, _body(request, operation), session)


def _query(text: str, model: type[BaseModel]) -> dict[str, Any]:
    try:
        pairs = urllib.parse.parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
        text.encode("utf-8")
    except ValueError as error:
        raise ApiError("INVALID_ARGUMENT", message("The query cannot be read.", "query")) from error

    values: dict[str, Any] = {}

    for key, value in pairs:
        known = model.model_fields.get(key)
        if known is not None and get_origin(known.annotation) is list:
            values.setdefault(key, []).append(value)
        elif key in values:
            raise ApiError("INVALID_ARGUMENT", message("A parameter is given twice.", "query"))
        elif known is not None and known.annotation == (bool | None):
            values[key] = {"true": True, "false": False}.get(value, value)
        else:
            values[key] = value

    return values


def _body(request: Request, operation: Operation) -> BaseModel | None:
    if operation.body is None:
        # An empty object is what some clients send for "no parameters".
        if request.body and operation.method != "GET" and _json(request) != {}:
            raise ApiError("INVALID_ARGUMENT", message("The operation takes no body.", "unexpected_body"))
        return None

    if request.content_type != JSON:
        raise ApiError("INVALID_REQUEST", message("The content type is not supported.", "content_type"))
    return validated(operation.body, _json(request))


def _json(request: Request) -> Any:
    try:
        return request.json()
    except (ValueError, RecursionError) as error:
        raise ApiError("INVALID_REQUEST", message("The body is not JSON.", "json")) from error


def _echo(request: Request) -> Iterator[str]:
    """The request as a hostile host repeats it. What is secret comes first, because clients quote the beginning."""
    given = credentials(request)
    rest = dict(request.headers)
    carriers = [rest.pop(name, "") for name in ("authorization", authentication.SESSION_HEADER)]
    body = [request.body.decode("utf-8", "replace")]

    with contextlib.suppress(ApiError):
        named_texts = sorted(leaves(_json(request)), key=lambda leaf: leaf[0] not in SECRET_FIELDS)
        body = [*(text for _name, text in named_texts), *body]

    for values in ([given.password, given.token, *carriers], body, [given.user, *rest.values()]):
        text = " ".join(in_three_encodings(value) for value in dict.fromkeys(values) if value)
        if text:
            yield text
