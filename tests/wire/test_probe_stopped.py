# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporary issuer of esx_api_probe is gone when the run is stopped, and after the next run when it is killed."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator import Fault
from wire.processes import Starter
from wire.processes import wait_for

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

SERVICE = "com.vmware.esx.authentication.trust.security_token_issuers"


@pytest.mark.parametrize("form", ["rest", "jsonrpc"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
@pytest.mark.parametrize(
    ("operation", "kind"),
    [("create", "delay"), ("create", "delay_answer"), ("get", "delay"), ("update", "delay")],
)
def test_a_run_that_is_stopped_leaves_nothing(
    start: Starter, host: Host, form: str, number: signal.Signals, operation: str, kind: Any
) -> None:
    host.settings(protocols=form)
    host.queue(Fault(kind=kind, operation=f"{SERVICE}.{operation}", seconds=60))
    running = start("esx_api_probe")
    wait_for(host, f"{SERVICE}.{operation}")
    code, out, _err = running.end(number)

    assert (code, out) == (-number, "")
    assert host.issuers == {}
    assert host.wait_closed()


def test_what_a_killed_run_leaves_is_removed_by_the_next(start: Starter, modules: Modules, host: Host) -> None:
    host.queue(Fault(kind="delay", operation=f"{SERVICE}.update", seconds=60))
    running = start("esx_api_probe")
    wait_for(host, f"{SERVICE}.update")
    running.end(signal.SIGKILL)

    assert len(host.issuers) == 1
    assert modules.run("esx_api_probe").result["api_probe"]["leftovers_removed"] == 1
    assert host.issuers == {}
