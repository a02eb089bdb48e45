# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bench measures: a simulated fleet in a process of its own, the installed collection, and playbooks.

Every run is checked: it has to end well, and the fleet's own count of requests and connections has to be what the
work takes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any

import checkout
from environment import ROOT
from environment import Environment
from environment import clean_path
from programs import fail

START_SECONDS = 120.0
KEY_ID = str(uuid.uuid4())
KEY = base64.b64encode(secrets.token_bytes(32)).decode()
PASSWORD = "VMware1!"  # noqa: S105 - of hosts that do not exist
PROVIDERS = "/api/esx/trusted-infrastructure/kms/providers"
_ONE = f"{PROVIDERS}/site-a"
ISSUERS = "/api/esx/authentication/trust/security-token-issuers?projection=FULL"
MIB = 1024.0


@dataclass(frozen=True)
class Work:
    """A way to do the work, and what it takes. It is one of tasks, a playbook of the collection, or paths to read.

    first, again: requests for each host that holds nothing yet, and for each that is as declared.
    connections_first, connections: in the same way; None where each request has its own.
    """

    name: str
    tasks: Sequence[Mapping[str, Any]] = ()
    playbook: str = ""
    paths: Sequence[str] = ()
    first: int = 0
    again: int = 0
    connections_first: int = 1
    connections: int | None = 1
    variables: Mapping[str, Any] = field(default_factory=dict)
    #: Whether hosts that hold nothing yet fail.
    tells: bool = False
    #: Runs for so long that fewer hosts have to do.
    slow: bool = False

    def play(self, fleet: Simulated, **keywords: Any) -> list[dict[str, Any]]:
        """As a user would write it: what is one for all hosts stands there, the rest and secrets are variables."""
        defaults = {
            "hostname": "{{ esx_hostname }}",
            "port": fleet.port,
            "username": "root",
            "password": "{{ esx_password }}",
            "ca_path": str(fleet.ca_path),
        }
        play = {"name": self.name, "hosts": "esx", "gather_facts": False, **keywords}
        return [{**play, "module_defaults": {"group/esx.trust.esx": defaults}, "tasks": self.tasks}]

    def takes(self, hosts: int, differing: int) -> tuple[int, int]:
        """Requests and connections of a run in which some of the hosts hold nothing yet."""
        requests = differing * self.first + (hosts - differing) * self.again
        if self.connections is None:
            return requests, requests
        if not requests:
            return 0, 0

        return requests, differing * self.connections_first + (hosts - differing) * self.connections


@dataclass(frozen=True)
class Figure:
    """One run. memory: the largest process, in MiB. simulator: what the fleet used, in CPU seconds."""

    seconds: float
    cpu: float
    memory: float
    simulator: float
    requests: int
    connections: int


class Simulated:
    """The fleet, and its own account of what it was asked and what that cost it."""

    def __init__(self, folder: Path, admin_url: str, hosts: int) -> None:
        self.ca_path = folder / "ca.pem"
        self.hosts = hosts
        self._admin_url = admin_url
        listed = self._get("/hosts")
        self.addresses: list[str] = [host["address"] for host in listed]
        self.port = int(listed[0]["port"])

    def reset(self, addresses: Iterable[str]) -> None:
        """Let hosts hold nothing again."""
        for address in addresses:
            self._send("POST", f"/hosts/{address}/reset")

    @contextlib.contextmanager
    def late(self, seconds: float, addresses: Sequence[str]) -> Iterator[None]:
        """Inside, these hosts take so long for each answer."""
        fault = {"kind": "delay_answer", "seconds": seconds, "times": None}
        for address in addresses:
            self._send("POST", f"/hosts/{address}/faults", fault)

        try:
            yield
        finally:
            for address in addresses:
                self._send("DELETE", f"/hosts/{address}/faults")

    def cpu(self) -> float:
        return float(self._get("/cpu")["cpu_seconds"])

    def counts(self) -> tuple[int, int]:
        """Requests and connections so far."""
        hosts = self._get("/hosts")
        return sum(host["requests"] for host in hosts), sum(host["connections"]["opened"] for host in hosts)

    def _get(self, path: str) -> Any:
        return json.loads(self._send("GET", path))

    def _send(self, method: str, path: str, body: Any = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._admin_url + path, data, method=method)  # noqa: S310 - our own simulator
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:  # noqa: S310 - our own simulator
            return bytes(answer.read())


