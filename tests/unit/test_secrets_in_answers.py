# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No answer, whatever it holds, breaks anything or shows a secret, also where a message or a long body is cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Optional

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from support.answers import ENCODED
from support.answers import ERROR_TYPES
from support.answers import READ
from support.answers import SECRET
from support.answers import WRITE
from support.answers import answer
from support.answers import clean
from support.answers import error_of
from support.answers import older
from support.answers import value_of
from support.examples import examples

LONG_SECRET = "QqQwXxXzZ" * 3


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
@example(190, b"text ")
def test_no_part_of_a_secret_stays_where_a_message_is_cut(length: int, prefix: bytes) -> None:
    body = prefix + b"a" * length + LONG_SECRET.encode() + (b'"}]}' if prefix[:1] == b"{" else b"")
    assert "QqQ" not in str(error_of(answer(500, body), scrub=Redactor([LONG_SECRET]).scrub))


@pytest.mark.parametrize("length", [65536 - 10, 65536 - 20])
def test_no_part_of_a_secret_stays_where_a_long_body_is_cut(length: int) -> None:
    body = b"x" + b" " * length + LONG_SECRET.encode()
    assert "QqQ" not in str(error_of(answer(500, body), scrub=Redactor([LONG_SECRET]).scrub))


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


# Whatever else a host may say

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


@settings(max_examples=examples(500))
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
        assert error.message  # noqa: PT017 - no error is as good
    else:
        assert 200 <= status < 300
        assert status not in (202, 206)


# Long answers: the search for secrets in megabytes would take seconds for each answer.


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
    error_of(answer(400, body), scrub=scrub)

    assert sum(searched) < 10_000


@pytest.mark.parametrize("secret", ["Sekrit-Typo-1", "short-1", "zZ9~"])
@pytest.mark.parametrize("form", ["text", "error"])
def test_no_secret_is_shown_that_stands_where_a_long_answer_is_cut(form: str, secret: str) -> None:
    redactor = Redactor([secret])
    for place in range(4096 - len(secret), 4096 + 1):
        # What is shown is one line, so that blanks hide nothing.
        body = LONG_BODIES[form]("said:" + " " * (place - 5) + secret + " " * 5000)
        assert secret[:2] not in str(error_of(answer(400, body), scrub=redactor.scrub))
