# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from the answers of a host: their form, and nothing that anybody chose."""

from __future__ import annotations

import base64
import json
from typing import Any
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import AccessToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import UserPassword
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services.api_asking import NOT_ASKED
from ansible_collections.esx.trust.plugins.module_utils._services.api_asking import Outcome
from ansible_collections.esx.trust.plugins.module_utils._services.api_asking import known_by_answer
from ansible_collections.esx.trust.plugins.module_utils._services.api_asking import refusal_reason
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import HIDDEN
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import STRANGE
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import Exchange
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import body_kind
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import certificate_facts
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import content_type
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import declared_fields
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import error_in
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import exchange
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import field_paths
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import hide
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import input_fields
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import token_facts
from ansible_collections.esx.trust.plugins.module_utils._services.api_probe import is_leftover
from support.certificates import chain

NOW = 1_700_000_000.0
SECRET = "hunter2-and-more"


def jwt(claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.c2lnbmF0dXJl"


def recorded(body: Any, codec: Any = REST, status: int = 200, **headers: str) -> Exchange:
    """What the recorder keeps of a login that was answered so."""
    request = codec.encode(TOKEN_CREATE(), UserPassword("verwalter", SECRET))
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)
    return exchange("login", request.method, request.path, request.headers, request.body, answer, NOW)


@pytest.mark.parametrize(
    ("claims", "lifetime"),
    [
        ({"iat": 100, "exp": 3700, "sub": "verwalter"}, 3600),
        ({"exp": NOW + 600}, 600),
        ({"iat": 100}, None),
        ({"exp": "tomorrow"}, None),
        ({"exp": True}, None),
        ({"exp": 10**400}, None),
        ({"exp": float("inf")}, None),
    ],
)
def test_the_lifetime_of_a_token(claims: dict[str, Any], lifetime: Optional[int]) -> None:
    facts = token_facts(jwt(claims), NOW)
    assert facts is not None
    assert (facts.format, facts.lifetime) == ("jwt", lifetime)
    assert set(facts.claims) == set(claims)


@pytest.mark.parametrize("token", ["3fac", "a.b.c", "a.é.c", jwt([1]), jwt("x"), "a.b", f"{jwt({})}.more"])
def test_any_other_token_is_opaque(token: str) -> None:
    facts = token_facts(token, NOW)
    assert facts is not None
    assert (facts.format, facts.lifetime, facts.claims) == ("opaque", None, ())


def test_a_login_in_either_form_gives_the_facts_of_its_token_and_no_part_of_it() -> None:
    token = jwt({"iat": 0, "exp": 60})
    over_rest = recorded({"access_token": token}, status=201, Content_Type="application/json")
    output = {"STRUCTURE": {"com.vmware.esx.authentication.token.token_info": {"access_token": {"SECRET": token}}}}
    over_rpc = recorded({"jsonrpc": "2.0", "id": "0", "result": {"output": output}}, JSON_RPC)

    for one, carried in ((over_rest, "Authorization Basic"), (over_rpc, "securityCtx user_pass")):
        assert one.token is not None
        assert one.token.lifetime == 60
        assert (one.login, one.credentials, one.error) == (True, carried, None)
        shown = json.dumps(one.record()) + repr(one)
        assert not any(part in shown for part in (*token.split("."), SECRET, "verwalter"))


