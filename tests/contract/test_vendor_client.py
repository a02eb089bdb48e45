# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's JSON-RPC as the vendor's own client sees it: every operation, its success and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any

import pytest

from contract.samples import issuer
from contract.samples import profile
from contract.samples import provider
from support.client_profiles import grants
from support.constants import KEY

pytest.importorskip("vmware.vapi.bindings.stub", reason="vmware-vapi-runtime is not installed")

from contract.vendor_bindings import KMS
from contract.vendor_bindings import LOGIN
from contract.vendor_bindings import PROFILES
from contract.vendor_bindings import TRUST
from contract.vendor_client import VendorClient
from contract.vendor_client import vendor_client
from support.constants import KEY_ID

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    (KMS, "list", {}),
    (KMS, "create", {"spec": provider()}),
    (KMS, "get", {"provider": "none"}),
    (TRUST, "list", {}),
    (TRUST, "create", {"spec": issuer([])}),
    (TRUST, "get", {"issuer_alias": "none"}),
    (TRUST, "update", {"issuer_alias": "none", "spec": {}}),
    (TRUST, "delete", {"issuer_alias": "none"}),
    (PROFILES, "list", {}),
    (PROFILES, "create", {"spec": profile()}),
    (PROFILES, "get", {"profile": "none"}),
    (PROFILES, "update", {"profile": "none", "spec": {}}),
    (PROFILES, "delete", {"profile": "none"}),
    (LOGIN, "create", {}),
]
EVERY = [(service, operation) for service, operation, _arguments in CALLS]


def _arguments(service: str, operation: str) -> dict[str, Any]:
    return next(given for known, name, given in CALLS if (known, name) == (service, operation))


@pytest.fixture
def stranger(fleet: Fleet, host: Host) -> Iterator[VendorClient]:
    """A client without credentials."""
    host.settings(protocols="jsonrpc")
    with vendor_client(host.url, fleet.ca_path) as client:
        yield client


@pytest.fixture
def client(stranger: VendorClient, host: Host) -> VendorClient:
    stranger.log_in(host.username, host.password)
    return stranger


def test_token(stranger: VendorClient, host: Host) -> None:
    stranger.use_password(host.username, host.password)
    assert stranger(LOGIN, "create")["access_token"].count(".") == 2

    (record,) = host.journal

    assert (record.operation, record.authentication, record.protocol) == (LOGIN + ".create", "basic", "jsonrpc")


def test_providers(client: VendorClient, host: Host) -> None:
    assert client(KMS, "list") == []
    assert client(KMS, "create", spec=provider("two words")) is None
    assert client(KMS, "create", spec=provider("p2")) is None

    host.put_provider("p2", available=False)

    assert [each["provider"] for each in client(KMS, "list")] == ["two words", "p2"]
    assert [each["provider"] for each in client(KMS, "list", filter_spec={"providers": {"p2", "p3"}})] == ["p2"]
    assert [each["provider"] for each in client(KMS, "list", filter_spec={"available": True})] == ["two words"]

    info = client(KMS, "get", provider="two words")

    assert (info["type"], info["native_info"]["key_id"]) == ("NATIVE", KEY_ID)
    assert host.providers["p2"].key_derivation_key == KEY
    assert KEY not in repr(host.journal)
    assert host.writes[0].body == {
        "provider": "two words",
        "native_spec": {"key_id": KEY_ID, "key_derivation_key": "********"},
    }


def test_issuers(client: VendorClient, host: Host, chain: list[str], other_chain: list[str]) -> None:
    assert client(TRUST, "create", spec=issuer(chain)) is None

    (brief,) = client(TRUST, "list", projection="BRIEF")

    assert (brief["issuer_alias"], brief["issuer"], brief["signing_cert_chains"]) == ("vc", None, None)

    (full,) = client(TRUST, "list", projection="FULL")

    assert full["issuer"] == "https://vc.example.test/"
    assert full["signing_cert_chains"] == [{"cert_chain": chain}]

    client(TRUST, "update", issuer_alias="vc", spec={"signing_cert_chains": [{"cert_chain": other_chain}]})
    info = client(TRUST, "get", issuer_alias="vc")

    assert (info["issuer"], info["signing_cert_chains"]) == ("https://vc.example.test/", [{"cert_chain": other_chain}])

    client(TRUST, "delete", issuer_alias="vc")

    assert host.issuers == {}
    assert [record.wrote for record in host.writes] == [True, True, True]


def test_client_profiles(client: VendorClient, host: Host) -> None:
    host.put_issuer("vc", "https://vc.example.test/")

    group = {
        "external_group_name": "admins",
        "issuer_alias": "vc",
        "domain": "vsphere.local",
        "grants": grants("READ_ONLY"),
    }

    identifier = client(PROFILES, "create", spec=group)

    assert list(host.client_profiles) == [identifier]

    (brief,) = client(PROFILES, "list", projection="BRIEF")

    assert (brief["client_profile"], brief["subject"], brief["grants"]) == (identifier, None, None)

    (normal,) = client(PROFILES, "list")

    assert (normal["subject"]["type"], normal["grants"]) == ("EXTERNAL_GROUP", None)

    wanted = {"external_group_name": "admins", "issuer_alias": "vc", "domain": "vsphere.local"}
    (full,) = client(PROFILES, "list", filter=wanted, projection="FULL")

    assert full["grants"] == grants("READ_ONLY")
    assert client(PROFILES, "list", filter={"local_user_name": "admins"}) == []

    client(PROFILES, "update", profile=identifier, spec={"grants": []})
    info = client(PROFILES, "get", profile=identifier)

    assert (info["subject"]["name"], info["subject"]["domain"], info["grants"]) == ("admins", "vsphere.local", [])

    client(PROFILES, "delete", profile=identifier)

    assert host.client_profiles == {}


