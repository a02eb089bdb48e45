# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: a small fleet with something wrong is audited, converged, and audited again.

Run it with `make demo`; `make demo KEEP=1` leaves the hosts up afterwards and says how to go on. The collection is
built, installed into an empty folder and run from there; what is printed comes from the reports of the audit playbook,
from Ansible's recap and from the simulator's journals.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import difflib
import json
import os
import re
import secrets
import shlex
import shutil
import signal
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
from programs import fail

if TYPE_CHECKING:
    from simulator import Fleet

HOSTS = 8
WIDTH = 80
RUN = ENVIRONMENTS["run"]
REPORTS = ROOT / "build" / "demo"
DECLARATION = ROOT / "demo" / "trust.yml"
ISSUER = "https://vc.example.com/openidconnect/site"

#: How a terminal shows lines that begin so.
COLOURS = {"$": "\033[1m", "+": "\033[32m", "-": "\033[31m"}
PLAIN = "\033[0m"


class Stage:
    """The installed collection, the inventory and a way to run a playbook of the collection."""

    def __init__(self, folder: Path, fleet: Fleet) -> None:
        from simulator.certificates import signing_chain

        self.folder = folder
        self.fleet = fleet
        self.down = "esx07"
        self.old_chain = signing_chain("ssoserverSign before", 2, ends=20)
        self.chain = signing_chain("ssoserverSign", 2, ends=730)
        self.key_id = str(uuid.uuid4())
        self.key = base64.b64encode(secrets.token_bytes(32)).decode()

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
        arguments = ["collection", "install", "--offline", tarball, "-p", self.folder / "collections"]
        done = self.run("ansible-galaxy", *arguments)
        if done.returncode:
            fail(f"the collection cannot be installed\n{done.stdout}")

    def fill_hosts(self) -> None:
        """All hosts as they shall be, but four, each wrong in a way of its own; every other one speaks JSON-RPC."""
        for number, host in enumerate(self.fleet.hosts):
            host.settings(protocols="jsonrpc" if number % 2 else "rest")
            if host.name != "esx02":
                host.put_provider("site-key", key_id=self.key_id)
            host.put_issuer("vcenter", ISSUER, [self.old_chain if host.name == "esx03" else self.chain])
            if host.name == "esx05":
                host.put_issuer("old-vcenter", "https://old-vc.example.com/openidconnect/site", [self.old_chain])

            if host.name != "esx06":
                subject = {"type": "EXTERNAL_GROUP", "name": "Administrators", "domain": "vsphere.local"}
                grant = {"resource_type": "ENTITLEMENT", "entitlement": "READ_ONLY"}
                host.put_client_profile(**subject, issuer_alias="vcenter", grants=[grant])

    def write_inventory(self) -> None:
        chain = self.folder / "vcenter.pem"
        chain.write_text("".join(self.chain), "utf-8")
        first = self.fleet.hosts[0]
        addresses = {host.name: host.address for host in self.fleet.hosts}
        # Nobody listens there.
        addresses[self.down] = "127.0.9.9"

        inventory = {
            "esx": {
                "hosts": {name: {"esx_hostname": address} for name, address in addresses.items()},
                "vars": {
                    "esx_ca_path": str(self.fleet.ca_path),
                    "esx_password": first.password,
                    "esx_port": first.port,
                    "esx_retries": 0,
                    "esx_username": first.username,
                    "site_key": self.key,
                    "site_key_id": self.key_id,
                    "vcenter_signing_certificates": str(chain),
                },
            }
        }

        (self.folder / "inventory.json").write_text(json.dumps(inventory), "utf-8")

    def write_notes(self) -> None:
        """What a person needs who goes on by hand: the declaration, and the settings of a shell."""
        shutil.copy(DECLARATION, self.folder / DECLARATION.name)
        names = ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_FORKS", "ANSIBLE_HOME")
        settings = [f"export {name}={shlex.quote(self.variables[name])}" for name in names]
        settings.append(f"export PATH={shlex.quote(str(RUN.bin))}:$PATH")
        (self.folder / "settings.sh").write_text("\n".join(settings) + "\n", "utf-8")

    def run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(RUN.bin / program), *map(str, arguments)],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def play(self, playbook: str, *options: object) -> Outcome:
        writes, requests = self.counted()
        started = time.monotonic()
        arguments = ["-i", "inventory.json", "-e", f"@{DECLARATION}", *options]
        done = self.run("ansible-playbook", f"esx.trust.{playbook}", *arguments)
        seconds = time.monotonic() - started
        now_writes, now_requests = self.counted()

        return Outcome(done.stdout, done.returncode, seconds, now_writes - writes, now_requests - requests)

    def audit(self, name: str) -> Outcome:
        outcome = self.play("audit", "-e", f"esx_report_dir={REPORTS / name}")
        try:
            outcome.report = json.loads((REPORTS / name / "esx-trust-audit.json").read_text("utf-8"))
        except FileNotFoundError:
            fail(f"the audit wrote no report\n{outcome.said}")

        return outcome

    def converge(self) -> Outcome:
        return self.play("converge", "--diff", "-e", f"esx_report_dir={REPORTS / 'plan'}")

    def counted(self) -> tuple[int, int]:
        """How many writes, and how many requests, have reached the hosts so far."""
        journals = [host.journal for host in self.fleet.hosts]
        return sum(one.writes for journal in journals for one in journal), sum(map(len, journals))


