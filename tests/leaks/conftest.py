# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every secret that a simulated host hands out, one search for each test, and what was searched in all."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import pytest

from leaks.search import Search
from playbook.conftest import in_worker
from playbook.conftest import playbooks
from playbook.conftest import tools
from simulator import exchange
from simulator.accounts import Accounts
from simulator.authentication import SESSION_HEADER
from simulator.errors import ApiError
from simulator.errors import render

SEARCHED = "searched"

#: Fixtures of the playbooks, for the tests here too.
__all__ = ["in_worker", "playbooks", "tools"]


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


@pytest.fixture(autouse=True)
def _loud_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that repeat a request begin with what is secret in it, each time with another dress of it.

    Modules quote the first messages of an error only, and those would be the likes of the name of the host.
    """
    turns = itertools.count()
    echo = exchange._echo

    def loud_echo(request: exchange.Request) -> Iterator[str]:
        boring = {name: text for name, text in request.headers.items() if name not in ("authorization", SESSION_HEADER)}
        dull = set(echo(exchange.Request(request.method, request.target, boring)))
        worth = [text for text in echo(request) if text not in dull]
        start = 3 * next(turns) % max(len(worth), 1)
        yield from [*worth[start:], *worth[:start]]

    def loud_render(
        error: ApiError, dialect: str, error_type_present: bool, more: Iterable[Any] = ()
    ) -> dict[str, Any]:
        content = render(error, dialect, error_type_present)
        told = content["value"] if dialect == "rest" else content
        told["messages"] = [*more, *told["messages"]]
        return content

    monkeypatch.setattr(exchange, "_echo", loud_echo)
    monkeypatch.setattr(exchange, "render", loud_render)


@pytest.fixture
def search(record_property: Any) -> Iterator[Search]:
    one = Search()
    yield one
    record_property(SEARCHED, one.counts())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line that says how much was searched."""
    total: dict[str, int] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, counts in getattr(report, "user_properties", ()):
                if name == SEARCHED and report.when == "teardown":
                    for what, count in counts.items():
                        total[what] = total.get(what, 0) + count
    if total:
        terminalreporter.write_line(
            f"secrets: {total['runs']} runs, {total['secrets']} secrets in {total['places']} places,"
            f" {total['comparisons']} comparisons"
        )
