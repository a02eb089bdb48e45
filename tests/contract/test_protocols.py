# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which form of the API a simulated host speaks, what the other form meets, and that both share one host."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any

import pytest

from contract.samples import PROVIDERS
from contract.samples import TOKEN
from contract.samples import provider
from simulator import Fault
from simulator import Fleet
from simulator import host_profiles
from support.constants import KEY
from support.constants import KEY_ID

if TYPE_CHECKING:
    import requests

    from contract.calls import Call
    from simulator import Host

KMS = "com.vmware.esx.trusted_infrastructure.kms.providers"
ERRORS = "com.vmware.vapi.std.errors."
Rpc = Callable[..., "requests.Response"]


@pytest.fixture
def rpc(call: Call, host: Host) -> Rpc:
    """Sends a call in JSON-RPC, by default with the password of the host."""

    def send(service: str, operation: str, **fields: Any) -> requests.Response:
        scheme = "com.vmware.vapi.std.security.user_pass"
        security = {"schemeId": scheme, "userName": host.username, "password": fields.pop("password", host.password)}

        params = {
            "serviceId": service,
            "operationId": operation,
            "input": {"STRUCTURE": {"operation-input": fields}},
            "ctx": {"appCtx": {}, "securityCtx": security},
        }

        request = {"jsonrpc": "2.0", "method": "invoke", "id": "0", "params": params}

        return call("POST", "/api", auth=lambda request: request, json=request)

    return send


def _create(name: str = "p1") -> dict[str, Any]:
    native = {"key_id": KEY_ID, "key_derivation_key": {"SECRET": KEY}}
    spec = {
        "provider": name,
        "native_spec": {"OPTIONAL": {"STRUCTURE": {KMS + ".native_provider_create_spec": native}}},
    }
    return {"spec": {"STRUCTURE": {KMS + ".create_spec": spec}}}


@pytest.mark.parametrize(
    ("protocols", "over_rest", "over_jsonrpc"),
    [("rest", 200, 400), ("jsonrpc", 400, 200), ("both", 200, 200), ("none", 400, 400)],
)
def test_protocols(protocols: str, over_rest: int, over_jsonrpc: int, call: Call, host: Host, rpc: Rpc) -> None:
    host.settings(protocols=protocols)
    assert call("GET", PROVIDERS).status_code == over_rest
    assert rpc(KMS, "list").status_code == over_jsonrpc
    assert [record.protocol for record in host.journal] == ["rest", "jsonrpc"]
    assert {record.operation for record in host.journal} == {KMS + ".list"}
    assert {record.authentication for record in host.journal} == {"basic"}


@pytest.mark.parametrize(
    ("manner", "status", "content_type", "text"),
    [
        ("vendor_runtime", 200, "application/json", "-32700"),
        ("unsupported_content_type", 400, "text/plain", "Unsupported content type"),
        ("empty_bad_request", 400, None, ""),
        ("not_found", 404, "application/json", "NOT_FOUND"),
    ],
)
def test_a_rest_login_at_a_host_that_speaks_jsonrpc(
    manner: str, status: int, content_type: str | None, text: str, call: Call, host: Host
) -> None:
    host.settings(protocols="jsonrpc", other_protocol=manner)
    answer = call("POST", TOKEN, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.headers.get("Content-Type")) == (status, content_type)
    assert text in answer.text
    assert (answer.text == "") == (text == "")
    assert host.login_attempts == 0


@pytest.mark.parametrize("manner", ["unsupported_content_type", "empty_bad_request", "not_found", "vendor_runtime"])
def test_jsonrpc_at_a_host_that_speaks_rest(manner: str, host: Host, rpc: Rpc) -> None:
    host.settings(other_protocol=manner)
    answer = rpc(KMS, "create", **_create())

    assert answer.status_code == (404 if manner in ("not_found", "vendor_runtime") else 400)
    assert "jsonrpc" not in answer.text
    assert (host.providers, host.login_attempts) == ({}, 0)


def test_both_forms_share_one_state(call: Call, host: Host, rpc: Rpc) -> None:
    host.settings(protocols="both")
    assert rpc(KMS, "create", **_create()).json()["result"] == {"output": None}
    assert [each["provider"] for each in call("GET", PROVIDERS).json()] == ["p1"]
    assert call("POST", PROVIDERS, json=provider("p2")).status_code == 204
    assert len(rpc(KMS, "list").json()["result"]["output"]) == 2

    first, second = host.writes

    assert {**first.body, "provider": "p2"} == second.body
    assert (first.operation, first.wrote) == (second.operation, second.wrote)


