# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client: the headers of a write, the token as a secret, names in errors, and the end of a session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.client import CLOSE_TIMEOUT
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer import LIST
from support.answers import READ
from support.answers import WRITE
from support.transport import JSON
from support.transport import ScriptedTransport
from support.transport import client_over
from support.transport import failing
from support.transport import is_sentence
from support.transport import lost


def test_a_write_says_that_it_is_json(transport: ScriptedTransport) -> None:
    transport.services = [None]
    client_over(transport, access_token="ready").call(WRITE(spec={"name": "ä"}))
    (_method, _path, headers, body) = transport.sent[0]

    assert headers == {**JSON, "Authorization": "Bearer ready"}
    assert json.loads(body or b"") == {"name": "ä"}


def test_a_token_that_a_login_gave_is_a_secret_from_then_on(transport: ScriptedTransport) -> None:
    transport.logins = [{"access_token": "a-token-that-nobody-knew"}]
    client = client_over(transport)

    assert client.scrub("a-token-that-nobody-knew") == "a-token-that-nobody-knew"

    client.call(READ())

    assert "nobody" not in client.scrub("so: a-token-that-nobody-knew")


def test_a_wrong_shape_names_host_and_operation(transport: ScriptedTransport) -> None:
    error = client_over(transport).wrong_shape(READ)
    assert error.operation == READ.id
    assert error.message.startswith("esx01: the answer to GET /api/things is JSON")
    assert is_sentence(error.hint)


def test_an_error_names_its_operation(transport: ScriptedTransport) -> None:
    transport.services = [lost()]
    assert failing(lambda: client_over(transport, access_token="t", retries=0).call(READ())).operation == READ.id


def test_a_result_names_the_form_of_the_api_and_no_secret(transport: ScriptedTransport) -> None:
    client = client_over(transport, access_token="a-ready-token")
    result = {"changed": True, "text": "so: a-ready-token"}

    assert set(client.report(result)) == {"changed", "text"}

    client.call(READ())
    reported = client.report(result)

    assert (reported["changed"], reported["api_protocol"]) == (True, "rest")
    assert "ready" not in reported["text"]
    assert set(result) == {"changed", "text"}


def test_an_operation_that_the_host_answered_is_known_to_be_offered(transport: ScriptedTransport) -> None:
    client = client_over(transport)
    transport.services = [503]
    failing(lambda: client_over(transport, retries=0).call(READ()))

    assert not client.has_answered(READ)

    transport.services = [{}]
    client.call(READ())

    assert client.has_answered(READ)
    assert not client.has_answered(WRITE)


def test_an_answer_that_is_not_of_the_api_is_reported_with_its_host(transport: ScriptedTransport) -> None:
    transport.services = [Answer(404, {}, b"<html></html>")]
    error = failing(lambda: client_over(transport).call(READ()))
    assert error.message == "esx01: GET /api/things was answered with code 404 and a web page."


# The end of a session


def test_the_id_of_a_session_is_a_secret_from_then_on(transport: ScriptedTransport) -> None:
    transport.logins = ["a-session-that-nobody-knew"]
    client = client_over(transport, auth_method="session")
    client.call(READ())
    assert "nobody" not in client.scrub("so: a-session-that-nobody-knew")


def test_a_session_that_could_not_be_renewed_is_renewed_by_the_next_operation(transport: ScriptedTransport) -> None:
    transport.logins = ["s1", None, lost(), lost(), "s2"]
    transport.services = [{}, 401, {"thing": 2}]
    client = client_over(transport, auth_method="session", retries=1)
    client.call(READ())
    failing(lambda: client.call(READ()))

    assert client.call(READ()) == {"thing": 2}
    assert transport.sent[-1][2] == {"vmware-api-session-id": "s2"}


def test_a_session_over_json_rpc_is_ended_by_the_body_of_the_request() -> None:
    sent: list[bytes] = []

    class Host(ScriptedTransport):
        def send(
            self, method: str, path: str, headers: Mapping[str, str], body: Optional[bytes] = None, timeout: Any = None
        ) -> Answer:
            sent.append(body or b"")
            output = {"SECRET": "s355"} if len(sent) == 1 else []
            return Answer(200, {}, json.dumps({"jsonrpc": "2.0", "id": "0", "result": {"output": output}}).encode())

    connection = Connection("esx01", username="root", password="VMware1!", auth_method="session")
    with Client(connection, Host(), (JSON_RPC,), Redactor(connection.secrets), LOGIN_HINTS) as client:
        client.call(LIST())

    assert [json.loads(body)["params"]["operationId"] for body in sent] == ["create", "list", "delete"]


def test_a_session_is_ended_once(transport: ScriptedTransport) -> None:
    transport.logins = ["s355", None]
    with client_over(transport, auth_method="session", timeout=9) as client:
        client.call(READ())

    assert transport.sent[-1] == ("DELETE", "/api/session", {**JSON, "vmware-api-session-id": "s355"}, None)
    assert transport.timeouts[-1] == CLOSE_TIMEOUT
    assert transport.closed == 1

    client.close()

    assert [method for method, _path, _headers, _body in transport.sent] == ["POST", "GET", "DELETE"]


def test_a_goodbye_takes_no_longer_than_any_request(transport: ScriptedTransport) -> None:
    transport.logins = ["s355", None]
    with client_over(transport, auth_method="session", timeout=2) as client:
        client.call(READ())
    assert transport.timeouts[-1] == 2


def test_a_session_that_cannot_be_ended_is_no_failure(transport: ScriptedTransport) -> None:
    transport.logins = ["s355", lost()]
    with client_over(transport, auth_method="session") as client:
        client.call(READ())
    assert transport.closed == 1


def test_without_a_session_there_is_nothing_to_end(transport: ScriptedTransport) -> None:
    with client_over(transport) as client:
        client.call(READ())
    assert transport.asked == ["login", "service"]

    with client_over(transport, auth_method="session"):
        pass

    assert transport.closed == 2
