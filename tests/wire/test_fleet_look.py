# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a fleet of which some hosts are silent and others late: nobody is held up by another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import examination
from support.constants import KEY
from support.constants import KEY_ID
from support.looks import connection
from support.looks import look_at
from wire.proxy import FaultProxy
from wire.ways import Way

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host

PROVIDER = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}
#: Seconds that a host is waited for: longer than the test may take.
LONG = 600
SILENT = 3


@pytest.fixture
def proxies(fleet: Fleet) -> Iterator[list[FaultProxy]]:
    """One before each host."""
    for host in fleet.hosts:
        host.reset()
    with ExitStack() as stack:
        yield [stack.enter_context(FaultProxy(host.address, host.port)) for host in fleet.hosts]


def asked(host: Host) -> bool:
    """It has taken the login, and was asked for what it holds."""
    return any(str(record.operation).endswith("providers.list") for record in host.journal)


def options(fleet: Fleet, proxies: list[FaultProxy], **more: Any) -> dict[str, dict[str, Any]]:
    return {
        host.name: {**connection(fleet, host), "port": proxy.port, "kms_providers": [PROVIDER], "retries": 0, **more}
        for host, proxy in zip(fleet.hosts, proxies, strict=True)
    }


def test_silent_hosts_hold_nobody_up(fleet: Fleet, proxies: list[FaultProxy], monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even those that come first, whose login all others wait for: it is never sent to them."""
    monkeypatch.setattr(examination, "_HANDSHAKE_AFTER", 0.05)
    monkeypatch.setattr(examination, "_HANDSHAKE_TIMEOUT", 0.5)
    monkeypatch.setattr(examination, "_CHECK_INTERVAL", 0.05)
    silent, others = proxies[:SILENT], fleet.hosts[SILENT:]
    for proxy in silent:
        proxy.script(otherwise=Way(silent=True))
    results: dict[str, Any] = {}
    look = threading.Thread(target=lambda: results.update(look_at(options(fleet, proxies, timeout=LONG))))
    look.start()

    for host in others:
        assert host.wait_until(partial(asked, host), timeout=30), host.name

    assert look.is_alive()

    for proxy in silent:
        proxy.break_off()
    look.join(30)

    assert not look.is_alive()
    assert [host for host, result in results.items() if result["trust"].get("failed")] == [
        h.name for h in fleet.hosts[:SILENT]
    ]
    assert all(host.login_attempts == 1 for host in others)
    assert all(host.writes == [] for host in fleet.hosts)


def test_hosts_that_answer_late_are_waited_for_together(fleet: Fleet, proxies: list[FaultProxy]) -> None:
    """Each answer takes 50 ms; one after the other, so many hosts would take so many times as long."""
    for proxy in proxies:
        proxy.script(otherwise=Way(latency=0.05))
    results = look_at(options(fleet, proxies, timeout=30), threads=50)

    assert [result["trust"]["msg"] for result in results.values() if result["trust"].get("failed")] == []
    assert all(host.login_attempts == 1 and host.writes == [] for host in fleet.hosts)
    assert all(proxy.peak == 1 and proxy.wait_closed() for proxy in proxies)
