# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's JSON-RPC against the vendor's own server: the same bytes get the same kind of answer from both."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any

import pytest
import requests

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
from contract.vendor_client import binding_errors
from contract.vendor_client import cleanjson
from contract.vendor_client import vendor_client
from support.constants import KEY_ID
from support.jsonrpc import structure

if TYPE_CHECKING:
    from contract.vendor_server import VendorHost
    from simulator import Fleet
    from simulator import Host

JSON = {"Content-Type": "application/json"}
UNSET = {"OPTIONAL": None}


def request(service: str, operation: str, security: Any = None, **fields: Any) -> dict[str, Any]:
    """A whole request, right in itself."""
    context: dict[str, Any] = {"appCtx": {"opId": "1"}}
    if security is not None:
        context["securityCtx"] = security
    return {
        "jsonrpc": "2.0",
        "method": "invoke",
        "id": "7",
        "params": {
            "serviceId": service,
            "operationId": operation,
            "input": structure("operation-input", **fields),
            "ctx": context,
        },
    }


def _changed(request: dict[str, Any], *path: str, **changes: Any) -> dict[str, Any]:
    """The request with something else at a place; None takes it away."""
    result = copy.deepcopy(request)
    place: Any = result
    for step in path:
        place = place[step]

    for name, value in changes.items():
        if value is None:
            place.pop(name)
        else:
            place[name] = value

    return result


LIST = request(KMS, "list")
INPUT = ("params", "input", "STRUCTURE", "operation-input")
NATIVE = structure(KMS + ".native_provider_create_spec", key_id=KEY_ID, key_derivation_key={"SECRET": KEY})
CREATE = request(KMS, "create", spec=structure(KMS + ".create_spec", provider="p", native_spec={"OPTIONAL": NATIVE}))
SPEC = (*INPUT, "spec", "STRUCTURE")
WRONG = {"schemeId": "com.vmware.vapi.std.security.user_pass", "userName": "root", "password": "wrong"}
NOBODY = {"schemeId": "com.vmware.vapi.std.security.no_authentication"}
INTROSPECTION = "com.vmware.vapi.std.introspection."

