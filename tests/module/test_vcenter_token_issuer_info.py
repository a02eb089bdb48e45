# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vcenter_token_issuer_info against a simulated vCenter, and against one that is only here to see what it is sent."""

from __future__ import annotations

import base64
import gzip
import http.server
import json
import pathlib
import ssl
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.esx.trust.plugins.module_utils import _libraries
from ansible_collections.esx.trust.plugins.module_utils._api import retries
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from simulator import certificates
from support.certificates import chain
from support.certificates import fingerprint
from support.modules import Modules
from support.modules import Ran
from support.modules import fault

if TYPE_CHECKING:
    from simulator import Fleet
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


@pytest.fixture
def modules(
    vcenter: Vcenter, fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Modules:
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.001)
    vcenter.put_signing_cert_chains([OLD])
    return Modules(vcenter, fleet, capsys, monkeypatch)


def connection(host: Host) -> dict[str, Any]:
    """The options with which a host is reached in place of the vCenter."""
    return {"hostname": host.address, "port": host.port, "username": host.username, "password": host.password}


def found(ran: Ran) -> list[tuple[str, str]]:
    assert not ran.failed, ran.output
    return [(entry["protocol"], entry["issuer"]) for entry in ran.result["token_issuers"]]


def chains(ran: Ran, number: int = 0) -> list[list[str]]:
    assert not ran.failed, ran.output
    return [entry["cert_chain"] for entry in ran.result["token_issuers"][number]["signing_cert_chains"]]


def asked(vcenter: Vcenter) -> list[str]:
    return [f"{record.method} {record.path}" for record in vcenter.journal]


# Where nothing goes wrong


def test_both_issuers_in_five_requests_on_one_connection(modules: Modules, vcenter: Vcenter) -> None:
    ran = modules.run(MODULE)
    assert found(ran) == [("oidc", vcenter.issuer), ("saml", vcenter.entity_id)]
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
def test_certificates_in_any_dress(modules: Modules, vcenter: Vcenter, style: str) -> None:
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
    assert found(ran) == [("oidc", vcenter.issuer)]
    assert chains(ran) == [NEW[:1]]
    vcenter.settings(x5c="chain", jwks_keys="all")
    assert chains(modules.run(MODULE, source="oidc")) == [NEW, OLD]


def test_broker(modules: Modules, vcenter: Vcenter) -> None:
    """The issuer is what the discovery says, and nothing is sent but two reads without a login."""
    vcenter.settings(broker=True)
    vcenter.rotate(NEW)
    ran = modules.run(MODULE, source="broker", username=None, password=None)
    assert found(ran) == [("oidc", vcenter.issuer.partition("/openidconnect")[0] + "/acs/t/CUSTOMER")]
    assert chains(ran) == [NEW[:1]]
    assert asked(vcenter) == ["GET /acs/t/CUSTOMER/.well-known/openid-configuration", "GET /acs/jwks"]
    assert [record.authentication for record in vcenter.journal] == [None, None]
    vcenter.settings(x5c="chain", jwks_keys="all")
    assert chains(modules.run(MODULE, source="broker")) == [NEW, OLD]


