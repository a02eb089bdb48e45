# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own client and modules against the vendor's own server, which speaks JSON-RPC only."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_module
from ansible_collections.esx.trust.plugins.module_utils._services import host_trust
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from contract.samples import issuer
from support.client_profiles import grants
from support.constants import KEY
from support.constants import KEY_ID

if TYPE_CHECKING:
    from contract.vendor_server import VendorHost


def connection(vendor_host: VendorHost, **options: Any) -> Connection:
    given = {
        "hostname": vendor_host.address,
        "port": vendor_host.port,
        "username": vendor_host.username,
        "password": vendor_host.password,
        "ca_path": vendor_host.ca_path,
        "retries": 0,
        **options,
    }
    return Connection(**given)


@pytest.fixture
def client(vendor_host: VendorHost) -> Iterator[Client]:
    with connect(connection(vendor_host), LOGIN_HINTS) as connected:
        yield connected


def refused(perform: Callable[[], Any]) -> TrustError:
    with pytest.raises(TrustError) as caught:
        perform()
    return caught.value


PROVIDER = {"provider": "site-a", "native_spec": {"key_id": KEY_ID, "key_derivation_key": KEY}}


def test_every_operation_of_the_key_providers(client: Client) -> None:
    assert client.call(kms_provider.LIST()) == []
    assert client.api_protocol == "jsonrpc"
    assert client.call(kms_provider.CREATE(spec=PROVIDER)) is None
    assert client.call(kms_provider.GET(provider="site-a")) == {"type": "NATIVE", "native_info": {"key_id": KEY_ID}}

    (listed,) = client.call(kms_provider.LIST(filter_spec={"providers": ["site-a"], "available": True}))

    assert (listed["provider"], listed["available"], listed["details"]) == ("site-a", True, [])
    assert client.call(kms_provider.LIST(filter_spec={"providers": ["other"]})) == []

    assert refused(lambda: client.call(kms_provider.CREATE(spec=PROVIDER))).error_type == "ALREADY_EXISTS"
    assert refused(lambda: client.call(kms_provider.GET(provider="other"))).error_type == "NOT_FOUND"


def test_every_operation_of_the_token_issuers(client: Client, chain: list[str], other_chain: list[str]) -> None:
    spec = {"issuer_alias": "vc1", "issuer": "https://vc1/oidc", "signing_cert_chains": [{"cert_chain": chain}]}
    assert client.call(token_issuer.CREATE(spec=spec)) is None

    (full,) = client.call(token_issuer.LIST(projection="FULL"))

    assert {name: full[name] for name in spec} == spec

    (brief,) = client.call(token_issuer.LIST(projection="BRIEF"))

    assert brief == {"summary_type": "BRIEF", "issuer_alias": "vc1"}

    changed = {"signing_cert_chains": [{"cert_chain": other_chain}]}

    assert client.call(token_issuer.UPDATE(issuer_alias="vc1", spec=changed)) is None
    assert client.call(token_issuer.GET(issuer_alias="vc1")) == {"issuer": "https://vc1/oidc", **changed}

    again = refused(lambda: client.call(token_issuer.CREATE(spec={**spec, "issuer_alias": "vc2"})))

    assert again.error_type == "ALREADY_EXISTS"
    assert "vc1" in again.message

    assert client.call(token_issuer.DELETE(issuer_alias="vc1")) is None

    gone: list[Call] = [
        token_issuer.GET(issuer_alias="vc1"),
        token_issuer.UPDATE(issuer_alias="vc1", spec=changed),
        token_issuer.DELETE(issuer_alias="vc1"),
    ]

    for call in gone:
        error = refused(partial(client.call, call))
        assert isinstance(error, ApiError)
        assert (error.error_type, error.outcome_unknown) == ("NOT_FOUND", False)


