# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values and the errors of the API: the type of an error, its words, and whether a request may be repeated."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from email.utils import format_datetime
from typing import Any
from typing import Optional

import pytest

from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from support.answers import DIALECTS
from support.answers import ERROR_TYPES
from support.answers import LOGIN
from support.answers import READ
from support.answers import SECRET
from support.answers import WRITE
from support.answers import answer
from support.answers import api_error_of
from support.answers import clean
from support.answers import error_of
from support.answers import older
from support.answers import value_of

# Values


@pytest.mark.parametrize("value", [[], {}, [{"a": 1}], "text", {"value": 1, "other": 2}, 0, False, None])
def test_a_value_comes_through(value: Any) -> None:
    assert value_of(answer(200, value)) == value


@pytest.mark.parametrize("status", [201, 203, 207])
def test_the_value_of_a_read_counts_under_every_code_of_success(status: int) -> None:
    assert value_of(answer(status, {"a": 1})) == {"a": 1}


def test_a_byte_order_mark_before_json_is_passed_over() -> None:
    assert value_of(answer(200, b"\xef\xbb\xbf[1]")) == [1]


@pytest.mark.parametrize("value", [[], {}, "text", {"type": "NATIVE"}])
def test_a_wrapped_value_is_unwrapped(value: Any) -> None:
    assert value_of(answer(200, {"value": value})) == value


@pytest.mark.parametrize("body", [b"", b"  \n", b"null", b"{}", b'{"value":{}}'])
def test_a_write_that_is_done_returns_nothing(body: bytes) -> None:
    assert value_of(answer(204, body), WRITE) is None


@pytest.mark.parametrize(
    "record",
    [
        {"type": "NATIVE"},
        {"type": "NATIVE", "native_info": {"key_id": "k"}},
        {"type": "NATIVE", "value": 5},
        {"messages": []},
    ],
)
def test_a_record_with_fields_that_errors_have_is_no_error(record: dict[str, Any]) -> None:
    assert value_of(answer(200, record)) == record


# The type of an error


@pytest.mark.parametrize("error_type", ERROR_TYPES)
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_error_type_is_known_in_both_dialects(dialect: str, error_type: str) -> None:
    error = api_error_of(answer(400, DIALECTS[dialect](error_type, "Outer.", "Cause.")))
    assert error.error_type == error_type
    assert not error.inferred
    assert "Outer.; Cause." in error.message
    assert isinstance(error, Unauthenticated) == (error_type == "UNAUTHENTICATED")
    assert isinstance(error, Unauthorized) == (error_type == "UNAUTHORIZED")


def test_the_type_inside_the_older_form_wins_over_its_name() -> None:
    body = older("error", "Text.")
    body["value"]["error_type"] = "NOT_FOUND"
    assert api_error_of(answer(404, body)).error_type == "NOT_FOUND"


@pytest.mark.parametrize("name", ["com.example.errors.not_found", ""])
def test_the_older_form_has_a_type_only_under_the_name_space_of_the_api(name: str) -> None:
    error = api_error_of(answer(400, {"type": name, "value": {"messages": []}}))
    assert error.error_type is None
    assert error.inferred


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (400, None),
        (401, "UNAUTHENTICATED"),
        (403, "UNAUTHORIZED"),
        (404, "NOT_FOUND"),
        (409, "CONCURRENT_CHANGE"),
        (429, "SERVICE_UNAVAILABLE"),
        (500, "INTERNAL_SERVER_ERROR"),
        (503, "SERVICE_UNAVAILABLE"),
        (504, "TIMED_OUT"),
        (418, None),
    ],
)
@pytest.mark.parametrize("missing", [{}, {"error_type": None}])
def test_without_a_type_the_code_decides(status: int, error_type: Optional[str], missing: dict[str, None]) -> None:
    body = {**missing, "messages": [{"id": "a", "default_message": "Text.", "args": []}]}
    error = api_error_of(answer(status, body))

    assert error.error_type == error_type
    assert "Text." in error.message


def test_the_type_wins_over_the_code() -> None:
    assert api_error_of(answer(500, clean("UNABLE_TO_ALLOCATE_RESOURCE"))).error_type == "UNABLE_TO_ALLOCATE_RESOURCE"


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_an_error_under_a_code_of_success_is_an_error(dialect: str) -> None:
    assert api_error_of(answer(200, DIALECTS[dialect]("NOT_FOUND"))).error_type == "NOT_FOUND"


