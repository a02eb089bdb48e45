# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules log in, over both forms of the API."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.constants import KEY
from support.credentials import packed_saml
from support.modules import GET
from support.modules import TOKEN
from support.modules import fault
from support.modules import schemes

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

#: The host holds what a run declares of itself, so that a run that succeeds changes nothing.
pytestmark = pytest.mark.usefixtures("held_provider")

SAML = "<saml2:Assertion>ä</saml2:Assertion>"


def test_a_token_is_the_default(modules: Modules, host: Host) -> None:
    assert not modules.kms_provider().failed
    assert schemes(host) == ["basic", "bearer"]
    assert host.login_attempts == 1


def test_basic_sends_the_password_with_each_request(modules: Modules, host: Host) -> None:
    host.settings(token_service=False)
    assert not modules.kms_provider(auth_method="basic").failed
    assert schemes(host) == ["basic"]


def test_a_service_that_takes_only_tokens_is_named_where_it_refuses_a_password(modules: Modules, host: Host) -> None:
    host.settings(oauth_only=["security_token_issuers"])
    ran = modules.run("esx_token_issuer_info", auth_method="basic")

    assert ran.result["failure"]["code"] == "unauthenticated"
    assert "only tokens" in ran.message
    assert not modules.run("esx_token_issuer_info").failed


@pytest.mark.of_rest
def test_a_session_is_closed_at_the_end(modules: Modules, host: Host) -> None:
    host.settings(session_service=True)
    assert not modules.kms_provider(auth_method="session").failed
    assert schemes(host) == ["basic", "session", "session"]
    assert host.journal[-1].method == "DELETE"
    assert host.open_sessions == 0


def test_a_session_is_closed_after_a_failure(modules: Modules, host: Host) -> None:
    host.settings(session_service=True)
    host.queue(fault(kind="status", operation=GET, error_type="INVALID_ARGUMENT"))

    assert modules.kms_provider(auth_method="session").failed
    assert host.open_sessions == 0


def test_a_ready_token_needs_no_login(modules: Modules, host: Host) -> None:
    assert not modules.kms_provider(access_token=host.create_token(), username=None, password=None).failed
    assert schemes(host) == ["bearer"]
    assert host.login_attempts == 0


def test_a_ready_token_that_is_refused_is_not_replaced_by_the_password(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(access_token="expired-token-of-yesterday")
    assert ran.failed
    assert "access_token" in ran.message
    assert host.login_attempts == 0
    assert "expired-token-of-yesterday" not in ran.output


@pytest.mark.parametrize(
    "token",
    [SAML, base64.b64encode(SAML.encode()).decode(), packed_saml(SAML)],
    ids=["xml", "base64", "gzip"],
)
def test_a_saml_token_is_exchanged(modules: Modules, host: Host, token: str) -> None:
    host.settings(saml_tokens=[SAML])
    assert not modules.kms_provider(saml_token=token, username=None, password=None).failed
    assert schemes(host) == ["sign", "bearer"]


def test_a_refused_login_is_tried_once(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(password="wrong-Password-1")
    assert ran.failed
    assert ran.result["failure"]["code"] == "unauthenticated"
    assert "not tried again" in ran.message
    assert host.login_attempts == 1
    assert "wrong-Password-1" not in ran.output


@pytest.mark.of_rest
@pytest.mark.parametrize("encoding", ["text", "mark", "cut", "html", "server error"])
def test_a_token_in_a_malformed_answer_is_not_printed(modules: Modules, host: Host, encoding: str) -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb290In0.c2lnbmF0dXJl"

    bodies = {
        "text": token,
        "mark": ")]}'\n" + f'{{"access_token": "{token}"}}',
        "cut": f'{{"access_token": "{token}',
        "html": f"<html>{token}</html>",
        "server error": {
            "error_type": "ERROR",
            "messages": [{"id": "x", "default_message": f"no room for {token}", "args": []}],
        },
    }

    status = 500 if encoding == "server error" else 201
    host.queue(fault(kind="answer", operation=TOKEN, status=status, body=bodies[encoding], content_type="text/plain"))
    ran = modules.kms_provider(retries=0)

    assert ran.failed
    assert token not in ran.output
    assert host.login_attempts == 1


@pytest.mark.of_rest
def test_json_with_a_byte_order_mark_is_json(modules: Modules, host: Host) -> None:
    body = "\ufeff" + f'{{"access_token": "{host.create_token()}"}}'
    host.queue(fault(kind="answer", operation=TOKEN, status=201, body=body, content_type="application/json"))
    assert not modules.kms_provider().failed


@pytest.mark.parametrize("chains", ["PEM", ["PEM"], [["PEM"]], {"cert_chain": ["PEM"]}])
def test_options_of_a_wrong_form_are_named_and_print_no_secret(modules: Modules, host: Host, chains: Any) -> None:
    ran = modules.token_issuer(signing_cert_chains=chains)
    assert ran.failed
    assert "signing_cert_chains" in ran.message
    assert host.password not in ran.output


@pytest.mark.parametrize("option", ["key_id", "hostname"])
def test_a_secret_in_the_wrong_option_is_not_printed(modules: Modules, option: str) -> None:
    pasted = {"key_id": KEY, "hostname": "https://root:hunter22@esx01/"}
    options: dict[str, Any] = {option: pasted[option]}
    ran = modules.kms_provider(**options)

    assert ran.failed
    assert option in ran.message
    assert pasted[option] not in ran.output
    assert "hunter22" not in ran.output


@pytest.mark.of_rest
@pytest.mark.parametrize(("spoken", "api_protocol"), [("rest", "auto"), ("jsonrpc", "jsonrpc")])
def test_a_lost_answer_to_a_login_is_tried_only_once_more(
    modules: Modules, host: Host, spoken: str, api_protocol: str
) -> None:
    host.settings(protocols=spoken)
    modules.connection["api_protocol"] = api_protocol
    host.queue(fault(kind="lose_answer", operation=TOKEN, times=None))
    ran = modules.kms_provider(password="wrong", retries=9)

    assert ran.failed
    assert host.login_attempts == 2


def test_a_lost_answer_to_a_login_is_survived(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="lose_answer", operation=TOKEN))
    assert not modules.kms_provider().failed


def test_an_expired_token_costs_one_login(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="expire_tokens", operation="*.providers.create"))
    ran = modules.kms_provider(provider="site-b")

    assert ran.changed
    assert host.login_attempts == 2
    assert sum(record.wrote for record in host.writes) == 1


