# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook that is cancelled or killed while it looks at all hosts, whose threads see no signal."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from simulator import Fault
from support.declared import Declared
from support.playbooks import in_worker_alone
from support.playbooks import playbooks
from support.tools import tools
from wire.processes import running
from wire.processes import wait_for

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from support.playbooks import Playbooks

#: Fixtures of the playbooks.
__all__ = ["in_worker_alone", "playbooks", "tools"]

PROVIDERS = "com.vmware.esx.trusted_infrastructure.kms.providers"
READS = f"{PROVIDERS}.[gl]*t"
#: Seconds that a host holds its answer back, and that a module would wait for it.
HELD = 300
#: Seconds in which everything has ended: five of grace, and what a busy machine takes.
SOON = 20


def gone(host: Host) -> bool:
    return host.connections.open_now == 0


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.every_core),
        pytest.param(signal.SIGTERM, marks=pytest.mark.every_core),
        # No core hears of this one.
        signal.SIGKILL,
    ],
    ids=lambda number: number.name,
)
def test_a_cancelled_look_ends_soon_and_writes_nothing(
    playbooks: Playbooks, fleet: Fleet, tmp_path: Path, number: signal.Signals
) -> None:
    """Hosts that answer are left in an orderly way, those that do not are left."""
    declared = Declared(playbooks, fleet, tmp_path, playbooks.hosts)
    declared.of_all.update(esx_timeout=HELD, esx_auth_method="session")
    silent, *others = declared.hosts[1:]
    for host in declared.hosts:
        host.settings(session_service=True)
    silent.queue(Fault(kind="delay", operation=READS, seconds=HELD))

    with ThreadPoolExecutor(1) as pool:
        play = pool.submit(declared.run, "esx.trust.converge")
        wait_for(silent, READS)
        (process,) = running("ansible-playbook")
        os.kill(process, number)
        played = play.result(SOON)

    assert played.code != 0, played.output

    for host in declared.hosts:
        assert host.wait_until(partial(gone, host), timeout=SOON), host.name
        assert host.writes == []

    assert all(host.open_sessions == 0 for host in others)
    assert "Roll out" not in played.output
    assert not list(Path(playbooks.folder).glob("esx-trust-plan*"))