def test_another_tenant_of_a_broker(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.settings(broker=True, broker_tenant="site b")
    ((_protocol, issuer),) = found(modules.run(MODULE, source="broker", broker_tenant="site b"))
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
    assert found(ran) == [("saml", vcenter.entity_id)]
    assert chains(ran) == [NEW, OLD]


def test_another_domain(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.settings(sso_domain="site b.local")
    for source in SOURCES:
        for _protocol, issuer in found(modules.run(MODULE, source=source, sso_domain="site b.local")):
            assert issuer.endswith("/site b.local")
    assert "/openidconnect/jwks/site%20b.local" in {record.path for record in vcenter.journal}


@pytest.mark.parametrize("check", [False, True])
def test_a_host_trusts_what_was_read(modules: Modules, vcenter: Vcenter, host: Host, fleet: Fleet, check: bool) -> None:
    vcenter.rotate(NEW)
    own = connection(host)
    for source in SOURCES:
        for entry in modules.run(MODULE, source=source, check=check, diff=check).result["token_issuers"]:
            declared: dict[str, Any] = {
                "issuer_alias": f"vcenter01-{entry['protocol']}-{source}",
                "issuer": f"{entry['issuer']}#{source}",
                "signing_cert_chains": entry["signing_cert_chains"],
            }
            assert modules.run("esx_token_issuer", **own, **declared).changed
            assert not modules.run("esx_token_issuer", **own, **declared).changed
    assert len(host.issuers) == 4
    assert vcenter.writes == []


# Logins


def test_a_refused_login_is_tried_once(modules: Modules, vcenter: Vcenter) -> None:
    ran = modules.run(MODULE, password="wrong")
    assert ran.result["failure"]["code"] == "unauthenticated"
    assert ran.result["failure"]["login_refused"]
    assert "administrator@vsphere.local" in ran.result["failure"]["hint"]
    assert (vcenter.login_attempts, len(vcenter.journal)) == (1, 1)


def test_an_expired_session_is_opened_anew_and_closed(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.queue(fault(kind="expire_tokens", operation=SIGNING))
    assert chains(modules.run(MODULE)) == [OLD]
    assert vcenter.login_attempts == 2
    assert vcenter.open_sessions == 0


def test_tokens_that_are_refused(modules: Modules, vcenter: Vcenter) -> None:
    ran = modules.run(MODULE, access_token="unknown")
    assert "The access_token is expired" in ran.message
    vcenter.queue(fault(kind="status", operation=SIGNING, status=401, times=None))
    ran = modules.run(MODULE)
    assert ran.result["failure"]["code"] == "unauthenticated"
    assert "opened a session and then did not accept it" in ran.message
    assert vcenter.login_attempts == 2
    assert vcenter.open_sessions == 0


def test_a_missing_privilege(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.put_account(vcenter.username, vcenter.password, entitlements=())
    ran = modules.run(MODULE)
    assert ran.result["failure"]["code"] == "unauthorized"
    assert "System.Read" in ran.message
    assert vcenter.open_sessions == 0


BROKEN = {
    "failing": {"kind": "status", "status": 500},
    "no such thing": {"kind": "status", "status": 404},
    "web page": {"kind": "status", "ready": "html"},
    "truncated": {"kind": "answer", "ready": "truncated_json"},
    "other shape": {"kind": "answer", "ready": "wrong_shape_chains"},
    "list": {"kind": "answer", "ready": "wrong_shape_list"},
    "no chain": {"kind": "answer", "body": {"signing_cert_chains": []}},
    "empty chain": {"kind": "answer", "body": {"active_cert_chain": {"cert_chain": []}, "signing_cert_chains": []}},
    "no certificate": {"kind": "answer", "body": {"signing_cert_chains": [{"cert_chain": ["AAAA"]}]}},
    "no chain at all": {"kind": "answer", "body": {"signing_cert_chains": [{"cert_chain": [OLD[0], NEW[0]]}]}},
    "lost": {"kind": "lose_answer"},
    "redirect": {"kind": "redirect", "location": "https://127.0.1.1/"},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_session_is_closed_whatever_happens(modules: Modules, vcenter: Vcenter, broken: dict[str, Any]) -> None:
    vcenter.queue(fault(operation=SIGNING, times=None, **broken))
    ran = modules.run(MODULE)
    assert ran.failed
    assert ran.message.startswith(f"{vcenter.address}:{vcenter.port}: ")
    assert "ESX host" not in ran.message
    assert vcenter.open_sessions == 0


def test_a_vcenter_before_7_0_u3(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.settings(signing_certificate_service=False)
    ran = modules.run(MODULE)
    assert "7.0 Update 3" in ran.message
    assert "oidc or saml" in ran.message


def test_an_esx_host_is_no_vcenter(modules: Modules, vcenter: Vcenter, host: Host) -> None:
    own = connection(host)
    ran = modules.run(MODULE, **own)
    assert "ESX hosts have no session service" in ran.message
    for source in ("oidc", "saml"):
        assert "those of a vCenter" in modules.run(MODULE, source=source, **own).message


def test_the_token_service_is_of_hosts(modules: Modules, vcenter: Vcenter, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = modules.run(MODULE, auth_method="token")
    assert ran.result["failure"]["code"] == "invalid_input"
    assert ran.message == ("auth_method: token is a service of ESX hosts that no vCenter has; use session or basic.")
    assert vcenter.journal == []
    monkeypatch.setenv("VMWARE_AUTH_METHOD", "token")
    assert chains(modules.run(MODULE)) == [OLD]


@pytest.mark.parametrize("sso_domain", ["..", "a\nb"])
@pytest.mark.parametrize("source", SOURCES)
def test_no_domain(modules: Modules, vcenter: Vcenter, sso_domain: str, source: str) -> None:
    ran = modules.run(MODULE, sso_domain=sso_domain, source=source)
    assert ran.message.startswith("sso_domain: ")
    assert vcenter.journal == []


def test_an_unverified_vcenter_is_warned_of(modules: Modules) -> None:
    assert "in place of the vCenter's" in modules.run(MODULE, ca_path=None, validate_certs=False).warnings
    warned = modules.run(MODULE, ca_path=None, validate_certs=False, source="oidc").warnings
    assert "in place of the vCenter's" in warned
    assert "login" not in warned


def test_a_pinned_vcenter(modules: Modules, vcenter: Vcenter) -> None:
    assert chains(modules.run(MODULE, ca_path=None, thumbprint=vcenter.fingerprint)) == [OLD]
    for source in SOURCES:
        ran = modules.run(MODULE, ca_path=None, thumbprint="00" * 32, source=source)
        assert ran.result["failure"]["code"] == "untrusted"


# Public pages


@pytest.mark.parametrize("domain", ["vsphere.local", "other.local"])
def test_names_that_are_not_told_are_put_together(modules: Modules, vcenter: Vcenter, domain: str) -> None:
    vcenter.settings(openidconnect=False, saml=False)
    ran = modules.run(MODULE, sso_domain=domain)
    base = f"https://{vcenter.address}:{vcenter.port}"
    assert found(ran) == [
        ("oidc", f"{base}/openidconnect/{domain}"),
        ("saml", f"{base}/websso/SAML2/Metadata/{domain}"),
    ]
    assert len(ran.result["warnings"]) == 2
    assert ran.warnings.count("put together from hostname and sso_domain") == 2
    for source in ("oidc", "saml"):
        assert "sso_domain" in modules.run(MODULE, sso_domain=domain, source=source).result["failure"]["hint"]


PAGES = {
    "no page": {"kind": "status", "ready": "not_found_page", "status": 404},
    "not found": {"kind": "status", "status": 404},
    "refused": {"kind": "status", "status": 401},
    "forbidden": {"kind": "status", "status": 403},
    "down": {"kind": "status", "ready": "envoy_no_healthy_upstream"},
    "failing": {"kind": "status", "status": 500},
    "web page": {"kind": "answer", "ready": "html"},
    "empty": {"kind": "answer", "ready": "empty"},
    "huge": {"kind": "answer", "ready": "huge", "bytes": 17 * 1024 * 1024},
    "cut": {"kind": "cut_answer", "bytes": 30},
    "lost": {"kind": "lose_answer"},
    "text": {"kind": "answer", "body": "hello"},
    "list": {"kind": "answer", "ready": "wrong_shape_list"},
    "fields": {"kind": "answer", "body": {"issuer": " ", "jwks_uri": 5}},
    "soap": {"kind": "answer", "ready": "soap_fault"},
    "not UTF-8": {"kind": "answer", "ready": "not_utf8"},
    "redirect": {"kind": "redirect", "location": "https://127.0.1.1/"},
}


@pytest.mark.parametrize("page", [DISCOVERY, METADATA])
@pytest.mark.parametrize("broken", PAGES.values(), ids=PAGES)
def test_a_failing_page_costs_a_name_and_no_more(
    modules: Modules, vcenter: Vcenter, page: str, broken: dict[str, Any]
) -> None:
    vcenter.queue(fault(operation=page, times=None, **broken))
    ran = modules.run(MODULE)
    assert chains(ran) == [OLD]
    assert len(ran.result["warnings"]) == 1
    assert f"https://{vcenter.address}:{vcenter.port}/" in ran.warnings
    told = [vcenter.entity_id] if page == DISCOVERY else [vcenter.issuer]
    assert [issuer for _protocol, issuer in found(ran) if "example.test" in issuer] == told
    assert vcenter.open_sessions == 0
    alone = modules.run(MODULE, source="oidc" if page == DISCOVERY else "saml")
    assert alone.failed
    assert alone.message.startswith(f"{vcenter.address}:{vcenter.port}: ")
    assert "ESX host" not in alone.message


@pytest.mark.parametrize("broken", PAGES.values(), ids=PAGES)
def test_keys_that_cannot_be_read(modules: Modules, vcenter: Vcenter, broken: dict[str, Any]) -> None:
    vcenter.queue(fault(operation=JWKS, times=None, **broken))
    ran = modules.run(MODULE, source="oidc")
    assert ran.failed
    assert ran.message.startswith(f"{vcenter.address}:{vcenter.port}: ")
    assert "ESX host" not in ran.message


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([], "no RSA or EC key"),
        ([{"kty": "oct", "use": "sig", "x5c": ["AAAA"]}], "no RSA or EC key"),
        ([{"kty": "RSA", "use": "enc", "x5c": ["AAAA"]}], "no RSA or EC key"),
        ([{"kty": "RSA", "use": "sig", "n": "x", "e": "AQAB"}], "no certificates (x5c)"),
        ([{"kty": "EC", "x5c": []}], "no certificates (x5c)"),
        ([{"kty": "EC", "x5c": "AAAA"}], "not of the form"),
        ([{"kty": "EC", "x5c": [5]}], "not of the form"),
        ([5], "not of the form"),
        ([{"kty": "RSA", "x5c": ["AAAA"]}], "no X.509 certificate"),
        ([{"kty": "RSA", "x5c": [OLD[1], OLD[0]]}], "was not issued by the one behind it"),
    ],
)
def test_keys_that_are_of_no_use(modules: Modules, vcenter: Vcenter, keys: list[Any], words: str) -> None:
    vcenter.queue(fault(kind="answer", operation=JWKS, body={"keys": keys}))
    ran = modules.run(MODULE, source="oidc")
    assert ran.result["failure"]["code"] == "unexpected_answer"
    assert words in ran.message


def test_a_key_without_certificates_beside_one_with(modules: Modules, vcenter: Vcenter) -> None:
    keys = [{"kty": "RSA", "kid": "bare"}, {"kty": "EC", "use": None, "x5c": [OLD[0], OLD[1]], "more": {}}]
    vcenter.queue(fault(kind="answer", operation=JWKS, body={"keys": keys, "extra": 1}))
    ran = modules.run(MODULE, source="oidc")
    assert chains(ran) == [OLD]
    assert "of 2 keys that sign, 1 have no certificates" in ran.warnings


def test_keys_are_read_from_nobody_else(modules: Modules, vcenter: Vcenter, host: Host) -> None:
    for uri in (
        f"https://{host.address}:{host.port}/openidconnect/jwks/vsphere.local",
        f"http://user:word@{host.address}:{host.port}/openidconnect/jwks/vsphere.local#fragment",
        "/openidconnect/jwks/vsphere.local",
    ):
        vcenter.settings(jwks_uri=uri)
        assert chains(modules.run(MODULE, source="oidc")) == [OLD[:1]]
    assert host.journal == []
    assert host.connections.handshakes == 0


@pytest.mark.parametrize(
    "uri", ["", "https://vc", "@127.0.1.1/x", "x", "https://vc/a b", "https://[vc/x", "/{x}", None, 5]
)
def test_a_place_of_keys_that_is_none(modules: Modules, vcenter: Vcenter, uri: Any) -> None:
    vcenter.queue(fault(kind="answer", operation=DISCOVERY, body={"issuer": "https://vc", "jwks_uri": uri}))
    assert "not of the form" in modules.run(MODULE, source="oidc").message
    assert [record.operation for record in vcenter.journal] == [DISCOVERY]


@pytest.mark.parametrize("broken", [{"kind": "redirect"}, {"kind": "redirect", "status": 302}], ids=repr)
@pytest.mark.parametrize("source", SOURCES)
def test_redirects_are_not_followed(
    modules: Modules, vcenter: Vcenter, host: Host, source: str, broken: dict[str, Any]
) -> None:
    vcenter.queue(fault(**broken, location=f"https://{host.address}:{host.port}/", times=None))
    ran = modules.run(MODULE, source=source)
    assert "a redirect" in ran.message
    assert host.connections.handshakes == 0


@pytest.mark.parametrize("source", SOURCES)
def test_a_page_of_an_impostor_fails_the_run(
    modules: Modules, vcenter: Vcenter, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Who answers when the connection has broken between two requests is another."""
    original = Client.call
    page = METADATA if source == "saml" else DISCOVERY

    def call(client: Client, call: Any) -> Any:
        if call.operation.id == page:
            vcenter.renew_certificate(trusted=False)
        return original(client, call)

    monkeypatch.setattr(Client, "call", call)
    vcenter.queue(fault(kind="reset_before", operation=page))
    try:
        ran = modules.run(MODULE, source=source)
    finally:
        vcenter.renew_certificate()
    assert ran.result["failure"]["code"] == "untrusted"


@pytest.mark.parametrize("source", SOURCES)
def test_nobody_there(modules: Modules, source: str) -> None:
    ran = modules.run(MODULE, source=source, port=1, retries=0)
    assert ran.result["failure"]["code"] == "unreachable"


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>',
        '<!DOCTYPE a SYSTEM "https://127.0.1.1/a.dtd"><a/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        "<a>",
        "<a/>",
    ],
)
def test_documents_that_are_not_read(modules: Modules, vcenter: Vcenter, document: str) -> None:
    vcenter.queue(fault(kind="answer", operation=METADATA, body=document, content_type="text/xml", times=None))
    ran = modules.run(MODULE, source="saml")
    assert ran.result["failure"]["code"] == "unexpected_answer"
    assert "is no SAML metadata" in ran.message
    assert len(modules.run(MODULE).result["warnings"]) == 1


def test_without_a_parser(modules: Modules, vcenter: Vcenter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_libraries.MISSING_FOR_SOME, "defusedxml", "")
    ran = modules.run(MODULE, source="saml")
    assert ran.result["failure"]["code"] == "invalid_input"
    assert "defusedxml" in ran.message
    assert vcenter.journal == []
    ran = modules.run(MODULE)
    assert found(ran)[0] == ("oidc", vcenter.issuer)
    assert found(ran)[1][1].startswith(f"https://{vcenter.address}:")
    assert "defusedxml" in ran.warnings
    assert METADATA not in [record.operation for record in vcenter.journal]
    assert not modules.run(MODULE, source="oidc").warnings


# What is sent

CREDENTIALS: dict[str, Any] = {
    "username": "administrator@vsphere.local",
    "password": "Horse-Battery+1",
    "access_token": "an-access-token",
    "saml_token": "<Assertion>secret</Assertion>",
}


class Double:
    """A vCenter of few words that keeps whatever it is sent."""

    def __init__(self, address: str, port: int, received: list[str]) -> None:
        self.address = address
        self.port = port
        self.received = received


@pytest.fixture
def double(fleet: Fleet, tmp_path: pathlib.Path) -> Iterator[Double]:
    received: list[str] = []
    identity = certificates.issue("double", fleet.authority, names=("127.0.0.1",))
    text = "".join(identity.pem.splitlines()[1:-1])
    bare = "".join(OLD[0].splitlines()[1:-1])
    pages = {
        "/openidconnect/vsphere.local/.well-known/openid-configuration": (
            "application/json;charset=UTF-8",
            json.dumps(
                {"issuer": "https://vc.example.com/openidconnect/vsphere.local", "jwks_uri": "https://vc/keys?t=1"}
            ),
        ),
        "/keys?t=1": ("application/jwk-set+json", json.dumps({"keys": [{"kty": "RSA", "use": "sig", "x5c": [bare]}]})),
        "/websso/SAML2/Metadata/vsphere.local": (
            "application/octet-stream",
            '\ufeff<?xml version="1.0"?>\n<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
            ' entityID="https://vc.example.com/saml"><md:IDPSSODescriptor><md:KeyDescriptor>'
            '<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>\n'
            f"{bare}\n</X509Certificate></X509Data></KeyInfo></md:KeyDescriptor>"
            '<md:KeyDescriptor use="encryption"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>'
            f"<X509Certificate>{text}</X509Certificate></X509Data></KeyInfo></md:KeyDescriptor>"
            "</md:IDPSSODescriptor></md:EntityDescriptor>",
        ),
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            received.append(f"{self.requestline}\n{self.headers}")
            content_type, page = pages.get(self.path, ("text/html", "<html></html>"))
            self.send_response(200 if self.path in pages else 404)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(page.encode())))
            self.send_header("Set-Cookie", "JSESSIONID=1; Path=/; Secure")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *arguments: Any) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    path = tmp_path / "double.pem"
    path.write_text(identity.key_pem + identity.pem)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Double("127.0.0.1", server.server_port, received)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("auth_method", ["session", "basic", "token"])
@pytest.mark.parametrize(
    ("source", "issuer"),
    [("oidc", "https://vc.example.com/openidconnect/vsphere.local"), ("saml", "https://vc.example.com/saml")],
)
def test_no_credential_is_sent_where_none_is_needed(
    modules: Modules, double: Double, source: str, issuer: str, auth_method: str
) -> None:
    options: dict[str, Any] = {
        "hostname": double.address,
        "port": double.port,
        "source": source,
        "auth_method": auth_method,
    }
    ran = modules.run(MODULE, **options, **CREDENTIALS)
    assert found(ran) == [(source, issuer)]
    assert chains(ran) == [OLD[:1]]
    assert len(double.received) == (2 if source == "oidc" else 1)
    for request in double.received:
        names = {line.partition(":")[0].lower() for line in request.splitlines()[1:] if line}
        assert names == {"host", "accept", "accept-encoding", "user-agent"}
    without = modules.run(MODULE, **options, username=None, password=None)
    assert without.result["token_issuers"] == ran.result["token_issuers"]


def test_no_credential_is_sent_with_a_session_open(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.settings(echo_requests=True)
    vcenter.queue(fault(kind="status", operation=DISCOVERY, status=404))
    ran = modules.run(MODULE)
    public = [record for record in vcenter.journal if not record.path.startswith("/api/")]
    assert [record.authentication for record in public] == [None, None]
    assert "esx.trust" in ran.warnings, "what was sent is repeated"
    assert "vmware-api-session-id" not in ran.warnings
    assert vcenter.password not in ran.output


@pytest.mark.parametrize("operation", ["com.vmware.cis.session.create", SIGNING, DISCOVERY, METADATA])
@pytest.mark.parametrize("login", ["session", "basic", "access_token", "saml_token"])
def test_no_secret_is_printed(
    modules: Modules, vcenter: Vcenter, monkeypatch: pytest.MonkeyPatch, operation: str, login: str
) -> None:
    """Not even where the vCenter repeats all that it was sent."""
    session = "5e55" * 8
    monkeypatch.setattr("simulator.accounts.secrets.token_hex", lambda size: session)
    vcenter.settings(echo_requests=True, saml_tokens=[CREDENTIALS["saml_token"]])
    vcenter.put_account(vcenter.username, CREDENTIALS["password"])
    vcenter.queue(fault(kind="status", operation=operation, status=400, times=None))
    options = {"password": CREDENTIALS["password"]}
    if login in CREDENTIALS:
        options[login] = vcenter.create_token() if login == "access_token" else CREDENTIALS[login]
    else:
        options["auth_method"] = login
    ran = modules.run(MODULE, **options)
    used = any(record.fault for record in vcenter.journal)
    assert used == (login in ("session", "saml_token") or operation != "com.vmware.cis.session.create")
    assert ran.failed == (used and operation not in (DISCOVERY, METADATA))
    packed = base64.b64encode(gzip.compress(CREDENTIALS["saml_token"].encode(), mtime=0)).decode()
    basic = base64.b64encode(f"{vcenter.username}:{CREDENTIALS['password']}".encode()).decode()
    for secret in (session, basic, packed, *options.values()):
        if secret not in ("session", "basic"):
            assert secret not in ran.output
            assert base64.b64encode(secret.encode()).decode() not in ran.output
            assert quote(secret, safe="") not in ran.output
