# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The introspection services of JSON-RPC: which services and operations there are, and of which types."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from simulator import authentication
from simulator import kms_providers
from simulator import routing
from simulator.accounts import Principal
from simulator.errors import ApiError
from simulator.errors import message
from simulator.jsonrpc_declarations import errors_of
from simulator.jsonrpc_declarations import input_of
from simulator.jsonrpc_declarations import output_of
from simulator.jsonrpc_types import OPERATION_INPUT
from simulator.jsonrpc_types import TEXT
from simulator.jsonrpc_types import Structure
from simulator.jsonrpc_types import decode
from simulator.jsonrpc_types import definition
from simulator.jsonrpc_values import Value
from simulator.operations import Operation
from simulator.state import HostState

PACKAGE = "com.vmware.vapi.std.introspection."
OWN = (PACKAGE + "provider", PACKAGE + "service", PACKAGE + "operation")


def offered(host: HostState) -> list[Operation]:
    """The operations that this host has at the moment."""
    operations = [operation for operation in routing.JSONRPC if operation.switch(host)]
    if host.settings.provider_delete != "supported":
        operations = [operation for operation in operations if operation is not kms_providers.DELETE]

    return operations


def perform(
    host: HostState, service: str, operation: str, given: Value, principal: Principal | None
) -> dict[str, Any] | list[str] | None:
    """The answer of an introspection service; None for any other service."""
    if service not in OWN or host.settings.introspection == "absent":
        return None

    known: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
        OWN[0] + ".get": ((), _provider),
        OWN[1] + ".list": ((), _services),
        OWN[1] + ".get": (("id",), _service),
        OWN[2] + ".list": (("service_id",), _operations),
        OWN[2] + ".get": (("service_id", "operation_id"), _operation),
    }

    if f"{service}.{operation}" not in known:
        words = f"Invalid method {operation}"
        raise ApiError("OPERATION_NOT_FOUND", message(words, "vapi.method.input.invalid.method", args=[operation]))

    names, answer = known[f"{service}.{operation}"]
    arguments = decode(Structure(name=OPERATION_INPUT, fields=dict.fromkeys(names, TEXT)), given)
    if host.settings.introspection == "authenticated" and principal is None:
        raise authentication.unauthenticated()
    result: dict[str, Any] | list[str] = answer(host, *(arguments[name] for name in names))

    return result


def _provider(host: HostState) -> dict[str, Any]:
    checksum = hashlib.sha256(repr([operation.id for operation in offered(host)]).encode()).hexdigest()
    return {"STRUCTURE": {PACKAGE + "provider.info": {"id": "esx", "checksum": checksum}}}


def _services(host: HostState) -> list[str]:
    return [*OWN, *dict.fromkeys(operation.service for operation in offered(host))]


def _service(host: HostState, service: str) -> dict[str, Any]:
    operations = _names(host, service, "vapi.introspection.service.not_found")
    return {"STRUCTURE": {PACKAGE + "service.info": {"operations": operations}}}


def _operations(host: HostState, service: str) -> list[str]:
    return _names(host, service, "vapi.introspection.operation.service.not_found")


def _names(host: HostState, service: str, identifier: str) -> list[str]:
    methods = {OWN[0]: ["get"], OWN[1]: ["list", "get"], OWN[2]: ["list", "get"]}
    names = methods.get(service) or [operation.name for operation in offered(host) if operation.service == service]
    if not names:
        raise ApiError("NOT_FOUND", message(f"Service {service} not found", identifier, args=[service]))

    return names


def _operation(host: HostState, service: str, name: str) -> dict[str, Any]:
    _names(host, service, "vapi.introspection.operation.service.not_found")
    for operation in offered(host):
        if (operation.service, operation.name) == (service, name):
            return _described(operation)

    words = f"Operation {name} is not found in Service {service}"
    raise ApiError("NOT_FOUND", message(words, "vapi.introspection.operation.not_found", args=[name, service]))


def _described(operation: Operation) -> dict[str, Any]:
    content = {
        "input_definition": definition(input_of(operation)),
        "output_definition": definition(output_of(operation)),
        "error_definitions": [definition(error, "ERROR") for error in errors_of(operation)],
    }
    return {"STRUCTURE": {PACKAGE + "operation.info": content}}
