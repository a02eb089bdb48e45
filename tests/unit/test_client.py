# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client: the headers of a write, the token as a secret, names in errors, and the end of a session."""

from __future__ import annotations

import json

from ansible_collections.esx.trust.plugins.module_utils._api.client import CLOSE_TIMEOUT
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


# The end of a session


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