def test_one_fault_for_both_forms(call: Call, host: Host, rpc: Rpc) -> None:
    host.settings(protocols="both")
    host.queue(Fault(kind="status", operation="*providers.create", error_type="SERVICE_UNAVAILABLE", times=2))

    assert call("POST", PROVIDERS, json=provider()).status_code == 503

    answer = rpc(KMS, "create", **_create())

    assert (answer.status_code, answer.headers["vapi-error"]) == (200, ERRORS + "service_unavailable")
    assert host.unused_faults == []
    assert host.providers == {}
    assert [record.fault for record in host.journal] == ["status", "status"]


def test_five_failures_lock_the_account(host: Host, rpc: Rpc) -> None:
    host.settings(protocols="jsonrpc")
    for _attempt in range(5):
        assert not host.locked
        assert rpc(KMS, "list", password="wrong").headers["vapi-error"] == ERRORS + "unauthenticated"

    assert host.locked
    assert "vapi-error" in rpc(KMS, "list").headers
    assert host.failed_logins == 6


def test_only_a_parameter_names_the_alias(host: Host, rpc: Rpc, chain: list[str]) -> None:
    trust = "com.vmware.esx.authentication.trust.security_token_issuers"
    host.put_issuer("old", "https://vc.example.test/")
    host.settings(protocols="jsonrpc", already_exists_data=False)
    chains = [{"STRUCTURE": {trust + ".x509_cert_chain": {"cert_chain": chain}}}]
    spec = {"issuer_alias": "vc", "issuer": "https://vc.example.test/", "signing_cert_chains": chains}
    answer = rpc(trust, "create", spec={"STRUCTURE": {trust + ".create_spec": spec}})
    error = answer.json()["result"]["error"]["ERROR"][ERRORS + "already_exists"]

    assert error["data"] == {"OPTIONAL": None}
    assert '"issuerAlias","value":' in answer.text
    assert '"s":{"OPTIONAL":"old"}' in answer.text


def test_a_hostile_host_repeats_the_request(host: Host, rpc: Rpc, call: Call) -> None:
    host.settings(protocols="jsonrpc", echo_requests=True)
    answer = rpc(KMS, "create", **_create(), more="x").text
    for secret in (KEY, host.password):
        assert secret in answer
    broken = {"jsonrpc": "2.0", "method": "call", "id": "0", "params": {"ctx": {"securityCtx": {"password": "abc"}}}}

    assert "abc" in call("POST", "/api", json=broken).json()["error"]["data"]
    assert KEY not in repr(host.journal)


@pytest.mark.parametrize("introspection", ["open", "authenticated", "absent"])
def test_introspection(introspection: str, host: Host, rpc: Rpc, call: Call) -> None:
    host.settings(protocols="jsonrpc", introspection=introspection, client_profiles_service=False)
    service = "com.vmware.vapi.std.introspection.service"
    known = rpc(service, "list").json()["result"]

    if introspection == "absent":
        assert list(known["error"]["ERROR"]) == [ERRORS + "operation_not_found"]

        return

    assert KMS in known["output"]
    assert not any(name.endswith("client_profiles") for name in known["output"])

    params = {"serviceId": service, "operationId": "list", "input": {"STRUCTURE": {"x": {}}}, "ctx": {}}
    request = {"jsonrpc": "2.0", "method": "invoke", "id": "0", "params": params}
    answer = call("POST", "/api", auth=lambda request: request, json=request)

    assert ("vapi-error" in answer.headers) == (introspection == "authenticated")


def test_a_request_without_an_id_does_nothing(host: Host, call: Call, rpc: Rpc) -> None:
    host.settings(protocols="jsonrpc")
    request = json.loads(rpc(KMS, "create", **_create()).request.body or "")
    del request["id"]
    host.reset()
    host.settings(protocols="jsonrpc")

    assert call("POST", "/api", json=request).json()["error"]["code"] == -32600
    assert host.providers == {}


def test_named_profiles_of_hosts(host: Host) -> None:
    for name, known in host_profiles.HOST_PROFILES.items():
        host.reset()
        now = host.behave_as(name)

        assert known.evidence
        assert {setting: getattr(now, setting) for setting in known.settings} == known.settings

    host.reset()
    assert host.settings().protocols == "rest"


def test_a_mixed_fleet() -> None:
    with Fleet(hosts=4, host_profile="mixed") as fleet:
        for each in fleet.hosts:
            each.reset()
        assert [each.settings().protocols for each in fleet.hosts] == ["rest", "jsonrpc", "jsonrpc", "rest"]

        kinds = {each.settings().other_protocol for each in fleet.hosts}

        assert kinds == {"unsupported_content_type", "vendor_runtime"}
