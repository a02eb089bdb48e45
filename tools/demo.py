# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: a small fleet with something wrong is audited, converged, and audited again.

Run it with `make demo`; `make demo KEEP=1` leaves the hosts up afterwards and says how to go on. The collection is
built, installed into an empty folder and run from there; what is printed comes from the reports of the audit playbook,
from Ansible's recap and from the simulator's journals.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator

from demo_stage import DECLARATION
from demo_stage import DOWN
from demo_stage import HOSTS
from demo_stage import REPORTS
from demo_stage import WITHOUT_PROVIDER
from demo_stage import WITHOUT_RIGHT
from demo_stage import WRONG
from demo_stage import Outcome
from demo_stage import Stage
from demo_stage import stage
from environment import ROOT
from programs import fail

WIDTH = 80

#: How a terminal shows lines that begin so.
COLOURS = {"$": "\033[1m", "+": "\033[32m", "-": "\033[31m"}
PLAIN = "\033[0m"


def show(*lines: str) -> None:
    """Print lines that are not longer than a terminal is wide, in colours if it has them."""
    on_terminal = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    for line in lines:
        shown = line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
        colour = COLOURS.get(line.lstrip()[:1]) if on_terminal else None
        print(f"{colour}{shown}{PLAIN}" if colour else shown, flush=True)


def show_audit(outcome: Outcome, name: str) -> None:
    report = (REPORTS / name / "esx-trust-audit.html").relative_to(ROOT)

    show(f"    {outcome.report['summary']['headline']}.")
    show(*(f"      {line}" for line in outcome.differences()))
    show(f"    {outcome.cost()}", f"    The report: {report}", "")


def show_converge(outcome: Outcome) -> None:
    show(f"    The diff of {WITHOUT_PROVIDER}, which had no key provider:")
    show(*(f"      {line}" for line in diff_of(WITHOUT_PROVIDER)))
    show(f"    Changed {', '.join(outcome.changed)}; could not reach {', '.join(outcome.failed)}.")
    show(f"    {outcome.cost()}", "")


def diff_of(host: str) -> Iterator[str]:
    """The lines of --diff that change on a host."""
    plan = json.loads((REPORTS / "plan" / "esx-trust-plan.json").read_text("utf-8"))
    (found,) = (difference for difference in plan["differences"] if host in difference["hosts"])
    before = json.dumps(found["before"], indent=2, sort_keys=True).splitlines()
    after = json.dumps(found["after"], indent=2, sort_keys=True).splitlines()

    for line in difflib.unified_diff(before, after, n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield line


def expect(subject: str, found: object, wanted: object, outcome: Outcome) -> None:
    """End this program with the output of Ansible if a value is not as the demonstration says."""
    if found != wanted:
        fail(f"{subject}: {found}, where {wanted} was expected\n{outcome.output}")


def tell(ready: Stage) -> None:
    """Do the three runs and show them; end with a failure if one of them did not do what it should."""
    show("$ ansible-playbook esx.trust.audit              # is it so? nothing is changed")
    before = ready.audit("before")
    show_audit(before, "before")

    show("$ ansible-playbook esx.trust.converge --diff    # make it so")
    converged = ready.converge()
    show_converge(converged)

    show("$ ansible-playbook esx.trust.audit              # and now?")
    after = ready.audit("after")
    show_audit(after, "after")

    check_audit_before(before)
    check_converge(converged)
    check_audit_after(after)
    show(f"What was wrong is mended. {DOWN} is still down, and both runs said so.")


def check_audit_before(outcome: Outcome) -> None:
    lines = list(outcome.differences())
    of_missing_right = "".join(line for line in lines if line.startswith(f"{WITHOUT_RIGHT} "))

    expect("writes of the audit", outcome.writes, 0, outcome)
    expect("whether it failed", bool(outcome.code), True, outcome)
    expect("hosts that are not as declared", len(lines), len(WRONG) + 1, outcome)
    expect("the host without the right", "missing: client profile" in of_missing_right, True, outcome)


def check_converge(outcome: Outcome) -> None:
    expect("hosts changed", outcome.changed, list(WRONG), outcome)
    expect("hosts that failed", outcome.failed, [DOWN], outcome)


def check_audit_after(outcome: Outcome) -> None:
    expect("writes of the second audit", outcome.writes, 0, outcome)
    expect("hosts left", list(outcome.differences()), [f"{DOWN}  unreachable"], outcome)


def keep(ready: Stage) -> None:
    """Leave the hosts up until Ctrl-C, and say how to go on with them."""
    host = ready.fleet.hosts[0]
    audit = f"ansible-playbook -i inventory.json -e @{DECLARATION.name} esx.trust.audit"
    converge = f"ansible-playbook -i inventory.json -e @{DECLARATION.name} esx.trust.converge --check --diff"

    # Before it is said how they are stopped, so that no Ctrl-C is lost.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_arguments: ready.fleet.request_stop())

    print(
        "\nThe hosts stay up until Ctrl-C.\n\n"
        f"  first host  {host.url}\n"
        f"  account     {host.username}\n"
        f"  password    {host.password}\n\n"
        "In another terminal, empty this host, see what is found, and see what would be written:\n\n"
        f"  cd {shlex.quote(str(ready.folder))}\n"
        "  . ./settings.sh\n"
        f"  curl -X POST {ready.fleet.admin_url}/hosts/{host.address}/reset\n"
        f"  {audit}\n"
        f"  {converge}\n\n"
        "Without --check, the last command writes.",
        flush=True,
    )

    ready.fleet.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Audit a small simulated fleet, converge it, audit it again.")
    parser.add_argument("--keep", action="store_true", help="leave the hosts up until Ctrl-C and say how to go on")
    chosen = parser.parse_args()

    show(f"Builds and installs the collection, starts {HOSTS} simulated ESX hosts ...")

    with stage() as ready:
        show(f"demo/trust.yml declares key, issuer and a right; {len(WRONG)} hosts are wrong, 1 is down.", "")
        tell(ready)
        if chosen.keep:
            keep(ready)


if __name__ == "__main__":
    main()
