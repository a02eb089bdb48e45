# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is sent in JSON-RPC, the simulator answers well-formed JSON-RPC with HTTP 200, as it is declared.

The requests are made from the declarations: valid ones, and valid ones with something changed somewhere.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from simulator import kms_providers
from simulator import routing
from simulator.certificates import signing_chain
from simulator.jsonrpc_declarations import MESSAGE
from simulator.jsonrpc_declarations import input_of
from simulator.jsonrpc_declarations import output_of
from simulator.jsonrpc_types import Declared
from simulator.jsonrpc_types import List
from simulator.jsonrpc_types import Map
from simulator.jsonrpc_types import Optional
from simulator.jsonrpc_types import Structure
from simulator.jsonrpc_types import decode
from simulator.jsonrpc_types import encode
from simulator.jsonrpc_values import parse
from support.constants import KEY
from support.constants import KEY_ID
from support.examples import examples

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from simulator.operations import Operation

BOUNDED = settings(
    max_examples=examples(40),
    derandomize=True,
    database=None,
    deadline=None,
    # The host is not reset between examples: what they leave behind is part of the input.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
OPERATIONS = {operation.id: operation for operation in routing.JSONRPC}
CODES = {-32700, -32600, -32601, -32602, -32603, -31001}
ERRORS = "com.vmware.vapi.std.errors."
(CERTIFICATE,) = signing_chain("fuzzed")
# What makes a text reach the depth of a service.
WORDS = ["p1", "vc", "1", KEY_ID, CERTIFICATE, "FULL", "BRIEF", "READ_ONLY", "ENTITLEMENT", "https://vc.example.test/"]
TEXTS = st.one_of(st.sampled_from(WORDS), st.text(max_size=20))
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "STRING": TEXTS,
    "SECRET": st.one_of(st.just(KEY), st.text(max_size=20)),
    "BOOLEAN": st.booleans(),
    "LONG": st.integers(),
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False),
}
SECURITY = "com.vmware.vapi.std.security."
JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=10),
        st.just("\ud800"),
        st.just({}),
        st.just({"OPTIONAL": None}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["OPTIONAL", "STRUCTURE", "SECRET", "BINARY", "ERROR", "map-entry", "x"]), inner, max_size=2
        ),
    ),
    max_leaves=6,
)


def values(declared: Declared) -> st.SearchStrategy[Any]:
    """Plain values of a declared type."""
    if isinstance(declared, Optional):
        return st.one_of(st.none(), values(declared.element))
    if isinstance(declared, Map):
        return st.dictionaries(TEXTS, values(declared.value), max_size=2)

    if isinstance(declared, List):
        elements = values(declared.element)
        return st.lists(elements, max_size=3, unique_by=repr if declared.unique else None)

    if isinstance(declared, Structure):
        return st.fixed_dictionaries({name: values(inner) for name, inner in declared.fields.items()})

    return SCALARS[declared.kind]


def _request(operation: Operation, plain: Any, host: Host) -> dict[str, Any]:
    security = {"schemeId": SECURITY + "user_pass", "userName": host.username, "password": host.password}
    params = {
        "serviceId": operation.service,
        "operationId": operation.name,
        "input": encode(input_of(operation), plain),
        "ctx": {"appCtx": {"opId": "1"}, "securityCtx": security},
    }
    return {"jsonrpc": "2.0", "method": "invoke", "id": "0", "params": params}


