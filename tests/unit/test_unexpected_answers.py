# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that no server of the API gives: a proxy's page, another form, half a document. Each has a name and a hint,
and leaves the right doubt."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import HINT_NOT_THE_API
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import wrong_shape
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from support.answers import LOGIN
from support.answers import READ
from support.answers import WRITE
from support.answers import answer
from support.answers import error_of
from support.transport import is_sentence

LATER = "The service is down or starting; try again later."
ENVOY_RESET = b"upstream connect error or disconnect/reset before headers. reset reason: connection failure"
SOAP = b'<?xml version="1.0"?><soapenv:Envelope><soapenv:Body><soapenv:Fault/></soapenv:Body></soapenv:Envelope>'


@pytest.mark.parametrize(
    ("status", "body", "called"),
    [
        (404, b"", "an empty body"),
        (404, b" \n", "an empty body"),
        (404, b"<HTML><p>Sign in</p>", "a web page"),
        (400, f"\n<!-- {'x' * 2000} -->\n<html>".encode(), "a web page"),
        (500, SOAP, "an XML document"),
        (404, b" <?xml version='1.0'?><a/>", "an XML document"),
        (500, b'{"error_type": "ERR', "broken JSON"),
        (404, b"[1, ", "broken JSON"),
        (404, b"no healthy upstream", "the text 'no healthy upstream'"),
        (500, ENVOY_RESET, f"the text '{ENVOY_RESET.decode()}'"),
        (404, b"bell\x07 and\nnew line", "the text 'bell? and new line'"),
        (404, b"x" * 200, f"the text '{'x' * 200}'"),
        (404, b"x" * 201, f"the text '{'x' * 200}...'"),
        (404, b"\xef\xbb\xbf no healthy upstream", "the text 'no healthy upstream'"),
        (400, b" " * (2048 - 23) + b"Unsupported content type", "the text 'Unsupported content type'"),
        (404, b"\xff\xfe", "the text '\ufffd\ufffd'"),
        (400, b"{}", "JSON that is no error of the API"),
        (404, b'{"some": "thing"}', "JSON that is no error of the API"),
        (500, b"[]", "JSON that is no error of the API"),
        (101, b"", "an empty body"),
        (599, b"X marks", "the text 'X marks'"),
    ],
)
def test_a_failure_that_is_not_of_the_api_is_called_by_its_name(status: int, body: bytes, called: str) -> None:
    error = error_of(answer(status, body))
    assert isinstance(error, UnexpectedAnswer)
    assert error.message == f"esx01: GET /api/things was answered with code {status} and {called}."
    assert error.hint == HINT_NOT_THE_API


@pytest.mark.parametrize("body", [b"no healthy upstream", b"<html></html>", b""])
@pytest.mark.parametrize(
    ("status", "later", "unknown"),
    [
        (400, False, False),
        (404, False, False),
        (408, True, True),
        (429, True, False),
        (499, False, False),
        (500, False, True),
        (502, True, True),
        (503, True, True),
        (504, True, True),
        (505, False, True),
    ],
)
def test_the_code_of_a_failure_decides_what_may_follow(status: int, later: bool, unknown: bool, body: bytes) -> None:
    error = error_of(answer(status, body), WRITE)
    assert (error.retriable, error.outcome_unknown) == (later, unknown)
    assert error.hint == (LATER if later else HINT_NOT_THE_API)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_a_redirect_is_named_and_not_followed(status: int) -> None:
    error = error_of(answer(status, b"", Location="https://elsewhere/"))
    assert isinstance(error, UnexpectedAnswer)
    assert error.message == f"esx01: GET /api/things was answered with a redirect ({status}), which is not followed."
    assert error.hint == HINT_NOT_THE_API
    assert not error.retriable
    assert error.outcome_unknown


