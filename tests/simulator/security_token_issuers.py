# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service of security token issuers."""

from __future__ import annotations

from typing import Any

from simulator.certificates import formatted
from simulator.certificates import without_root
from simulator.errors import ApiError
from simulator.errors import message
from simulator.models import IssuerCreateSpec
from simulator.models import IssuerFilter
from simulator.models import IssuerInfo
from simulator.models import IssuerSummary
from simulator.models import IssuerUpdateSpec
from simulator.models import Projection
from simulator.models import X509CertChain
from simulator.operations import Call
from simulator.operations import Operation
from simulator.state import Issuer

SERVICE = "com.vmware.esx.authentication.trust.security_token_issuers"
PATH = "/api/esx/authentication/trust/security-token-issuers"
WRITERS = ("IDENTITY_MGMT",)
READERS = ("READ_ONLY", *WRITERS)
COMMON_ERRORS = {"UNAUTHENTICATED": 401, "ERROR": 500}


def _chains(call: Call, record: Issuer) -> list[dict[str, list[str]]]:
    settings = call.host.settings
    style = "wide_lines" if settings.standardises_certificates else settings.certificate_format
    return [{"cert_chain": [formatted(pem, style) for pem in chain]} for chain in record.chains]


def _stored(call: Call, given: list[X509CertChain]) -> list[list[str]]:
    """The chains as the host keeps them."""
    chains = [chain.cert_chain for chain in given]
    settings = call.host.settings
    if settings.empty_chains_refused and not (chains and all(chains)):
        raise ApiError("INVALID_ARGUMENT", message("A certificate chain is empty.", SERVICE + ".empty_chain"))
    if settings.standardises_certificates:
        chains = [without_root(chain) for chain in chains]
    if settings.stored_chains == "leaf_only":
        return [chain[:1] for chain in chains]

    return [chain[::-1] for chain in chains] if settings.stored_chains == "upside_down" else chains


def list_issuers(call: Call) -> list[dict[str, Any]]:
    wanted: IssuerFilter = call.query
    projection = wanted.projection
    if projection is Projection.FULL and not call.host.settings.projection_supported:
        projection = Projection.NORMAL
    answer: list[dict[str, Any]] = []

    for alias, record in call.host.issuers.items():
        summary: dict[str, Any] = {"summary_type": projection.value, "issuer_alias": alias}
        if projection is not Projection.BRIEF:
            summary["issuer"] = record.issuer
        if projection is Projection.FULL:
            summary["signing_cert_chains"] = _chains(call, record)
        answer.append(summary)

    return answer


def create_issuer(call: Call) -> None:
    spec: IssuerCreateSpec = call.body
    call.host.create_issuer(spec.issuer_alias, spec.issuer, _stored(call, spec.signing_cert_chains))


def get_issuer(call: Call) -> dict[str, Any]:
    record = call.host.issuer(call.identifiers[0])
    return {"issuer": record.issuer, "signing_cert_chains": _chains(call, record)}


def update_issuer(call: Call) -> None:
    spec: IssuerUpdateSpec = call.body
    chains = None if spec.signing_cert_chains is None else _stored(call, spec.signing_cert_chains)
    call.host.update_issuer(call.identifiers[0], spec.issuer, chains)


def delete_issuer(call: Call) -> None:
    call.host.delete_issuer(call.identifiers[0])


OPERATIONS = (
    Operation(
        id=SERVICE + ".list",
        method="GET",
        path=PATH,
        success=200,
        errors={"INVALID_ARGUMENT": 400, **COMMON_ERRORS},
        perform=list_issuers,
        query=IssuerFilter,
        input=(("projection", Projection | None),),
        result=list[IssuerSummary],
        entitlements=READERS,
    ),
    Operation(
        id=SERVICE + ".create",
        method="POST",
        path=PATH,
        success=204,
        errors={"ALREADY_EXISTS": 400, "INVALID_ARGUMENT": 400, **COMMON_ERRORS},
        perform=create_issuer,
        body=IssuerCreateSpec,
        input=(("spec", IssuerCreateSpec),),
        entitlements=WRITERS,
        writes=True,
    ),
    Operation(
        id=SERVICE + ".get",
        method="GET",
        path=PATH + "/{issuer_alias}",
        success=200,
        errors={"NOT_FOUND": 404, **COMMON_ERRORS},
        perform=get_issuer,
        input=(("issuer_alias", str),),
        result=IssuerInfo,
        entitlements=READERS,
    ),
    Operation(
        id=SERVICE + ".update",
        method="PATCH",
        path=PATH + "/{issuer_alias}",
        success=204,
        errors={"NOT_FOUND": 404, "INVALID_ARGUMENT": 400, **COMMON_ERRORS},
        perform=update_issuer,
        body=IssuerUpdateSpec,
        input=(("issuer_alias", str), ("spec", IssuerUpdateSpec)),
        entitlements=WRITERS,
        writes=True,
    ),
    Operation(
        id=SERVICE + ".delete",
        method="DELETE",
        path=PATH + "/{issuer_alias}",
        success=204,
        errors={"NOT_FOUND": 404, **COMMON_ERRORS},
        perform=delete_issuer,
        input=(("issuer_alias", str),),
        entitlements=WRITERS,
        writes=True,
    ),
)
