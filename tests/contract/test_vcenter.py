# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated vCenter: against what is publicly known, and as the vendor's own bindings see it.

Sources of the facts: of the session and the certificate management, the vendor's Python package vmware-vcenter
9.1.1.0; of the public pages, the documents of the protocols (OpenID Connect Discovery 1.0, RFC 7517, SAML 2.0
metadata) and the open-source ancestor of the vCenter's token service.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from ansible_collections.esx.trust.plugins.module_utils._services import vcenter_module
from ansible_collections.esx.trust.plugins.module_utils._services import vcenter_operations
from contract.calls import Call
from simulator import Fault
from simulator import Fleet
from simulator import Host
from simulator import Vcenter
from simulator import vcenter as simulated
from simulator.certificates import signing_chain

SIGNING = "/api/vcenter/certificate-management/vcenter/signing-certificate"
WELL_KNOWN = "/.well-known/openid-configuration"
#: Id, method, path, code of success, whether it needs no login.
FACTS = {
    ("com.vmware.cis.session.create", "POST", "/api/session", 201, False),
    ("com.vmware.cis.session.delete", "DELETE", "/api/session", 204, False),
    ("com.vmware.vcenter.certificate_management.vcenter.signing_certificate.get", "GET", SIGNING, 200, False),
    ("openidconnect.discovery", "GET", "/openidconnect/{sso_domain}" + WELL_KNOWN, 200, True),
    ("openidconnect.jwks", "GET", "/openidconnect/jwks/{sso_domain}", 200, True),
    ("acs.discovery", "GET", "/acs/t/{broker_tenant}" + WELL_KNOWN, 200, True),
    ("acs.jwks", "GET", "/acs/jwks", 200, True),
    ("websso.saml2.metadata", "GET", "/websso/SAML2/Metadata/{sso_domain}", 200, True),
}
#: What only the simulator has.
MORE = {
    ("com.vmware.cis.session.get", "GET", "/api/session", 200, False),
    ("openidconnect.discovery_of_the_default", "GET", "/openidconnect" + WELL_KNOWN, 200, True),
    ("openidconnect.jwks_of_the_default", "GET", "/openidconnect/jwks", 200, True),
}


@pytest.fixture
def host(vcenter: Vcenter) -> Host:
    """So that `call` calls the vCenter."""
    return vcenter


def test_the_collection_declares_the_facts() -> None:
    declared = {
        (operation.id, operation.method, operation.path, *operation.success, operation.public)
        for operation in vcenter_operations.OPERATIONS
    }
    assert declared == FACTS
    assert {operation.path for operation in vcenter_operations.OPERATIONS if not operation.reads} == {"/api/session"}


def test_the_simulator_has_the_facts() -> None:
    assert {
        (operation.id, operation.method, operation.path, operation.success, operation.public)
        for operation in simulated.OPERATIONS
    } == FACTS | MORE


def test_the_signing_certificate_needs_a_login(call: Call, vcenter: Vcenter) -> None:
    assert call("GET", SIGNING, auth=("nobody", "wrong")).status_code == 401

    session = call("POST", "/api/session")

    assert (session.status_code, type(session.json())) == (201, str)

    header = {"auth": lambda request: request, "headers": {"vmware-api-session-id": session.json()}}
    new, old = signing_chain("new", 2), vcenter.signing_cert_chains[0]
    vcenter.rotate(new)

    assert call("GET", SIGNING, **header).json() == {
        "active_cert_chain": {"cert_chain": new},
        "signing_cert_chains": [{"cert_chain": new}, {"cert_chain": old}],
    }

    vcenter.settings(active_listed=False)

    assert call("GET", SIGNING, **header).json()["signing_cert_chains"] == [{"cert_chain": old}]
    assert call("DELETE", "/api/session", **header).status_code == 204
    assert call("GET", SIGNING, **header).status_code == 401
    assert vcenter.open_sessions == 0

    vcenter.settings(signing_certificate_service=False)

    assert call("GET", SIGNING).status_code == 404


