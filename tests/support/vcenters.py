# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of vcenter_token_issuer_info share: its operations and pages, and what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from support.certificates import chain
from support.modules import Ran

if TYPE_CHECKING:
    from simulator import Host
    from simulator import Vcenter

MODULE = "vcenter_token_issuer_info"
SOURCES = ("certificate_management", "oidc", "saml")
SIGNING = "*.signing_certificate.get"
DISCOVERY = "openidconnect.discovery"
JWKS = "openidconnect.jwks"
METADATA = "websso.saml2.metadata"
OLD = chain(2, subject="old")
NEW = chain(3, subject="new")


def connection(host: Host) -> dict[str, Any]:
    """The options with which a host is reached in place of the vCenter."""
    return {"hostname": host.address, "port": host.port, "username": host.username, "password": host.password}


def issuers_read(ran: Ran) -> list[tuple[str, str]]:
    assert not ran.failed, ran.output

    return [(entry["protocol"], entry["issuer"]) for entry in ran.result["token_issuers"]]


def chains(ran: Ran, number: int = 0) -> list[list[str]]:
    assert not ran.failed, ran.output

    return [entry["cert_chain"] for entry in ran.result["token_issuers"][number]["signing_cert_chains"]]


def asked(vcenter: Vcenter) -> list[str]:
    return [f"{record.method} {record.path}" for record in vcenter.journal]
