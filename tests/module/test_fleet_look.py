# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at hosts of which several are one ESX host, as virtual machines of an inventory on their host can be."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from support.looks import connection
from support.looks import look_at

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host

NAMES = [f"vm{number}" for number in range(8)]


def declared(fleet: Fleet, host: Host, **more: Any) -> dict[str, Any]:
    return {**connection(fleet, host), "kms_providers": [], "token_issuers": [], **more}


def test_a_refused_password_is_sent_once_to_a_host_of_many_names(fleet: Fleet) -> None:
    """Another host has accepted the login, so all names of this one are asked at the same time."""
    accepting, refusing = fleet.hosts[:2]
    for host in (accepting, refusing):
        host.reset()

    refusing.settings(latency=0.2)
    refusing.put_account(accepting.username, "Another-Password-1")

    given = {"first": declared(fleet, accepting)}
    login = {"username": accepting.username, "password": accepting.password}
    for name in NAMES:
        given[name] = declared(fleet, refusing, **login)

    results = look_at(given, threads=len(given))
    messages = [results[name]["trust"]["msg"] for name in NAMES]
    not_sent = [message for message in messages if "was refused before in this run" in message]

    assert not results["first"]["trust"].get("failed")
    assert refusing.failed_logins == 1
    assert len(not_sent) == len(NAMES) - 1


def test_an_accepted_password_is_sent_for_every_name(fleet: Fleet) -> None:
    host = fleet.hosts[0]
    host.reset()
    results = look_at({name: declared(fleet, host) for name in NAMES}, threads=len(NAMES))

    assert [name for name in NAMES if results[name]["trust"].get("failed")] == []
    assert host.login_attempts == len(NAMES)
