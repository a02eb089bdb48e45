# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service of key providers."""

from __future__ import annotations

from typing import Any

from simulator.errors import ApiError
from simulator.errors import message
from simulator.models import ProviderCreateSpec
from simulator.models import ProviderFilter
from simulator.models import ProviderFilterSpec
from simulator.models import ProviderInfo
from simulator.models import ProviderSummary
from simulator.operations import Call
from simulator.operations import Operation

SERVICE = "com.vmware.esx.trusted_infrastructure.kms.providers"
PATH = "/api/esx/trusted-infrastructure/kms/providers"
WRITERS = ("SECURITY_MGMT",)
READERS = ("READ_ONLY", *WRITERS)
READ_ERRORS = {"UNAUTHENTICATED": 401, "UNAUTHORIZED": 403, "ERROR": 500}


def list_providers(call: Call) -> list[dict[str, Any]]:
    wanted: ProviderFilter = call.query
    names = wanted.providers if "providers" in wanted.model_fields_set else list(call.host.providers)
    listed = []

    for name, provider in call.host.providers.items():
        if name in names and wanted.available in (None, provider.available):
            listed.append({"provider": name, "available": provider.available, "details": provider.details})

    return listed


def create_provider(call: Call) -> None:
    spec: ProviderCreateSpec = call.body
    if spec.native_spec is None:
        raise ApiError("INVALID_ARGUMENT", message("native_spec is required.", "native_spec_missing"))
    call.host.create_provider(spec.provider, spec.native_spec.key_id, spec.native_spec.key_derivation_key)


def get_provider(call: Call) -> dict[str, Any]:
    provider = call.host.provider(call.identifiers[0])
    if provider.type != "NATIVE" or provider.key_id is None:
        return {"type": provider.type}
    return {"type": provider.type, "native_info": {"key_id": provider.key_id}}


def delete_provider(call: Call) -> None:
    """Documented nowhere; some hosts may know it."""
    call.host.provider(call.identifiers[0])
    del call.host.providers[call.identifiers[0]]


OPERATIONS = (
    Operation(
        id=SERVICE + ".list",
        method="GET",
        path=PATH,
        success=200,
        errors=READ_ERRORS,
        perform=list_providers,
        query=ProviderFilter,
        input=(("filter_spec", ProviderFilterSpec | None),),
        result=list[ProviderSummary],
        entitlements=READERS,
    ),
    Operation(
        id=SERVICE + ".create",
        method="POST",
        path=PATH,
        success=204,
        errors={"ALREADY_EXISTS": 400, "INVALID_ARGUMENT": 400, **READ_ERRORS},
        perform=create_provider,
        body=ProviderCreateSpec,
        input=(("spec", ProviderCreateSpec),),
        entitlements=WRITERS,
        writes=True,
        switch=lambda host: host.settings.provider_get,
    ),
    Operation(
        id=SERVICE + ".get",
        method="GET",
        path=PATH + "/{provider}",
        success=200,
        errors={"NOT_FOUND": 404, "INVALID_ARGUMENT": 400, **READ_ERRORS},
        perform=get_provider,
        input=(("provider", str),),
        result=ProviderInfo,
        entitlements=READERS,
        switch=lambda host: host.settings.provider_get,
    ),
)

DELETE = Operation(
    id=SERVICE + ".delete",
    method="DELETE",
    path=PATH + "/{provider}",
    success=204,
    errors={},
    perform=delete_provider,
    input=(("provider", str),),
    entitlements=WRITERS,
    writes=True,
)
