# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests are repeated, how often, and after which pauses."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from support.answers import READ
from support.answers import WRITE
from support.transport import ScriptedTransport
from support.transport import client_over
from support.transport import down
from support.transport import failing
from support.transport import lost

# How often


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_read_is_repeated_as_often_as_retries_says(transport: ScriptedTransport, retries: int) -> None:
    transport.services = [down()]
    failing(lambda: client_over(transport, access_token="t", retries=retries).call(READ()))
    assert len(transport.sent) == retries + 1


def test_the_budget_is_for_the_whole_life_of_a_client(transport: ScriptedTransport) -> None:
    client = client_over(transport, access_token="t", retries=2)
    transport.services = [down(), {}]
    client.call(READ())
    transport.services = [down()]
    failing(lambda: client.call(READ()))

    assert len(transport.sent) == 4


@pytest.mark.parametrize("answer", [lost(), 503, down()], ids=["lost", "busy", "not sent"])
def test_a_write_is_not_repeated(transport: ScriptedTransport, answer: Any) -> None:
    """During a pause somebody else may change the host, so the caller looks first."""
    transport.services = [answer]
    failing(lambda: client_over(transport, access_token="t").call(WRITE()))

    assert len(transport.sent) == 1
    assert transport.slept == []


def test_a_write_is_not_repeated_after_a_login_that_waited(transport: ScriptedTransport) -> None:
    transport.services = [{}, 401, None]
    transport.logins = [{"access_token": "token-1"}, 503, {"access_token": "token-2"}]
    client = client_over(transport)
    client.call(READ())
    error = failing(lambda: client.call(WRITE()))

    assert isinstance(error, Unreachable)
    assert error.message == "esx01: the write was not sent again, because the new login took a while."
    assert transport.asked == ["login", "service", "service", "login", "login"]

    client.call(WRITE())

    assert transport.asked[5:] == ["service"]


def test_a_lost_answer_to_a_login_stays_in_doubt_whatever_the_repetition_says(transport: ScriptedTransport) -> None:
    transport.logins = [lost(), down()]
    error = failing(lambda: client_over(transport, retries=1).call(READ()))

    assert isinstance(error, Unreachable)
    assert error.login_in_doubt


def test_an_error_of_a_service_shows_that_a_new_token_was_accepted(transport: ScriptedTransport) -> None:
    """So the token is replaced again when it has expired."""
    transport.services = [{}, 401, 400, 401, {}]
    client = client_over(transport)
    client.call(READ())
    failing(lambda: client.call(READ()))
    client.call(READ())

    assert transport.asked == ["login", "service", "service", "login", "service", "service", "login", "service"]


@pytest.mark.parametrize(
    ("operation", "answer", "logins"), [(READ, {}, [503]), (WRITE, None, [])], ids=["read", "login without a pause"]
)
def test_other_calls_are_repeated_after_a_login(
    transport: ScriptedTransport, operation: Operation, answer: Any, logins: list[Any]
) -> None:
    transport.services = [{}, 401, answer]
    transport.logins = [{"access_token": "token-1"}, *logins, {"access_token": "token-2"}]
    client = client_over(transport)
    client.call(READ())
    client.call(operation())

    assert transport.asked[-1] == "service"


@pytest.mark.parametrize(("status", "requests"), [(500, 4), (503, 4), (400, 1), (403, 1)])
def test_a_read_is_repeated_where_the_host_failed(transport: ScriptedTransport, status: int, requests: int) -> None:
    transport.services = [status]
    failing(lambda: client_over(transport, access_token="t").call(READ()))
    assert len(transport.sent) == requests


# How long


def test_pauses_double_up_to_the_longest(transport: ScriptedTransport) -> None:
    transport.services = [down()]
    failing(lambda: client_over(transport, access_token="t", retries=7).call(READ()))

    assert transport.slept == [0.5, 1, 2, 4, 8, 8, 8]
    assert transport.spread == [(0.5, 1)] * 7


def test_pauses_are_spread(transport: ScriptedTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: low)
    transport.services = [down()]
    failing(lambda: client_over(transport, access_token="t", retries=2).call(READ()))

    assert transport.slept == [0.25, 0.5]


@pytest.mark.parametrize(("asked", "slept"), [(0.0, [0.5]), (0.2, [0.5]), (7.0, [7.0]), (30.0, [30.0]), (30.1, [])])
def test_the_host_may_ask_for_a_longer_pause_up_to_the_timeout(
    transport: ScriptedTransport, asked: float, slept: list[float]
) -> None:
    busy = ApiError("esx01: busy", status=503, error_type="SERVICE_UNAVAILABLE", retry_after=asked)
    transport.services = [busy, {}]
    client = client_over(transport, access_token="t")

    if slept:
        client.call(READ())
    else:
        assert failing(lambda: client.call(READ())) is busy
        assert (
            busy.hint
            == "The host asks for a pause of 30.1 seconds, and timeout is 30. Run the task again after the pause."
        )

    assert transport.slept == slept
    assert transport.spread == []


def test_a_short_timeout_does_not_forbid_ordinary_pauses(transport: ScriptedTransport) -> None:
    transport.services = [down(), {}]
    client_over(transport, access_token="t", timeout=0.01).call(READ())
    assert transport.slept == [0.5]
