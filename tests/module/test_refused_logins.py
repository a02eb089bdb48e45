# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which refusal of a password stops which of the tasks that follow in the same run of Ansible."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.actions import Actions
from support.actions import run_action

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host

INFO = "esx_token_issuer_info"
NOT_TRIED = "is not tried again"


@pytest.fixture
def connection(
    host: Host, fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    return {**Actions(host, fleet, capsys, monkeypatch).connection, "retries": 0}


def task(connection: dict[str, Any], auth_method: str, *, first: bool = False, **more: Any) -> dict[str, Any]:
    """A task of the run, or the first of a new one."""
    return run_action(INFO, {**connection, "auth_method": auth_method, **more}, False, new_run=first)


def requests(host: Host) -> int:
    return len(host.journal)


@pytest.mark.parametrize("settings", [{"basic_on_services": False}, {"oauth_only": ["security_token_issuers"]}])
def test_a_service_that_takes_only_tokens_leaves_the_password_to_a_login(
    host: Host, connection: dict[str, Any], settings: dict[str, Any]
) -> None:
    host.settings(**settings)
    refused = task(connection, "basic", first=True)
    assert refused["failure"]["code"] == "unauthenticated"
    assert "only tokens" in refused["failure"]["hint"]

    done = task(connection, "token")
    assert not done.get("failed"), done["msg"]


def test_a_password_that_a_service_refused_is_not_sent_to_one_again(host: Host, connection: dict[str, Any]) -> None:
    host.settings(basic_on_services=False)
    task(connection, "basic", first=True)
    seen = requests(host)
    again = task(connection, "basic")
    assert NOT_TRIED in again["msg"]
    assert requests(host) == seen


def test_a_wrong_password_is_sent_once_in_each_way_and_no_more(host: Host, connection: dict[str, Any]) -> None:
    for number in range(3):
        task(connection, "basic", first=number == 0, password="wrong-Password-1")
        task(connection, "token", password="wrong-Password-1")
    assert host.failed_logins == 2


def test_a_password_that_a_login_refused_goes_to_no_service_either(host: Host, connection: dict[str, Any]) -> None:
    task(connection, "token", first=True, password="wrong-Password-1")
    again = task(connection, "basic", password="wrong-Password-1")
    assert NOT_TRIED in again["msg"]
    assert host.failed_logins == 1


@pytest.mark.parametrize("option", ["saml_token", "access_token"])
def test_a_refused_token_says_nothing_about_the_password_beside_it(
    host: Host, connection: dict[str, Any], option: str
) -> None:
    refused = task(connection, "token", first=True, **{option: "PHNhbWwyOkFzc2VydGlvbj5ub25lPC9zYW1sMjpBc3NlcnRpb24+"})
    assert refused["failure"]["code"] == "unauthenticated"

    done = task(connection, "token")
    assert not done.get("failed"), done["msg"]