def test_a_token_that_is_never_accepted_is_renewed_once(modules: Modules, host: Host) -> None:
    host.settings(bearer_on_services=False)
    ran = modules.kms_provider()

    assert ran.failed
    assert "auth_method basic" in ran.message
    assert host.login_attempts == 2


def test_lockdown_mode_is_named(modules: Modules, host: Host) -> None:
    host.settings(lockdown=True)
    ran = modules.kms_provider()

    assert ran.failed
    assert "lockdown" in ran.message
    assert "the vCenter shows in the host's Security Profile" in ran.message
    assert host.login_attempts == 1


def test_a_missing_token_service_says_what_to_do(modules: Modules, host: Host) -> None:
    host.settings(token_service=False)
    ran = modules.kms_provider()

    assert ran.failed
    assert "auth_method basic" in ran.message


def test_a_missing_session_service_says_what_to_do(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(auth_method="session")
    assert ran.failed
    assert "auth_method token or basic" in ran.message


def test_a_json_rpc_host_is_recognised(modules: Modules, host: Host) -> None:
    host.settings(protocols="none")
    ran = modules.kms_provider()

    assert ran.failed
    assert "JSON-RPC" in ran.message
    assert "Traceback" not in ran.output


@pytest.fixture
def over_jsonrpc(modules: Modules, host: Host) -> None:
    host.settings(protocols="jsonrpc")
    modules.connection["api_protocol"] = "jsonrpc"


@pytest.mark.of_rest
@pytest.mark.usefixtures("over_jsonrpc")
@pytest.mark.parametrize("encoding", ["text", "cut", "html", "not a result", "server error"])
def test_a_token_in_an_answer_that_is_no_json_rpc_is_not_printed(modules: Modules, host: Host, encoding: str) -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb290In0.c2lnbmF0dXJl"
    result = {"STRUCTURE": {"com.vmware.esx.authentication.token.info": {"access_token": {"SECRET": token}}}}
    error = {"code": -32603, "message": f"no room for {token}", "data": token}

    bodies = {
        "text": token,
        "cut": json.dumps({"jsonrpc": "2.0", "id": "1", "result": {"output": result}})[:-5],
        "html": f"<html>{token}</html>",
        "not a result": json.dumps({"jsonrpc": "2.0", "id": "1", "result": {"put": result}}),
        "server error": json.dumps({"jsonrpc": "2.0", "id": "1", "error": error}),
    }

    host.queue(
        fault(kind="answer", operation=TOKEN, status=200, body=bodies[encoding], content_type="application/json")
    )
    ran = modules.kms_provider(retries=0)

    assert ran.failed
    assert token not in ran.output
    assert host.login_attempts == 1