# Requests without valid credentials. The server must tell these cases apart before it checks a login.
BODIES: dict[str, Any] = {
    "empty": b"",
    "no JSON": b"{",
    "not UTF-8": b"\xff",
    "a list": [],
    "a text": "x",
    "an empty object": {},
    "a REST body": {"provider": "p"},
    "another version": _changed(LIST, jsonrpc="1.0"),
    "no version": _changed(LIST, jsonrpc=None),
    "another method": _changed(LIST, method="call"),
    "no method": _changed(LIST, method=None),
    "a number as method": _changed(LIST, method=1),
    "an object as id": _changed(LIST, id={"a": 1}),
    "a number as id": _changed(LIST, id=5),
    "no params": _changed(LIST, params=None),
    "a list of params": _changed(LIST, params=[1]),
    "a text as params": _changed(LIST, params="x"),
    "no context": _changed(LIST, "params", ctx=None),
    "a text as context": _changed(LIST, "params", ctx="x"),
    "an empty context": _changed(LIST, "params", ctx={"appCtx": {}}),
    "no input": _changed(LIST, "params", input=None),
    "a text as input": _changed(LIST, "params", input="x"),
    "a list as input": _changed(LIST, "params", input=[]),
    "an unknown tag": _changed(LIST, "params", input={"WHAT": 1}),
    "two tags": _changed(LIST, "params", input={"STRUCTURE": {"a": {}}, "OPTIONAL": 1}),
    "an empty object as input": _changed(LIST, "params", input={}),
    "two structures": _changed(LIST, "params", input={"STRUCTURE": {"a": {}, "b": {}}}),
    "an input of any name": _changed(LIST, "params", input=structure("whatever")),
    "a right question": LIST,
    "nobody": _changed(LIST, "params", "ctx", securityCtx=NOBODY),
    "a wrong password": _changed(LIST, "params", "ctx", securityCtx=WRONG),
    "a wrong password for nothing": _changed(request("no.such", "list"), "params", "ctx", securityCtx=WRONG),
    "an unknown scheme": _changed(LIST, "params", "ctx", securityCtx={"schemeId": "x"}),
    "an unknown service": request("no.such", "list"),
    "an unknown operation": request(KMS, "no_such"),
    "a wanted field is missing": request(KMS, "get"),
    "a number for a text": request(KMS, "get", provider=1),
    "an optional for a text": request(KMS, "get", provider={"OPTIONAL": "p"}),
    "a text for an optional": request(TRUST, "list", projection="FULL"),
    "a structure for an optional": request(KMS, "list", filter_spec=structure(KMS + ".filter_spec")),
    "a number in an optional": request(TRUST, "list", projection={"OPTIONAL": 1}),
    "another structure in an optional": request(KMS, "list", filter_spec={"OPTIONAL": structure("other")}),
    "a text for a structure": request(KMS, "create", spec="x"),
    "another structure": request(KMS, "create", spec=structure("other", provider="p")),
    "a text for a list": request(PROFILES, "create", spec=structure(PROFILES + ".create_spec", grants="x")),
    "a structure for a list": request(
        PROFILES, "create", spec=structure(PROFILES + ".create_spec", grants=structure("x"))
    ),
    "a number in a list": request(PROFILES, "create", spec=structure(PROFILES + ".create_spec", grants=[1])),
    "an unknown field": _changed(CREATE, *SPEC, KMS + ".create_spec", more="x"),
    "an unknown optional that is set": _changed(CREATE, *SPEC, KMS + ".create_spec", more={"OPTIONAL": "x"}),
    "an unknown optional that is unset": _changed(CREATE, *SPEC, KMS + ".create_spec", more=UNSET),
    "an unknown parameter": request(KMS, "list", more="x"),
    "a bare secret": request(
        KMS,
        "create",
        spec=structure(
            KMS + ".create_spec",
            provider="p",
            native_spec={
                "OPTIONAL": structure(KMS + ".native_provider_create_spec", key_id=KEY_ID, key_derivation_key=KEY)
            },
        ),
    ),
    "a name twice in a set": request(
        KMS,
        "list",
        filter_spec={"OPTIONAL": structure(KMS + ".filter_spec", providers={"OPTIONAL": ["a", "a"]})},
    ),
    "introspection of services": request(INTROSPECTION + "service", "get", id=KMS),
    "introspection of no service": request(INTROSPECTION + "service", "get", id="no.such"),
    "introspection of operations": request(INTROSPECTION + "operation", "list", service_id=TRUST),
    "introspection of no operation": request(
        INTROSPECTION + "operation", "get", service_id=TRUST, operation_id="no_such"
    ),
    "introspection without a question": request(INTROSPECTION + "service", "get"),
    "an unknown introspection": request(INTROSPECTION + "service", "no_such"),
}
HEADERS: dict[str, dict[str, str]] = {
    "they agree": {"vapi-service": KMS, "vapi-operation": "list"},
    "another service": {"vapi-service": TRUST, "vapi-operation": "list"},
    "another operation": {"vapi-service": KMS, "vapi-operation": "get"},
    "one alone": {"vapi-service": KMS},
    "the other alone": {"vapi-operation": "list"},
}


class Asked:
    """What both servers answered."""

    def __init__(self, fleet: Fleet, host: Host, vendor_host: VendorHost) -> None:
        self._places = ((vendor_host.url, vendor_host.ca_path), (host.url, fleet.ca_path))

    def __call__(self, body: bytes, headers: dict[str, str], path: str = "/api", method: str = "POST") -> list[Any]:
        answers = []
        for url, ca_path in self._places:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(method, url + path, data=body, headers=headers, verify=ca_path, timeout=20)

            answers.append(_essence(answer))

        return answers


