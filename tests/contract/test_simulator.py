# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's own behaviour: state, strictness, logins, journal, settings, isolation."""

from __future__ import annotations

import base64
import http.client
import ssl
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote

import pytest

from contract.samples import ISSUERS
from contract.samples import PROVIDERS
from contract.samples import TOKEN
from contract.samples import issuer
from contract.samples import provider
from support.constants import KEY
from support.constants import KEY_ID
from support.credentials import packed_saml

if TYPE_CHECKING:
    from contract.calls import Call
    from simulator import Fleet
    from simulator import Host

NAMES = ["p1", "a/b", "50%", "two words", "schlüssel", "a+b", "?#&=", "%2F", ".."]


@pytest.mark.parametrize("name", NAMES)
def test_provider_lives_under_any_name(name: str, call: Call, host: Host) -> None:
    assert call("POST", PROVIDERS, json=provider(name)).status_code == 204
    assert call("GET", PROVIDERS).json() == [{"provider": name, "available": True, "details": []}]

    if name != "..":  # every HTTP library resolves those in a path
        answer = call("GET", f"{PROVIDERS}/{quote(name, safe='')}")
        assert answer.json() == {"type": "NATIVE", "native_info": {"key_id": KEY_ID}}

    assert host.providers[name].key_derivation_key == KEY


def test_provider_filters(call: Call, host: Host) -> None:
    for name, available in (("a", True), ("b", False), ("c", True)):
        host.put_provider(name, available=available)

    def provider_names(query: str) -> list[str]:
        return [each["provider"] for each in call("GET", PROVIDERS + query).json()]

    assert provider_names("?providers=a&providers=b&providers=x") == ["a", "b"]
    assert provider_names("?available=true") == ["a", "c"]
    assert provider_names("?providers=a&available=false") == []


def test_issuer_lives(call: Call, host: Host, chain: list[str], other_chain: list[str]) -> None:
    assert call("POST", ISSUERS, json=issuer(chain)).status_code == 204
    assert call("GET", ISSUERS + "/vc").json() == {
        "issuer": "https://vc.example.test/",
        "signing_cert_chains": [{"cert_chain": chain}],
    }
    assert call("PATCH", ISSUERS + "/vc", json={"issuer": "https://b.example.test/"}).status_code == 204
    assert call("PATCH", ISSUERS + "/vc", json={"signing_cert_chains": [{"cert_chain": other_chain}]}).ok
    assert host.issuers["vc"].issuer == "https://b.example.test/"
    assert host.issuers["vc"].chains == [other_chain]
    assert call("DELETE", ISSUERS + "/vc").status_code == 204
    assert host.issuers == {}
    assert [record.wrote for record in host.writes] == [True] * 4


def test_an_issuer_has_one_alias_only(call: Call, host: Host) -> None:
    host.put_issuer("a", "https://a.example.test/")
    host.put_issuer("b", "https://b.example.test/")
    answer = call("PATCH", ISSUERS + "/b", json={"issuer": "https://a.example.test/"})

    assert (answer.status_code, answer.json()["error_type"]) == (400, "INVALID_ARGUMENT")
    assert call("PATCH", ISSUERS + "/a", json={"issuer": "https://a.example.test/"}).status_code == 204


@pytest.mark.parametrize(
    ("projection", "fields"),
    [
        ("BRIEF", {"summary_type", "issuer_alias"}),
        ("NORMAL", {"summary_type", "issuer_alias", "issuer"}),
        ("FULL", {"summary_type", "issuer_alias", "issuer", "signing_cert_chains"}),
    ],
)
def test_projections(projection: str, fields: set[str], call: Call, host: Host, chain: list[str]) -> None:
    host.put_issuer("vc", "https://vc.example.test/", [chain])
    (summary,) = call("GET", ISSUERS, params={"projection": projection}).json()

    assert set(summary) == fields
    assert summary["summary_type"] == projection

    host.settings(projection_supported=False)
    (summary,) = call("GET", ISSUERS, params={"projection": "FULL"}).json()

    assert summary["summary_type"] == "NORMAL"


