# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No credential is sent to a vCenter where none is needed, and no secret is printed."""

from __future__ import annotations

import base64
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

from simulator import certificates
from support.credentials import basic_credentials
from support.credentials import packed_saml
from support.modules import Modules
from support.modules import fault
from support.vcenters import DISCOVERY
from support.vcenters import METADATA
from support.vcenters import MODULE
from support.vcenters import OLD
from support.vcenters import SIGNING
from support.vcenters import chains
from support.vcenters import issuers_read

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Vcenter


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

    assert issuers_read(ran) == [(source, issuer)]
    assert chains(ran) == [OLD[:1]]
    assert len(double.received) == (2 if source == "oidc" else 1)

    for request in double.received:
        names = {line.partition(":")[0].lower() for line in request.splitlines()[1:] if line}
        assert names == {"host", "accept", "accept-encoding", "user-agent"}

    without = modules.run(MODULE, **options, username=None, password=None)

    assert without.result["token_issuers"] == ran.result["token_issuers"]


@pytest.mark.parametrize("source", ["oidc", "saml"])
def test_options_of_a_login_that_is_not_made_need_not_be_right(modules: Modules, vcenter: Vcenter, source: str) -> None:
    ran = modules.run(MODULE, source=source, username="a:b", saml_token="<", auth_method="token")

    assert not ran.failed
    assert {record.authentication for record in vcenter.journal} == {None}


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

    packed = packed_saml(CREDENTIALS["saml_token"])
    basic = basic_credentials(vcenter.username, CREDENTIALS["password"])

    for secret in (session, basic, packed, *options.values()):
        if secret not in ("session", "basic"):
            assert secret not in ran.output
            assert base64.b64encode(secret.encode()).decode() not in ran.output
            assert quote(secret, safe="") not in ran.output
