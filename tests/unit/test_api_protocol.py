# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""api_protocol auto: REST first, then JSON-RPC only where an answer proves that nobody looked at the credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from typing import Optional
from typing import Union

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import CODECS
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS

READ = token_issuer.LIST()
Reply = Union[Answer, TrustError]


def answer_of(body: Any, status: int = 200) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {}, data)


PARSE_ERROR = answer_of({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "Parse error."}})
UNSUPPORTED_CONTENT = "Unsupported content type"
UNSUPPORTED = answer_of(UNSUPPORTED_CONTENT.encode(), 400)
LOGGED_IN = {"STRUCTURE": {"x": {"access_token": {"SECRET": "an-access-token"}}}}
TOKEN = answer_of({"jsonrpc": "2.0", "id": "0", "result": {"output": LOGGED_IN}})
ISSUERS = answer_of({"jsonrpc": "2.0", "id": "0", "result": {"output": []}})


def rpc_error(kind: str, **fields: Any) -> Answer:
    error = {"ERROR": {f"com.vmware.vapi.std.errors.{kind}": {"messages": [], **fields}}}
    return answer_of({"jsonrpc": "2.0", "id": "0", "result": {"error": error}})


class Wire:
    """A host that gives these answers, in turn."""

    def __init__(self, *answers: Reply) -> None:
        self._answers = list(answers)
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.passwords = 0

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: Optional[bytes] = None, timeout: Any = None
    ) -> Answer:
        self.paths.append(path)
        self.headers.append(dict(headers))
        self.passwords += "Basic " in str(headers) or b"VMware1!" in (body or b"")
        answer = self._answers.pop(0)
        if isinstance(answer, TrustError):
            raise answer

        return answer

    def close(self) -> None:
        """There is nothing to close."""


def client_over(wire: Wire, api_protocol: str = "auto", **options: Any) -> Client:
    given = {"username": "root", "password": "VMware1!", "retries": 0, **options}
    connection = Connection("esx01", **given)
    return Client(connection, wire, CODECS[api_protocol], Redactor(connection.secrets), LOGIN_HINTS)


def read_and_close(client: Client) -> None:
    with client:
        client.call(READ)


def failing(client: Client) -> TrustError:
    with pytest.raises(TrustError) as caught:
        read_and_close(client)
    return caught.value


LOGIN, RPC = "/api/esx/authentication/token", "/api"


def test_a_rest_host_costs_nothing_more() -> None:
    wire = Wire(answer_of({"access_token": "an-access-token"}, 201), answer_of([]))
    client = client_over(wire)

    assert client.call(READ) == []
    assert client.api_protocol == "rest"
    assert len(wire.paths) == 2


@pytest.mark.parametrize(
    "first",
    [
        PARSE_ERROR,
        answer_of({"jsonrpc": "2.0", "id": None, "error": {"code": -32600}}, 400),
        answer_of({"jsonrpc": "2.0", "id": None, "error": {"code": -32603}}, 500),
        UNSUPPORTED,
        answer_of({"error_type": "INVALID_REQUEST", "messages": [{"default_message": UNSUPPORTED_CONTENT}]}, 400),
        answer_of(
            {
                "type": "com.vmware.vapi.std.errors.invalid_request",
                "value": {"messages": [{"default_message": UNSUPPORTED_CONTENT}]},
            },
            400,
        ),
        answer_of(b"", 400),
        answer_of(b"", 404),
        answer_of({"code": 5}, 405),
        answer_of(b"no", 415),
    ],
)
def test_a_json_rpc_host_costs_one_request_more(first: Answer) -> None:
    wire = Wire(first, TOKEN, ISSUERS)
    client = client_over(wire)

    assert client.call(READ) == []
    assert client.api_protocol == "jsonrpc"
    assert wire.paths == [LOGIN, RPC, RPC]


