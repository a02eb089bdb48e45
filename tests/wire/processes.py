# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules in processes of their own, which can be sent signals."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from environment import link_collection
from support.programs import clean_environment

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

#: Ansible's own wrapper runs a module like this, with the arguments where a module looks for them.
WRAPPER = """
import os, runpy, signal, sys
from ansible.module_utils import basic

def end(number, frame):
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(1)

# In tests that run in the background, or by nohup, these are ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
handler = {"worker": end, "ignoring": signal.SIG_IGN}.get(sys.argv[2])
if handler:
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
runpy.run_module("ansible_collections.esx.trust.plugins.modules." + sys.argv[1], run_name="__main__", alter_sys=True)
"""


@dataclass
class Started:
    """A module in a process of its own."""

    process: subprocess.Popen[str]

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def goes_on(self) -> bool:
        """It does not end within a moment, in which a process that a signal interrupted would."""
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return True

        return False

    def ended(self) -> tuple[int, str, str]:
        """Its code and what it said, once it has ended."""
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """The same, after the signal."""
        self.send(number)
        return self.ended()


class Starter:
    """Starts modules by their names.

    place: "module"; or "worker", where both signals have handlers of their own that end the process at once, as in
    a worker of ansible-core 2.19 and later; or "ignoring", where both are ignored.
    """

    def __init__(self, modules: Modules) -> None:
        self._connection = modules.connection
        self._running: list[subprocess.Popen[str]] = []

    def __call__(self, name: str, *, place: str = "module", **options: Any) -> Started:
        process = subprocess.Popen(
            [sys.executable, "-c", WRAPPER, name, place],
            env=clean_environment(PYTHONPATH=link_collection()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

        self._running.append(process)

        assert process.stdin is not None

        arguments = {**self._connection, **options, "_ansible_remote_tmp": "/tmp"}
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        process.stdin.close()
        process.stdin = None

        return Started(process)

    def stop(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.communicate()


def wait_for(host: Host, operation: str, times: int = 1) -> None:
    """The module is in the middle of its work: the host holds its request."""
    arrived = host.wait_until(
        lambda: sum(fnmatch(str(record.operation), operation) for record in host.journal) >= times, timeout=30
    )
    assert arrived, host.journal


def running(program: str) -> Iterator[int]:
    """The processes that this one has started and that run the program."""
    for thread in Path(f"/proc/{os.getpid()}/task").iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            for child in (thread / "children").read_text().split():
                if program in Path(f"/proc/{child}/cmdline").read_text().split("\0")[1]:
                    yield int(child)
