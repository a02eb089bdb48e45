# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of one task goes inside a worker; run by the bench, in the environment of the playbooks.

As Ansible does, it forks a process for each host from one that has loaded the action, so that what is only paid in a
fresh process is paid here too. Each process measures one piece and nothing else, because measuring costs time as well.
It prints JSON: piece -> CPU seconds of a host, in the median.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

Clock = Callable[[], float]
PREFIX = "ansible_collections.esx.trust.plugins"


class Meter:
    """Adds up the CPU time inside a function."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._inside = False

    def watch(self, owner: Any, name: str) -> None:
        """Replace the function by one that is measured."""
        function = getattr(owner, name)

        def measured(*arguments: Any, **keywords: Any) -> Any:
            if self._inside:
                return function(*arguments, **keywords)
            self._inside = True
            started = time.process_time()
            try:
                return function(*arguments, **keywords)
            finally:
                self.seconds += time.process_time() - started
                self._inside = False

        setattr(owner, name, measured)


def pieces() -> dict[str, list[tuple[Any, str]]]:
    """The functions whose time is a piece. They hold each other, from the outermost to the innermost."""
    import ssl

    transport = importlib.import_module(f"{PREFIX}.module_utils._api.transport")
    service = importlib.import_module(f"{PREFIX}.module_utils._services.kms_provider")
    return {
        "run": [(service, "run")],
        "requests": [(transport.Transport, "__init__"), (transport.Transport, "send"), (transport.Transport, "close")],
        "tls": [(transport, "tls_context"), (ssl.SSLSocket, "do_handshake")],
    }


def measured(piece: str, options: dict[str, Any]) -> float:
    """The CPU seconds of one piece for one host, in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with open(reading, encoding="ascii") as answer:
            seconds = answer.read()
        os.waitpid(child, 0)
        return float(seconds)
    status = 1
    try:
        meter = Meter()
        for owner, name in pieces()[piece]:
            meter.watch(owner, name)
        service = importlib.import_module(f"{PREFIX}.module_utils._services.kms_provider")
        service.run(options, False)
        os.write(writing, f"{meter.seconds:.9f}".encode())
        status = 0
    finally:
        os._exit(status)


def main() -> None:
    given = json.loads(sys.stdin.read())
    sys.path.insert(0, given["collections"])
    # What a controller has loaded before it forks.
    for name in ("ansible.cli.playbook", "ansible.executor.task_queue_manager", "ansible.plugins.strategy.linear"):
        importlib.import_module(name)
    importlib.import_module(f"{PREFIX}.action.esx_kms_provider")
    service = importlib.import_module(f"{PREFIX}.module_utils._services.kms_provider")
    defaults = {name: option.get("default") for name, option in service.ARGUMENTS.options.items()}
    seconds: dict[str, list[float]] = {piece: [] for piece in pieces()}
    for address in given["addresses"]:
        for piece, found in seconds.items():
            found.append(measured(piece, {**defaults, **given["options"], "hostname": address}))
    print(json.dumps({piece: statistics.median(found) for piece, found in seconds.items()}))


if __name__ == "__main__":
    main()