def test_jsonrpc_saves_the_request_and_rest_never_guesses() -> None:
    wire = Wire(TOKEN, ISSUERS)
    assert client_over(wire, "jsonrpc").call(READ) == []

    wire = Wire(PARSE_ERROR)
    error = failing(client_over(wire, "rest"))

    assert isinstance(error, UnexpectedAnswer)
    assert wire.paths == [LOGIN]
    assert "api_protocol" not in error.returned


#: Refusals that have the form of neither codec.
UNFRAMED_REFUSALS: tuple[Any, ...] = (
    {"result": {"error": {"ERROR": {"com.vmware.vapi.std.errors.unauthenticated": {"messages": []}}}}},
    {"error": "unauthenticated"},
)


@pytest.mark.parametrize(
    "first",
    [
        answer_of(b"", 401),
        answer_of({"jsonrpc": "2.0"}, 401),
        rpc_error("unauthenticated"),
        answer_of({"error_type": "UNAUTHENTICATED", "messages": []}, 400),
        *(answer_of(refusal, status) for refusal in UNFRAMED_REFUSALS for status in (400, 404, 405, 415, 500, 503)),
        answer_of(b"", 403),
        answer_of({"jsonrpc": "2.0"}, 403),
        answer_of(b"no healthy upstream", 503),
        answer_of(b"", 500),
        answer_of(b"", 302),
        answer_of(b"<html><body>Sign in</body></html>", 404),
        answer_of(b"<html><body>Sign in</body></html>", 400),
        answer_of(b"<html><body><h1>400</h1>Unsupported content type</body></html>", 400),
        answer_of(b"\xef\xbb\xbf\r\n<!DOCTYPE HTML><p>Unsupported content type", 404),
        answer_of(b"<h1>Unsupported content type</h1>", 415),
        answer_of(b"\xef\xbb\xbf<center>Not found</center>", 404),
        answer_of({"error_type": "NOT_FOUND", "messages": []}, 404),
        answer_of({"error_type": "INVALID_REQUEST", "messages": []}, 400),
        answer_of({"error_type": "UNAUTHENTICATED", "messages": [{"default_message": UNSUPPORTED_CONTENT}]}, 400),
        answer_of(b"", 429),
        answer_of(b"", 200),
        answer_of({"access_token": "an-access-token"}, 202),
        answer_of(b"OK", 200),
        answer_of(b"<html></html>", 200),
        answer_of(b"Unsupported content type", 500),
        AnswerLost("esx01: lost."),
    ],
)
def test_any_other_answer_is_final(first: Reply) -> None:
    wire = Wire(first)
    failing(client_over(wire))
    assert wire.passwords == 1


@pytest.mark.parametrize("status", [300, 400, 404, 503])
@pytest.mark.parametrize("body", UNFRAMED_REFUSALS)
def test_a_refusal_in_any_json_is_reported(body: Any, status: int) -> None:
    wire = Wire(answer_of(body, status))
    error = failing(client_over(wire))

    assert isinstance(error, Unauthenticated)
    assert error.login_refused
    assert "api_protocol" not in error.returned
    assert wire.paths == [LOGIN]


@pytest.mark.parametrize(
    "second", [answer_of(b"", 404), answer_of(b"<html>", 200), answer_of({"a": 1}), answer_of(b"", 503)]
)
def test_where_neither_form_is_spoken_the_first_answer_is_reported(second: Answer) -> None:
    wire = Wire(answer_of(b"nothing here", 404), second)
    error = failing(client_over(wire))

    assert "nothing here" in error.message or "404" in error.message
    assert error.hint.startswith("It did not answer over JSON-RPC either. Check ")
    assert "api_protocol" not in error.returned
    assert wire.paths == [LOGIN, RPC]


@pytest.mark.parametrize("first", [PARSE_ERROR, UNSUPPORTED], ids=["parse error", "content type"])
@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_host_that_has_shown_json_rpc_and_is_busy_is_asked_again(first: Answer, status: int) -> None:
    wire = Wire(first, answer_of(b"busy", status), TOKEN, ISSUERS)
    client = client_over(wire, retries=1)

    assert client.call(READ) == []
    assert client.api_protocol == "jsonrpc"
    assert wire.paths == [LOGIN, RPC, RPC, RPC]


