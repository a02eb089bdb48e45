# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator against the reference: the same operations, and every documented error arrives as documented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
import yaml

from contract.samples import ISSUERS
from contract.samples import PROFILES
from contract.samples import PROVIDERS
from contract.samples import TOKEN
from contract.samples import issuer
from contract.samples import profile
from contract.samples import provider
from simulator import Fault
from simulator import openapi

if TYPE_CHECKING:
    import requests

    from contract.calls import Call
    from simulator import Host

REFERENCE = yaml.safe_load(Path(__file__).with_name("reference.yml").read_text(encoding="utf-8"))
KMS = "com.vmware.esx.trusted_infrastructure.kms.providers."
TRUST = "com.vmware.esx.authentication.trust.security_token_issuers."
PROFILE = "com.vmware.esx.authentication.client_profiles."
LOGIN = "com.vmware.esx.authentication.token.create"

Provoke = Callable[["Call", "Host", list[str]], "requests.Response"]


def _valid(operation: str, chain: list[str]) -> tuple[str, str, dict[str, Any]]:
    """Method, path and arguments of a request that is right in itself."""
    return {
        KMS + "list": ("GET", PROVIDERS, {}),
        KMS + "create": ("POST", PROVIDERS, {"json": provider()}),
        KMS + "get": ("GET", PROVIDERS + "/p1", {}),
        TRUST + "list": ("GET", ISSUERS, {}),
        TRUST + "create": ("POST", ISSUERS, {"json": issuer(chain)}),
        TRUST + "get": ("GET", ISSUERS + "/vc", {}),
        TRUST + "update": ("PATCH", ISSUERS + "/vc", {"json": {"issuer": "https://other.example.test/"}}),
        TRUST + "delete": ("DELETE", ISSUERS + "/vc", {}),
        PROFILE + "list": ("GET", PROFILES, {}),
        PROFILE + "create": ("POST", PROFILES, {"json": profile()}),
        PROFILE + "get": ("GET", PROFILES + "/1", {}),
        PROFILE + "update": ("PATCH", PROFILES + "/1", {"json": {"grants": []}}),
        PROFILE + "delete": ("DELETE", PROFILES + "/1", {}),
        LOGIN: ("POST", TOKEN, {}),
    }[operation]


def _already_exists(operation: str) -> Provoke:
    def provoke(call: Call, host: Host, chain: list[str]) -> requests.Response:
        host.put_provider("p1")
        host.put_issuer("vc", "https://vc.example.test/")
        host.put_client_profile(name="reader")
        method, path, arguments = _valid(operation, chain)

        return call(method, path, **arguments)

    return provoke


def _invalid_argument(operation: str) -> Provoke:
    def provoke(call: Call, host: Host, chain: list[str]) -> requests.Response:
        host.put_issuer("vc", "https://vc.example.test/")
        host.put_client_profile("1", name="reader")
        method, path, arguments = _valid(operation, chain)
        if operation == KMS + "get":
            return call(method, PROVIDERS + "/")
        if operation in (TRUST + "list", PROFILE + "list"):
            return call(method, path, params={"projection": "EVERYTHING"})

        return call(method, path, json={**arguments["json"], "unknown": 1})

    return provoke


def _unauthorized(operation: str) -> Provoke:
    def provoke(call: Call, host: Host, chain: list[str]) -> requests.Response:
        host.put_account("nobody", "password", ())
        method, path, arguments = _valid(operation, chain)
        return call(method, path, auth=("nobody", "password"), **arguments)

    return provoke


def _unauthenticated(operation: str) -> Provoke:
    def provoke(call: Call, host: Host, chain: list[str]) -> requests.Response:
        method, path, arguments = _valid(operation, chain)
        return call(method, path, auth=(host.username, "wrong"), **arguments)

    return provoke


def _error(operation: str) -> Provoke:
    """Nothing a client does provokes it."""

    def provoke(call: Call, host: Host, chain: list[str]) -> requests.Response:
        host.queue(Fault(kind="status", error_type="ERROR"))
        method, path, arguments = _valid(operation, chain)
        return call(method, path, **arguments)

    return provoke


def _not_found(operation: str) -> Provoke:
    def provoke(call: Call, _host: Host, chain: list[str]) -> requests.Response:
        method, path, arguments = _valid(operation, chain)
        return call(method, path, **arguments)

    return provoke


PROVOKERS: dict[str, Callable[[str], Provoke]] = {
    "ALREADY_EXISTS": _already_exists,
    "INVALID_ARGUMENT": _invalid_argument,
    "UNAUTHORIZED": _unauthorized,
    "UNAUTHENTICATED": _unauthenticated,
    "ERROR": _error,
    "NOT_FOUND": _not_found,
}
DOCUMENTED_ERRORS = [
    (operation["id"], error_type, status)
    for operation in REFERENCE["operations"]
    for error_type, status in operation["errors"].items()
]


