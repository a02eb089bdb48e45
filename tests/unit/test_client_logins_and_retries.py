# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client sends and when: headers, logins and their number, pauses, and what it tells a person."""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import Optional

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.client import CLOSE_TIMEOUT
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import STRING
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import StructType
from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.operation import BODY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._api.secrets import Redactor
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable

SPEC = Parameter("spec", OptionalType(StructType("com.example.things.spec", {"name": STRING})), BODY)
READ = Operation("com.example.things.get", "GET", "/api/things", success=(200,), errors=(), returns=True)
WRITE = Operation("com.example.things.create", "POST", "/api/things", success=(204,), errors=(), parameters=(SPEC,))
Outcome = Any


class Wire:
    """Stands in for the transport; answers login and service requests from two lists, the last entry for ever."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, dict[str, str], Optional[bytes]]] = []
        self.timeouts: list[Optional[float]] = []
        self.logins: list[Outcome] = [{"access_token": "token-1"}]
        self.services: list[Outcome] = [{"thing": 1}]
        self.closed = 0
        self.slept: list[float] = []
        self.spread: list[tuple[float, float]] = []

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: Optional[bytes] = None, timeout: Any = None
    ) -> Answer:
        self.sent.append((method, path, dict(headers), body))
        self.timeouts.append(timeout)
        script = self.services if path == READ.path else self.logins
        outcome = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(outcome, TrustError):
            raise outcome
        if isinstance(outcome, int):
            error_type = {401: "UNAUTHENTICATED", 403: "UNAUTHORIZED", 503: "SERVICE_UNAVAILABLE"}.get(outcome, "ERROR")
            return Answer(outcome, {}, json.dumps({"error_type": error_type, "messages": []}).encode())
        if outcome is None:
            return Answer(204, {}, b"")
        return Answer(200, {}, json.dumps(outcome).encode())

    def close(self) -> None:
        self.closed += 1

    @property
    def asked(self) -> list[str]:
        """login or service, for each request but a goodbye."""
        requests = [(method, path) for method, path, _headers, _body in self.sent if method != "DELETE"]
        return ["service" if path == READ.path else "login" for _method, path in requests]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    one = Wire()

    def spread(low: float, high: float) -> float:
        one.spread.append((low, high))
        return 1.0

    monkeypatch.setattr(time, "sleep", one.slept.append)
    monkeypatch.setattr(random, "uniform", spread)
    return one


def client(wire: Wire, **options: Any) -> Client:
    connection = Connection(**{"hostname": "esx01", "username": "root", "password": "VMware1!", **options})
    return Client(connection, wire, (REST,), Redactor(connection.secrets))


def failing(call: Callable[[], Any]) -> TrustError:
    with pytest.raises(TrustError) as caught:
        call()
    return caught.value


def is_sentence(text: str) -> bool:
    """As a person would write it: capitals where sentences begin, an end, and nothing in shouts."""
    parts = text.replace("e.g. ", "").split(". ")
    begins = all(part[:1].isupper() or part.startswith(("auth_method", "esx")) for part in parts)
    return begins and text.endswith(".") and "XX" not in text and text != text.upper()


def lost() -> AnswerLost:
    return AnswerLost("esx01: the answer was lost.")


def down() -> Unreachable:
    return Unreachable("esx01: no connection.")


# Headers

JSON = {"Content-Type": "application/json"}
BASIC = "Basic cm9vdDpWTXdhcmUxIQ=="


@pytest.mark.parametrize(
    ("options", "login", "answer", "service"),
    [
        ({}, BASIC, {"access_token": "t0k"}, {"Authorization": "Bearer t0k"}),
        ({"saml_token": "H4s="}, 'SIGN token="H4s="', {"access_token": "t0k"}, {"Authorization": "Bearer t0k"}),
        ({"auth_method": "session"}, BASIC, "s355", {"vmware-api-session-id": "s355"}),
        ({"auth_method": "basic"}, None, None, {"Authorization": BASIC}),
        ({"access_token": "ready"}, None, None, {"Authorization": "Bearer ready"}),
    ],
)
def test_each_login_has_its_headers(wire: Wire, options: Any, login: Any, answer: Any, service: Any) -> None:
    wire.logins = [answer]
    client(wire, **options).call(READ())
    *logins, (method, _path, headers, body) = wire.sent
    assert (method, headers, body) == ("GET", service, None)
    json_type = {"Content-Type": "application/json"}
    assert [headers for _method, _path, headers, _body in logins] == (
        [{**json_type, "Authorization": login}] if login else []
    )


def test_a_write_says_that_it_is_json(wire: Wire) -> None:
    wire.services = [None]
    client(wire, access_token="ready").call(WRITE(spec={"name": "ä"}))
    (_method, _path, headers, body) = wire.sent[0]
    assert headers == {"Content-Type": "application/json", "Authorization": "Bearer ready"}
    assert json.loads(body or b"") == {"name": "ä"}


@pytest.mark.parametrize("token", [None, 5, "", "  ", "tök", "two\nlines", "\x7f", {"access_token": 1}, ["t"]])
def test_a_token_that_no_header_can_carry_is_refused(wire: Wire, token: Any) -> None:
    wire.logins = [{"access_token": token}]
    error = failing(lambda: client(wire).call(READ()))
    assert isinstance(error, UnexpectedAnswer)
    assert error.operation == TOKEN_CREATE.id
    assert "esx01" in error.message
    assert TOKEN_CREATE.path in error.message
    assert wire.asked == ["login"]


def test_a_token_is_a_secret_from_then_on(wire: Wire) -> None:
    wire.logins = [{"access_token": "a-token-that-nobody-knew"}]
    one = client(wire)
    assert one.scrub("a-token-that-nobody-knew") == "a-token-that-nobody-knew"
    one.call(READ())
    assert "nobody" not in one.scrub("so: a-token-that-nobody-knew")


def test_a_wrong_shape_names_host_and_operation(wire: Wire) -> None:
    error = client(wire).wrong_shape(READ)
    assert error.operation == READ.id
    assert error.message.startswith("esx01: the answer to GET /api/things is JSON")
    assert is_sentence(error.hint)


# How often


@pytest.mark.parametrize("auth_method", ["token", "session"])
def test_a_login_that_is_never_accepted_is_made_twice(wire: Wire, auth_method: str) -> None:
    wire.logins = ["s1"] if auth_method == "session" else wire.logins
    wire.services = [401]
    one = client(wire, auth_method=auth_method)
    assert isinstance(failing(lambda: one.call(READ())), Unauthenticated)
    assert wire.asked == ["login", "service"] * 2
    assert isinstance(failing(lambda: one.call(READ())), Unauthenticated)
    assert wire.asked == ["login", "service", "login", "service", "service"]


def test_each_login_that_was_accepted_may_expire(wire: Wire) -> None:
    wire.logins = [{"access_token": f"token-{number}"} for number in range(1, 9)]
    one = client(wire)
    for number in range(1, 5):
        wire.services = [401, {}] if number > 1 else [{}]
        one.call(READ())
        assert wire.sent[-1][2]["Authorization"] == f"Bearer token-{number}"
    assert wire.asked.count("login") == 4


def test_after_success_only_one_more_login_is_made(wire: Wire) -> None:
    one = client(wire)
    one.call(READ())
    wire.services = [401]
    for _turn in range(3):
        failing(lambda: one.call(READ()))
    assert wire.asked.count("login") == 2


@pytest.mark.parametrize("options", [{"auth_method": "basic"}, {"access_token": "ready"}])
def test_what_cannot_be_renewed_is_refused_once(wire: Wire, options: Any) -> None:
    wire.services = [401]
    failing(lambda: client(wire, **options).call(READ()))
    assert wire.asked == ["service"]


def test_a_password_that_was_good_before_may_be_sent_again(wire: Wire) -> None:
    wire.services = [{}, 401]
    one = client(wire, auth_method="basic")
    one.call(READ())
    failing(lambda: one.call(READ()))
    failing(lambda: one.call(READ()))
    assert wire.asked == ["service"] * 3


def test_tokens_are_no_passwords(wire: Wire) -> None:
    wire.services = [401]
    one = client(wire, access_token="ready")
    failing(lambda: one.call(READ()))
    failing(lambda: one.call(READ()))
    assert wire.asked == ["service"] * 2


def test_a_login_without_an_answer_is_made_once_more(wire: Wire) -> None:
    wire.logins = [lost()]
    assert isinstance(failing(lambda: client(wire, retries=9).call(READ())), AnswerLost)
    assert wire.asked == ["login"] * 2


def test_a_password_over_which_the_host_failed_is_not_in_doubt(wire: Wire) -> None:
    """The host said so itself: it was no refusal."""
    wire.services = [500, lost(), {"thing": 1}]
    assert client(wire, auth_method="basic", retries=3).call(READ()) == {"thing": 1}
    assert len(wire.sent) == 3


def test_a_login_that_the_host_was_too_busy_for_is_made_again(wire: Wire) -> None:
    wire.logins = [503, 503, 503, {"access_token": "t"}]
    client(wire).call(READ())
    assert wire.asked == ["login"] * 4 + ["service"]


def test_once_logged_in_lost_answers_are_no_matter_of_the_login(wire: Wire) -> None:
    one = client(wire, retries=3)
    one.call(READ())
    wire.services = [lost(), lost(), lost(), {}]
    one.call(READ())
    assert wire.asked == ["login"] + ["service"] * 5


def test_a_read_is_repeated_as_often_as_retries_says(wire: Wire) -> None:
    wire.services = [down()]
    for retries in (0, 1, 3):
        wire.sent.clear()
        failing(lambda: client(wire, access_token="t", retries=retries).call(READ()))  # noqa: B023 - called at once
        assert len(wire.sent) == retries + 1


def test_the_budget_is_for_the_whole_life_of_a_client(wire: Wire) -> None:
    one = client(wire, access_token="t", retries=2)
    wire.services = [down(), {}]
    one.call(READ())
    wire.services = [down()]
    failing(lambda: one.call(READ()))
    assert len(wire.sent) == 4


def test_a_write_is_repeated_only_if_it_was_not_sent(wire: Wire) -> None:
    one = client(wire, access_token="t")
    for error, requests in ((lost(), 1), (503, 1), (down(), 4)):
        wire.sent.clear()
        wire.services = [error]
        failing(lambda: one.call(WRITE()))
        assert len(wire.sent) == requests


@pytest.mark.parametrize(("status", "requests"), [(500, 4), (503, 4), (400, 1), (403, 1)])
def test_a_read_is_repeated_where_the_host_failed(wire: Wire, status: int, requests: int) -> None:
    wire.services = [status]
    failing(lambda: client(wire, access_token="t").call(READ()))
    assert len(wire.sent) == requests


# How long


def test_pauses_double_up_to_the_longest(wire: Wire) -> None:
    wire.services = [down()]
    failing(lambda: client(wire, access_token="t", retries=7).call(READ()))
    assert wire.slept == [0.5, 1, 2, 4, 8, 8, 8]
    assert wire.spread == [(0.5, 1)] * 7


def test_pauses_are_spread(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: low)
    wire.services = [down()]
    failing(lambda: client(wire, access_token="t", retries=2).call(READ()))
    assert wire.slept == [0.25, 0.5]


@pytest.mark.parametrize(("asked", "slept"), [(0.0, [0.5]), (0.2, [0.5]), (7.0, [7.0]), (30.0, [30.0]), (30.1, [])])
def test_the_host_may_ask_for_a_longer_pause_up_to_the_timeout(wire: Wire, asked: float, slept: list[float]) -> None:
    busy = ApiError("esx01: busy", status=503, error_type="SERVICE_UNAVAILABLE", retry_after=asked)
    wire.services = [busy, {}]
    one = client(wire, access_token="t")
    if slept:
        one.call(READ())
    else:
        assert failing(lambda: one.call(READ())) is busy
    assert wire.slept == slept
    assert wire.spread == []


def test_a_short_timeout_does_not_forbid_ordinary_pauses(wire: Wire) -> None:
    wire.services = [down(), {}]
    client(wire, access_token="t", timeout=0.01).call(READ())
    assert wire.slept == [0.5]


# The end


def test_a_session_is_ended_once(wire: Wire) -> None:
    wire.logins = ["s355", None]
    with client(wire, auth_method="session", timeout=9) as one:
        one.call(READ())
    assert wire.sent[-1] == ("DELETE", "/api/session", {**JSON, "vmware-api-session-id": "s355"}, None)
    assert wire.timeouts[-1] == CLOSE_TIMEOUT
    assert wire.closed == 1
    one.close()
    assert [method for method, _path, _headers, _body in wire.sent] == ["POST", "GET", "DELETE"]


def test_a_goodbye_takes_no_longer_than_any_request(wire: Wire) -> None:
    wire.logins = ["s355", None]
    with client(wire, auth_method="session", timeout=2) as one:
        one.call(READ())
    assert wire.timeouts[-1] == 2


def test_a_session_that_cannot_be_ended_is_no_failure(wire: Wire) -> None:
    wire.logins = ["s355", lost()]
    with client(wire, auth_method="session") as one:
        one.call(READ())
    assert wire.closed == 1


def test_without_a_session_there_is_nothing_to_end(wire: Wire) -> None:
    with client(wire) as one:
        one.call(READ())
    assert wire.asked == ["login", "service"]
    with client(wire, auth_method="session"):
        pass
    assert wire.closed == 2


# What a person is told


@pytest.mark.parametrize(
    ("options", "logins", "services", "words"),
    [
        ({"access_token": "t"}, None, [401], ["access_token", "new one"]),
        ({"saml_token": "H4s="}, [401], None, ["saml_token", "trust"]),
        ({}, [401], None, ["'root'", "not tried again", "Check the password", "lockdown"]),
        ({"auth_method": "session"}, [401], None, ["'root'", "not tried again"]),
        ({"auth_method": "basic"}, None, [401], ["'root'", "not tried again", "Check the password"]),
        ({}, None, [401], ["then refused it", "IDENTITY_MGMT", "SECURITY_MGMT", "auth_method basic"]),
        ({"auth_method": "session"}, ["s"], [401], ["then refused it", "IDENTITY_MGMT"]),
        ({"saml_token": "H4s="}, None, [401], ["then refused it"]),
    ],
)
def test_a_refused_login_is_explained(wire: Wire, options: Any, logins: Any, services: Any, words: list[str]) -> None:
    wire.logins = logins or wire.logins
    wire.services = services or wire.services
    error = failing(lambda: client(wire, **options).call(READ()))
    assert isinstance(error, Unauthenticated)
    assert is_sentence(error.hint)
    assert [word for word in words if word not in error.hint] == []


@pytest.mark.parametrize(
    ("auth_method", "answer", "hint"),
    [
        ("token", ApiError("no", status=404, error_type="NOT_FOUND"), "auth_method basic"),
        ("token", ApiError("no", status=404, error_type="OPERATION_NOT_FOUND"), "auth_method basic"),
        ("token", ApiError("no", status=405, error_type="INVALID_REQUEST"), "auth_method basic"),
        ("token", ApiError("no", status=400, error_type="UNSUPPORTED"), "auth_method basic"),
        ("session", ApiError("no", status=404, error_type="NOT_FOUND"), "auth_method token or basic"),
        ("session", UnexpectedAnswer("JSON-RPC", status=400), "auth_method token or basic"),
    ],
)
def test_a_missing_login_service_is_explained(wire: Wire, auth_method: str, answer: Any, hint: str) -> None:
    wire.logins = [copy.copy(answer)]
    error = failing(lambda: client(wire, auth_method=auth_method).call(READ()))
    assert hint in error.hint
    assert is_sentence(error.hint)
    assert ("session service" in error.hint) == (auth_method == "session")


def test_a_missing_session_service_is_told_by_name(wire: Wire) -> None:
    wire.logins = [ApiError("no", status=404, error_type="NOT_FOUND")]
    error = failing(lambda: client(wire, auth_method="session").call(READ()))
    assert error.hint == "ESX hosts have no session service; use auth_method token or basic."


@pytest.mark.parametrize(("auth_method", "answer"), [("session", {"access_token": "t"}), ("token", {"token": "t"})])
def test_a_login_of_the_other_service_s_form_is_none(wire: Wire, auth_method: str, answer: Any) -> None:
    wire.logins = [answer]
    error = failing(lambda: client(wire, auth_method=auth_method).call(READ()))
    assert isinstance(error, UnexpectedAnswer)
    assert "not of the form that the API documents" in error.message
    assert len(wire.sent) == 1


@pytest.mark.parametrize("answer", [ApiError("no", status=400, error_type="INVALID_ARGUMENT"), UnexpectedAnswer("no")])
def test_other_failures_of_a_login_keep_their_own_hint(wire: Wire, answer: TrustError) -> None:
    answer = copy.copy(answer)
    answer.hint = "As it was."
    wire.logins = [answer]
    assert failing(lambda: client(wire).call(READ())).hint == "As it was."


def test_an_error_names_its_operation(wire: Wire) -> None:
    wire.services = [lost()]
    assert failing(lambda: client(wire, access_token="t", retries=0).call(READ())).operation == READ.id
