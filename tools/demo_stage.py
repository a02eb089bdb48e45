# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the demonstration plays: a simulated fleet with something wrong, and the runs of the installed playbooks."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

import recap
from environment import ENVIRONMENTS
from environment import ROOT
from environment import link_collection
from installed import Installed
from installed import install
from programs import fail

sys.path.insert(0, str(link_collection()))
sys.path.insert(0, str(ROOT / "tests"))

from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import name_of
from simulator import Fleet
from simulator import Host
from simulator.certificates import signing_chain

HOSTS = 8
RUN = ENVIRONMENTS["run"]
REPORTS = ROOT / "build" / "demo"
DECLARATION = ROOT / "demo" / "trust.yml"

#: What is wrong, and with which host.
WITHOUT_PROVIDER = "esx02"
OLD_CERTIFICATES = "esx03"
FORMER_ISSUER = "esx05"
WITHOUT_RIGHT = "esx06"
DOWN = "esx07"
#: The hosts that converge can mend.
WRONG = (WITHOUT_PROVIDER, OLD_CERTIFICATES, FORMER_ISSUER, WITHOUT_RIGHT)
#: An address at which nobody listens.
NOBODY = "127.0.9.9"

ISSUER = "https://vc.example.com/openidconnect/site"
FORMER = "https://old-vc.example.com/openidconnect/site"
SUBJECT = {"type": "EXTERNAL_GROUP", "name": "Administrators", "domain": "vsphere.local", "issuer_alias": "vcenter"}
GRANT = {"resource_type": "ENTITLEMENT", "entitlement": "READ_ONLY"}


@dataclass(frozen=True)
class Outcome:
    """A run of a playbook.

    output: everything that ansible-playbook wrote.
    writes, requests: how many came to the hosts during the run.
    changed, failed: the hosts, after the recap.
    report: the report that an audit wrote, else empty.
    """

    output: str
    code: int
    seconds: float
    writes: int
    requests: int
    changed: Sequence[str]
    failed: Sequence[str]
    report: Mapping[str, Any]

    def differences(self) -> Iterator[str]:
        """A line for each host that is not as declared."""
        for host in self.report["hosts"]:
            if host["status"] != "ok":
                yield f"{host['host']}  {_difference(host)}"

    def cost(self) -> str:
        written = f"{self.writes} writes" if self.writes else "nothing was written"
        return f"{self.requests} requests, {written}, exit code {self.code}  ({self.seconds:.1f} s)"


def _difference(host: Mapping[str, Any]) -> str:
    """The resources of a host that are not as declared, or the status of the host if there is none."""
    parts = []

    for resource in host["resources"]:
        # The status comes first, because ids are long and lines are cut.
        if resource["status"] not in ("ok", "undeclared"):
            kind = name_of(resource["resource"])
            parts.append(f"{resource['status']}: {kind} '{resource['id']}'")

    return ", ".join(parts) or str(host["status"])