def _essence(answer: requests.Response) -> dict[str, Any]:
    """An answer without its wording."""
    essence: dict[str, Any] = {
        "status": answer.status_code,
        "content type": answer.headers["Content-Type"].partition(";")[0],
        "header": answer.headers.get("vapi-error"),
    }

    content = answer.json()
    if "jsonrpc" not in content:
        return {**essence, "error_type": content["error_type"]}
    essence["id"] = content["id"]
    if "error" in content:
        return {**essence, "code": content["error"]["code"], "message": content["error"]["message"][:20]}
    if "output" in content["result"]:
        return {**essence, "output": content["result"]["output"]}
    ((name, error),) = content["result"]["error"]["ERROR"].items()
    messages = [each["STRUCTURE"]["com.vmware.vapi.std.localizable_message"] for each in error["messages"]]
    essence["error"] = name
    essence["error_type"] = error["error_type"]
    essence["challenge"] = error.get("challenge", "none")

    if name != "com.vmware.vapi.std.errors.unauthenticated" or essence["challenge"] == "none":
        essence["messages"] = [each["id"] for each in messages]
        essence["fields"] = [sorted(each) for each in messages]

    return essence


@pytest.fixture
def both(fleet: Fleet, host: Host, vendor_host: VendorHost) -> Asked:
    """Sends the same to the vendor's server and to a simulated host."""
    host.settings(protocols="jsonrpc", other_protocol="vendor_runtime")
    return Asked(fleet, host, vendor_host)


@pytest.mark.parametrize("name", BODIES)
def test_the_same_answer_to_a_body(name: str, both: Asked) -> None:
    body = BODIES[name]
    theirs, ours = both(body if isinstance(body, bytes) else json.dumps(body).encode(), JSON)
    assert ours == theirs


@pytest.mark.parametrize("name", HEADERS)
def test_the_same_answer_to_headers(name: str, both: Asked) -> None:
    theirs, ours = both(json.dumps(LIST).encode(), {**JSON, **HEADERS[name]})
    assert ours == theirs


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("POST", "/api/esx/authentication/token", JSON, b""),
        ("POST", "/api/esx/trusted-infrastructure/kms/providers", JSON, b'{"provider": "p"}'),
        ("POST", "/api/esx/authentication/token", {}, b""),
        ("POST", "/api/session", {"Content-Type": "text/plain"}, b"x"),
        ("GET", "/api/esx/authentication/trust/security-token-issuers", JSON, b""),
        ("GET", "/api/esx/authentication/trust/security-token-issuers", {}, b""),
        ("POST", "/api", {"Content-Type": "application/json; charset=utf-8"}, json.dumps(LIST).encode()),
        ("POST", "/api/esx/authentication/token", JSON, json.dumps(LIST).encode()),
        ("POST", "/api/esx/authentication/token", JSON, json.dumps(BODIES["a wrong password"]).encode()),
    ],
)
def test_the_same_answer_to_rest(method: str, path: str, headers: dict[str, str], body: bytes, both: Asked) -> None:
    theirs, ours = both(body, headers, path, method)
    assert ours == theirs


@pytest.mark.parametrize("service", [KMS, TRUST, PROFILES, LOGIN])
def test_the_same_types(service: str, both: Asked) -> None:
    """The names of all structures and fields, as the introspection tells them."""
    body = json.dumps(request(INTROSPECTION + "operation", "list", service_id=service)).encode()
    theirs, ours = (answer["output"] for answer in both(body, JSON))

    assert sorted(ours) == sorted(theirs)

    for operation in ours:
        question = request(INTROSPECTION + "operation", "get", service_id=service, operation_id=operation)
        vendor, simulated = (answer["output"] for answer in both(json.dumps(question).encode(), JSON))

        assert _types(simulated, "input_definition") == _types(vendor, "input_definition")
        assert _types(simulated, "output_definition") == _types(vendor, "output_definition")