@pytest.mark.parametrize("body", [{"error_type": "ERROR"}, {"type": "com.vmware.vapi.std.errors.error", "value": {}}])
def test_an_error_needs_no_messages(body: dict[str, Any]) -> None:
    assert api_error_of(answer(200, body)).error_type == "ERROR"


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_an_unknown_url_is_distinguished_from_an_unknown_thing(dialect: str) -> None:
    body = DIALECTS[dialect]("NOT_FOUND", "No.")
    content = body.get("value", body)
    content["messages"][0]["id"] = "com.vmware.vapi.rest.operationsForUrlNotFound"

    assert api_error_of(answer(404, body)).error_type == "OPERATION_NOT_FOUND"


@pytest.mark.parametrize("spelling", ["not_found", "com.vmware.vapi.std.errors.not_found", "Not_Found"])
def test_a_type_in_another_spelling_is_the_same(spelling: str) -> None:
    error = api_error_of(answer(404, {"error_type": spelling, "messages": []}))
    assert error.error_type == "NOT_FOUND"
    assert not error.inferred


@pytest.mark.parametrize("error_type", [5, [], {}, True, "", "A" * 80, SECRET, SECRET.lower(), "A B", "É"])
def test_a_type_that_is_no_name_of_a_type_is_not_repeated(error_type: Any) -> None:
    error = api_error_of(answer(400, {"error_type": error_type, "messages": []}))
    assert error.error_type is None
    assert "(400)" in error.message


@pytest.mark.parametrize(
    ("status", "error_type", "body"),
    [
        (401, "UNAUTHENTICATED", b"<html>"),
        *((403, "UNAUTHORIZED", body) for body in (b"", b"RBAC: access denied", b"<html>Forbidden</html>", b"{}")),
        (403, "UNAUTHORIZED", b"[1]"),
    ],
)
def test_a_refusal_is_known_by_its_code_whatever_its_body_is(status: int, error_type: str, body: bytes) -> None:
    error = api_error_of(answer(status, body))
    assert isinstance(error, Unauthenticated if status == 401 else Unauthorized)
    assert error.code == error_type.lower()
    assert error.inferred
    assert error.message == f"esx01: GET /api/things failed ({status} {error_type})."


# What a person reads


@pytest.mark.parametrize(
    ("error_type", "words"),
    [
        ("ERROR", "logs"),
        ("INVALID_ARGUMENT", "options"),
        ("ALREADY_EXISTS", "run the task again"),
        ("UNAUTHORIZED", "entitlement"),
    ],
)
def test_an_error_has_the_hint_of_its_type(error_type: str, words: str) -> None:
    assert words in api_error_of(answer(400, clean(error_type))).hint


@pytest.mark.parametrize("error_type", ["NOT_FOUND", "CANCELED"])
def test_an_error_whose_type_says_everything_has_no_hint(error_type: str) -> None:
    assert api_error_of(answer(400, clean(error_type))).hint == ""


def test_the_hint_of_the_operation_goes_before_the_general_one() -> None:
    operation = replace(READ, hints={"ERROR": "Look into things.log."})
    assert error_of(answer(500, clean("ERROR")), operation).hint == "Look into things.log."
    assert error_of(answer(403, clean("UNAUTHORIZED")), operation).hint.startswith("Give the account")


def test_an_error_without_any_type_shows_the_code_and_the_words_of_the_host() -> None:
    error = api_error_of(answer(400, {"messages": [{"default_message": "Out of order"}]}))
    assert error.message == "esx01: GET /api/things failed (400): Out of order."
    assert (error.hint, error.error_type, type(error)) == ("", None, ApiError)


def test_at_most_three_messages_are_shown() -> None:
    body = clean("ERROR", *(f"number {number}" for number in range(1, 6)))
    assert api_error_of(answer(500, body)).message.endswith("failed (500 ERROR): number 1; number 2; number 3.")


def test_a_message_in_two_languages_is_shown_in_that_of_the_host() -> None:
    both = {"localized": "Nein.", "default_message": "No."}
    error = api_error_of(answer(400, {"error_type": "ERROR", "messages": [both, both]}))
    assert error.message == "esx01: GET /api/things failed (400 ERROR): Nein.; Nein."