@pytest.mark.parametrize("tenant", ["", "/vsphere.local"])
def test_discovery_and_keys(call: Call, vcenter: Vcenter, tenant: str) -> None:
    page = call("GET", f"/openidconnect{tenant}{WELL_KNOWN}", auth=lambda request: request).json()
    assert page["issuer"] == vcenter.issuer == "https://vcenter01.example.test/openidconnect/vsphere.local"
    assert page["jwks_uri"] == "https://vcenter01.example.test/openidconnect/jwks/vsphere.local"

    vcenter.settings(x5c="chain")
    (key,) = call("GET", f"/openidconnect/jwks{tenant}", auth=lambda request: request).json()["keys"]
    (chain,) = vcenter.signing_cert_chains

    assert [base64.b64decode(text) for text in key["x5c"]] == [ssl.PEM_cert_to_DER_cert(pem) for pem in chain]
    assert (key["kty"], key["use"], key["crv"]) == ("EC", "sig", "P-256")
    assert [record.authentication for record in vcenter.journal] == [None, None]


def test_metadata(call: Call, vcenter: Vcenter) -> None:
    answer = call("GET", "/websso/SAML2/Metadata/vsphere.local", auth=lambda request: request)
    assert answer.headers["Content-Type"].startswith("application/samlmetadata+xml")
    assert answer.headers["Content-Disposition"].startswith("attachment")

    root = ElementTree.fromstring(answer.text)

    assert root.get("entityID") == vcenter.entity_id

    texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/09/xmldsig#}X509Certificate")]
    (chain,) = vcenter.signing_cert_chains

    assert [base64.b64decode(text) for text in texts] == [ssl.PEM_cert_to_DER_cert(pem) for pem in chain]


@pytest.mark.parametrize(
    "path",
    [
        "/openidconnect/other.local" + WELL_KNOWN,
        "/openidconnect/jwks/other.local",
        "/websso/SAML2/Metadata/other.local",
        "/websso/SAML2/Metadata",
        "/acs/t/CUSTOMER" + WELL_KNOWN,
        "/acs/jwks",
        "/ui",
    ],
)
def test_no_such_page(call: Call, path: str) -> None:
    answer = call("GET", path)
    assert answer.status_code == 404
    assert "json" not in answer.headers.get("Content-Type", "")


def test_a_vcenter_has_none_of_a_hosts_services(call: Call, vcenter: Vcenter) -> None:
    for path in (
        "/api/esx/authentication/trust/security-token-issuers",
        "/api/esx/trusted-infrastructure/kms/providers",
    ):
        assert call("GET", path).status_code == 404

    assert call("POST", "/api/esx/authentication/token").status_code == 404
    assert [record.operation for record in vcenter.journal] == [None, None, None]


def test_faults_and_journal_are_those_of_a_host(call: Call, vcenter: Vcenter) -> None:
    vcenter.queue(Fault(kind="status", operation="websso.*", ready="envoy_no_healthy_upstream"))
    assert call("GET", "/websso/SAML2/Metadata/vsphere.local").status_code == 503

    (record,) = vcenter.journal

    assert (record.operation, record.fault, record.status) == ("websso.saml2.metadata", "status", 503)


def test_steered_over_http(fleet: Fleet, vcenter: Vcenter) -> None:
    chains = [signing_chain("by http")]
    place = f"{fleet.admin_url}/hosts/{vcenter.address}"

    with requests.Session() as session:
        session.trust_env = False
        listed = session.get(f"{fleet.admin_url}/hosts", timeout=10).json()

        assert [each["name"] for each in listed if each["kind"] == "vcenter"] == ["vcenter01"]

        put = session.put(f"{place}/state", json={"signing_cert_chains": chains}, timeout=10)

        assert put.json() == {"signing_cert_chains": chains}
        assert vcenter.signing_cert_chains == chains

        refused: tuple[Any, ...] = ({"signing_cert_chains": []}, {"signing_cert_chains": [[]]}, {"providers": {}})
        for wrong in refused:
            assert session.put(f"{place}/state", json=wrong, timeout=10).status_code == 400
        renewed = signing_chain("renewed", 2)

        assert session.post(f"{place}/rotate", data="key\n" + "".join(renewed), timeout=10).status_code == 204

        for text in ("", "no certificate", renewed[0].replace("M", "!")):
            assert session.post(f"{place}/rotate", data=text, timeout=10).status_code == 400
        host = fleet.hosts[0].address

        assert session.post(f"{fleet.admin_url}/hosts/{host}/rotate", data=renewed[0], timeout=10).status_code == 400
        assert vcenter.signing_cert_chains == [renewed, *chains]
        assert session.patch(f"{place}/settings", json={"sso_domain": "b.local"}, timeout=10).ok
        assert vcenter.issuer.endswith("/b.local")


