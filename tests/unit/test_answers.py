# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a host or a proxy before it answers becomes a value or one clear error, and tells no secret."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any
from typing import Optional
from typing import cast
from urllib.parse import quote

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._api.secrets import Redactor
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer

READ = Operation("com.example.things.get", "GET", "/api/things", success=(200,), errors=(), returns=True)
WRITE = Operation("com.example.things.create", "POST", "/api/things", success=(204,), errors=())
SECRET = "Tr0ub4dor&3/+ä"

ERROR_TYPES = [
    "ERROR",
    "ALREADY_EXISTS",
    "ALREADY_IN_DESIRED_STATE",
    "CANCELED",
    "CONCURRENT_CHANGE",
    "FEATURE_IN_USE",
    "INTERNAL_SERVER_ERROR",
    "INVALID_ARGUMENT",
    "INVALID_ELEMENT_CONFIGURATION",
    "INVALID_ELEMENT_TYPE",
    "INVALID_REQUEST",
    "NOT_ALLOWED_IN_CURRENT_STATE",
    "NOT_FOUND",
    "OPERATION_NOT_FOUND",
    "RESOURCE_BUSY",
    "RESOURCE_IN_USE",
    "RESOURCE_INACCESSIBLE",
    "SERVICE_UNAVAILABLE",
    "TIMED_OUT",
    "UNABLE_TO_ALLOCATE_RESOURCE",
    "UNAUTHENTICATED",
    "UNAUTHORIZED",
    "UNEXPECTED_INPUT",
    "UNSUPPORTED",
    "UNVERIFIED_PEER",
]