def _errors(responses: dict[int, Any], key: str) -> dict[str, int]:
    return {name: status for status, response in responses.items() for name in response.get(key, [])}


@pytest.mark.parametrize("dialect", ["api", "rest"])
def test_the_document_has_the_operations_of_the_reference(dialect: str) -> None:
    operations = {}
    for path, methods in openapi.document(dialect)["paths"].items():
        for method, described in methods.items():
            responses = {int(status): response for status, response in described["responses"].items()}
            operations[described["operationId"]] = {
                "method": method.upper(),
                "path": path,
                "query": [each["name"] for each in described.get("parameters", []) if each["in"] == "query"],
                "success": [status for status in responses if status < 300],
                "errors": _errors(responses, "x-error-types"),
                "runtime": _errors(responses, "x-runtime-error-types"),
            }

    expected = {}

    for operation in REFERENCE["operations"]:
        errors = operation["errors"]
        expected[operation["id"]] = {
            "method": operation["method"],
            "path": operation["path"],
            "query": operation.get("query", []),
            "success": [operation["success"]],
            "errors": errors,
            "runtime": {name: code for name, code in REFERENCE["runtime_errors"].items() if name not in errors},
        }

    assert operations == expected


def test_the_document_has_the_fields_of_the_reference() -> None:
    document = openapi.document()
    for operation in REFERENCE["operations"]:
        described = document["paths"][operation["path"]][operation["method"].lower()]
        if "body" not in operation:
            assert "requestBody" not in described

            continue

        name = described["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
        required = schema.get("required", [])
        fields = {field: "required" if field in required else "optional" for field in schema["properties"]}

        assert fields == operation["body"]


@pytest.mark.parametrize("operation", [each["id"] for each in REFERENCE["operations"]])
def test_success_has_the_code_of_the_reference(operation: str, call: Call, host: Host, chain: list[str]) -> None:
    expected = next(each for each in REFERENCE["operations"] if each["id"] == operation)
    if not operation.endswith("create"):
        host.put_provider("p1", key_id="1")
        host.put_issuer("vc", "https://vc.example.test/", [chain])
        host.put_client_profile("1", name="reader")

    method, path, arguments = _valid(operation, chain)
    answer = call(method, path, **arguments)

    assert answer.status_code == expected["success"]
    assert (answer.status_code == 204) == (answer.content == b"")

    (record,) = host.journal

    assert record.operation == operation


@pytest.mark.parametrize("dialect", ["api", "rest"])
@pytest.mark.parametrize(("operation", "error_type", "status"), DOCUMENTED_ERRORS)
def test_documented_error(
    operation: str, error_type: str, status: int, dialect: str, call: Call, host: Host, chain: list[str]
) -> None:
    host.settings(dialect=dialect)
    answer = PROVOKERS[error_type](operation)(call, host, chain)

    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/json")

    body = answer.json()

    if dialect == "rest":
        assert body["type"] == "com.vmware.vapi.std.errors." + error_type.lower()

        body = body["value"]

    assert body["error_type"] == error_type
    assert body["messages"]
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert not any(record.wrote for record in host.journal)


@pytest.mark.parametrize("dialect", ["api", "rest"])
def test_older_servers_leave_the_type_out(dialect: str, call: Call, host: Host) -> None:
    host.settings(dialect=dialect, error_type_present=False)
    body = call("GET", PROVIDERS + "/none").json()
    assert "error_type" not in body.get("value", body)


def test_an_issuer_that_exists_is_named(call: Call, host: Host, chain: list[str]) -> None:
    host.put_issuer("old", "https://vc.example.test/")
    body = call("POST", ISSUERS, json=issuer(chain)).json()

    assert body["data"] == {"issuer": "https://vc.example.test/", "issuer_alias": "old"}
    assert body["messages"][0]["id"].endswith(".issuer_already_exists")


def test_an_alias_that_exists_comes_without_data(call: Call, host: Host, chain: list[str]) -> None:
    host.put_issuer("vc", "https://other.example.test/")
    body = call("POST", ISSUERS, json=issuer(chain)).json()

    assert body["error_type"] == "ALREADY_EXISTS"
    assert "data" not in body


def test_a_missing_entitlement_shows_as_401_where_no_403_is_documented(
    call: Call, host: Host, chain: list[str]
) -> None:
    host.put_account("reader", "password", ("READ_ONLY",))
    assert call("GET", ISSUERS, auth=("reader", "password")).status_code == 200
    assert call("POST", ISSUERS, auth=("reader", "password"), json=issuer(chain)).status_code == 401
    assert call("POST", PROVIDERS, auth=("reader", "password"), json=provider()).status_code == 403