def test_a_host_that_has_shown_json_rpc_and_stays_busy_is_reported_as_busy() -> None:
    wire = Wire(PARSE_ERROR, answer_of(b"busy", 503))
    error = failing(client_over(wire))

    assert "503" in error.message
    assert wire.paths == [LOGIN, RPC]


def test_a_refusal_over_json_rpc_is_final() -> None:
    wire = Wire(PARSE_ERROR, rpc_error("unauthenticated"))
    error = failing(client_over(wire))

    assert isinstance(error, Unauthenticated)
    assert error.login_refused
    assert error.returned["api_protocol"] == "jsonrpc"
    assert wire.passwords == 2  # the first was not looked at


def test_a_lost_answer_to_the_guess_is_reported_as_lost() -> None:
    error = failing(client_over(Wire(PARSE_ERROR, AnswerLost("esx01: lost."))))
    assert isinstance(error, AnswerLost)


def test_a_password_whose_answers_are_lost_is_sent_twice_and_not_more_often() -> None:
    wire = Wire(*(AnswerLost("esx01: lost.") for _turn in range(5)))
    assert isinstance(failing(client_over(wire, retries=4)), AnswerLost)
    assert wire.passwords == 2


def test_a_password_at_which_nobody_looked_does_not_count_as_sent() -> None:
    wire = Wire(PARSE_ERROR, AnswerLost("esx01: lost."), TOKEN, ISSUERS)
    assert client_over(wire, retries=1).call(READ) == []


def test_a_read_asks_for_json_until_the_form_is_known() -> None:
    """A JSON-RPC endpoint needs this header to answer in JSON-RPC, and a read over REST has no body."""
    wire = Wire(answer_of([]), answer_of([]))
    client = client_over(wire, access_token="ready")
    client.call(READ)
    client.call(READ)
    login = {"Authorization": "Bearer ready"}

    assert wire.headers == [{**login, "Content-Type": "application/json"}, login]


def test_the_choice_holds_for_the_connection() -> None:
    wire = Wire(PARSE_ERROR, TOKEN, ISSUERS, rpc_error("unauthenticated"), TOKEN, ISSUERS)
    client = client_over(wire)
    client.call(READ)

    assert client.call(READ) == []  # with a new token
    assert wire.paths == [LOGIN] + [RPC] * 5


@pytest.mark.parametrize("options", [{"auth_method": "basic"}, {"access_token": "ready"}])
def test_without_a_login_the_first_operation_decides(options: dict[str, Any]) -> None:
    wire = Wire(UNSUPPORTED, ISSUERS)
    client = client_over(wire, **options)

    assert client.call(READ) == []
    assert client.api_protocol == "jsonrpc"
    assert wire.paths == [
        "/api/esx/authentication/trust/security-token-issuers",
        RPC,
    ]


def message(id_: str) -> dict[str, Any]:
    content = {"id": id_, "default_message": "No.", "args": []}
    return {"STRUCTURE": {"com.vmware.vapi.std.localizable_message": content}}


def test_an_account_without_entitlements_is_no_wrong_password() -> None:
    refusal = rpc_error("unauthenticated", messages=[message("com.vmware.esx.authentication.token.no_entitlements")])
    error = failing(client_over(Wire(refusal), "jsonrpc"))

    assert isinstance(error, Unauthenticated)
    assert not error.login_refused
    assert "entitlement" in error.hint


def test_a_service_that_takes_only_tokens_says_so() -> None:
    refusal = rpc_error("unauthenticated", messages=[message("com.vmware.esx.authentication.bad_authn_scheme")])
    error = failing(client_over(Wire(refusal), "jsonrpc", auth_method="basic"))
    assert "auth_method token" in error.hint