def answer(status: int, body: Any = b"", **headers: str) -> Answer:
    """An answer whose body is given as bytes, or as what is to be JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def value_of(given: Answer, operation: Operation = READ) -> Any:
    return REST.decode(operation, given, "esx01", Redactor([SECRET]).scrub)


def error_of(given: Answer, operation: Operation = READ) -> TrustError:
    with pytest.raises(TrustError) as caught:
        value_of(given, operation)
    error = caught.value
    assert error.message.startswith("esx01: ")
    assert operation.title in error.message
    assert error.operation == operation.id
    assert "\n" not in str(error)
    return error


def api_error_of(given: Answer) -> ApiError:
    error = error_of(given)
    assert isinstance(error, ApiError)
    return error


def clean(error_type: Optional[str], *texts: str, **more: Any) -> dict[str, Any]:
    """The newer form of an error."""
    messages = [{"id": "com.example.id", "default_message": text, "args": []} for text in texts]
    return {"error_type": error_type, "messages": messages, **more}


def older(error_type: str, *texts: str, **more: Any) -> dict[str, Any]:
    """The older form of an error, whose type stands in its name alone."""
    content = clean(None, *texts, **more)
    del content["error_type"]
    return {"type": f"com.vmware.vapi.std.errors.{error_type.lower()}", "value": content}


DIALECTS = {"clean": clean, "older": older}


# Values.


@pytest.mark.parametrize("value", [[], {}, [{"a": 1}], "text", {"value": 1, "other": 2}, 0, False, None])
def test_a_value_comes_through(value: Any) -> None:
    assert value_of(answer(200, value)) == value


@pytest.mark.parametrize("value", [[], {}, "text", {"type": "NATIVE"}])
def test_a_wrapped_value_is_unwrapped(value: Any) -> None:
    assert value_of(answer(200, {"value": value})) == value


@pytest.mark.parametrize("body", [b"", b"  \n", b"null", b"{}", b'{"value":{}}'])
def test_a_write_that_is_done_returns_nothing(body: bytes) -> None:
    assert value_of(answer(204, body), WRITE) is None


@pytest.mark.parametrize("body", [b"", b"{}"])
@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_write_that_is_answered_with_another_code_is_in_doubt(status: int, body: bytes) -> None:
    error = error_of(answer(status, body), WRITE)
    assert error.outcome_unknown
    assert error.retriable


def test_a_record_that_has_a_type_is_no_error() -> None:
    record = {"type": "NATIVE", "native_info": {"key_id": "k"}}
    assert value_of(answer(200, record)) == record


# Errors of the API.


@pytest.mark.parametrize("error_type", ERROR_TYPES)
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_error_type_is_known_in_both_dialects(dialect: str, error_type: str) -> None:
    make = cast(Callable[..., Any], DIALECTS[dialect])
    error = api_error_of(answer(400, make(error_type, "Outer.", "Cause.")))
    assert error.error_type == error_type
    assert (error.status, error.operation) == (400, READ.id)
    assert "Outer.; Cause." in error.message
    assert isinstance(error, Unauthenticated) == (error_type == "UNAUTHENTICATED")
    assert isinstance(error, Unauthorized) == (error_type == "UNAUTHORIZED")


def test_the_type_inside_the_older_form_wins_over_its_name() -> None:
    body = older("error", "Text.")
    body["value"]["error_type"] = "NOT_FOUND"
    assert api_error_of(answer(404, body)).error_type == "NOT_FOUND"


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
    assert isinstance(error_of(answer(400, clean("UNAUTHORIZED"))), Unauthorized)


def test_an_error_under_a_code_of_success_is_an_error() -> None:
    assert api_error_of(answer(200, clean("NOT_FOUND", "Gone."))).error_type == "NOT_FOUND"
    assert api_error_of(answer(200, older("not_found", "Gone."))).error_type == "NOT_FOUND"


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_an_unknown_url_is_told_from_an_unknown_thing(dialect: str) -> None:
    body = cast(Callable[..., Any], DIALECTS[dialect])("NOT_FOUND", "No.")
    content = body.get("value", body)
    content["messages"][0]["id"] = "com.vmware.vapi.rest.operationsForUrlNotFound"
    assert api_error_of(answer(404, body)).error_type == "OPERATION_NOT_FOUND"


def test_messages_may_be_empty_or_localized_or_junk() -> None:
    assert api_error_of(answer(400, clean("INVALID_ARGUMENT"))).message.endswith("(400 INVALID_ARGUMENT).")
    localized = [{"id": "a", "default_message": "English.", "localized": "Deutsch.", "args": []}]
    assert "Deutsch." in api_error_of(answer(400, {"error_type": "ERROR", "messages": localized})).message
    junk: Any
    for junk in (None, 5, "text", {}, [None, 5, "text", []], [{"default_message": 5}]):
        assert api_error_of(answer(400, {"error_type": "ERROR", "messages": junk})).error_type == "ERROR"


def test_what_the_host_adds_as_data_is_told() -> None:
    body = clean("ALREADY_EXISTS", "Exists.", data={"issuer": "https://vc", "issuer_alias": "old", "n": 1})
    message = api_error_of(answer(400, body)).message
    assert "issuer_alias: old" in message


@pytest.mark.parametrize("spelling", ["not_found", "com.vmware.vapi.std.errors.not_found", "Not_Found"])
def test_a_type_in_another_spelling_is_the_same(spelling: str) -> None:
    error = api_error_of(answer(404, {"error_type": spelling, "messages": []}))
    assert error.error_type == "NOT_FOUND"
    assert not error.inferred


@pytest.mark.parametrize("error_type", [5, [], {}, True, "", "A" * 80, SECRET, SECRET.lower(), "A B", "É"])
def test_a_type_that_is_none_is_not_repeated(error_type: Any) -> None:
    error = api_error_of(answer(400, {"error_type": error_type, "messages": []}))
    assert error.error_type is None
    assert "(400)" in error.message


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


@pytest.mark.parametrize("body", [b"", b"RBAC: access denied", b"<html>Forbidden</html>", b"{}", b"[1]"])
def test_a_refusal_without_a_type_is_one_all_the_same(body: bytes) -> None:
    assert isinstance(error_of(answer(403, body)), Unauthorized)


@pytest.mark.parametrize("error_type", ERROR_TYPES)
def test_only_later_may_be_repeated_and_only_a_failing_host_leaves_doubt(error_type: str) -> None:
    later = ("SERVICE_UNAVAILABLE", "TIMED_OUT", "RESOURCE_BUSY", "CONCURRENT_CHANGE")
    for status in (400, 404, 500, 503):
        error = api_error_of(answer(status, clean(error_type)))
        assert error.retriable == (error_type in later)
        assert error.outcome_unknown == (status >= 500 and error_type != "UNAUTHENTICATED")


# What is no answer of the API.

ENVOY_RESET = b"upstream connect error or disconnect/reset before headers. reset reason: connection failure"
SOAP = b'<?xml version="1.0"?><soapenv:Envelope><soapenv:Body><soapenv:Fault/></soapenv:Body></soapenv:Envelope>'


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, b"<!DOCTYPE html><html><body>Welcome</body></html>", "a web page"),
        (404, b"<html></html>", "a web page"),
        (500, SOAP, "an XML document"),
        (200, b'[{"provider": "nk', "broken JSON"),
        (500, b'{"error_type": "ERR', "broken JSON"),
        (400, b"Unsupported content type", "JSON-RPC"),
        (200, b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32600}}', "JSON-RPC"),
        (400, b'{"jsonrpc": "2.0", "error": {"code": -32600, "message": "error_type"}}', "JSON-RPC"),
        (503, b"no healthy upstream", "no healthy upstream"),
        (503, ENVOY_RESET, "upstream connect error"),
        (404, b"", "an empty body"),
        (502, b"\xff\xfe\x00", "the text"),
        (400, b"{}", "no error of the API"),
        (500, b"[]", "no error of the API"),
        (200, b"", "empty"),
        (200, b" \n", "empty"),
        (101, b"", "101"),
        (599, b"x", "599"),
    ],
)
def test_what_is_no_answer_of_the_api_is_called_by_its_name(status: int, body: bytes, says: str) -> None:
    error = error_of(answer(status, body))
    assert isinstance(error, UnexpectedAnswer)
    assert says in error.message
    assert error.status == status
    assert error.hint or status == 200


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_an_error_that_is_not_followed(status: int) -> None:
    error = error_of(answer(status, b"", Location="https://elsewhere/"))
    assert isinstance(error, UnexpectedAnswer)
    assert "redirect" in error.message
    assert not error.retriable


@pytest.mark.parametrize("operation", [READ, WRITE])
def test_accepted_is_no_done(operation: Operation) -> None:
    error = error_of(answer(202, {"task": "1"}), operation)
    assert "202" in error.message
    assert error.outcome_unknown


@pytest.mark.parametrize("body", [b"<html></html>", b"OK", b"{"])
def test_a_write_answered_by_something_else_leaves_doubt(body: bytes) -> None:
    error = error_of(answer(200, body), WRITE)
    assert error.outcome_unknown
    assert error.retriable


@pytest.mark.parametrize(
    ("status", "later", "doubt"),
    [
        (400, False, False),
        (404, False, False),
        (408, True, True),
        (429, True, False),
        (500, False, True),
        (502, True, True),
        (503, True, True),
        (504, True, True),
    ],
)
@pytest.mark.parametrize("body", [b"", b"no healthy upstream", b"<html></html>"])
def test_what_may_be_repeated_and_what_is_in_doubt(status: int, later: bool, doubt: bool, body: bytes) -> None:
    error = error_of(answer(status, body), WRITE)
    assert (error.retriable, error.outcome_unknown) == (later, doubt)


# Retry-After.


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


# Secrets.

ENCODED = {
    "plain": SECRET,
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "url": quote(SECRET, safe=""),
    "basic": base64.b64encode(f"root:{SECRET}".encode()).decode(),
}


@pytest.mark.parametrize("encoding", sorted(ENCODED))
@pytest.mark.parametrize("status", [200, 202, 302, 400, 401, 403, 404, 500, 503])
def test_a_host_that_repeats_a_secret_is_not_quoted(encoding: str, status: int) -> None:
    text = ENCODED[encoding]
    bodies = [
        f"bad credentials {text} here".encode(),
        f"{{broken {text}".encode(),
        json.dumps(clean("ERROR", f"bad {text}.", data={"password": text})).encode(),
        json.dumps(clean(text, text)).encode(),
        json.dumps({"error_type": None, "messages": [{"localized": text, "id": text}]}).encode(),
        json.dumps(older(text, text)).encode(),
    ]
    for body in bodies:
        error = error_of(answer(status, body))
        assert text not in str(error)
        assert text not in repr(error.failure())


@given(st.integers(0, 700), st.sampled_from([b"text ", b'{"error_type":"ERROR","messages":[{"default_message":"']))
def test_no_part_of_a_secret_stays_where_a_message_is_cut(length: int, prefix: bytes) -> None:
    secret = "QqQwXxXzZ" * 3
    body = prefix + b"a" * length + secret.encode() + (b'"}]}' if prefix[:1] == b"{" else b"")
    with pytest.raises(TrustError) as caught:
        REST.decode(READ, answer(500, body), "esx01", Redactor([secret]).scrub)
    assert "QqQ" not in str(caught.value)


@pytest.mark.parametrize("length", [65536 - 10, 65536 - 20])
def test_no_part_of_a_secret_stays_where_a_long_body_is_cut(length: int) -> None:
    secret = "QqQwXxXzZ" * 3
    body = b"x" + b" " * length + secret.encode()
    with pytest.raises(TrustError) as caught:
        REST.decode(READ, answer(500, body), "esx01", Redactor([secret]).scrub)
    assert "QqQ" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["\x1b[2J\x1b[31mpwned", "a\x00b", "a\x07b", "\u202eevil", "half \ud83d a pair"],
    ids=["colours", "zero", "bell", "direction", "surrogate"],
)
def test_control_characters_of_a_host_do_not_reach_the_terminal(text: str) -> None:
    for body in (clean("ERROR", text), clean("ERROR", "x", data={"a": text}), older("error", text)):
        message = str(error_of(answer(400, body)))
        assert message.isprintable()
        assert message.encode()


def test_a_message_has_an_end() -> None:
    assert len(str(error_of(answer(400, clean("ERROR", *["word " * 10000] * 9))))) < 1500
    assert len(str(error_of(answer(503, b"word " * 10000)))) < 1500


# Everything else.

field_names = st.sampled_from(
    ["error_type", "messages", "type", "value", "data", "jsonrpc", "id", "default_message", "localized", SECRET]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECRET),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | field_names, inner, max_size=4),
    max_leaves=12,
)
errors = st.fixed_dictionaries(
    {},
    optional={
        "error_type": st.sampled_from(ERROR_TYPES) | json_values,
        "messages": st.lists(st.fixed_dictionaries({}, optional={"id": json_values, "default_message": json_values}))
        | json_values,
        "data": json_values,
        "type": st.sampled_from(["com.vmware.vapi.std.errors.error", "com.vmware.vapi.std.errors."]) | json_values,
        "value": json_values,
    },
)
bodies = st.one_of(
    st.binary(),
    st.binary().map(lambda raw: raw + SECRET.encode() + raw),
    st.sampled_from([text.encode() for text in ENCODED.values()]),
    json_values.map(lambda value: json.dumps(value).encode()),
    errors.map(lambda value: json.dumps(value).encode()),
    errors.map(lambda value: json.dumps({"type": "com.vmware.vapi.std.errors.error", "value": value}).encode()),
    errors.map(lambda value: json.dumps(value).encode()[:-1]),
)


@settings(max_examples=500)
@given(
    st.integers(100, 599) | st.sampled_from([200, 204, 400, 401, 403, 404, 500, 503]),
    bodies,
    st.none() | st.text() | st.sampled_from(["1", "Wed, 21 Oct 2015 07:28:00 GMT", " ", "0 0 0 0 0", ","]),
    st.sampled_from([READ, WRITE]),
)
@example(200, b"[" * 100000, None, READ)
@example(200, b"9" * 10000, None, READ)
@example(400, b'{"messages": [{"default_message": "\\ud800"}]}', None, READ)
@example(200, b"NaN", None, READ)
@example(503, b"", "Mon, 01 Jan 99999999999999 00:00:00 GMT", READ)
def test_any_answer_is_a_value_or_one_error_without_secrets(
    status: int, body: bytes, retry_after: Optional[str], operation: Operation
) -> None:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    try:
        value_of(Answer(status, headers, body), operation)
    except TrustError as error:
        shown = str(error) + repr(error.failure())
        assert not [text for text in ENCODED.values() if text in shown]
        assert error.message  # noqa: PT017
    else:
        assert 200 <= status < 300
        assert status not in (202, 206)


# Long answers. The search for secrets in megabytes would take seconds for each answer.


def _long_error(text: str) -> bytes:
    message = {"id": "x", "default_message": text, "args": []}
    return json.dumps({"error_type": "INVALID_ARGUMENT", "messages": [message]}).encode()


LONG_BODIES: dict[str, Callable[[str], bytes]] = {
    "text": str.encode,
    "error": _long_error,
    "error type": lambda text: json.dumps({"error_type": text, "messages": []}).encode(),
}


@pytest.mark.parametrize("form", LONG_BODIES)
def test_of_a_long_answer_only_the_beginning_is_searched_for_secrets(form: str) -> None:
    searched: list[int] = []

    def scrub(text: str) -> str:
        searched.append(len(text))
        return text

    body = LONG_BODIES[form]("no such thing; " * 100_000)
    with pytest.raises(TrustError):
        REST.decode(READ, Answer(400, {}, body), "esx01", scrub)
    assert sum(searched) < 10_000


@pytest.mark.parametrize("secret", ["Sekrit-Typo-1", "short-1", "zZ9~"])
@pytest.mark.parametrize("form", ["text", "error"])
def test_no_secret_is_shown_that_stands_where_a_long_answer_is_cut(form: str, secret: str) -> None:
    redactor = Redactor([secret])
    for place in range(4096 - len(secret), 4096 + 1):
        # What is shown is one line, so that blanks hide nothing.
        body = LONG_BODIES[form]("said:" + " " * (place - 5) + secret + " " * 5000)
        with pytest.raises(TrustError) as caught:
            REST.decode(READ, Answer(400, {}, body), "esx01", redactor.scrub)
        assert secret[:2] not in str(caught.value)


def test_a_web_page_is_known_by_a_tag_that_comes_late() -> None:
    body = f"\n<!-- {'x' * 2000} -->\n<html>".encode()
    with pytest.raises(UnexpectedAnswer, match="a web page"):
        REST.decode(READ, Answer(400, {}, body), "esx01", str)
