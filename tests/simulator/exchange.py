# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a request to an answer, without any socket: routing, login, strict decoding, performing, rendering."""

from __future__ import annotations

import base64
import contextlib
import json
import urllib.parse
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import get_origin

from pydantic import BaseModel
from pydantic import ValidationError

from simulator import authentication
from simulator import kms_providers
from simulator import routing
from simulator.accounts import Principal
from simulator.bodies import BODIES
from simulator.bodies import JSON
from simulator.errors import ApiError
from simulator.errors import message
from simulator.errors import render
from simulator.journal import SECRET_FIELDS
from simulator.journal import Record
from simulator.journal import masked
from simulator.operations import Call
from simulator.operations import Operation
from simulator.state import HostState

CHALLENGE = 'SIGN realm="esx",sts="https://localhost/sts", Basic realm="esx"'


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def credentials(self) -> authentication.Credentials:
        return authentication.credentials(
            self.headers.get("authorization"), self.headers.get(authentication.SESSION_HEADER)
        )


@dataclass
class Answer:
    """An answer before it is sent."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def ready(name: str, status: int, size: int | None = None) -> Answer:
    """A ready-made body, with the status it usually has or else the given one."""
    made = BODIES[name](size)
    return Answer(made.status or status, made.content, made.content_type)


def note(host: HostState, request: Request, connection: int) -> Record:
    """Writes the arrival of a request into the host's journal."""
    route = routing.find(request.method, request.path, host.kind)
    try:
        body = masked(_json(request.body)) if request.body else None
    except ApiError:
        body = None
    return host.journal.add(
        connection=connection,
        operation=route.operation.id if route.operation else None,
        method=request.method,
        path=request.path,
        query=request.query,
        body=body,
        authentication=request.credentials.scheme,
        writes=route.operation is not None and route.operation.writes,
    )


def perform(host: HostState, request: Request, record: Record) -> Answer:
    """Acts on the host and answers."""
    route = routing.find(request.method, request.path, host.kind)
    public = route.operation is not None and route.operation.public
    if not public and not request.path.startswith("/api/") and request.path != "/api":
        return Answer(404)
    if not public and _refused_as_jsonrpc(host, request, route):
        return ready("unsupported_content_type", 400)
    try:
        operation = routing.switched_on(host, route)
        call = _decode(host, request, route, operation)
        before = host.snapshot() if operation.writes else None
        result = operation.perform(call)
    except ApiError as error:
        return ready("not_found_page", error.status) if public else refusal(host, request, error)
    record.wrote = before is not None and host.snapshot() != before
    if operation.result is None:
        return Answer(operation.success)
    value = {"value": result} if host.settings.wrap_values and not public else result
    content = json.dumps(value) if operation.content_type == JSON else str(value)
    return Answer(operation.success, content.encode(), operation.content_type, dict(operation.headers))


def _refused_as_jsonrpc(host: HostState, request: Request, route: routing.Route) -> bool:
    """Where the host has no REST operation, its JSON-RPC handler gets the request and does not like its type."""
    if host.settings.jsonrpc_only or request.path == "/api":
        return True
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
    given = request.credentials
    principal = Principal("") if operation.public else authentication.authenticate(host, operation, given)
    if operation.entitlement and operation.entitlement not in principal.entitlements:
        # Where no 403 is documented, a missing entitlement can only show as 401.
        if "UNAUTHORIZED" in operation.errors or not operation.errors:
            raise ApiError("UNAUTHORIZED", message("Not permitted.", "unauthorized"))
        raise authentication.unauthenticated()
    identifiers = tuple(routing.decoded(segment) for segment in route.identifiers)
    query = _validated(operation.query, _query(request.query, operation.query))
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
        if request.body and operation.method != "GET" and _json(request.body) != {}:
            raise ApiError("INVALID_ARGUMENT", message("The operation takes no body.", "unexpected_body"))
        return None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise ApiError("INVALID_REQUEST", message("The content type is not supported.", "content_type"))
    return _validated(operation.body, _json(request.body))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError("INVALID_REQUEST", message("The body is not JSON.", "json")) from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")


def _validated(model: type[BaseModel], value: Any) -> BaseModel:
    try:
        # From JSON text, so that strictness means JSON's types: an enumeration may be written as its name.
        return model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        reasons = error.errors(include_url=False, include_input=False, include_context=False)
        texts = [f"{'.'.join(str(part) for part in reason['loc'])}: {reason['msg']}" for reason in reasons[:20]]
        raise ApiError("INVALID_ARGUMENT", *(message(text, "invalid") for text in texts)) from error


def _echo(request: Request) -> Iterator[str]:
    """The request as a hostile host repeats it. What is secret comes first, because clients quote the beginning."""
    given = request.credentials
    rest = dict(request.headers)
    carriers = [rest.pop(name, "") for name in ("authorization", authentication.SESSION_HEADER)]
    body = [request.body.decode("utf-8", "replace")]
    with contextlib.suppress(ApiError):
        leaves = sorted(_leaves(_json(request.body)), key=lambda leaf: leaf[0] not in SECRET_FIELDS)
        body = [*(text for _name, text in leaves), *body]
    for values in ([given.password, given.token, *carriers], body, [given.user, *rest.values()]):
        text = " ".join(_dressed(value) for value in dict.fromkeys(values) if value)
        if text:
            yield text


def _dressed(value: str) -> str:
    """A value as it is, in Base64, and URL-encoded."""
    data = value.encode("utf-8", "surrogateescape")
    return f"{value} {base64.b64encode(data).decode('ascii')} {urllib.parse.quote(data, safe='')}"


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The texts in a body, each with the name of the field that it is in."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(entry, key)
    elif isinstance(value, list):
        for entry in value:
            yield from _leaves(entry, name)
    elif isinstance(value, str):
        yield name, value