@contextlib.contextmanager
def simulated(folder: Path, hosts: int) -> Iterator[Simulated]:
    """Start a fleet in its own process, and end it."""
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "simulator", "--hosts", str(hosts), "--directory", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}

    with (folder.parent / "simulator.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--password", PASSWORD, "--ready-fd", str(writing)],
            env=environment,
            stdout=log,
            stderr=log,
            pass_fds=[writing],
        )

    os.close(writing)

    try:
        with open(reading, "rb") as ready:
            if not ready.readline():
                fail(f"the simulator did not start\n{(folder.parent / 'simulator.log').read_text('utf-8')}")

        yield Simulated(folder, (folder / "admin_url").read_text("ascii").strip(), hosts)
    finally:
        process.terminate()
        process.wait()


class Stage:
    """The collection as a user has it, and a way to run a play on some of the hosts."""

    def __init__(self, folder: Path, fleet: Simulated, core: Environment) -> None:
        self.fleet = fleet
        self.core = core
        self._folder = folder
        unwanted = ("ANSIBLE_", "VMWARE_", "PYTHON")

        self._variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(unwanted)},
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "PATH": clean_path(core.bin),
        }

    @property
    def collections(self) -> Path:
        return self._folder / "collections"

    def install(self) -> None:
        """Build the collection, and install it where nothing else is."""
        tarball = checkout.build(self._folder, self.core.bin / "ansible-galaxy")
        program = self.core.bin / "ansible-galaxy"
        command = [str(program), "collection", "install", "--offline", str(tarball), "-p", str(self.collections)]
        done = subprocess.run(command, env=self._variables, capture_output=True, text=True, check=False)
        if done.returncode:
            fail(f"the collection cannot be installed\n{done.stdout}{done.stderr}")

    def python(self, *arguments: object, given: str = "") -> str:
        """Run the core's Python; what it printed."""
        command: list[str] = [str(self.core.python), *map(str, arguments)]
        done = subprocess.run(
            command, env=self._variables, cwd=self._folder, input=given, capture_output=True, text=True, check=False
        )
        if done.returncode:
            fail(f"{' '.join(command)} failed\n{done.stderr}")

        return done.stdout

    def command(self, play: str | Sequence[Mapping[str, Any]], hosts: int, *arguments: str) -> list[str]:
        """Write inventory and play, which may be the name of a playbook; the command that runs it."""
        fleet = self.fleet
        addresses = fleet.addresses[:hosts]
        issuer = {"issuer_alias": "vcenter01", "issuer": "https://vcenter01.example.com/oidc"}
        chain = {"cert_chain": [fleet.ca_path.read_text("ascii")]}

        inventory = {
            "esx": {
                "hosts": {f"esx{number:05}": {"esx_hostname": each} for number, each in enumerate(addresses)},
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                    "esx_port": fleet.port,
                    "esx_username": "root",
                    "esx_password": PASSWORD,
                    "esx_ca_path": str(fleet.ca_path),
                    "esx_kms_providers": [
                        {"provider": "site-a", "key_id": "{{ site_key_id }}", "key_derivation_key": "{{ site_key }}"}
                    ],
                    "esx_token_issuers": [{**issuer, "signing_cert_chains": [chain]}],
                    "site_key": KEY,
                    "site_key_id": KEY_ID,
                },
            }
        }

        inventory_file, playbook = self._folder / f"inventory-{hosts}.json", self._folder / "playbook.json"
        inventory_file.write_text(json.dumps(inventory), "utf-8")

        if not isinstance(play, str):
            playbook.write_text(json.dumps(play), "utf-8")
            play = str(playbook)

        return [str(self.core.bin / "ansible-playbook"), "-i", str(inventory_file), *arguments, play]

    def run(
        self,
        play: str | Sequence[Mapping[str, Any]],
        hosts: int,
        forks: int,
        *arguments: str,
        failing: int = 0,
        expected: tuple[int, int] | None = None,
        variables: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Figure:
        """Run a play and measure it.

        failing: how many hosts have to fail. expected: the requests and connections that it has to take.
        """
        given = ["-f", str(forks), "-e", json.dumps(dict(variables or {})), *arguments]
        command = self.command(play, hosts, *given)
        return self._measured(command, failing=failing, expected=expected, environment=environment)

    def _measured(
        self,
        command: Sequence[str],
        *,
        failing: int = 0,
        expected: tuple[int, int] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Figure:
        requests, connections = self.fleet.counts()
        simulator = self.fleet.cpu()

        with tempfile.TemporaryFile("w+", dir=self._folder) as output:
            started = time.perf_counter()

            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env={**self._variables, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

            _pid, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - started
            output.seek(0)
            said = output.read()

        simulator = self.fleet.cpu() - simulator
        after = self.fleet.counts()
        took = (after[0] - requests, after[1] - connections)
        if process.returncode != (2 if failing else 0) or len(re.findall(" failed=[1-9]", said)) != failing:
            fail(f"a play did not end well ({process.returncode})\n{said[-4000:]}")
        if expected and took != expected:
            fail(f"a play took {took} requests and connections, not {expected}\n{said[-2000:]}")

        return Figure(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / MIB, simulator, *took)

    def work(self, work: Work, hosts: int, forks: int, *, differing: int = 0) -> Figure:
        """Run one kind of work, checked. differing: of the hosts, so many hold nothing yet."""
        self.fleet.reset(self.fleet.addresses[:differing])
        expected = work.takes(hosts, differing)
        if work.paths:
            return self._measured(self._threads(work, hosts), expected=expected)
        play = f"esx.trust.{work.playbook}" if work.playbook else work.play(self.fleet)
        failing = differing if work.tells else 0

        return self.run(play, hosts, forks, failing=failing, expected=expected, variables=work.variables)

    def _threads(self, work: Work, hosts: int) -> list[str]:
        """The command that does the work without Ansible."""
        fleet = self.fleet
        given = {"addresses": fleet.addresses[:hosts], "port": fleet.port, "ca_path": str(fleet.ca_path)}
        login = {"username": "root", "password": PASSWORD}
        file = self._folder / "threads.json"
        file.write_text(json.dumps({**given, **login, "paths": work.paths}), "utf-8")

        return [str(self.core.python), str(ROOT / "tools" / "bench_threads.py"), str(file)]


@contextlib.contextmanager
def stage(hosts: int, core: Environment) -> Iterator[Stage]:
    """A fleet and the installed collection."""
    with tempfile.TemporaryDirectory(prefix="esx-trust-bench-") as folder:
        (Path(folder) / "fleet").mkdir()
        with simulated(Path(folder) / "fleet", hosts) as fleet:
            ready = Stage(Path(folder), fleet, core)
            ready.install()
            yield ready


# The ways to do the work: see that hosts have a key provider, and with the playbooks a token issuer as well.

_PROVIDER = {"provider": "site-a", "key_id": "{{ site_key_id }}", "key_derivation_key": "{{ site_key }}"}
_OURS = [{"name": "Key provider", "esx.trust.esx_kms_provider": _PROVIDER}]
_EACH_HOST = {"esx_trust_each_host": True}

NO_OP = Work("no-op task", [{"name": "Nothing", "ansible.builtin.set_fact": {"nothing": True}}])
AUDIT = Work("audit", playbook="audit", first=6, again=5, tells=True)
CONVERGE = Work("converge", playbook="converge", first=13, again=3, connections_first=2)
AUDIT_EACH = replace(AUDIT, name="audit, an event for each host", variables=_EACH_HOST)
CONVERGE_EACH = replace(CONVERGE, name="converge, an event for each host", variables=_EACH_HOST)
AUDIT_THREADS = Work("threads, requests of audit", paths=(_ONE, ISSUERS, PROVIDERS, _ONE), again=5)
CONVERGE_THREADS = Work("threads, requests of converge", paths=(_ONE, ISSUERS), again=3)
IN_WORKER = Work("esx_kms_provider", _OURS, first=4, again=2)
AS_MODULE = replace(IN_WORKER, name="esx_kms_provider as a module", variables={"esx_trust_in_worker": False}, slow=True)


def uri(fleet: Simulated) -> Work:
    """The requests of esx_kms_provider with tasks that Ansible itself brings."""
    base = f"https://{{{{ esx_hostname }}}}:{fleet.port}"
    bearer = {"Authorization": "Bearer {{ login.json.access_token }}"}
    common = {"ca_path": str(fleet.ca_path), "return_content": True}

    login = {
        "url": f"{base}/api/esx/authentication/token",
        "method": "POST",
        "url_username": "root",
        "url_password": "{{ esx_password }}",
        "force_basic_auth": True,
        "status_code": 201,
    }

    tasks: list[dict[str, Any]] = [
        {"name": "Log in", "ansible.builtin.uri": {**common, **login}, "register": "login"},
        {"name": "Read", "ansible.builtin.uri": {**common, "url": f"{base}{_ONE}", "headers": bearer}},
    ]

    return Work("ansible.builtin.uri", tasks, again=2, connections=None, slow=True)