def test_every_operation_of_the_client_profiles(client: Client, chain: list[str]) -> None:
    assert client.call(token_issuer.CREATE(spec=issuer(chain))) is None

    subject = {"external_group_name": "admins", "issuer_alias": "vc", "domain": "vsphere.local"}
    identifier = client.call(client_profile.CREATE(spec={**subject, "grants": grants("READ_ONLY")}))

    assert isinstance(identifier, str)

    (full,) = client.call(client_profile.LIST(projection="FULL"))

    assert (full["client_profile"], full["grants"]) == (identifier, grants("READ_ONLY"))

    assert full["subject"] == {
        "type": "EXTERNAL_GROUP",
        "name": "admins",
        "issuer_alias": "vc",
        "domain": "vsphere.local",
    }

    assert len(client.call(client_profile.LIST(filter=subject))) == 1
    assert client.call(client_profile.LIST(filter={"local_user_name": "admins"})) == []

    assert client.call(client_profile.UPDATE(profile=identifier, spec={"grants": grants("OBSERVABILITY")})) is None
    assert client.call(client_profile.GET(profile=identifier))["grants"] == grants("OBSERVABILITY")

    again = refused(lambda: client.call(client_profile.CREATE(spec={**subject, "grants": []})))

    assert again.error_type == "ALREADY_EXISTS"
    assert client.call(client_profile.DELETE(profile=identifier)) is None
    assert refused(lambda: client.call(client_profile.GET(profile=identifier))).error_type == "NOT_FOUND"


def parameters(host: VendorHost, arguments: Arguments, **declared: Any) -> dict[str, Any]:
    """The options of a module as Ansible hands them over: what is declared, the connection, and None for the rest."""
    connection = {
        "hostname": host.address,
        "port": host.port,
        "username": host.username,
        "password": host.password,
        "ca_path": host.ca_path,
        "validate_certs": True,
        "auth_method": "token",
        "api_protocol": "auto",
        "timeout": 30,
        "retries": 0,
    }
    return {**dict.fromkeys(arguments.options), **connection, **declared}


def test_a_client_profile_lives(vendor_host: VendorHost) -> None:
    params = parameters(
        vendor_host,
        client_profile_module.ARGUMENTS,
        local_user_name="automation",
        entitlements=["SECURITY_MGMT"],
        entitlements_mode="merge",
        state="present",
    )

    def run(check_mode: bool = False, **options: Any) -> dict[str, Any]:
        return client_profile_module.run({**params, **options}, check_mode)

    def operations(done: dict[str, Any]) -> list[str]:
        return [operation["operation"] for operation in done["operations"]]

    assert operations(run(check_mode=True)) == ["create"]

    first = run()

    assert operations(first) == ["create"]
    assert first["client_profile"]["profile"]

    more = run(entitlements=["READ_ONLY"])

    assert operations(more) == ["update"]
    assert more["client_profile"]["entitlements"] == ["SECURITY_MGMT", "READ_ONLY"]
    assert more["client_profile"]["profile"] == first["client_profile"]["profile"]
    assert client_profile_module.run_info({**params, "local_user_name": None}, False)["client_profiles"] == [
        more["client_profile"]
    ]
    assert operations(run()) == []
    assert operations(run(state="absent")) == ["delete"]
    assert operations(run(state="absent")) == []


@pytest.mark.parametrize("api_protocol", ["auto", "jsonrpc"])
def test_a_wrong_password_is_a_refusal(vendor_host: VendorHost, api_protocol: str) -> None:
    wrong = connection(vendor_host, password="wrong-Password-1", api_protocol=api_protocol)

    def read() -> None:
        with connect(wrong, LOGIN_HINTS) as client:
            client.call(kms_provider.LIST())

    error = refused(read)

    assert isinstance(error, Unauthenticated)
    assert error.login_refused
    assert error.returned["api_protocol"] == "jsonrpc"


def test_an_invalid_token_is_refused(vendor_host: VendorHost) -> None:
    with connect(connection(vendor_host, access_token="no-token-of-this-host"), LOGIN_HINTS) as client:
        error = refused(lambda: client.call(kms_provider.LIST()))
    assert isinstance(error, Unauthenticated)
    assert not error.login_refused


def test_the_whole_host_converges_and_stays(vendor_host: VendorHost, chain: list[str]) -> None:
    params = parameters(
        vendor_host,
        host_trust.ARGUMENTS,
        purge_token_issuers=False,
        kms_providers=[{"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY, "state": "present"}],
        token_issuers=[
            {
                "issuer_alias": "vc1",
                "issuer": "https://vc1/oidc",
                "signing_cert_chains": [{"cert_chain": chain}],
                "chains_mode": "exact",
                "issuer_conflict": "fail",
                "state": "present",
            }
        ],
    )

    checked = host_trust.run(params, True)
    first = host_trust.run(params, False)
    again = host_trust.run(params, False)

    assert checked["operations"] == first["operations"]
    assert [(operation["operation"], operation["id"]) for operation in first["operations"]] == [
        ("create", "site-a"),
        ("create", "vc1"),
    ]
    assert (first["changed"], again["changed"], again["api_protocol"]) == (True, False, "jsonrpc")