def test_already_exists(client: VendorClient, host: Host, chain: list[str]) -> None:
    host.put_issuer("old", "https://vc.example.test/")
    host.put_provider("p1")
    host.put_client_profile(name="reader")
    name, content = client.refusal(TRUST, "create", spec=issuer(chain))

    assert (name, content["error_type"]) == ("already_exists", "ALREADY_EXISTS")
    assert content["data"] == {"issuer": "https://vc.example.test/", "issuer_alias": "old"}

    (parameter,) = content["messages"][0]["params"]

    assert (parameter["key"], parameter["value"]["s"]) == ("issuerAlias", "old")

    for service, spec in ((KMS, provider()), (PROFILES, profile())):
        name, content = client.refusal(service, "create", spec=spec)
        assert (name, content["error_type"]) == ("already_exists", "ALREADY_EXISTS")


def test_not_found(client: VendorClient) -> None:
    for service, operation, arguments in CALLS:
        if operation in ("get", "update", "delete"):
            name, content = client.refusal(service, operation, **arguments)
            assert (name, content["error_type"]) == ("not_found", "NOT_FOUND"), (service, operation)


def test_invalid_argument(client: VendorClient, host: Host, chain: list[str]) -> None:
    refused: list[tuple[str, str, dict[str, Any]]] = [
        (KMS, "create", {"spec": provider(key_id="no uuid")}),
        (TRUST, "create", {"spec": issuer([])}),
        (TRUST, "list", {"projection": "EVERYTHING"}),
        (PROFILES, "create", {"spec": profile("reader", "EVERYTHING")}),
        (PROFILES, "list", {"filter": {"issuer_alias": "vc"}}),
    ]

    for service, operation, arguments in refused:
        name, _content = client.refusal(service, operation, **arguments)
        assert name == "invalid_argument", (service, operation)

    assert (host.providers, host.issuers, host.client_profiles) == ({}, {}, {})
    assert not any(record.wrote for record in host.journal)


@pytest.mark.parametrize(("service", "operation"), EVERY)
def test_unauthenticated(service: str, operation: str, stranger: VendorClient, host: Host) -> None:
    arguments = _arguments(service, operation)
    name, content = stranger.refusal(service, operation, **arguments)

    assert (name, content["challenge"]) == ("unauthenticated", 'Basic realm="esx"')

    stranger.use_password(host.username, "wrong")
    name, content = stranger.refusal(service, operation, **arguments)

    assert (name, content.get("challenge")) == ("unauthenticated", None)
    assert content["messages"][0]["id"] == "vapi.security.authentication.invalid"

    stranger.use_token("no token")

    assert stranger.refusal(service, operation, **arguments)[0] == "unauthenticated"
    assert not any(record.wrote for record in host.journal)


def test_only_oauth(stranger: VendorClient, host: Host) -> None:
    host.settings(oauth_only=["security_token_issuers", "client_profiles"])
    stranger.use_password(host.username, host.password)

    for service in (TRUST, PROFILES):
        name, content = stranger.refusal(service, "list")
        assert name == "unauthenticated"
        assert content["messages"][0]["id"] == "com.vmware.esx.authentication.bad_authn_scheme"

    assert stranger(KMS, "list") == []

    stranger.log_in(host.username, host.password)

    assert stranger(TRUST, "list") == []


def test_an_account_without_entitlements_gets_no_token(stranger: VendorClient, host: Host) -> None:
    host.settings(token_needs_entitlements=True)
    host.put_account("reader", "password", ())
    stranger.use_password("reader", "password")
    name, content = stranger.refusal(LOGIN, "create")

    assert name == "unauthenticated"
    assert content["messages"][0]["id"].endswith("token.no_entitlements")

    host.put_client_profile(name="reader", grants=grants("READ_ONLY"))
    stranger.log_in("reader", "password")

    assert stranger(TRUST, "list") == []
    assert stranger.refusal(PROFILES, "create", spec=profile())[0] == "unauthenticated"
    assert stranger.refusal(KMS, "create", spec=provider())[0] == "unauthorized"


def test_an_assertion(stranger: VendorClient, host: Host) -> None:
    host.settings(saml_tokens=["<Assertion/>"])
    stranger.use_scheme(schemeId="com.vmware.vapi.std.security.saml_bearer_token", samlToken="<Assertion/>")
    token = stranger(LOGIN, "create")["access_token"]

    assert stranger.refusal(KMS, "list")[0] == "unauthenticated"

    stranger.use_token(token)

    assert stranger(KMS, "list") == []


def test_a_host_without_the_service(client: VendorClient, host: Host) -> None:
    host.settings(client_profiles_service=False)
    name, content = client.refusal(PROFILES, "list")

    assert (name, content["messages"][0]["id"]) == ("operation_not_found", "vapi.method.input.invalid.interface")
    assert content["messages"][0]["args"] == [PROFILES]