@pytest.mark.parametrize("style", ["pem", "pem_crlf", "base64", "escaped", "one_line"])
def test_certificate_formats(style: str, call: Call, host: Host, chain: list[str]) -> None:
    host.put_issuer("vc", "https://vc.example.test/", [chain])
    host.settings(certificate_format=style)
    (text, _authority) = call("GET", ISSUERS + "/vc").json()["signing_cert_chains"][0]["cert_chain"]
    bare = text.replace("\\n", "").replace("-----BEGIN CERTIFICATE-----", "").replace("-----END CERTIFICATE-----", "")

    assert base64.b64decode(bare) == ssl.PEM_cert_to_DER_cert(chain[0])
    assert (text == chain[0]) == (style == "pem")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"provider": "p1"},
        {"provider": "p1", "native_spec": None},
        {"provider": "", "native_spec": {"key_id": KEY_ID, "key_derivation_key": KEY}},
        {"provider": 1, "native_spec": {"key_id": KEY_ID, "key_derivation_key": KEY}},
        provider(key_id="no uuid"),
        provider(key_derivation_key="no base64!"),
        provider(key_derivation_key=""),
        provider(more=1),
        {**provider(), "type": "NATIVE"},
        [],
        "text",
        None,
    ],
)
def test_refused_providers(body: Any, call: Call, host: Host) -> None:
    answer = call("POST", PROVIDERS, json=body) if body is not None else call("POST", PROVIDERS, data=b"")
    assert answer.status_code == 400
    assert answer.json()["error_type"] in ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert host.providers == {}


def test_refused_issuers(call: Call, host: Host, chain: list[str]) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"

    refused: tuple[Any, ...] = (
        [],
        [{}],
        [{"cert_chain": []}],
        [{"cert_chain": ["no certificate"]}],
        [{"cert_chain": [chain[0] + chain[1]]}],
        [{"cert_chain": [chain[0] + key]}],
        [{"cert_chain": chain, "name": "x"}],
        chain,
    )

    for chains in refused:
        answer = call("POST", ISSUERS, json=issuer(chain, signing_cert_chains=chains))
        assert (answer.status_code, answer.json()["error_type"]) == (400, "INVALID_ARGUMENT"), chains

    assert host.issuers == {}