class Stage:
    """The hosts, and a way to run a playbook of the collection over them."""

    def __init__(self, installed: Installed, fleet: Fleet) -> None:
        self.folder = installed.folder
        self.fleet = fleet
        self._ansible_playbook = str(installed.program("ansible-playbook"))
        self._variables = installed.variables(ANSIBLE_FORKS=HOSTS)
        self._former_chain = signing_chain("ssoserverSign before", 2, ends=20)
        self._chain = signing_chain("ssoserverSign", 2, ends=730)
        self._key_id = str(uuid.uuid4())
        self._key = base64.b64encode(secrets.token_bytes(32)).decode()

    def fill_hosts(self) -> None:
        """Make all hosts as they shall be, but four, each of which is wrong in its own way."""
        for number, host in enumerate(self.fleet.hosts):
            # Every other host speaks JSON-RPC.
            host.settings(protocols="jsonrpc" if number % 2 else "rest")
            self._fill(host)

    def _fill(self, host: Host) -> None:
        chain = self._former_chain if host.name == OLD_CERTIFICATES else self._chain
        host.put_issuer("vcenter", ISSUER, [chain])

        if host.name == FORMER_ISSUER:
            host.put_issuer("old-vcenter", FORMER, [self._former_chain])

        if host.name != WITHOUT_PROVIDER:
            host.put_provider("site-key", key_id=self._key_id)

        if host.name != WITHOUT_RIGHT:
            host.put_client_profile(**SUBJECT, grants=[GRANT])

    def write_inventory(self) -> None:
        chain = self.folder / "vcenter.pem"
        chain.write_text("".join(self._chain), "utf-8")

        first = self.fleet.hosts[0]
        hosts = {host.name: {"esx_hostname": host.address} for host in self.fleet.hosts}
        hosts[DOWN] = {"esx_hostname": NOBODY}

        variables = {
            "esx_ca_path": str(self.fleet.ca_path),
            "esx_password": first.password,
            "esx_port": first.port,
            "esx_retries": 0,
            "esx_username": first.username,
            "site_key": self._key,
            "site_key_id": self._key_id,
            "vcenter_signing_certificates": str(chain),
        }

        inventory = {"esx": {"hosts": hosts, "vars": variables}}
        (self.folder / "inventory.json").write_text(json.dumps(inventory), "utf-8")

    def write_notes(self) -> None:
        """Write what a person needs who goes on by hand: the declaration, and the settings of a shell."""
        shutil.copy(DECLARATION, self.folder / DECLARATION.name)

        lines = []
        for name in ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_FORKS", "ANSIBLE_HOME"):
            lines.append(f"export {name}={shlex.quote(self._variables[name])}")

        lines.append(f"export PATH={shlex.quote(str(RUN.bin))}:$PATH")
        (self.folder / "settings.sh").write_text("\n".join(lines) + "\n", "utf-8")

    def audit(self, name: str) -> Outcome:
        """Compare the hosts with the declaration. name: the folder of the report."""
        outcome = self._play("audit", "-e", f"esx_report_dir={REPORTS / name}")

        try:
            report = json.loads((REPORTS / name / "esx-trust-audit.json").read_text("utf-8"))
        except FileNotFoundError:
            fail(f"the audit wrote no report\n{outcome.output}")

        return replace(outcome, report=report)

    def converge(self) -> Outcome:
        """Make the hosts as they are declared."""
        return self._play("converge", "--diff", "-e", f"esx_report_dir={REPORTS / 'plan'}")

    def _play(self, playbook: str, *options: str) -> Outcome:
        command = [self._ansible_playbook, "-i", "inventory.json", "-e", f"@{DECLARATION}", *options]
        writes, requests = self._counts()
        started = time.monotonic()

        done = subprocess.run(
            [*command, f"esx.trust.{playbook}"],
            cwd=self.folder,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

        seconds = time.monotonic() - started
        writes_after, requests_after = self._counts()

        # Hosts that are as declared have no task of their own, so the recap leaves them out.
        if not recap.counters(done.stdout):
            fail(f"Ansible wrote no recap\n{done.stdout}")

        return Outcome(
            output=done.stdout,
            code=done.returncode,
            seconds=seconds,
            writes=writes_after - writes,
            requests=requests_after - requests,
            changed=recap.hosts(done.stdout, "changed"),
            failed=recap.hosts(done.stdout, "failed"),
            report={},
        )

    def _counts(self) -> tuple[int, int]:
        """How many writes, and how many requests, have reached the hosts so far."""
        writes = sum(len(host.writes) for host in self.fleet.hosts)
        requests = sum(host.requests for host in self.fleet.hosts)

        return writes, requests


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """The hosts with their contents, and the installed collection. Both are removed afterwards; the reports stay."""
    shutil.rmtree(REPORTS, ignore_errors=True)

    with tempfile.TemporaryDirectory(prefix="esx-trust-demo-") as folder, Fleet(hosts=HOSTS) as fleet:
        ready = Stage(install(Path(folder), RUN), fleet)
        ready.fill_hosts()
        ready.write_inventory()
        ready.write_notes()
        yield ready
