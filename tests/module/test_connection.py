# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the modules reach a host, and answers that are not those of the API."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from simulator import Fleet
from support.modules import GET
from support.modules import TOKEN
from support.modules import fault

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from support.modules import Ran

#: The host holds what a run declares of itself, so that a run that succeeds changes nothing.
pytestmark = pytest.mark.usefixtures("held_provider")


def test_redirects_are_not_followed(modules: Modules, host: Host, fleet: Fleet) -> None:
    target = next(each for each in fleet.hosts if each.address != host.address)
    target.reset()
    host.queue(fault(kind="redirect", location=f"{target.url}/api/esx/authentication/token", status=307))
    ran = modules.kms_provider()

    assert ran.failed
    assert "redirect" in ran.message
    assert target.journal == []


@pytest.mark.parametrize(
    "ready",
    ["html", "truncated_json", "empty", "soap_fault", "jsonrpc_refusal", "unsupported_content_type", "huge"],
)
@pytest.mark.parametrize("operation", [TOKEN, GET])
def test_what_is_not_the_api_becomes_one_sentence(modules: Modules, host: Host, ready: str, operation: str) -> None:
    size = {"bytes": 20_000_000} if ready == "huge" else {}
    host.queue(fault(kind="answer", operation=operation, ready=ready, times=None, status=200, **size))
    ran = modules.kms_provider(retries=1)

    assert ran.failed
    assert host.address in ran.message
    assert len(ran.message) < 600
    assert "Traceback" not in ran.output
    assert host.writes == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_proxy_that_knows_no_host_is_asked_again(modules: Modules, host: Host, status: int) -> None:
    host.queue(fault(kind="status", operation=GET, ready="envoy_no_healthy_upstream", status=status, times=2))
    assert not modules.kms_provider().failed

    host.queue(fault(kind="status", operation=GET, ready="envoy_no_healthy_upstream", status=status, times=None))
    ran = modules.kms_provider(retries=1)

    assert ran.failed
    assert "no healthy upstream" in ran.message


def test_the_time_of_a_request_is_bounded_however_slowly_it_drips(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="drip", operation=GET, seconds=0.05, times=None))
    ran = modules.kms_provider(timeout=0.3, retries=0)

    assert ran.result["failure"]["code"] == "answer_lost"
    assert "timed out" in ran.message


def test_a_proxy_that_is_not_there_is_named(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(proxy_host="127.0.0.1", proxy_port=9, retries=0)
    assert ran.result["failure"]["code"] == "unreachable"
    assert "127.0.0.1:9" in ran.message
    assert host.connections.handshakes == 0


def test_a_host_that_is_down_is_named(modules: Modules, host: Host) -> None:
    ran: Ran = modules.kms_provider(port=1, retries=1)
    assert ran.result["failure"]["code"] == "unreachable"
    assert f"{host.address}:1" in ran.message
    assert "Connection refused" in ran.message


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="this machine has no IPv6")
@pytest.mark.parametrize("spelling", ["::1", "[::1]", "0:0:0:0:0:0:0:1"])
def test_ipv6_addresses_work(modules: Modules, spelling: str) -> None:
    with Fleet(hosts=0, ipv6=True) as fleet:
        (only,) = fleet.hosts
        ran = modules.kms_provider(hostname=spelling, port=only.port, ca_path=fleet.ca_path, provider="six")

        assert ran.changed
        assert "six" in only.providers