class Bindings:
    """The vendor's bindings of the session and of the signing certificate."""

    def __init__(self, session: requests.Session, vcenter: Vcenter) -> None:
        reason = "vmware-vcenter is not installed"
        self._cis = pytest.importorskip("com.vmware.cis_client", reason=reason)
        self._management = pytest.importorskip(
            "com.vmware.vcenter.certificate_management.vcenter_client", reason=reason
        )
        self._stub = pytest.importorskip("vmware.vapi.bindings.stub", reason=reason)
        connect = pytest.importorskip("vmware.vapi.lib.connect", reason=reason)
        self._basic = pytest.importorskip("vmware.vapi.security.user_password", reason=reason)
        self._session = pytest.importorskip("vmware.vapi.security.session", reason=reason)
        self._vcenter = vcenter
        self.connector = connect.get_requests_connector(session=session, msg_protocol="rest", url=vcenter.url + "/api")

    def log_in(self) -> None:
        context = self._basic.create_user_password_security_context(self._vcenter.username, self._vcenter.password)
        self.connector.set_security_context(context)
        identifier = self.session.create()
        self.connector.set_security_context(self._session.create_session_security_context(identifier))

    @property
    def session(self) -> Any:
        return self._cis.Session(self._stub.StubConfiguration(self.connector))

    @property
    def signing_certificate(self) -> Any:
        return self._management.SigningCertificate(self._stub.StubConfiguration(self.connector))


@pytest.fixture
def bindings(fleet: Fleet, vcenter: Vcenter) -> Iterator[Bindings]:
    vcenter.settings(dialect="rest", wrap_values=True)
    with requests.Session() as opened:
        opened.trust_env = False
        opened.verify = fleet.ca_path
        yield Bindings(opened, vcenter)


def test_the_vendors_bindings_read_it(bindings: Bindings, vcenter: Vcenter) -> None:
    vcenter.rotate(signing_chain("new", 3))
    bindings.log_in()

    assert bindings.session.get().user == vcenter.username

    info = bindings.signing_certificate.get()

    assert [chain.cert_chain for chain in info.signing_cert_chains] == vcenter.signing_cert_chains
    assert info.active_cert_chain.cert_chain == vcenter.signing_cert_chains[0]

    bindings.session.delete()

    assert vcenter.open_sessions == 0
    assert [record.operation for record in vcenter.journal if record.operation is None] == []


def test_the_vendors_bindings_and_the_module_read_the_same(bindings: Bindings, vcenter: Vcenter, fleet: Fleet) -> None:
    vcenter.rotate(signing_chain("new", 3))
    bindings.log_in()
    info = bindings.signing_certificate.get()
    bindings.session.delete()
    params = {name: option.get("default") for name, option in vcenter_module.INFO_ARGUMENTS.options.items()}
    of_the_module = {"hostname": vcenter.address, "port": vcenter.port, "ca_path": fleet.ca_path}
    login = {"username": vcenter.username, "password": vcenter.password}
    for entry in vcenter_module.run_info({**params, **of_the_module, **login}, False)["token_issuers"]:
        assert entry["signing_cert_chains"] == [{"cert_chain": chain.cert_chain} for chain in info.signing_cert_chains]


def test_the_vendors_bindings_are_refused(bindings: Bindings, vcenter: Vcenter) -> None:
    errors = pytest.importorskip("vmware.vapi.bindings.error")
    vcenter.put_account(vcenter.username, "another")
    with pytest.raises(errors.VapiError) as caught:
        bindings.log_in()

    assert caught.value.get_error_value().name == "com.vmware.vapi.std.errors.unauthenticated"

    vcenter.put_account(vcenter.username, vcenter.password, entitlements=())
    bindings.log_in()
    with pytest.raises(errors.VapiError) as caught:
        bindings.signing_certificate.get()

    assert caught.value.get_error_value().name == "com.vmware.vapi.std.errors.unauthorized"
    assert [record.status for record in vcenter.journal] == [401, 201, 403]
