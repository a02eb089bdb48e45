# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the modules over a wire on which everything can happen."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api import tls
from simulator.delivery import Delivery
from support.modules import Modules
from support.modules import without_pauses
from wire.checks import HELD
from wire.checks import sockets_noted
from wire.processes import Starter
from wire.proxy import FaultProxy

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
from wire.checks import Watch


@pytest.fixture(autouse=True)
def _no_memory_of_certificates() -> None:
    """The system's CA certificates are read once in a process; here they change from test to test."""
    tls.tls_context.cache_clear()


@pytest.fixture(autouse=True)
def _sockets_noted() -> Iterator[None]:
    with sockets_noted():
        yield


@pytest.fixture
def modules(
    host: Host, fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Modules]:
    with without_pauses(monkeypatch):
        yield Modules(host, fleet, capsys, monkeypatch)


@pytest.fixture
def session_service(host: Host) -> None:
    """The host has the session service, as a vCenter has it."""
    host.settings(session_service=True)


@pytest.fixture
def proxy(host: Host, modules: Modules) -> Iterator[FaultProxy]:
    """A fault proxy that the modules take for the host."""
    with FaultProxy(host.address, host.port) as running:
        modules.connection["port"] = running.port
        yield running


@pytest.fixture
def start(modules: Modules) -> Iterator[Starter]:
    """Starts modules in processes of their own, which are gone when the test ends."""
    starter = Starter(modules)
    yield starter
    starter.stop()


@pytest.fixture(params=["rest", "jsonrpc"])
def form(request: pytest.FixtureRequest, host: Host, modules: Modules) -> str:
    """The form of the API that the host speaks and the modules are told to use."""
    spoken = str(request.param)
    host.settings(protocols=spoken)
    modules.connection["api_protocol"] = spoken

    return spoken


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What is closed is closed by its owner, and not some day by the garbage collector."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Delays of HELD seconds end when this is set."""
    opened = threading.Event()
    wait = Delivery._wait

    async def wait_for_gate(delivery: Delivery, seconds: float) -> None:
        if seconds != HELD:
            await wait(delivery, seconds)
            return

        await asyncio.to_thread(opened.wait, HELD)

    monkeypatch.setattr(Delivery, "_wait", wait_for_gate)
    yield opened
    opened.set()