def test_how_a_request_carries_a_token() -> None:
    for codec, carried in ((REST, "Authorization Bearer"), (JSON_RPC, "securityCtx oauth")):
        request = codec.encode(kms_provider.LIST(), AccessToken("t"))
        kept = exchange("x", request.method, request.path, request.headers, request.body, None, NOW)
        assert (kept.login, kept.credentials, kept.status) == (False, carried, None)


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; Charset=UTF-8", "application/json; charset=utf-8"),
        ("text/html;charset=utf-8; x=esx01.example.com", "text/html; charset=utf-8"),
        ("", None),
        ("esx01.example.com", STRANGE),
    ],
)
def test_content_types(header: str, read: Optional[str]) -> None:
    assert content_type(header) == read


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"[]", "json"),
        (b'{"jsonrpc": "2.0"}', "json_rpc"),
        (b"<!doctype html><html>", "html"),
        (b"<?xml version='1.0'?><a/>", "xml"),
        (b"Unsupported content type", "text: Unsupported content type"),
        (b"esx01: no healthy upstream, ask verwalter", "text: no healthy upstream"),
        (b"esx01 is busy", "text"),
        (b"\xff\xfe", "text"),
    ],
)
def test_kinds_of_bodies(body: bytes, kind: str) -> None:
    kept = recorded(body, status=400)
    assert kept.body == kind
    assert "verwalter" not in str(kept.record())


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error_type": "NOT_FOUND", "messages": []}, "NOT_FOUND"),
        ({"type": "com.vmware.vapi.std.errors.not_found", "value": {}}, "NOT_FOUND"),
        ({"jsonrpc": "2.0", "result": {"error": {"ERROR": {"com.vmware.vapi.std.errors.not_found": {}}}}}, "NOT_FOUND"),
        ({"jsonrpc": "2.0", "error": {"code": -32700}}, "JSON-RPC -32700"),
        ({"jsonrpc": "2.0", "error": {"code": "verwalter"}}, "JSON-RPC"),
        ({"jsonrpc": "2.0", "result": {"output": []}}, None),
        ({"error_type": "verwalter@esx01"}, None),
        ({"error_type": {"a": 1}}, None),
        ([], None),
    ],
)
def test_errors_in_answers(body: Any, error: Optional[str]) -> None:
    assert error_in(body) == error


def test_fields_are_named_and_never_what_is_in_them() -> None:
    value = [
        {"provider": "schluessel", "available": True, "details": []},
        {"provider": "other", "available": False, "details": [{"id": "a", "args": [1]}], "native": None},
    ]
    assert field_paths(value) == (
        "[].provider: string",
        "[].available: boolean",
        "[].details: empty list",
        "[].details[].id: string",
        "[].details[].args[]: number",
        "[].native: null",
    )


