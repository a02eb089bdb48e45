# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a request to an answer, without any socket: which form of the API it is in, and whether the host speaks it."""

from __future__ import annotations

import json
from urllib.parse import unquote

from simulator import jsonrpc
from simulator import rest
from simulator import routing
from simulator.bodies import JSON
from simulator.errors import ApiError
from simulator.errors import message
from simulator.errors import render
from simulator.journal import Record
from simulator.messages import Answer
from simulator.messages import Request
from simulator.messages import ready
from simulator.state import HostState

__all__ = ["Answer", "Request", "note", "perform", "refusal"]


def note(host: HostState, request: Request, connection: int) -> Record:
    """Writes the arrival of a request into the host's journal, in the same words for either form of the API."""
    over_jsonrpc = _is_jsonrpc(host, request)
    if over_jsonrpc:
        operation = jsonrpc.operation_of(request)
    else:
        operation = routing.find(request.method, request.path, host.kind).operation

    identifier = None

    if operation is not None and over_jsonrpc:
        identifier = jsonrpc.identifier_of(request, operation)
    elif operation is not None and operation.variables:
        identifier = unquote(request.path.rpartition("/")[2])

    given = jsonrpc.credentials(request) if over_jsonrpc else rest.credentials(request)

    return host.journal.add(
        connection=connection,
        operation=operation.id if operation else None,
        method=request.method,
        path=request.path,
        query=request.query,
        body=jsonrpc.body_of(request) if over_jsonrpc else rest.body_of(request),
        authentication=given.scheme,
        writes=operation is not None and operation.writes,
        protocol="jsonrpc" if over_jsonrpc else "rest",
        identifier=identifier,
    )


def perform(host: HostState, request: Request, record: Record) -> Answer:
    """Acts on the host and answers."""
    route = routing.find(request.method, request.path, host.kind)
    public = route.operation is not None and route.operation.public
    if not public and not request.path.startswith("/api/") and request.path != jsonrpc.PATH:
        return Answer(404)
    over_rest = host.settings.protocols in ("rest", "both") and request.path != jsonrpc.PATH

    try:
        if _goes_to_jsonrpc(host, request):
            return jsonrpc.perform(host, request, record)
        if public or over_rest:
            return rest.perform(host, request, route, record)
    except ApiError as error:
        return refusal(host, request, error)

    return _other_form(host, request)


def refusal(host: HostState, request: Request, error: ApiError) -> Answer:
    """An error in the form of the request."""
    if _goes_to_jsonrpc(host, request):
        return jsonrpc.refusal(host, request, error)
    return rest.refusal(host, request, error)


def _is_jsonrpc(host: HostState, request: Request) -> bool:
    return host.kind == "esx" and request.path == jsonrpc.PATH


def _goes_to_jsonrpc(host: HostState, request: Request) -> bool:
    """The host's JSON-RPC handler takes the request. It takes nothing but JSON."""
    settings = host.settings
    if host.kind != "esx" or settings.protocols not in ("jsonrpc", "both") or request.content_type != JSON:
        return False
    # The vendor's runtime looks at no path: whatever is JSON is taken for JSON-RPC.
    every_path = settings.protocols == "jsonrpc" and settings.other_protocol == "vendor_runtime"

    return every_path or request.path == jsonrpc.PATH


def _other_form(host: HostState, request: Request) -> Answer:
    """The answer to a request of a form that the host does not speak."""
    manner = host.settings.other_protocol
    if manner == "unsupported_content_type":
        return ready("unsupported_content_type", 400)
    if manner == "empty_bad_request":
        return Answer(400)

    if manner == "vendor_runtime" and host.settings.protocols == "jsonrpc":
        given = request.content_type or None
        words = f"Error in method invocation Content-Type {given} is not supported"
        error = ApiError("INVALID_REQUEST", message(words, "vapi.method.invoke.exception"))
    else:
        error = routing.url_not_found()

    content = render(error, host.settings.dialect, host.settings.error_type_present)

    return Answer(error.status, json.dumps(content).encode(), JSON)
