# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs real plays of every supported ansible-core over simulated hosts."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
import yaml

import environment
from support.programs import Ended
from support.programs import run_program
from support.tools import Tools
from support.tools import made_environment

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host


@dataclass(frozen=True)
class Played(Ended):
    """What ansible-playbook said and did."""

    #: All files that the run left in its folder, its home and its temporary folders, by name.
    files: dict[str, str]


class Playbooks:
    """Plays of one core over some hosts, in a folder and with a home of their own."""

    def __init__(
        self,
        tools: Tools,
        core: str,
        hosts: Sequence[Host],
        fleet: Fleet,
        folder: Path,
        temporary: Path,
        *,
        in_worker: bool,
    ) -> None:
        self._tools = tools
        self._core = core
        self.hosts = hosts
        self.folder = folder
        self._temporary = temporary

        inventory = {
            "esx": {
                "hosts": {host.name: {"esx_address": host.address} for host in hosts},
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                    "esx_trust_in_worker": in_worker,
                    "esx_port": hosts[0].port,
                    "esx_ca_path": fleet.ca_path,
                },
            }
        }

        (folder / "inventory.yml").write_text(yaml.safe_dump(inventory))

    def play(self, tasks: list[dict[str, Any]], *arguments: str, variables: dict[str, Any] | None = None) -> Played:
        """Run tasks on all hosts, the connection options in module_defaults, secrets from a file of variables."""
        connection = {
            "hostname": "{{ esx_address }}",
            "port": "{{ esx_port }}",
            "username": self.hosts[0].username,
            "password": "{{ esx_password }}",
            "ca_path": "{{ esx_ca_path }}",
        }

        play = {
            "name": "Trust",
            "hosts": "esx",
            "gather_facts": False,
            "module_defaults": {"group/esx.trust.esx": connection},
            "tasks": tasks,
        }

        (self.folder / "playbook.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        given = {"esx_password": self.hosts[0].password, **(variables or {})}
        (self.folder / "variables.json").write_text(json.dumps(given))

        return self.run("ansible-playbook", "-i", "inventory.yml", "-e", "@variables.json", *arguments, "playbook.yml")

    def command(self, program: str, *arguments: str) -> list[str]:
        """What runs a program of the core, in the folder and with the variables of the environment below."""
        return [str(made_environment(self._core).bin / program), *arguments]

    def variables(self) -> dict[str, str]:
        """The variables of the environment in which programs of the core run."""
        return self._tools.variables(
            made_environment(self._core),
            ANSIBLE_LOG_PATH=self.folder / "ansible.log",
            ANSIBLE_LOCAL_TEMP=self._temporary,
            ANSIBLE_REMOTE_TEMP=self._temporary,
            TMPDIR=self._temporary,
        )

    def run(self, program: str, *arguments: str, stdin: str | None = None) -> Played:
        """Run a program of the core in the folder."""
        before = set(self.folder.rglob("*"))
        ended = run_program(self.command(program, *arguments), self.folder, self.variables(), stdin or "")
        # A name of ours, or the file in which our code stands.
        names_us = re.compile(r"DEPRECAT.*(?:esx[._/]trust|esx_\w+_|_action\.py)", re.IGNORECASE)

        assert not names_us.search(ended.output), ended.output

        left = [path for path in sorted(set(self.folder.rglob("*")) - before) if path.is_file()]
        for place in (self._tools.home, self._temporary):
            left += [path for path in place.rglob("*") if path.is_file()]
        if (self.folder / "ansible.log").exists():
            left.append(self.folder / "ansible.log")

        return Played(ended.code, ended.output, {str(path): path.read_text(errors="replace") for path in left})


@pytest.fixture(params=[True, False], ids=["in the worker", "as a module"])
def in_worker(request: pytest.FixtureRequest) -> bool:
    """Everything holds whichever way the work is done."""
    return bool(request.param)


@pytest.fixture(name="in_worker")
def in_worker_alone() -> bool:
    """How a module does its work is tested with the modules. Imported, it takes the place of the fixture above."""
    return True


@contextlib.contextmanager
def over_hosts(
    hosts: Sequence[Host], tools: Tools, core: str, fleet: Fleet, tmp_path: Path, *, in_worker: bool
) -> Iterator[Playbooks]:
    """Plays over hosts in their first state, in a folder of the test."""
    for host in hosts:
        host.reset()
    folder = tmp_path / "play"
    folder.mkdir()
    # Ansible puts sockets there, whose paths must be short.
    with tempfile.TemporaryDirectory(prefix="esx-") as temporary:
        yield Playbooks(tools, core, hosts, fleet, folder, Path(temporary), in_worker=in_worker)


@pytest.fixture(params=environment.CORES)
def playbooks(
    request: pytest.FixtureRequest, tools: Tools, fleet: Fleet, tmp_path: Path, in_worker: bool
) -> Iterator[Playbooks]:
    with over_hosts(fleet.hosts[:5], tools, request.param, fleet, tmp_path, in_worker=in_worker) as prepared:
        yield prepared
