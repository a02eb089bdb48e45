# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are slow, silent, or no hosts at all: every wait ends, and nobody who is not the host gets a login."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from typing import Literal

import pytest

from simulator import Fault
from support.constants import KEY_ID
from support.credentials import basic_credentials
from wire.checks import assert_one_sentence
from wire.checks import wrote
from wire.scenarios import CREATES
from wire.scenarios import SCENARIOS
from wire.scenarios import Scenario
from wire.ways import Cut
from wire.ways import Way

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from wire.checks import Watch
    from wire.proxy import FaultProxy

READS = "com.vmware.esx.trusted_infrastructure.kms.providers.[gl]*t"
#: TLS records to the client before the first answer.
HANDSHAKE = 8
TIMEOUT = 0.3
#: Connecting, the handshake and the request may each take the timeout.
PHASES = 3

#: The host speaks the one form of the API, or the other.
both_forms = pytest.mark.usefixtures("form")

NOT_TLS = {
    "a web server": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "zeros": bytes(300),
    "noise": bytes(range(255, 0, -1)),
    "refused handshake": bytes.fromhex("15030300020228"),
    "internal error": bytes.fromhex("15030300020250"),
    "old protocol": bytes.fromhex("15030100020246"),
    "wrong version in the hello": bytes.fromhex("160300002a0200002603007f") + bytes(38),
    "record without end": bytes.fromhex("16030340000200"),
    "record too long": bytes.fromhex("160303ffff") + bytes(70000),
    "farewell": bytes.fromhex("15030300020100"),
    "nothing": b"",
}


@pytest.mark.parametrize("then", ["close", "reset", "stall"])
@pytest.mark.parametrize("kind", NOT_TLS)
def test_what_does_not_speak_tls_gets_no_login(
    modules: Modules, proxy: FaultProxy, host: Host, watch: Watch, kind: str, then: Any
) -> None:
    proxy.script(otherwise=Way(instead=NOT_TLS[kind], then=then))
    ran = modules.kms_provider(timeout=TIMEOUT, retries=1)

    assert_one_sentence(ran, host, code="unreachable")
    assert watch.within(2 * PHASES * TIMEOUT)
    assert proxy.total == 2

    sent = proxy.sent_by_client()

    assert host.password.encode() not in sent
    assert basic_credentials(host.username, host.password).encode() not in sent
    assert host.journal == []


@both_forms
def test_who_accepts_and_says_nothing_is_given_up(
    modules: Modules, proxy: FaultProxy, host: Host, watch: Watch
) -> None:
    proxy.script(otherwise=Way(silent=True))
    ran = modules.kms_provider(timeout=TIMEOUT, retries=2)

    assert_one_sentence(ran, host, code="unreachable")
    assert "timed out" in ran.message
    assert proxy.total == 3
    assert watch.within(3 * PHASES * TIMEOUT)
    assert proxy.peak == 1
    assert proxy.wait_closed()


def test_who_is_silent_once_does_no_harm(modules: Modules, form: str, proxy: FaultProxy, host: Host) -> None:
    for scenario in SCENARIOS:
        scenario.start(host, form)
        proxy.script(Way(silent=True))
        ran = scenario.run(modules, timeout=TIMEOUT, retries=1)

        assert scenario.verdict(modules, host, ran, must_succeed=True) is None


def test_a_refused_connection_is_named(modules: Modules, proxy: FaultProxy, host: Host, watch: Watch) -> None:
    proxy.refuse()
    ran = modules.kms_provider(retries=2)

    assert_one_sentence(ran, host, code="unreachable")
    assert f"{host.address}:{proxy.port}" in ran.message
    assert "refused" in ran.message
    assert watch.within(1)


@both_forms
def test_a_connection_that_is_closed_at_once_is_named(modules: Modules, proxy: FaultProxy, host: Host) -> None:
    how: Literal["close", "reset"]
    for how in ("close", "reset"):
        proxy.script(otherwise=Way(Cut("to_host", 0, how)))
        ran = modules.kms_provider(retries=2)

        assert_one_sentence(ran, host, code="unreachable")
        assert proxy.total == 3
        assert host.journal == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_a_slow_host_is_waited_for(
    modules: Modules, form: str, proxy: FaultProxy, host: Host, scenario: Scenario
) -> None:
    scenario.start(host, form)
    proxy.script(otherwise=Way(latency=0.05))
    ran = scenario.run(modules, timeout=3, retries=0)

    assert scenario.verdict(modules, host, ran, must_succeed=True) is None


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_a_host_that_is_too_slow_is_given_up(
    modules: Modules, form: str, proxy: FaultProxy, host: Host, watch: Watch, scenario: Scenario
) -> None:
    scenario.start(host, form)
    proxy.script(otherwise=Way(latency=4 * TIMEOUT))
    ran = scenario.run(modules, timeout=TIMEOUT, retries=1)

    assert_one_sentence(ran, host)
    assert "timed out" in ran.message
    assert watch.within(2 * PHASES * TIMEOUT)
    assert host.journal == []


def test_a_handshake_that_drips_is_given_up(modules: Modules, proxy: FaultProxy, host: Host, watch: Watch) -> None:
    proxy.script(otherwise=Way(piece=1, latency=0.05))
    ran = modules.kms_provider(timeout=TIMEOUT, retries=1)

    assert_one_sentence(ran, host, code="unreachable")
    assert watch.within(2 * PHASES * TIMEOUT)
    assert host.journal == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_a_connection_that_dies_after_the_handshake_is_left(
    modules: Modules, form: str, proxy: FaultProxy, host: Host, watch: Watch, scenario: Scenario
) -> None:
    scenario.start(host, form)
    proxy.script(otherwise=Way(Cut("to_client", (HANDSHAKE, 0), "stall")))
    ran = scenario.run(modules, timeout=TIMEOUT, retries=5)

    assert_one_sentence(ran, host, code="answer_lost")
    # What was lost may have been a refused password.
    assert proxy.total == 2
    assert host.login_attempts <= 2
    assert wrote(host) == []
    assert watch.within(2 * PHASES * TIMEOUT)
    assert proxy.peak == 1


@both_forms
def test_a_half_open_connection_is_left(modules: Modules, proxy: FaultProxy, host: Host, watch: Watch) -> None:
    """The host broke off in its answer, and the news of it never comes."""
    host.queue(Fault(kind="cut_answer", operation=READS, bytes=5))
    proxy.script(otherwise=Way(withhold_end=True))
    ran = modules.kms_provider(timeout=TIMEOUT, retries=1)

    assert ran.changed
    assert CREATES.holds(host)
    assert watch.within(2 * PHASES * TIMEOUT)
    assert proxy.peak == 1


@both_forms
def test_a_host_that_closes_after_each_answer_costs_no_retry(modules: Modules, proxy: FaultProxy, host: Host) -> None:
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    host.queue(Fault(kind="cut_answer", operation="*", bytes=1_000_000, times=None))
    ran = modules.kms_provider(retries=0)

    assert not ran.failed, ran.message
    assert proxy.total == 2
    assert proxy.peak == 1
