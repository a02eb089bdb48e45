# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bench measures: a simulated fleet in a process of its own, the installed collection, and playbooks.

Every run is checked: it has to end well, and the fleet's own count of requests and connections has to be what the
work takes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import checkout
from environment import ROOT
from environment import Environment
from environment import clean_path
from environment import fail

START_SECONDS = 120.0
KEY_ID = "5f0b1f4e-53c2-4f0e-9c0e-6f1d6f7a2b11"
KEY = "q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c="
PASSWORD = "VMware1!"  # noqa: S105 - of hosts that do not exist
PROVIDERS = "/api/esx/trusted-infrastructure/kms/providers"
MIB = 1024.0


@dataclass(frozen=True)
class Work:
    """A way to do the work: the play, and what it takes.

    tasks: those of every run; creating: those that follow them where the provider has to be created.
    first, again: requests for each host where it has to be created, and where it is there.
    connections: for each host, at each run; None where each request has its own.
    """

    name: str
    tasks: Sequence[Mapping[str, Any]]
    creating: Sequence[Mapping[str, Any]] = ()
    first: int = 0
    again: int = 0
    connections: int | None = 0
    variables: Mapping[str, Any] = field(default_factory=dict)
    #: Runs for so long that fewer hosts have to do.
    slow: bool = False

    def play(self, fleet: Simulated, *, first: bool = False, **keywords: Any) -> list[dict[str, Any]]:
        """As a user would write it: what is one for all hosts stands there, the rest and secrets are variables."""
        defaults = {
            "hostname": "{{ esx_hostname }}",
            "port": fleet.port,
            "username": "root",
            "password": "{{ esx_password }}",
            "ca_path": str(fleet.ca_path),
        }
        play = {"name": self.name, "hosts": "esx", "gather_facts": False, **keywords}
        tasks = [*self.tasks, *(self.creating if first else ())]
        return [{**play, "module_defaults": {"group/esx.trust.esx": defaults}, "tasks": tasks}]


@dataclass(frozen=True)
class Figure:
    """One run. memory: the largest process, in MiB. simulator: what the fleet used, in CPU seconds."""

    seconds: float
    cpu: float
    memory: float
    simulator: float
    requests: int
    connections: int
    said: str = field(repr=False, default="")