class Outcome:
    """What Ansible said of a run, and what arrived at the hosts meanwhile."""

    def __init__(self, said: str, code: int, seconds: float, writes: int, requests: int) -> None:
        self.said = said
        self.code = code
        self.seconds = seconds
        self.writes = writes
        self.requests = requests
        self.report: dict[str, Any] = {}
        recap = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+) .*?failed=(\d+)", said, re.MULTILINE)
        self.changed = [name for name, changed, _failed in recap if changed != "0"]
        self.failed = [name for name, _changed, failed in recap if failed != "0"]
        # Hosts that are as declared have no task of their own, so the recap leaves them out.
        if not recap:
            fail(f"Ansible wrote no recap\n{said}")

    def found(self) -> Iterator[str]:
        """What the report says of each host that is not as declared."""
        for host in self.report["hosts"]:
            if host["status"] == "ok":
                continue
            wrong = [one for one in host["resources"] if one["status"] not in ("ok", "undeclared")]
            # The status comes first, because ids are long and lines are cut.
            what = ", ".join(f"{one['status']}: {one['resource'].replace('_', ' ')} '{one['id']}'" for one in wrong)
            yield f"{host['host']}  {what or host['status']}"

    def cost(self) -> str:
        written = f"{self.writes} writes" if self.writes else "nothing was written"
        return f"{self.requests} requests, {written}, exit code {self.code}  ({self.seconds:.1f} s)"


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    sys.path.insert(0, str(ROOT / "tests"))
    from simulator import Fleet

    shutil.rmtree(REPORTS, ignore_errors=True)

    with tempfile.TemporaryDirectory(prefix="esx-trust-demo-") as folder, Fleet(hosts=HOSTS) as fleet:
        ready = Stage(Path(folder), fleet)
        ready.install()
        ready.fill_hosts()
        ready.write_inventory()
        ready.write_notes()
        yield ready


def show(*lines: str) -> None:
    on_terminal = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for line in lines:
        shown = line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
        colour = COLOURS.get(line.lstrip()[:1], "") if on_terminal else ""
        print(f"{colour}{shown}{PLAIN if colour else ''}", flush=True)


def show_audit(outcome: Outcome, name: str) -> None:
    show(f"    {outcome.report['summary']['headline']}.", *(f"      {line}" for line in outcome.found()))
    show(f"    {outcome.cost()}", f"    The report: {(REPORTS / name / 'esx-trust-audit.html').relative_to(ROOT)}", "")


