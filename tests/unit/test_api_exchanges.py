# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notes of requests and answers: their form, and nothing that anybody chose."""

from __future__ import annotations

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
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services.api_exchanges import Exchange
from ansible_collections.esx.trust.plugins.module_utils._services.api_exchanges import exchange
from ansible_collections.esx.trust.plugins.module_utils._services.api_token_facts import token_facts
from simulator.base64url import base64url

NOW = 1_700_000_000.0
SECRET = "hunter2-and-more"


def jwt(claims: Any) -> str:
    body = base64url(json.dumps(claims).encode())
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

    for login, carried in ((over_rest, "Authorization Basic"), (over_rpc, "securityCtx user_pass")):
        assert login.token is not None
        assert login.token.lifetime == 60
        assert (login.login, login.credentials, login.error) == (True, carried, None)

        shown = json.dumps(login.record()) + repr(login)

        assert not any(part in shown for part in (*token.split("."), SECRET, "verwalter"))


def test_how_a_request_carries_a_token() -> None:
    for codec, carried in ((REST, "Authorization Bearer"), (JSON_RPC, "securityCtx oauth")):
        request = codec.encode(kms_provider.LIST(), AccessToken("t"))
        kept = exchange("x", request.method, request.path, request.headers, request.body, None, NOW)
        assert (kept.login, kept.credentials, kept.status) == (False, carried, None)


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
