# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bench measures: the installed collection, and runs over a simulated fleet.

Every run is checked: it has to end as expected, and the simulator has to count the requests and connections that the
work takes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import recap
from bench_fleet import PASSWORD
from bench_fleet import USERNAME
from bench_fleet import SimulatedFleet
from bench_fleet import simulated_fleet
from bench_work import DECLARED_PROVIDER
from bench_work import Work
from environment import ROOT
from environment import Environment
from installed import Installed
from installed import install
from programs import fail
from programs import run

KEY_ID = str(uuid.uuid4())
KEY = base64.b64encode(secrets.token_bytes(32)).decode()
MIB = 1024.0

#: The exit code of ansible-playbook where hosts failed.
HOSTS_FAILED = 2


@dataclass(frozen=True)
class Figure:
    """The figures of one run.

    cpu: CPU seconds of the run.
    memory: of its largest process, in MiB.
    simulator: CPU seconds of the simulated fleet.
    requests, connections: those that came to the hosts.
    """

    seconds: float
    cpu: float
    memory: float
    simulator: float
    requests: int
    connections: int


@dataclass(frozen=True)
class Expected:
    """How a run has to end. takes: how many requests and connections it makes. None: any number is right."""

    failing_hosts: int = 0
    takes: tuple[int, int] | None = None

    def check(self, code: int, output: str, figure: Figure) -> None:
        """End this program with the output of the run if the run was not as expected."""
        failed = len(recap.hosts(output, "failed"))
        if code != (HOSTS_FAILED if self.failing_hosts else 0) or failed != self.failing_hosts:
            fail(f"a play did not end well ({code})\n{output[-4000:]}")

        took = (figure.requests, figure.connections)
        if self.takes and took != self.takes:
            fail(f"a play took {took} requests and connections, not {self.takes}\n{output[-2000:]}")


class Stage:
    """The collection as a user has it, and ways to measure runs over some of the hosts."""

    def __init__(self, installed: Installed, fleet: SimulatedFleet) -> None:
        self.fleet = fleet
        self._folder = installed.folder
        self._python = installed.program("python")
        self._ansible_playbook = installed.program("ansible-playbook")
        self._variables = installed.variables()

    def python(self, *arguments: object) -> str:
        """What the Python of ansible-core prints."""
        return run([self._python, *arguments], self._variables).strip()

    def measure(self, work: Work, hosts: int, forks: int, *, differing: int = 0) -> Figure:
        """Do the work and check it. differing: how many of the hosts hold nothing yet."""
        self.fleet.reset(self.fleet.addresses[:differing])
        takes = work.takes(hosts, differing)

        if work.paths:
            return self._measure_threads(work, hosts, Expected(takes=takes))

        expected = Expected(differing if work.fails_on_difference else 0, takes)

        inventory = self._folder / "inventory.json"
        inventory.write_text(json.dumps(self._inventory(hosts)), "utf-8")

        options = ["-i", inventory, "-f", forks, "-e", json.dumps(dict(work.variables))]

        return self._measure_command([self._ansible_playbook, *options, self._playbook_of(work)], expected)

    def _playbook_of(self, work: Work) -> str:
        """The name of a playbook that does the work, or the path of a file with its play."""
        if work.playbook:
            return f"esx.trust.{work.playbook}"

        playbook = self._folder / "playbook.json"
        playbook.write_text(json.dumps(work.play(self.fleet)), "utf-8")

        return str(playbook)

    def _measure_threads(self, work: Work, hosts: int, expected: Expected) -> Figure:
        """Do the work without Ansible."""
        requests = {
            "addresses": self.fleet.addresses[:hosts],
            "port": self.fleet.port,
            "ca_path": str(self.fleet.ca_path),
            "username": USERNAME,
            "password": PASSWORD,
            "paths": work.paths,
        }

        file = self._folder / "threads.json"
        file.write_text(json.dumps(requests), "utf-8")

        return self._measure_command([self._python, ROOT / "tools" / "bench_threads.py", file], expected)

    def _inventory(self, hosts: int) -> dict[str, Any]:
        """The first so many hosts, and what they shall hold."""
        listed = {}
        for number, address in enumerate(self.fleet.addresses[:hosts]):
            listed[f"esx{number:05}"] = {"esx_hostname": address}

        issuer = {
            "issuer_alias": "vcenter01",
            "issuer": "https://vcenter01.example.com/oidc",
            "signing_cert_chains": [{"cert_chain": [self.fleet.ca_path.read_text("ascii")]}],
        }

        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "esx_port": self.fleet.port,
            "esx_username": USERNAME,
            "esx_password": PASSWORD,
            "esx_ca_path": str(self.fleet.ca_path),
            "esx_kms_providers": [DECLARED_PROVIDER],
            "esx_token_issuers": [issuer],
            "site_key": KEY,
            "site_key_id": KEY_ID,
        }

        return {"esx": {"hosts": listed, "vars": variables}}

    def _measure_command(self, command: Sequence[object], expected: Expected) -> Figure:
        requests, connections = self.fleet.counts()
        simulator = self.fleet.cpu()

        with tempfile.TemporaryFile("w+", dir=self._folder) as file:
            started = time.perf_counter()

            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=self._folder,
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

            _pid, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)

            file.seek(0)
            output = file.read()

        simulator_after = self.fleet.cpu()
        requests_after, connections_after = self.fleet.counts()

        figure = Figure(
            seconds=seconds,
            cpu=used.ru_utime + used.ru_stime,
            memory=used.ru_maxrss / MIB,
            simulator=simulator_after - simulator,
            requests=requests_after - requests,
            connections=connections_after - connections,
        )

        expected.check(process.returncode, output, figure)

        return figure


@contextlib.contextmanager
def stage(hosts: int, core: Environment) -> Iterator[Stage]:
    """A fleet and the installed collection. core: the environment with the ansible-core."""
    with tempfile.TemporaryDirectory(prefix="esx-trust-bench-") as folder:
        installed = install(Path(folder), core)

        with simulated_fleet(Path(folder, "fleet"), hosts) as fleet:
            yield Stage(installed, fleet)