@pytest.mark.parametrize("name", ["esx01.example.com", "a b", "https://vc1", "x" * 60, "5f0b1f4e", "", "Schlüssel"])
def test_what_no_api_calls_a_field_is_not_told(name: str) -> None:
    assert field_paths({name: 1}) == (f"{STRANGE}: number",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(body=JSON | st.binary(), status=st.sampled_from([200, 400, 404, 500]), header=st.text())
def test_whatever_a_host_answers_can_be_recorded(body: Any, status: int, header: str) -> None:
    for codec in (REST, JSON_RPC):
        kept = recorded(body, codec, status, Content_Type=header, WWW_Authenticate=header)
        assert kept.status == status
        json.dumps(kept.record())


@given(values=st.dictionaries(st.sampled_from(["provider", "issuer"]), st.text("xyz", min_size=4), min_size=1))
def test_no_value_is_in_a_record(values: dict[str, str]) -> None:
    shown = json.dumps(recorded([values]).record())
    assert not any(value in shown for value in values.values())


def test_names_are_hidden_wherever_they_stand() -> None:
    fields = ["Schluessel-Berlin.key: string", "a.b: string", "data.vc1_mode: null"]
    assert hide(fields, ["schluessel-berlin", "b", "vc1", None, ""]) == [
        f"{HIDDEN}.key: string",
        f"a.{HIDDEN}: string",
        "data.vc1_mode: null",  # a part of a word that is short
    ]
    assert hide({"a": ["x"]}, []) == {"a": ["x"]}


def test_the_form_of_certificates() -> None:
    leaf, root = chain(2)
    crlf = leaf.replace("\n", "\r\n")
    facts = certificate_facts([{"cert_chain": [leaf, root]}, {"cert_chain": [crlf]}])
    assert facts == {
        "forms": ["pem", "pem, CRLF"],
        "line_lengths": [64],
        "trailing_newline": True,
        "one_certificate_each": True,
        "chain_lengths": [1, 2],
        "leaf_first": True,
        "ends_with_self_signed": True,
    }
    assert certificate_facts([{"cert_chain": [root, leaf]}])["leaf_first"] is False
    body = "".join(leaf.splitlines()[1:-1])
    assert certificate_facts([{"cert_chain": [body]}])["forms"] == ["base64"]
    assert certificate_facts([{"cert_chain": [leaf.replace("\n", "\\n")]}])["forms"] == ["pem, line ends written out"]
    assert certificate_facts([{"cert_chain": [leaf.replace("\n", "")]}])["forms"] == ["pem, one line"]
    assert certificate_facts([{"cert_chain": [leaf + root]}])["one_certificate_each"] is False
    assert certificate_facts([{"cert_chain": ["no certificate"]}])["forms"] == ["other"]
    assert certificate_facts([])["trailing_newline"] is None


def plain(kind: str) -> dict[str, Any]:
    return {"type": kind}


def test_a_definition_is_compared_field_by_field() -> None:
    service = "com.vmware.esx.trusted_infrastructure.kms.providers"
    native = {
        "type": "STRUCTURE",
        "name": f"{service}.native_provider_create_spec",
        "fields": [
            {"key": "key_id", "value": plain("ID")},
            {"key": "key_derivation_key", "value": plain("SECRET")},
        ],
    }
    spec = {
        "type": "STRUCTURE",
        "name": f"{service}.create_spec",
        "fields": [
            {"key": "provider", "value": plain("ID")},
            {"key": "native_spec", "value": {"type": "OPTIONAL", "element_definition": native}},
        ],
    }
    definition = {"type": "STRUCTURE", "name": "operation-input", "fields": [{"key": "spec", "value": spec}]}
    assert input_fields(definition) == declared_fields(kms_provider.CREATE)

    native["name"] = f"{service}.native_spec"
    assert input_fields(definition) != declared_fields(kms_provider.CREATE)
    assert input_fields(None) is None
    assert input_fields({"fields": "x", "element_definition": 5}) == set()


def api_error(error_type: Optional[str], status: int = 400, *, inferred: bool = False) -> ApiError:
    return ApiError("no", status=status, error_type=error_type, inferred=inferred)


@pytest.mark.parametrize(
    ("outcome", "lists", "gets"),
    [
        (NOT_ASKED, None, None),
        (Outcome([]), True, True),
        (Outcome(error=Unauthorized("no", error_type="UNAUTHORIZED")), True, True),
        (Outcome(error=Unauthenticated("no", error_type="UNAUTHENTICATED")), None, None),
        (Outcome(error=api_error("INVALID_ARGUMENT")), True, True),
        (Outcome(error=api_error("OPERATION_NOT_FOUND", 404)), False, False),
        (Outcome(error=api_error("NOT_FOUND", 404)), False, True),
        (Outcome(error=api_error("NOT_FOUND", 404, inferred=True)), False, None),
        (Outcome(error=UnexpectedAnswer("no", status=404)), False, None),
        (Outcome(error=UnexpectedAnswer("no", status=503)), None, None),
        (Outcome(error=api_error("SERVICE_UNAVAILABLE", 503)), None, None),
    ],
)
def test_what_an_answer_tells_of_an_operation(outcome: Outcome, lists: Optional[bool], gets: Optional[bool]) -> None:
    assert known_by_answer(outcome, lists=True) is lists
    assert known_by_answer(outcome, lists=False) is gets


def unauthenticated(*ids: str) -> Unauthenticated:
    error = Unauthenticated("no", error_type="UNAUTHENTICATED")
    error.message_ids = ids
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (unauthenticated(), "refused"),
        (unauthenticated("com.vmware.esx.authentication.token.no_entitlements"), "no_entitlements"),
        (unauthenticated("com.vmware.esx.authentication.bad_authn_scheme"), "tokens_only"),
        (api_error("OPERATION_NOT_FOUND", 404), "not_offered"),
        (UnexpectedAnswer("no", status=400, other_form=True), "not_offered"),
        (UnexpectedAnswer("no", status=503), "failed"),
    ],
)
def test_why_a_login_failed(error: TrustError, reason: str) -> None:
    assert refusal_reason(error) == reason


@pytest.mark.parametrize(
    ("alias", "issuer", "ours"),
    [
        ("esx-trust-probe-0a1b", "urn:esx.trust:probe:0a1b", True),
        ("esx-trust-probe-0a1b", "https://vcenter01.example.com", False),
        ("vcenter01", "urn:esx.trust:probe:0a1b", False),
    ],
)
def test_a_leftover_is_known_by_both_its_names(alias: str, issuer: str, ours: bool) -> None:
    assert is_leftover(alias, issuer) is ours


def test_body_kind_of_a_long_page() -> None:
    assert body_kind(b"<p>" + b"x" * 10_000, None, is_json=False) == "xml"


def test_a_type_of_error_that_the_api_does_not_have_is_not_repeated() -> None:
    """A host that names a secret as the type would have it shown in capitals, where nothing masks it."""
    assert error_in({"error_type": "verylongpasswordindeed", "messages": []}) is None
    assert error_in({"error_type": "NOT_FOUND", "messages": []}) == "NOT_FOUND"
