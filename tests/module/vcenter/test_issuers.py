# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vcenter_token_issuer_info reads the issuers of a simulated vCenter, in every form in which it tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator import certificates
from support.certificates import fingerprint
from support.modules import Modules
from support.vcenters import MODULE
from support.vcenters import NEW
from support.vcenters import OLD
from support.vcenters import SOURCES
from support.vcenters import asked
from support.vcenters import chains
from support.vcenters import connection
from support.vcenters import issuers_read

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from simulator import Vcenter


def test_both_issuers_in_five_requests_on_one_connection(modules: Modules, vcenter: Vcenter) -> None:
    ran = modules.run(MODULE)
    assert issuers_read(ran) == [("oidc", vcenter.issuer), ("saml", vcenter.entity_id)]
    assert chains(ran, 0) == chains(ran, 1) == [OLD]
    assert (ran.changed, ran.warnings) == (False, "")

    assert asked(vcenter) == [
        "POST /api/session",
        "GET /api/vcenter/certificate-management/vcenter/signing-certificate",
        "GET /openidconnect/vsphere.local/.well-known/openid-configuration",
        "GET /websso/SAML2/Metadata/vsphere.local",
        "DELETE /api/session",
    ]

    assert [record.authentication for record in vcenter.journal] == ["basic", "session", None, None, "session"]
    assert (vcenter.open_sessions, vcenter.connections.opened) == (0, 1)
    assert vcenter.wait_closed()


def test_what_each_certificate_is(modules: Modules) -> None:
    for entry in modules.run(MODULE).result["token_issuers"]:
        assert [(each["chain"], each["position"], each["sha256"]) for each in entry["certificates"]] == [
            (0, 0, fingerprint(OLD[0])),
            (0, 1, fingerprint(OLD[1])),
        ]
        assert entry["certificates"][0]["subject"] == "CN=old"


@pytest.mark.parametrize("listed", [True, False])
def test_the_chain_that_signs_is_first_and_once_there(modules: Modules, vcenter: Vcenter, listed: bool) -> None:
    vcenter.settings(active_listed=listed)
    vcenter.rotate(NEW)
    assert chains(modules.run(MODULE)) == [NEW, OLD]


@pytest.mark.parametrize("style", certificates.FORMATS)
def test_certificates_in_any_form(modules: Modules, vcenter: Vcenter, style: str) -> None:
    vcenter.settings(certificate_format=style)
    assert chains(modules.run(MODULE)) == [OLD]


def test_the_older_form_of_answers(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.settings(dialect="rest", wrap_values=True)
    assert chains(modules.run(MODULE)) == [OLD]


def test_basic_opens_no_session(modules: Modules, vcenter: Vcenter) -> None:
    assert chains(modules.run(MODULE, auth_method="basic")) == [OLD]
    assert [record.authentication for record in vcenter.journal] == ["basic", None, None]


def test_tokens_in_place_of_a_password(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.settings(saml_tokens=["<Assertion/>"])
    assert chains(modules.run(MODULE, username=None, password=None, saml_token="<Assertion/>")) == [OLD]
    assert chains(modules.run(MODULE, username=None, password=None, access_token=vcenter.create_token())) == [OLD]

    used = [record.authentication for record in vcenter.journal if record.authentication]

    assert used == ["sign", "session", "session", "bearer"]
    assert vcenter.open_sessions == 0


def test_oidc(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.rotate(NEW)
    vcenter.settings(symmetric_key=True)
    ran = modules.run(MODULE, source="oidc")

    assert issuers_read(ran) == [("oidc", vcenter.issuer)]
    assert chains(ran) == [NEW[:1]]

    vcenter.settings(x5c="chain", jwks_keys="all")

    assert chains(modules.run(MODULE, source="oidc")) == [NEW, OLD]


def test_broker(modules: Modules, vcenter: Vcenter) -> None:
    """The issuer is what the discovery says, and nothing is sent but two reads without a login."""
    vcenter.settings(broker=True)
    vcenter.rotate(NEW)
    ran = modules.run(MODULE, source="broker", username=None, password=None)

    assert issuers_read(ran) == [("oidc", vcenter.issuer.partition("/openidconnect")[0] + "/acs/t/CUSTOMER")]
    assert chains(ran) == [NEW[:1]]
    assert asked(vcenter) == ["GET /acs/t/CUSTOMER/.well-known/openid-configuration", "GET /acs/jwks"]
    assert [record.authentication for record in vcenter.journal] == [None, None]

    vcenter.settings(x5c="chain", jwks_keys="all")

    assert chains(modules.run(MODULE, source="broker")) == [NEW, OLD]


def test_another_tenant_of_a_broker(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.settings(broker=True, broker_tenant="site b")
    ((_protocol, issuer),) = issuers_read(modules.run(MODULE, source="broker", broker_tenant="site b"))

    assert issuer.endswith("/acs/t/site b")
    assert vcenter.journal[0].path == "/acs/t/site%20b/.well-known/openid-configuration"


@pytest.mark.parametrize("there", [False, True])
def test_no_such_broker(modules: Modules, vcenter: Vcenter, there: bool) -> None:
    vcenter.settings(broker=there)
    ran = modules.run(MODULE, source="broker", broker_tenant="other")

    assert ran.failed
    assert "broker_tenant" in ran.result["failure"]["hint"]
    assert ran.result["failure"]["operation"] == "acs.discovery"


def test_keys_of_a_broker_without_certificates(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.settings(broker=True, x5c="absent")
    ran = modules.run(MODULE, source="broker")

    assert ran.result["failure"]["code"] == "unexpected_answer"
    assert "have no certificates (x5c)" in ran.message
    assert "certificate_management" not in ran.message


@pytest.mark.parametrize("use", ["signing", "absent"])
@pytest.mark.parametrize("root_first", [False, True])
def test_saml(modules: Modules, vcenter: Vcenter, use: str, root_first: bool) -> None:
    vcenter.rotate(NEW)
    vcenter.settings(saml_key_use=use, saml_root_first=root_first)
    ran = modules.run(MODULE, source="saml")

    assert issuers_read(ran) == [("saml", vcenter.entity_id)]
    assert chains(ran) == [NEW, OLD]


def test_another_domain(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.settings(sso_domain="site b.local")
    for source in SOURCES:
        for _protocol, issuer in issuers_read(modules.run(MODULE, source=source, sso_domain="site b.local")):
            assert issuer.endswith("/site b.local")

    assert "/openidconnect/jwks/site%20b.local" in {record.path for record in vcenter.journal}


@pytest.mark.parametrize("check", [False, True])
def test_a_host_trusts_what_was_read(modules: Modules, vcenter: Vcenter, host: Host, fleet: Fleet, check: bool) -> None:
    vcenter.rotate(NEW)
    of_the_host = connection(host)

    for source in SOURCES:
        for entry in modules.run(MODULE, source=source, check=check, diff=check).result["token_issuers"]:
            declared: dict[str, Any] = {
                "issuer_alias": f"vcenter01-{entry['protocol']}-{source}",
                "issuer": f"{entry['issuer']}#{source}",
                "signing_cert_chains": entry["signing_cert_chains"],
            }
            assert modules.run("esx_token_issuer", **of_the_host, **declared).changed
            assert not modules.run("esx_token_issuer", **of_the_host, **declared).changed

    assert len(host.issuers) == 4
    assert vcenter.writes == []
