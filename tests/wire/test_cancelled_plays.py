# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play that is cancelled while a worker replaces an issuer: Ansible tells its workers, once or twice."""

from __future__ import annotations

import contextlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from simulator import Fault
from support.constants import ISSUER
from support.playbooks import in_worker_alone
from support.playbooks import playbooks
from support.tools import tools
from wire.checks import issuer_options
from wire.processes import running
from wire.processes import wait_for
from wire.scenarios import NEW
from wire.scenarios import OLD

if TYPE_CHECKING:
    from support.playbooks import Playbooks

#: Fixtures of the playbooks.
__all__ = ["in_worker_alone", "playbooks", "tools"]

ISSUERS = "com.vmware.esx.authentication.trust.security_token_issuers"
RENAME = {**issuer_options("vcenter01", ISSUER, NEW), "issuer_conflict": "rename", "auth_method": "session"}
HELD = Fault(kind="delay", operation=f"{ISSUERS}.create", seconds=60)


@pytest.mark.every_core
@pytest.mark.parametrize(
    "numbers",
    [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM)],
    ids=["int", "term", "int-term"],
)
def test_a_cancelled_play_leaves_the_issuer_trusted(
    playbooks: Playbooks, numbers: tuple[signal.Signals, ...], request: pytest.FixtureRequest
) -> None:
    if request.node.callspec.params["playbooks"] == "core-2.16" and signal.SIGTERM in numbers:
        pytest.skip("this core ends without a word to its workers, and they finish what they have begun")
    host = playbooks.hosts[0]
    host.settings(session_service=True)
    host.put_issuer("old", ISSUER, OLD)
    host.queue(HELD)
    task = {"name": "Rename", "esx.trust.esx_token_issuer": RENAME}

    with ThreadPoolExecutor(1) as pool:
        play = pool.submit(playbooks.play, [task], "--limit", host.name)
        wait_for(host, f"{ISSUERS}.create")
        (process,) = running("ansible-playbook")

        for number in numbers:
            with contextlib.suppress(ProcessLookupError):  # the first one may do
                os.kill(process, number)

        played = play.result(60)

    assert played.code != 0, played.output
    # The worker may still be at it when the play has ended.
    assert host.wait_until(lambda: set(host.issuers) == {"old"}, timeout=30), host.issuers
    assert host.wait_until(lambda: host.open_sessions == 0, timeout=30)
    assert host.issuers["old"].chains == OLD
