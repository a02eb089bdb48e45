# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a raw path to an operation: every segment is percent-decoded on its own, so names may hold slashes."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass

from simulator import authentication
from simulator import client_profiles
from simulator import kms_providers
from simulator import security_token_issuers
from simulator import vcenter
from simulator.errors import ApiError
from simulator.errors import message
from simulator.operations import Operation
from simulator.state import HostState

DOCUMENTED: tuple[Operation, ...] = (
    *kms_providers.OPERATIONS,
    *security_token_issuers.OPERATIONS,
    *client_profiles.OPERATIONS,
    *authentication.TOKEN_OPERATIONS,
)
JSONRPC: tuple[Operation, ...] = (*DOCUMENTED, kms_providers.DELETE)
"""What a host has in JSON-RPC."""
EVERY: tuple[Operation, ...] = (*DOCUMENTED, kms_providers.DELETE, *authentication.SESSION_OPERATIONS)
OPERATIONS: dict[str, tuple[Operation, ...]] = {"esx": EVERY, "vcenter": vcenter.OPERATIONS}
"""By the kind of host."""


@dataclass(frozen=True)
class Route:
    """The operation that a method and a path name, whether or not this host has it switched on."""

    operation: Operation | None
    identifiers: tuple[str, ...] = ()
    """Still percent-encoded."""
    known_path: bool = False


def find(method: str, raw_path: str, kind: str = "esx") -> Route:
    segments = tuple(raw_path.strip("/").split("/")) + (("",) if raw_path.endswith("/") else ())
    known = False

    for operation in OPERATIONS[kind]:
        pattern = operation.pattern
        if len(pattern) != len(segments):
            continue
        if any(wanted is not None and wanted != got for wanted, got in zip(pattern, segments, strict=True)):
            continue
        known = True

        if operation.method == method:
            variables = tuple(got for wanted, got in zip(pattern, segments, strict=True) if wanted is None)
            return Route(operation, variables, True)

    return Route(None, (), known)


def decoded(segment: str) -> str:
    """One segment of a path."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", segment):
        raise ApiError("INVALID_ARGUMENT", message("A bad percent-encoding in the path.", "path"))

    try:
        text = urllib.parse.unquote_to_bytes(segment.encode("utf-8", "surrogateescape")).decode("utf-8")
    except UnicodeError as error:
        raise ApiError("INVALID_ARGUMENT", message("The path is not UTF-8.", "path")) from error

    if not text:
        raise ApiError("INVALID_ARGUMENT", message("An empty identifier.", "empty_identifier"))

    return text


def url_not_found() -> ApiError:
    return ApiError("NOT_FOUND", message("No operation has this URL.", "com.vmware.vapi.rest.operationsForUrlNotFound"))


def operation_not_found() -> ApiError:
    return ApiError("OPERATION_NOT_FOUND", message("The URL has no operation for this method.", "operation_not_found"))


def switched_on(host: HostState, route: Route) -> Operation:
    """The route's operation, or the error of a host that does not have it."""
    operation = route.operation
    if operation is kms_providers.DELETE:
        _refuse_provider_delete(host.settings.provider_delete)
    if operation is not None and operation.switch(host):
        return operation
    if operation is None and route.known_path:
        raise operation_not_found()
    if operation is not None and operation.method == "POST" and operation.writes:
        raise operation_not_found()
    raise url_not_found()


def _refuse_provider_delete(manner: str) -> None:
    if manner == "operation_not_found":
        raise operation_not_found()
    if manner == "not_found":
        raise url_not_found()
    if manner == "method_not_allowed":
        raise ApiError("INVALID_REQUEST", message("The method is not allowed.", "method_not_allowed"), status=405)