def test_the_data_of_an_error_is_shown() -> None:
    body = clean("ALREADY_EXISTS", "Exists.", data={"issuer": "https://vc", "issuer_alias": "old", "n": 1})
    assert "issuer_alias: old" in api_error_of(answer(400, body)).message


@pytest.mark.parametrize("junk", [None, 5, "text", {}, [], [None, 5, "text", []], [{"default_message": 5}]], ids=repr)
def test_values_that_are_no_messages_are_passed_over(junk: Any) -> None:
    error = api_error_of(answer(400, {"error_type": "ERROR", "messages": junk}))
    assert error.message == "esx01: GET /api/things failed (400 ERROR)."


@pytest.mark.parametrize(("text", "ends"), [("Stop", "Stop."), ("Stop!", "Stop!"), ("Why?", "Why?"), ("So.", "So.")])
def test_a_message_ends_as_a_sentence(text: str, ends: str) -> None:
    message = api_error_of(answer(400, clean("ERROR", text))).message
    assert message == f"esx01: GET /api/things failed (400 ERROR): {ends}"


def test_a_host_that_fails_during_a_login_is_not_quoted_because_it_may_repeat_the_token() -> None:
    body = clean("ERROR", "over t0ken")
    assert error_of(answer(500, body), LOGIN).message == "esx01: POST /api/login failed (500 ERROR)."
    assert "over t0ken" in error_of(answer(400, body), LOGIN).message
    assert "over t0ken" in error_of(answer(500, body), READ).message


# What may follow


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>401</html>",
        b"{}",
        b'{"error_type": 5}',
        json.dumps(clean("SERVICE_UNAVAILABLE", "Later.")).encode(),
        json.dumps(clean("TIMED_OUT")).encode(),
        json.dumps(clean("NO_SUCH_TYPE")).encode(),
        b'{"jsonrpc": "2.0", "error": {}}',
    ],
    ids=["empty", "page", "no type", "odd type", "later", "timed out", "unknown type", "json-rpc"],
)
def test_a_refused_login_is_never_worth_repeating_whatever_its_body_says(body: bytes) -> None:
    error = error_of(answer(401, body, Retry_After="1"))
    assert isinstance(error, Unauthenticated)
    assert not error.retriable
    assert not error.outcome_unknown


@pytest.mark.parametrize("error_type", ERROR_TYPES)
def test_only_later_may_be_repeated_and_only_a_failing_host_leaves_doubt(error_type: str) -> None:
    later = ("SERVICE_UNAVAILABLE", "TIMED_OUT", "RESOURCE_BUSY", "CONCURRENT_CHANGE")
    for status in (400, 404, 500, 503):
        error = api_error_of(answer(status, clean(error_type)))
        assert error.retriable == (error_type in later)
        assert error.outcome_unknown == (status >= 500 and error_type != "UNAUTHENTICATED")


@pytest.mark.parametrize("body", [b"no healthy upstream", json.dumps(clean("SERVICE_UNAVAILABLE")).encode()])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 99 Foo 2015", None),
    ],
)
def test_a_host_may_say_when_to_come_back(body: bytes, header: str, seconds: Optional[float]) -> None:
    assert error_of(answer(503, body, Retry_After=header)).retry_after == seconds


def test_a_host_cannot_break_anything_with_a_huge_number() -> None:
    # Newer urllib3 has a most, older ones have none.
    retry_after = error_of(answer(503, b"", Retry_After="9" * 400)).retry_after
    assert retry_after is None or retry_after > 3600


def test_a_host_may_say_when_to_come_back_by_a_date() -> None:
    date = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
    retry_after = error_of(answer(503, b"", Retry_After=format_datetime(date, usegmt=True))).retry_after

    assert retry_after is not None
    assert 50 < retry_after <= 60


@pytest.mark.parametrize("error_type", ["SERVICE_UNAVAILABLE", "ERROR", "NOT_ALLOWED_IN_CURRENT_STATE"])
def test_a_forbidden_login_is_never_worth_repeating_whatever_its_type_is(error_type: str) -> None:
    error = error_of(answer(403, clean(error_type)), LOGIN)
    assert isinstance(error, Unauthorized)
    assert not error.retriable
    assert not isinstance(error_of(answer(403, clean(error_type)), WRITE), Unauthorized)
