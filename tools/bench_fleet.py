# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated fleet over which the bench measures, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import simulator_process
from programs import fail

USERNAME = "root"
PASSWORD = "VMware1!"  # noqa: S105 - of hosts that do not exist
#: Seconds in which the admin interface has to answer.
TIMEOUT = 120.0


class SimulatedFleet:
    """The hosts, with the number of requests that came to them and the CPU time that the simulator used."""

    def __init__(self, folder: Path) -> None:
        self.ca_path = folder / "ca.pem"
        self._admin_url = (folder / "admin_url").read_text("ascii").strip()

        hosts = self._get("/hosts")
        self.addresses: list[str] = [host["address"] for host in hosts]
        self.port = int(hosts[0]["port"])

    def reset(self, addresses: Iterable[str]) -> None:
        """Let hosts hold nothing again."""
        for address in addresses:
            self._send("POST", f"/hosts/{address}/reset")

    @contextlib.contextmanager
    def late(self, seconds: float, addresses: Sequence[str]) -> Iterator[None]:
        """While it is open, these hosts take so long for each answer."""
        fault = {"kind": "delay_answer", "seconds": seconds, "times": None}
        for address in addresses:
            self._send("POST", f"/hosts/{address}/faults", fault)

        try:
            yield
        finally:
            for address in addresses:
                self._send("DELETE", f"/hosts/{address}/faults")

    def cpu(self) -> float:
        """CPU seconds so far."""
        return float(self._get("/cpu")["cpu_seconds"])

    def counts(self) -> tuple[int, int]:
        """Requests and connections so far."""
        hosts = self._get("/hosts")
        requests = sum(host["requests"] for host in hosts)
        connections = sum(host["connections"]["opened"] for host in hosts)

        return requests, connections

    def _get(self, path: str) -> Any:
        return json.loads(self._send("GET", path))

    def _send(self, method: str, path: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._admin_url + path, data, method=method)  # noqa: S310 - our own simulator
        request.add_header("Content-Type", "application/json")

        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - our own simulator
            return bytes(answer.read())


@contextlib.contextmanager
def simulated_fleet(folder: Path, hosts: int) -> Iterator[SimulatedFleet]:
    """Start a fleet that leaves its files in the folder, and end it."""
    folder.mkdir()
    log = folder.with_suffix(".log")

    try:
        with log.open("w", encoding="utf-8") as output:
            options = ["--hosts", hosts, "--directory", folder, "--password", PASSWORD]
            process = simulator_process.start(*options, stdout=output, stderr=output)
    except subprocess.CalledProcessError as error:
        fail(f"the simulator did not start: {error}\n{log.read_text('utf-8')}")

    try:
        yield SimulatedFleet(folder)
    finally:
        process.terminate()
        process.wait()
