# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a vCenter that anybody may read: what fails on them costs a name and no more, or ends the run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils import _libraries
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from support.modules import Modules
from support.modules import fault
from support.vcenters import DISCOVERY
from support.vcenters import JWKS
from support.vcenters import METADATA
from support.vcenters import MODULE
from support.vcenters import OLD
from support.vcenters import SOURCES
from support.vcenters import chains
from support.vcenters import issuers_read

pytestmark = pytest.mark.not_quick

if TYPE_CHECKING:
    from simulator import Host
    from simulator import Vcenter


@pytest.mark.parametrize("domain", ["vsphere.local", "other.local"])
def test_names_that_are_not_shown_are_put_together(modules: Modules, vcenter: Vcenter, domain: str) -> None:
    vcenter.settings(openidconnect=False, saml=False)
    ran = modules.run(MODULE, sso_domain=domain)
    base = f"https://{vcenter.address}:{vcenter.port}"

    assert issuers_read(ran) == [
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

    names = [vcenter.entity_id] if page == DISCOVERY else [vcenter.issuer]

    assert [issuer for _protocol, issuer in issuers_read(ran) if "example.test" in issuer] == names
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
        ([{"kty": "RSA", "x5c": [OLD[1], OLD[0]]}], "was not issued by the certificate after it"),
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
def test_a_value_that_is_no_place_of_keys_is_refused(modules: Modules, vcenter: Vcenter, uri: Any) -> None:
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

    assert issuers_read(ran)[0] == ("oidc", vcenter.issuer)
    assert issuers_read(ran)[1][1].startswith(f"https://{vcenter.address}:")
    assert "defusedxml" in ran.warnings
    assert METADATA not in [record.operation for record in vcenter.journal]
    assert not modules.run(MODULE, source="oidc").warnings