def diff_of(host: str) -> Iterator[str]:
    """What --diff told of a host, without the lines that stay as they are."""
    plan = json.loads((REPORTS / "plan" / "esx-trust-plan.json").read_text("utf-8"))
    (found,) = (one for one in plan["differences"] if host in one["hosts"])
    before, after = (
        json.dumps(found[side], indent=2, sort_keys=True).splitlines(keepends=False) for side in ("before", "after")
    )

    for line in difflib.unified_diff(before, after, n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield line


def check(expected: Iterable[tuple[str, Any, Any]], outcome: Outcome) -> None:
    for what, found, wanted in expected:
        if found != wanted:
            fail(f"{what}: {found}, where {wanted} was expected\n{outcome.said}")


def keep(ready: Stage) -> None:
    """Leave the hosts up until Ctrl-C, and say how to go on with them."""
    host = ready.fleet.hosts[0]
    audit = f"ansible-playbook -i inventory.json -e @{DECLARATION.name} esx.trust.audit"
    converge = f"ansible-playbook -i inventory.json -e @{DECLARATION.name} esx.trust.converge --check --diff"

    print(
        f"\nThe hosts stay up until Ctrl-C: {host.url} and following, {host.username}, password {host.password}\n"
        "Empty one of them, in another terminal, see what is found, and what would be written:\n\n"
        f"  cd {shlex.quote(str(ready.folder))}\n"
        "  . ./settings.sh\n"
        f"  curl -X POST {ready.fleet.admin_url}/hosts/{host.address}/reset\n"
        f"  {audit}\n"
        f"  {converge}\n\n"
        "Without --check, the last command writes.",
        flush=True,
    )

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_arguments: None)
    signal.pause()


def main() -> None:
    parser = argparse.ArgumentParser(description="Audit a small simulated fleet, converge it, audit it again.")
    parser.add_argument("--keep", action="store_true", help="leave the hosts up until Ctrl-C and say how to go on")
    chosen = parser.parse_args()
    show(f"Builds and installs the collection, starts {HOSTS} simulated ESX hosts ...")

    with stage() as ready:
        show("demo/trust.yml declares key, issuer and a right; 4 hosts are wrong, 1 is down.", "")
        tell(ready)
        if chosen.keep:
            keep(ready)


def tell(ready: Stage) -> None:
    """The three runs, and whether they did what they should."""
    show("$ ansible-playbook esx.trust.audit       (is it so? nothing is changed)")
    first = ready.audit("before")
    show_audit(first, "before")
    show("$ ansible-playbook esx.trust.converge --diff    (make it so)")
    run = ready.converge()
    show("    The diff of esx02, which had no key provider:", *(f"      {line}" for line in diff_of("esx02")))
    show(f"    Changed {', '.join(run.changed)}; could not reach {', '.join(run.failed)}.", f"    {run.cost()}", "")
    show("$ ansible-playbook esx.trust.audit       (and now?)")
    last = ready.audit("after")
    show_audit(last, "after")
    wrong = ["esx02", "esx03", "esx05", "esx06"]
    check([("writes of the audit", first.writes, 0), ("its exit code", bool(first.code), True)], first)
    check([("hosts that are not as declared", len(list(first.found())), 5)], first)
    lacking = [line for line in first.found() if line.startswith("esx06 ")]
    check([("the host without the right", "missing: client profile" in "".join(lacking), True)], first)
    check([("hosts changed", run.changed, wrong), ("hosts that failed", run.failed, [ready.down])], run)
    check([("writes of the second audit", last.writes, 0)], last)
    check([("hosts left", list(last.found()), [f"{ready.down}  unreachable"])], last)
    show(f"What was wrong is mended. {ready.down} is still down, and both runs said so.")


if __name__ == "__main__":
    main()
