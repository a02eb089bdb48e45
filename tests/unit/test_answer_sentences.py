# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer is called, what may follow it, and what a person should do about it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer import HINT_NOT_THE_API
from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.answer import wrong_shape
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer

READ = Operation("com.example.things.get", "GET", "/api/things", success=(200,), errors=(), returns=True)
WRITE = Operation("com.example.things.create", "POST", "/api/things", success=(204,), errors=())
LOGIN = Operation("com.example.login", "POST", "/api/login", success=(201,), errors=(), returns=True, secret=True)
LATER = "The service is down or starting; try again later."


def answered(body: Any, status: int = 200, operation: Operation = READ, scrub: Any = str) -> TrustError:
    """The error that the answer is."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with pytest.raises(TrustError) as caught:
        REST.decode(operation, Answer(status, {}, content), "esx01", scrub)
    assert caught.value.operation == operation.id
    assert caught.value.status == status
    return caught.value


@pytest.mark.parametrize(
    ("body", "called"),
    [
        ("", "an empty body"),
        (" \n", "an empty body"),
        ("<HTML><p>Sign in</p>", "a web page"),
        (" <?xml version='1.0'?><a/>", "an XML document"),
        ('{"a": ', "broken JSON"),
        ("[1, ", "broken JSON"),
        ("no healthy upstream", "the text 'no healthy upstream'"),
        ("X marks", "the text 'X marks'"),
        ("bell\x07 and\nnew line", "the text 'bell? and new line'"),
        ("x" * 200, f"the text '{'x' * 200}'"),
        ("x" * 201, f"the text '{'x' * 200}...'"),
        (b"\xff\xfe", "the text '\ufffd\ufffd'"),
        ({"some": "thing"}, "JSON that is no error of the API"),
        ([], "JSON that is no error of the API"),
    ],
)
def test_a_failure_that_is_not_the_api_s_is_called_by_what_it_is(body: Any, called: str) -> None:
    error = answered(body, 404)
    assert error.message == f"esx01: GET /api/things was answered with code 404 and {called}."
    assert error.hint == HINT_NOT_THE_API


@pytest.mark.parametrize("body", ["<html>", "no JSON", '{"a": '])
def test_a_success_that_is_not_json_is_doubtful(body: str) -> None:
    error = answered(body)
    assert error.message.startswith("esx01: GET /api/things was answered with ")
    assert error.message.endswith(".")
    assert error.hint == HINT_NOT_THE_API
    assert error.retriable
    assert error.outcome_unknown


def test_an_empty_success_is_doubtful() -> None:
    error = answered("")
    assert error.message == "esx01: the answer to GET /api/things is empty."
    assert error.hint == ""
    assert error.retriable
    assert error.outcome_unknown


@pytest.mark.parametrize("status", [202, 206])
def test_a_promise_or_a_part_is_doubtful(status: int) -> None:
    error = answered({}, status)
    assert error.message == f"esx01: GET /api/things was answered with the unusual code {status}."
    assert error.hint == ""
    assert error.retriable
    assert error.outcome_unknown


@pytest.mark.parametrize("status", [200, 201, 202, 206, 207])
def test_a_write_that_is_not_answered_as_documented_is_doubtful(status: int) -> None:
    assert "unusual code" in answered("", status, WRITE).message
    assert REST.decode(WRITE, Answer(204, {}, b""), "esx01", str) is None


@pytest.mark.parametrize("status", [200, 201, 203, 207])
def test_a_read_s_value_counts_whatever_the_success_is_called(status: int) -> None:
    assert REST.decode(READ, Answer(status, {}, b'{"a": 1}'), "esx01", str) == {"a": 1}


def test_a_byte_order_mark_is_no_matter() -> None:
    assert REST.decode(READ, Answer(200, {}, b"\xef\xbb\xbf[1]"), "esx01", str) == [1]


def test_a_login_is_never_quoted_and_never_repeated_after_an_odd_answer() -> None:
    assert answered("the token is 12345", 200, LOGIN).message.endswith("was answered with a text that is not JSON.")
    assert not answered("the token is 12345", 200, LOGIN).retriable
    messages = {"error_type": "ERROR", "messages": [{"default_message": "the token is 12345"}]}
    assert "12345" not in answered(messages, 500, LOGIN).message
    assert "12345" in answered(messages, 400, LOGIN).message
    assert "12345" in answered(messages, 500, READ).message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_named(status: int) -> None:
    error = answered("", status)
    assert error.message == f"esx01: GET /api/things was answered with a redirect ({status}), which is not followed."
    assert error.hint == HINT_NOT_THE_API
    assert isinstance(error, UnexpectedAnswer)
    assert not error.retriable


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"jsonrpc": "2.0", "error": {"code": 1}}, 200),
        ({"jsonrpc": "2.0", "error_type": "NOT_FOUND", "messages": []}, 404),
        ("Unsupported content type", 400),
        (" " * (2048 - 24) + "Unsupported content type", 400),
    ],
)
def test_a_json_rpc_endpoint_is_told_apart(body: Any, status: int) -> None:
    error = answered(body, status)
    assert error.message == "esx01: answers GET /api/things as a JSON-RPC endpoint and does not serve it over REST."
    assert "api_protocol" in error.hint
    assert isinstance(error, UnexpectedAnswer)
    assert error.other_form


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
        (300, False, True),
        (399, False, True),
    ],
)
def test_what_may_follow_a_failure_that_is_not_the_api_s(status: int, later: bool, unknown: bool) -> None:
    error = answered("down", status)
    assert (error.retriable, error.outcome_unknown) == (later, unknown)
    assert error.hint == (LATER if later else HINT_NOT_THE_API)


@pytest.mark.parametrize(
    ("error_type", "word"),
    [("ERROR", "logs"), ("INVALID_ARGUMENT", "options"), ("ALREADY_EXISTS", "again"), ("UNAUTHORIZED", "privilege")],
)
def test_an_error_of_the_api_has_the_hint_of_its_type(error_type: str, word: str) -> None:
    error = answered({"error_type": error_type, "messages": []}, 400)
    assert word in error.hint
    assert error.error_type == error_type
    assert not error.inferred


@pytest.mark.parametrize("error_type", ["NOT_FOUND", "CANCELED"])
def test_a_type_without_a_hint_has_none(error_type: str) -> None:
    error = answered({"error_type": error_type, "messages": []}, 400)
    assert (error.error_type, error.hint) == (error_type, "")


def test_the_hint_of_the_operation_goes_before_the_general_one() -> None:
    operation = replace(READ, hints={"ERROR": "Look into things.log."})
    assert answered({"error_type": "ERROR", "messages": []}, 500, operation).hint == "Look into things.log."
    assert answered({"error_type": "UNAUTHORIZED", "messages": []}, 403, operation).hint.startswith("Give the account")


def test_an_error_without_any_type_has_no_hint() -> None:
    error = answered({"messages": [{"default_message": "Out of order"}]}, 400)
    assert error.message == "esx01: GET /api/things failed (400): Out of order."
    assert (error.hint, error.error_type, type(error)) == ("", None, ApiError)


def test_three_messages_are_enough() -> None:
    messages = [{"default_message": f"number {number}"} for number in range(1, 6)]
    message = answered({"error_type": "ERROR", "messages": messages}, 500).message
    assert message.endswith("failed (500 ERROR): number 1; number 2; number 3.")


def test_a_message_in_two_languages_is_told_once() -> None:
    both = {"localized": "Nein.", "default_message": "No."}
    error = answered({"error_type": "ERROR", "messages": [both, both]}, 400)
    assert error.message == "esx01: GET /api/things failed (400 ERROR): Nein.; Nein."


def test_what_a_login_failed_over_is_not_told() -> None:
    body = {"error_type": "ERROR", "messages": [{"default_message": "over t0ken"}]}
    error = answered(body, 500, LOGIN)
    assert error.message == "esx01: POST /api/login failed (500 ERROR)."


@pytest.mark.parametrize(("said", "ends"), [("Stop", "Stop."), ("Stop!", "Stop!"), ("Why?", "Why?"), ("So.", "So.")])
def test_a_message_ends_as_a_sentence(said: str, ends: str) -> None:
    message = answered({"error_type": "ERROR", "messages": [{"default_message": said}]}, 400).message
    assert message == f"esx01: GET /api/things failed (400 ERROR): {ends}"


@pytest.mark.parametrize(
    ("kind", "error_type"),
    [("com.vmware.vapi.std.errors.not_found", "NOT_FOUND"), ("com.example.errors.not_found", None), ("", None)],
)
def test_the_older_form_names_its_type_with_a_prefix(kind: str, error_type: Any) -> None:
    error = answered({"type": kind, "value": {"messages": []}}, 400)
    assert error.error_type == error_type
    assert error.inferred == (error_type is None)


@pytest.mark.parametrize(
    ("body", "is_error"),
    [
        ({"error_type": "ERROR"}, True),
        ({"type": "com.vmware.vapi.std.errors.error", "value": {}}, True),
        ({"messages": []}, False),
        ({"type": "NATIVE"}, False),
        ({"type": "NATIVE", "value": 5}, False),
    ],
)
def test_an_error_with_a_success_code_is_one_if_it_says_so(body: Any, is_error: bool) -> None:
    if is_error:
        assert isinstance(answered(body, 200), ApiError)
    else:
        assert REST.decode(READ, Answer(200, {}, json.dumps(body).encode()), "esx01", str) == body


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_needs_no_words(status: int) -> None:
    error = answered("<html>", status)
    assert error.code == ("unauthenticated" if status == 401 else "unauthorized")
    assert error.inferred
    assert error.message == f"esx01: GET /api/things failed ({status} {error.error_type})."


def test_a_wrong_shape_is_told_by_host_and_operation() -> None:
    error = wrong_shape(READ, READ.title, "esx01")
    assert error.message == (
        "esx01: the answer to GET /api/things is JSON, but not of the form that the API documents."
    )
    assert (error.hint, error.operation) == (HINT_NOT_THE_API, READ.id)


def test_secrets_are_taken_out_before_anything_is_cut() -> None:
    secret = "s" * 20
    body = "x" * 190 + secret
    assert "sss" not in answered(body, 500, scrub=lambda text: text.replace(secret, "***")).message