@pytest.mark.parametrize(
    ("content_type", "data"),
    [("text/plain", b"{}"), ("application/json", b"{"), ("application/json", b"NaN"), ("application/json", b"\xff")],
)
def test_refused_bodies(content_type: str, data: bytes, call: Call) -> None:
    answer = call("POST", PROVIDERS, data=data, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["error_type"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "path",
    [
        PROVIDERS + "?unknown=1",
        PROVIDERS + "?available=yes",
        PROVIDERS + "?available=true&available=true",
        PROVIDERS + "?providers=",
        PROVIDERS + "/p?x=1",
        ISSUERS + "?projection=full",
        ISSUERS + "/%FF",
        ISSUERS + "/",
    ],
)
def test_refused_paths_and_queries(path: str, call: Call) -> None:
    answer = call("GET", path)
    assert (answer.status_code, answer.json()["error_type"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("manner", "status", "error_type"),
    [
        ("operation_not_found", 404, "OPERATION_NOT_FOUND"),
        ("not_found", 404, "NOT_FOUND"),
        ("method_not_allowed", 405, "INVALID_REQUEST"),
        ("unsupported_content_type", 400, None),
        ("supported", 204, None),
    ],
)
def test_provider_delete(manner: str, status: int, error_type: str | None, call: Call, host: Host) -> None:
    host.put_provider("p1")
    host.settings(provider_delete=manner)
    answer = call("DELETE", PROVIDERS + "/p1")

    assert answer.status_code == status

    if error_type:
        assert answer.json()["error_type"] == error_type

    assert ("p1" in host.providers) == (manner != "supported")
    assert len(host.writes) == 1


def test_token(call: Call, host: Host) -> None:
    answer = call("POST", TOKEN)
    assert answer.status_code == 201

    bearer = {"Authorization": "Bearer " + answer.json()["access_token"]}

    assert call("GET", PROVIDERS, auth=lambda request: request, headers=bearer).status_code == 200

    host.advance(601)

    assert call("GET", PROVIDERS, auth=lambda request: request, headers=bearer).status_code == 401
    assert [record.authentication for record in host.journal] == ["basic", "bearer", "bearer"]
    assert host.login_attempts == 1


def test_assertion(call: Call, host: Host) -> None:
    assertion = "<Assertion/>"
    packed = packed_saml(assertion)
    signed = {"auth": lambda request: request, "headers": {"Authorization": f'SIGN token="{packed}"'}}

    assert call("POST", TOKEN, **signed).status_code == 401

    host.settings(saml_tokens=[assertion])

    assert call("POST", TOKEN, **signed).status_code == 201


def test_session(call: Call, host: Host) -> None:
    answer = call("POST", "/api/session")
    assert (answer.status_code, answer.text) == (400, "Unsupported content type")

    host.settings(session_service=True)
    answer = call("POST", "/api/session")

    assert answer.status_code == 201

    header = {"auth": lambda request: request, "headers": {"vmware-api-session-id": answer.json()}}

    assert host.open_sessions == 1
    assert call("GET", PROVIDERS, **header).status_code == 200
    assert call("GET", "/api/session", **header).json()["user"] == host.username
    assert call("DELETE", "/api/session", **header).status_code == 204
    assert call("GET", PROVIDERS, **header).status_code == 401
    assert host.open_sessions == 0


def test_five_failures_lock_the_account(call: Call, host: Host) -> None:
    for _attempt in range(5):
        assert not host.locked
        assert call("POST", TOKEN, auth=(host.username, "wrong")).status_code == 401

    assert host.locked
    assert call("POST", TOKEN).status_code == 401

    host.advance(901)

    assert call("POST", TOKEN).status_code == 201
    assert (host.login_attempts, host.failed_logins) == (7, 6)


def test_lockdown(call: Call, host: Host) -> None:
    host.settings(lockdown=True)
    assert call("POST", TOKEN).status_code == 401

    host.settings(exception_users=[host.username])

    assert call("POST", TOKEN).status_code == 201


@pytest.mark.parametrize(
    ("settings", "path", "status"),
    [
        ({"token_service": False}, TOKEN, 404),
        ({"protocols": "none"}, TOKEN, 400),
        ({"basic_on_services": False}, PROVIDERS, 401),
        ({"provider_get": False}, PROVIDERS + "/p1", 404),
    ],
)
def test_settings(settings: dict[str, Any], path: str, status: int, call: Call, host: Host) -> None:
    host.settings(**settings)
    assert call("POST" if path == TOKEN else "GET", path).status_code == status


def test_a_hostile_host_repeats_the_request(call: Call, host: Host) -> None:
    host.settings(echo_requests=True)
    answer = call("POST", PROVIDERS, json={**provider(), "unknown": 1}).text

    for secret in (KEY, host.password):
        assert secret in answer
        assert base64.b64encode(secret.encode()).decode() in answer
        assert quote(secret, safe="") in answer


def test_journal_hides_the_key(call: Call, host: Host) -> None:
    call("POST", PROVIDERS, json=provider())
    (record,) = host.writes

    assert record.body["native_spec"] == {"key_id": KEY_ID, "key_derivation_key": "********"}
    assert KEY not in repr(host.journal) + repr(host.providers)


def test_hosts_are_apart(fleet: Fleet, call: Call, host: Host) -> None:
    neighbour = next(each for each in fleet.hosts if each is not host)
    before = len(neighbour.journal)
    call("POST", PROVIDERS, json=provider("only here"))

    assert "only here" not in neighbour.providers
    assert len(neighbour.journal) == before
    assert neighbour.fingerprint != host.fingerprint


def test_connections_are_counted(fleet: Fleet, host: Host) -> None:
    context = ssl.create_default_context(cafile=fleet.ca_path)
    both = [http.client.HTTPSConnection(host.address, host.port, context=context, timeout=10) for _each in range(2)]

    for connection in both:
        connection.request("GET", PROVIDERS)
        assert connection.getresponse().read()

    counts = host.connections

    assert (counts.opened, counts.open_now, counts.peak) == (2, 2, 2)

    for connection in both:
        connection.close()

    assert host.wait_closed()
    assert len({record.connection for record in host.journal}) == 2


def test_a_client_that_does_not_trust_the_host_is_seen(host: Host) -> None:
    connection = http.client.HTTPSConnection(host.address, host.port, context=ssl.create_default_context(), timeout=10)
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", PROVIDERS)
    connection.close()

    assert host.connections.handshakes == 1
    assert host.journal == []


def test_renewed_certificate(fleet: Fleet) -> None:
    host = fleet.hosts[-1]
    before = host.fingerprint
    host.renew_certificate()
    pem = ssl.get_server_certificate((host.address, host.port), timeout=10)

    assert host.fingerprint != before
    assert pem.strip() == host.certificate.strip()


def test_reset(call: Call, host: Host) -> None:
    call("POST", PROVIDERS, json=provider())
    host.settings(dialect="rest")
    host.reset()

    assert (host.providers, host.journal, host.settings().dialect) == ({}, [], "api")