class Simulated:
    """The fleet, and its own account of what it was asked and what that cost it."""

    def __init__(self, folder: Path, admin_url: str, hosts: int) -> None:
        self.ca_path = folder / "ca.pem"
        self.hosts = hosts
        self._admin_url = admin_url
        listed = self._get("/hosts")
        self.addresses: list[str] = [host["address"] for host in listed]
        self.port = int(listed[0]["port"])

    def reset(self) -> None:
        self._send("POST", "/reset")

    def queue(self, fault: Mapping[str, Any], addresses: Iterable[str]) -> None:
        for address in addresses:
            self._send("POST", f"/hosts/{address}/faults", fault)

    def forget(self, addresses: Iterable[str]) -> None:
        """Take the faults back."""
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
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:  # noqa: S310
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

    def command(self, play: Sequence[Mapping[str, Any]], hosts: int, *arguments: str) -> list[str]:
        """Write playbook and inventory; the command that runs them."""
        addresses = self.fleet.addresses[:hosts]
        inventory = {
            "esx": {
                "hosts": {f"esx{number:05}": {"esx_hostname": each} for number, each in enumerate(addresses)},
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                    "esx_password": PASSWORD,
                    "site_key": KEY,
                    "site_key_id": KEY_ID,
                },
            }
        }
        inventory_file, playbook = self._folder / f"inventory-{hosts}.json", self._folder / "playbook.json"
        inventory_file.write_text(json.dumps(inventory), "utf-8")
        playbook.write_text(json.dumps(play), "utf-8")
        return [str(self.core.bin / "ansible-playbook"), "-i", str(inventory_file), *arguments, str(playbook)]

    def run(
        self,
        play: Sequence[Mapping[str, Any]],
        hosts: int,
        forks: int,
        *arguments: str,
        ends: int | None = None,
        expected: tuple[int, int | None] | None = None,
        variables: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Figure:
        """Run a play and measure it.

        ends: how many hosts have to end well (default: all). expected: the requests and connections that it has to
        take; None: a connection for each request.
        """
        given = ["-f", str(forks), "-e", json.dumps(dict(variables or {})), *arguments]
        command = self.command(play, hosts, *given)
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
        if process.returncode or said.count(" failed=0") != (ends or hosts):
            fail(f"a play did not end well ({process.returncode})\n{said[-4000:]}")
        if expected and (took[0] != expected[0] or took[1] != (took[0] if expected[1] is None else expected[1])):
            fail(f"a play took {took} requests and connections, not {expected}\n{said[-2000:]}")
        return Figure(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / MIB, simulator, *took, said)

    def work(self, work: Work, hosts: int, forks: int, *, first: bool = False) -> Figure:
        """Run one kind of work, checked. first: on hosts that hold nothing yet."""
        if first:
            self.fleet.reset()
        requests = hosts * (work.first if first else work.again)
        connections = None if work.connections is None else hosts * work.connections
        expected = (requests, connections)
        return self.run(work.play(self.fleet, first=first), hosts, forks, expected=expected, variables=work.variables)

    def memory_of_all(self, work: Work, hosts: int, forks: int) -> float:
        """The most memory that all processes of a run had at one time, shared pages counted once; in MiB.

        Looking costs time, so this run is not one of those that are measured.
        """
        peak, over = 0.0, threading.Event()

        def watch() -> None:
            nonlocal peak
            while not over.is_set():
                peak = max(peak, _memory_of_children())
                over.wait(0.01)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            self.work(work, hosts, forks)
        finally:
            over.set()
            watcher.join()
        return peak


def _memory_of_children() -> float:
    """The proportional share of memory of all ansible-playbook processes below this one, in MiB."""
    parents: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = Path(entry.path, "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    total, below = 0, list(parents.get(os.getpid(), []))
    while below:
        process = below.pop()
        below += parents.get(process, [])
        with contextlib.suppress(OSError):
            if b"simulator" in Path(f"/proc/{process}/cmdline").read_bytes():
                continue
            for line in Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / MIB


@contextlib.contextmanager
def stage(hosts: int, core: Environment) -> Iterator[Stage]:
    """A fleet and the installed collection."""
    with tempfile.TemporaryDirectory(prefix="esx-trust-bench-") as folder:
        (Path(folder) / "fleet").mkdir()
        with simulated(Path(folder) / "fleet", hosts) as fleet:
            ready = Stage(Path(folder), fleet, core)
            ready.install()
            yield ready


# The ways to do the work: see that a host has a key provider.

_PROVIDER = {"provider": "site-a", "key_id": "{{ site_key_id }}", "key_derivation_key": "{{ site_key }}"}
_OURS = [{"name": "Key provider", "esx.trust.esx_kms_provider": _PROVIDER}]

NO_OP = Work("no-op task", [{"name": "Nothing", "ansible.builtin.set_fact": {"nothing": True}}])
NO_OP_WITH_OPTIONS = Work(
    "no-op task with our options",
    [
        {
            "name": "Nothing",
            "ansible.builtin.set_fact": {"host": "{{ esx_hostname }}", "secret": "{{ esx_password }}", **_PROVIDER},
        }
    ],
)
IN_WORKER = Work("esx_kms_provider", _OURS, first=4, again=2, connections=1)
AS_MODULE = Work(
    "esx_kms_provider as a module",
    _OURS,
    first=4,
    again=2,
    connections=1,
    variables={"esx_trust_in_worker": False},
    slow=True,
)


def uri(fleet: Simulated) -> Work:
    """The same requests with what Ansible itself brings."""
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
    read = {"url": f"{base}{PROVIDERS}/site-a", "headers": bearer, "status_code": [200, 404]}
    create = {
        "url": f"{base}{PROVIDERS}",
        "method": "POST",
        "headers": bearer,
        "body_format": "json",
        "body": {
            "provider": "site-a",
            "native_spec": {"key_id": "{{ site_key_id }}", "key_derivation_key": "{{ site_key }}"},
        },
        "status_code": 204,
    }
    tasks: list[dict[str, Any]] = [
        {"name": "Log in", "ansible.builtin.uri": {**common, **login}, "register": "login"},
        {"name": "Read", "ansible.builtin.uri": {**common, **read}, "register": "found"},
    ]
    creating = [{"name": "Create", "ansible.builtin.uri": {**common, **create}, "when": "found.status == 404"}]
    return Work("ansible.builtin.uri", tasks, creating, first=3, again=2, connections=None, slow=True)