@pytest.mark.parametrize("status", [300, 307, 399])
@pytest.mark.parametrize("body", [b'{"jsonrpc": "2.0", "error": {"code": 1}}', b"Unsupported content type"])
def test_a_redirect_is_named_as_such_whoever_gives_it(status: int, body: bytes) -> None:
    assert f"a redirect ({status})" in error_of(answer(status, body)).message


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"jsonrpc": "2.0", "error": {"code": 1}}'),
        (200, b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32600}}'),
        (400, b'{"jsonrpc": "2.0", "error": {"code": -32600, "message": "error_type"}}'),
        (404, b'{"jsonrpc": "2.0", "error_type": "NOT_FOUND", "messages": []}'),
        (400, b"Unsupported content type"),
        (402, b"Unsupported content type"),
        (400, b"\xef\xbb\xbfUnsupported content type"),
        (400, b" " * (2048 - 24) + b"Unsupported content type"),
    ],
)
def test_an_endpoint_of_json_rpc_is_named_with_the_option_that_helps(status: int, body: bytes) -> None:
    error = error_of(answer(status, body))
    assert isinstance(error, UnexpectedAnswer)
    assert error.message == "esx01: answers GET /api/things as a JSON-RPC endpoint and does not serve it over REST."
    assert "api_protocol" in error.hint
    assert is_sentence(error.hint)
    assert error.may_try_other_form


# Codes of success


@pytest.mark.parametrize("operation", [READ, WRITE])
@pytest.mark.parametrize(
    ("body", "called"),
    [
        (b"<!DOCTYPE html><html><body>Welcome</body></html>", "a web page"),
        (b"OK", "the text 'OK'"),
        (b'[{"provider": "nk', "broken JSON"),
    ],
)
def test_a_success_without_json_leaves_doubt(operation: Operation, body: bytes, called: str) -> None:
    error = error_of(answer(operation.success[0], body), operation)
    assert isinstance(error, UnexpectedAnswer)
    assert error.message == f"esx01: {operation.title} was answered with {called}."
    assert error.hint == HINT_NOT_THE_API
    assert error.retriable
    assert error.outcome_unknown


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_success_of_a_read_leaves_doubt(body: bytes) -> None:
    error = error_of(answer(200, body))
    assert error.message == "esx01: the answer to GET /api/things is empty."
    assert error.hint == ""
    assert error.retriable
    assert error.outcome_unknown


@pytest.mark.parametrize(
    ("operation", "status"),
    [*((READ, status) for status in (202, 206)), *((WRITE, status) for status in (200, 201, 202, 206, 207))],
)
@pytest.mark.parametrize("body", [b"", b"{}", b'{"task": "1"}'])
def test_a_code_that_does_not_prove_that_the_operation_finished_leaves_doubt(
    operation: Operation, status: int, body: bytes
) -> None:
    error = error_of(answer(status, body), operation)
    assert error.message == f"esx01: {operation.title} was answered with the unusual code {status}."
    assert error.hint == ""
    assert error.retriable
    assert error.outcome_unknown


def test_a_login_is_not_repeated_after_a_success_without_json_and_the_text_is_not_quoted() -> None:
    error = error_of(answer(200, b"the token is 12345"), LOGIN)
    assert error.message == "esx01: POST /api/login was answered with a text that is not JSON."
    assert not error.retriable


def test_json_of_another_form_is_reported_with_host_and_operation() -> None:
    error = wrong_shape(READ, READ.title, "esx01")
    assert error.message == "esx01: the answer to GET /api/things is JSON, but not of the form that the API documents."
    assert (error.hint, error.operation) == (HINT_NOT_THE_API, READ.id)


@pytest.mark.parametrize(
    ("status", "body", "unknown"),
    [
        (502, b'{"message": "upstream request failed: token service unauthenticated"}', True),
        (404, b'{"status": 404, "path": "/api/things/unauthenticated-idp"}', False),
    ],
)
def test_a_word_in_the_answer_to_a_write_is_no_refusal_of_a_login(status: int, body: bytes, unknown: bool) -> None:
    """Else a write would be sent again after a new login, and nobody would look whether the first one was done."""
    error = error_of(answer(status, body), WRITE)
    assert isinstance(error, UnexpectedAnswer)
    assert error.outcome_unknown is unknown
