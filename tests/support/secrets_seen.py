# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts gave to clients and told them, and how often it was looked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from simulator import exchange
from simulator.accounts import Accounts
from simulator.errors import ApiError
from simulator.state import HostState
from support.search import Search

SEARCHED = "searched"
#: Messages of an error that a client shows at most.
SHOWN = 3


@pytest.fixture
def handed_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens and session ids that hosts gave to anybody, also those that they forgot again."""
    given: list[str] = []
    for name in ("create_token", "create_session"):
        create = getattr(Accounts, name)

        def remember(*arguments: Any, _create: Any = create) -> str:
            secret: str = _create(*arguments)
            given.append(secret)
            return secret

        monkeypatch.setattr(Accounts, name, remember)

    return given


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What hosts told clients of the requests that they refused: of each refusal, as much as a client shows."""
    messages: list[str] = []
    refuse = exchange.refusal

    def remember(host: HostState, request: exchange.Request, error: ApiError) -> exchange.Answer:
        answer = refuse(host, request, error)
        messages.append("; ".join(_messages(json.loads(answer.body))[:SHOWN]))
        return answer

    monkeypatch.setattr(exchange, "refusal", remember)

    return messages


def _messages(content: dict[str, Any]) -> list[str]:
    """The messages of an error, outermost first, in whatever form of the API it came."""
    if "jsonrpc" in content:
        (error,) = content["result"]["error"]["ERROR"].values()
        fields = [next(iter(message["STRUCTURE"].values())) for message in error["messages"]]
    else:
        fields = content.get("value", content)["messages"]

    return [message["default_message"] for message in fields]


@pytest.fixture
def search(record_property: Any) -> Iterator[Search]:
    shared = Search()
    yield shared
    record_property(SEARCHED, shared.counts())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line that says how much was searched."""
    total: dict[str, int] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, counts in getattr(report, "user_properties", ()):
                if name == SEARCHED and report.when == "teardown":
                    for unit, count in counts.items():
                        total[unit] = total.get(unit, 0) + count

    if total:
        terminalreporter.write_line(
            f"secrets: {total['runs']} runs, {total['secrets']} secrets in {total['places']} places,"
            f" {total['comparisons']} comparisons"
        )