GROUP = {"external_group_name": "admins", "issuer_alias": "vc", "domain": "vsphere.local"}
# One life of a host. ID stands for the id of the last client profile.
LIFE: list[tuple[str, str, dict[str, Any]]] = [
    (KMS, "list", {}),
    (KMS, "create", {"spec": provider("p1")}),
    (KMS, "create", {"spec": provider("p1")}),
    (KMS, "create", {"spec": {"provider": "p2"}}),
    (KMS, "list", {"filter_spec": {"providers": {"p1", "p3"}}}),
    (KMS, "list", {"filter_spec": {"providers": {"p3"}, "available": True}}),
    (KMS, "get", {"provider": "p1"}),
    (KMS, "get", {"provider": "p3"}),
    (TRUST, "create", {"spec": "ISSUER"}),
    (TRUST, "create", {"spec": "ISSUER"}),
    (TRUST, "list", {}),
    (TRUST, "list", {"projection": "BRIEF"}),
    (TRUST, "list", {"projection": "FULL"}),
    (TRUST, "list", {"projection": "NONE"}),
    (TRUST, "update", {"issuer_alias": "vc", "spec": {"issuer": "https://b.example.test/"}}),
    (TRUST, "update", {"issuer_alias": "none", "spec": {}}),
    (TRUST, "get", {"issuer_alias": "vc"}),
    (TRUST, "get", {"issuer_alias": "none"}),
    (PROFILES, "create", {"spec": {**GROUP, "grants": grants("READ_ONLY")}}),
    (PROFILES, "create", {"spec": {**GROUP, "grants": []}}),
    (PROFILES, "create", {"spec": {"issuer_alias": "vc", "grants": []}}),
    (PROFILES, "list", {}),
    (PROFILES, "list", {"projection": "BRIEF"}),
    (PROFILES, "list", {"filter": GROUP, "projection": "FULL"}),
    (PROFILES, "list", {"filter": {"local_user_name": "admins"}}),
    (PROFILES, "list", {"filter": {"domain": "vsphere.local"}}),
    (PROFILES, "update", {"profile": "ID", "spec": {"grants": grants("SECURITY_MGMT", "IDENTITY_MGMT")}}),
    (PROFILES, "update", {"profile": "none", "spec": {}}),
    (PROFILES, "get", {"profile": "ID"}),
    (PROFILES, "create", {"spec": profile("automation", "SECURITY_MGMT")}),
    (PROFILES, "delete", {"profile": "ID"}),
    (PROFILES, "delete", {"profile": "ID"}),
    (TRUST, "delete", {"issuer_alias": "vc"}),
    (TRUST, "delete", {"issuer_alias": "vc"}),
    (PROFILES, "list", {"projection": "FULL"}),
]


def test_the_same_life(fleet: Fleet, host: Host, vendor_host: VendorHost, chain: list[str]) -> None:
    """The vendor's client leads both hosts through one life."""
    host.settings(protocols="jsonrpc")
    lives = []

    for each, ca_path in ((vendor_host, vendor_host.ca_path), (host, fleet.ca_path)):
        with vendor_client(each.url, ca_path) as client:
            client.log_in(each.username, each.password)
            lives.append(list(_life(client, chain)))

    theirs, ours = lives

    assert ours == theirs

    assert {outcome for outcome, _content in ours} == {
        "output",
        "already_exists",
        "invalid_argument",
        "not_found",
    }


def _life(client: VendorClient, chain: list[str]) -> Iterator[tuple[str, str]]:
    """The outcomes, in a form that can be compared."""
    identifier = ""
    for service, operation, given in LIFE:
        words = {"ISSUER": issuer(chain), "ID": identifier}
        arguments = dict(given)
        for name, value in given.items():
            if isinstance(value, str):
                arguments[name] = words.get(value, value)

        try:
            output = client(service, operation, **arguments)
        except binding_errors.VapiError as error:
            value = error.get_error_value()
            content = json.loads(cleanjson.DataValueConverter.convert_to_json(value))
            yield value.name.removeprefix("com.vmware.vapi.std.errors."), json.dumps(content.get("data"))
            continue

        if (service, operation) == (PROFILES, "create"):
            identifier = output
        shown = repr(output)
        yield "output", shown.replace(identifier, "ID") if identifier else shown


def _types(described: Any, part: str) -> Any:
    (info,) = described["STRUCTURE"].values()
    return _type(info[part])


def _type(definition: Any) -> Any:
    """A definition as nested tuples. Privileges are newer than what is declared to the vendor's runtime."""
    (content,) = definition["STRUCTURE"].values()
    element = content["element_definition"]["OPTIONAL"]
    fields = content["fields"]["OPTIONAL"] or []
    entries = {entry["STRUCTURE"]["map-entry"]["key"]: entry["STRUCTURE"]["map-entry"]["value"] for entry in fields}

    return (
        content["type"],
        content["name"]["OPTIONAL"],
        _type(element) if element else None,
        {name: _type(value) for name, value in entries.items() if name != "privileges"},
    )
