# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client whose transport answers from a script, without a network and without pauses."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import Optional

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from support.answers import READ

JSON = {"Content-Type": "application/json"}


class ScriptedTransport:
    """Answers login and service requests from two lists, the last entry for ever.

    An entry is an error to raise, a whole answer, a code of an error of the API, None for an answer without a body, or
    a value.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, dict[str, str], Optional[bytes]]] = []
        self.timeouts: list[Optional[float]] = []
        self.logins: list[Any] = [{"access_token": "token-1"}]
        self.services: list[Any] = [{"thing": 1}]
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
        if isinstance(outcome, Answer):
            return outcome

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
def transport(monkeypatch: pytest.MonkeyPatch) -> ScriptedTransport:
    """A transport without a network; the pauses of the client are noted and not waited for."""
    scripted = ScriptedTransport()

    def spread(low: float, high: float) -> float:
        scripted.spread.append((low, high))
        return 1.0

    monkeypatch.setattr(time, "sleep", scripted.slept.append)
    monkeypatch.setattr(random, "uniform", spread)

    return scripted


def client_over(transport: ScriptedTransport, **options: Any) -> Client:
    connection = Connection(**{"hostname": "esx01", "username": "root", "password": "VMware1!", **options})
    return Client(connection, transport, (REST,), Redactor(connection.secrets), LOGIN_HINTS)


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
