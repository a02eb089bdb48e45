# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: one playbook over five simulated ESX hosts, and what came of it on one screen.

Run it with `make demo`. The collection is built, installed into an empty folder and run from there; what is printed
comes from Ansible's own output, from the info modules and from the simulator's journals.
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
import uuid
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import checkout
from environment import ENVIRONMENTS
from environment import ROOT
from environment import clean_path
from environment import fail

if TYPE_CHECKING:
    from simulator import Fleet

HOSTS = 5
WIDTH = 80
RUN = ENVIRONMENTS["run"]


class Stage:
    """The installed collection, the inventory and a way to run a playbook."""

    def __init__(self, folder: Path, fleet: Fleet) -> None:
        self.folder = folder
        self.fleet = fleet
        self.variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "VMWARE_"))},
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
            "ANSIBLE_FORKS": str(HOSTS),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "ansible" / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_REMOTE_TEMP": str(folder / "ansible" / "tmp"),
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "PATH": clean_path(RUN.bin),
        }

    def install(self) -> None:
        """Build the collection and install it where nothing else is."""
        tarball = checkout.build(self.folder, RUN.bin / "ansible-galaxy")
        collections = self.folder / "collections"
        self.run("ansible-galaxy", "collection", "install", "--offline", tarball, "-p", collections)

    def write_inventory(self) -> None:
        from simulator.certificates import signing_chain

        chain = self.folder / "vcenter.pem"
        chain.write_text("".join(signing_chain("ssoserverSign", 2, ends=730)), "utf-8")
        first = self.fleet.hosts[0]
        inventory = {
            "esx": {
                "hosts": {host.name: {"ansible_host": host.address} for host in self.fleet.hosts},
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": str(RUN.python),
                    "esx_ca_path": str(self.fleet.ca_path),
                    "esx_password": first.password,
                    "esx_port": first.port,
                    "esx_username": first.username,
                    "report_folder": str(self.folder),
                    "site_key": base64.b64encode(secrets.token_bytes(32)).decode(),
                    "site_key_id": str(uuid.uuid4()),
                    "vcenter_signing_certificates": str(chain),
                },
            }
        }
        (self.folder / "inventory.json").write_text(json.dumps(inventory), "utf-8")

    def run(self, program: str, *arguments: object) -> str:
        done = subprocess.run(
            [str(RUN.bin / program), *map(str, arguments)],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            fail(f"{program} {' '.join(map(str, arguments))} failed\n{done.stdout}")
        return done.stdout

    def play(self, playbook: str, *options: str) -> Outcome:
        before = self.writes()
        started = time.monotonic()
        said = self.run("ansible-playbook", "-i", "inventory.json", *options, ROOT / "demo" / playbook)
        return Outcome(said, time.monotonic() - started, self.writes() - before)

    def writes(self) -> int:
        """How many requests that would write have reached the hosts so far."""
        return sum(record.writes for host in self.fleet.hosts for record in host.journal)

    def report(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for host in self.fleet.hosts:
            yield host.name, json.loads((self.folder / f"{host.name}.json").read_text("utf-8"))


class Outcome:
    """What Ansible said of a run, and how many writes arrived at the hosts meanwhile."""

    def __init__(self, said: str, seconds: float, writes: int) -> None:
        self.said = said
        self.seconds = seconds
        self.writes = writes
        recap = re.findall(r"^\S+ +: ok=(\d+) +changed=(\d+)", said, re.MULTILINE)
        if len(recap) != HOSTS:
            fail(f"a recap of {HOSTS} hosts was expected\n{said}")
        self.tasks = sum(int(ok) for ok, _changed in recap)
        self.changed = sum(int(changed) for _ok, changed in recap)

    def sentence(self) -> str:
        writes = f"{self.writes} writes reached them" if self.writes else "nothing was written"
        return f"{self.changed} of {self.tasks} tasks changed on {HOSTS} hosts, {writes}  ({self.seconds:.1f} s)"

    def diff(self, limit: int) -> Iterator[str]:
        """The beginning of the first difference that Ansible showed."""
        _before, _separator, rest = self.said.partition("+++ after")
        for line in rest.splitlines()[1:]:
            if limit == 0 or not line.startswith(("+", "-", " ", "@")):
                return
            if line.startswith(("+", "-")):
                limit -= 1
                yield line


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    sys.path.insert(0, str(ROOT / "tests"))
    from simulator import Fleet

    with tempfile.TemporaryDirectory(prefix="esx-trust-demo-") as folder, Fleet(hosts=HOSTS) as fleet:
        ready = Stage(Path(folder), fleet)
        ready.install()
        ready.write_inventory()
        yield ready


def show(lines: Iterable[str]) -> None:
    for line in lines:
        print(line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…", flush=True)


def main() -> None:
    with stage() as ready:
        show([f"{HOSTS} simulated ESX hosts; demo/playbook.yml declares a key and an issuer.", ""])
        trial = ready.play("playbook.yml", "--check", "--diff")
        show(["$ ansible-playbook --check --diff    (what would change? the first host:)"])
        show(f"    {line}" for line in trial.diff(limit=5))
        show([f"    {trial.sentence()}"])
        first = ready.play("playbook.yml")
        show(["$ ansible-playbook                   (make it so)", f"    {first.sentence()}"])
        second = ready.play("playbook.yml")
        show(["$ ansible-playbook                   (is it so?)", f"    {second.sentence()}"])
        ready.play("report.yml")
        show(["", "  HOST       KEY PROVIDER  READY  TRUSTED ISSUER"])
        for name, facts in ready.report():
            key, issuer = facts["keys"][0], facts["issuers"][0]
            columns = f"{key['provider']:<13} {'yes' if key['available'] else 'no':<6} {issuer['issuer']}"
            show([f"  {name:<10} {columns}"])
        as_told = (trial.writes, second.writes, second.changed) == (0, 0, 0) and trial.changed == first.changed > 0
    if not as_told:
        fail("the runs did not do what they should")
    show(["", "The check announced what the run did, and the second run had nothing left to do."])


if __name__ == "__main__":
    main()
