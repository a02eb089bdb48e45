# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions that are asked of a host to find out which services, operations and form of the API it has."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.data_types import STRING
from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.operation import QUERY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services.registry import RESOURCES

_INTROSPECTION = "com.vmware.vapi.std.introspection"
#: Why the definitions of operations are read. There is one request for each operation.
DEFINITION = "definition of an operation"
#: A name that no resource on any host has.
NOBODY = "esx-trust-probe-nobody"


def _introspection(service: str, name: str, *parameters: str) -> Operation:
    """An operation of the introspection. It is only asked in JSON-RPC; the path is that of vCenter's REST."""
    return Operation(
        id=f"{_INTROSPECTION}.{service}.{name}",
        method="GET",
        path=f"/rest/com/vmware/vapi/std/introspection/{service}",
        success=(200,),
        errors=("NOT_FOUND",),
        parameters=tuple(Parameter(each, STRING, QUERY) for each in parameters),
        returns=True,
        public=True,
    )


SERVICE_LIST = _introspection("service", "list")
SERVICE_GET = _introspection("service", "get", "id")
OPERATION_GET = _introspection("operation", "get", "service_id", "operation_id")


def _question(id_: str, path: str) -> Operation:
    """A request without credentials for something that no host has. Its answer shows the form of the API."""
    return Operation(
        id=id_,
        method="GET",
        path=path,
        success=(200,),
        errors=(),
        returns=True,
        public=True,
    )


#: The requests without credentials for each form of the API, by the question under which the answers are reported.
QUESTIONS_WITHOUT_LOGIN: dict[str, dict[str, Operation]] = {
    "rest": {
        "without credentials": replace(kms_provider.LIST, public=True),
        "unknown path": _question("esx.trust.probe.get", "/api/esx/esx-trust-probe-nothing"),
        # The token service has only the operation create.
        "unknown operation": _question("com.vmware.esx.authentication.token.get", TOKEN_CREATE.path),
    },
    "jsonrpc": {
        "without credentials": replace(kms_provider.LIST, public=True),
        "unknown service": _question("com.vmware.esx.trust_probe_nothing.get", "/"),
        "unknown operation": _question("com.vmware.esx.authentication.token.trust_probe_nothing", "/"),
    },
}


@dataclass(frozen=True)
class AskedService:
    """A service that this collection uses.

    declared: its operations, which this collection declares.
    """

    id: str
    declared: tuple[Operation, ...]

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of its operations."""
        return tuple(operation.name for operation in self.declared)

    def declaration(self, name: str) -> Optional[Operation]:
        """The declaration of an operation in this collection, or None."""
        for operation in self.declared:
            if operation.name == name:
                return operation

        return None


ASKED_SERVICES = (
    AskedService(TOKEN_CREATE.service, (TOKEN_CREATE,)),
    *(AskedService(facts.service, facts.operations) for facts in RESOURCES),
)