def _places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in decoded JSON."""
    entries: Any = ()
    if isinstance(content, dict):
        entries = content.items()
    elif isinstance(content, list):
        entries = enumerate(content)

    for key, inner in entries:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _mutated(data: st.DataObject, request: dict[str, Any]) -> dict[str, Any]:
    """The request with one to three places changed, renamed or taken away."""
    result = copy.deepcopy(request)
    for _time in range(data.draw(st.integers(1, 3))):
        places = list(_places(result))
        if not places:
            break
        *path, last = data.draw(st.sampled_from(places))
        parent: Any = result
        for step in path:
            parent = parent[step]
        manner = data.draw(st.sampled_from(["replace", "remove", "rename", "add"]))

        if manner == "remove":
            del parent[last]
        elif manner == "replace" or isinstance(parent, list):
            parent[last] = copy.deepcopy(data.draw(JUNK))
        elif manner == "rename":
            parent[data.draw(st.text(max_size=8))] = parent.pop(last)
        else:
            parent[data.draw(st.text(max_size=8))] = copy.deepcopy(data.draw(JUNK))

    return result


def _check(answer: requests.Response, operation: Operation | None) -> str:
    """What the answer is: "output", the code of a protocol error, or the name of an error."""
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"

    content = answer.json()

    assert content["jsonrpc"] == "2.0"

    if "error" in content:
        assert content.keys() == {"jsonrpc", "id", "error"}
        assert content["error"]["code"] in CODES
        assert isinstance(content["error"]["message"], str)
        assert "vapi-error" not in answer.headers

        return str(content["error"]["code"])

    assert content.keys() == {"jsonrpc", "id", "result"}

    result = content["result"]

    assert len(result) == 1

    if "output" in result:
        assert "vapi-error" not in answer.headers

        if operation is not None:
            decode(output_of(operation), parse(result["output"]))
        return "output"

    ((name, error),) = result["error"]["ERROR"].items()

    assert answer.headers["vapi-error"] == name
    assert error["error_type"] == {"OPTIONAL": name.removeprefix(ERRORS).upper()}
    assert error["messages"]

    for each in error["messages"]:
        decode(MESSAGE, parse(each))

    return str(name.removeprefix(ERRORS))


@pytest.fixture
def session(fleet: Fleet, host: Host) -> Iterator[requests.Session]:
    host.settings(protocols="jsonrpc", provider_delete="supported", profile_needs_issuer=False)
    host.put_provider("p1", key_id="1")
    host.put_issuer("vc", "https://vc.example.test/", [[CERTIFICATE]])
    host.put_client_profile("1", name="p1")

    with requests.Session() as opened:
        opened.trust_env = False
        opened.verify = fleet.ca_path
        yield opened


def _send(session: requests.Session, host: Host, content: Any, headers: dict[str, str] | None = None) -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    known = {"Content-Type": "application/json", **(headers or {})}
    return session.post(host.url + "/api", data=body, headers=known, timeout=10, allow_redirects=False)


@pytest.mark.parametrize("identifier", OPERATIONS)
@BOUNDED
@given(data=st.data())
def test_valid_requests(identifier: str, data: st.DataObject, session: requests.Session, host: Host) -> None:
    operation = OPERATIONS[identifier]
    request = _request(operation, data.draw(values(input_of(operation))), host)
    headers = {"vapi-service": operation.service, "vapi-operation": operation.name}
    outcome = _check(_send(session, host, request, headers), operation)
    documented = {name.lower() for name in operation.errors} | {"output", "invalid_argument"}
    if operation is kms_providers.DELETE:
        documented.add("not_found")

    assert outcome in documented


@pytest.mark.parametrize("identifier", OPERATIONS)
@BOUNDED
@given(data=st.data())
def test_mutated_requests(identifier: str, data: st.DataObject, session: requests.Session, host: Host) -> None:
    operation = OPERATIONS[identifier]
    request = _request(operation, data.draw(values(input_of(operation))), host)
    _check(_send(session, host, _mutated(data, request)), None)

    if host.locked:
        # Passwords are among the things that are changed.
        host.advance(901)


@BOUNDED
@given(body=st.one_of(st.binary(max_size=40), JUNK.map(lambda junk: json.dumps(junk).encode())))
def test_any_bytes(body: bytes, session: requests.Session, host: Host) -> None:
    assert _check(_send(session, host, body), None) in {"-32700", "-32600"}


@pytest.mark.parametrize("open_with", [b"[", b'{"a":'])
def test_a_body_without_an_end(open_with: bytes, session: requests.Session, host: Host) -> None:
    assert _check(_send(session, host, open_with * 50_000), None) == "-32700"


@pytest.mark.parametrize("tag", ["OPTIONAL", "list"])
def test_an_input_of_great_depth(tag: str, session: requests.Session, host: Host) -> None:
    deep = '{"OPTIONAL":' * 600 + "null" + "}" * 600 if tag == "OPTIONAL" else "[" * 600 + "]" * 600
    request = _request(next(iter(OPERATIONS.values())), {}, host)
    request["params"]["input"] = {"STRUCTURE": {"operation-input": {"filter_spec": "HERE"}}}
    body = json.dumps(request).replace('"HERE"', deep).encode()

    assert _check(_send(session, host, body), None) in {"-32602", "internal_server_error", "invalid_argument"}
