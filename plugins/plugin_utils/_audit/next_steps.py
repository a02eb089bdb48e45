# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next step for each finding: a sentence, and a command that can be pasted into a shell."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from typing import Optional

_AUDIT = "esx.trust.audit"
_CONVERGE = "esx.trust.converge"
_ROTATE = "esx.trust.rotate_signing_certs"
#: The hosts of the playbooks, unless esx_hosts names others.
_USUAL_HOSTS = "esx"

# Ansible reads other names as patterns, such as esx*, !esx01 or @file. They would mean other hosts.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_NAMES_OF_GROUPS = ("all", "ungrouped")


class Step(NamedTuple):
    """What to do about a kind of finding.

    playbook: the playbook to run, or empty.
    limited: whether the playbook runs for the hosts of the finding only.
    """

    sentence: str
    playbook: str
    limited: bool = True


_CONVERGE_THEM = "Converge these hosts. With --check --diff it shows the changes and makes none."
_RENEW = (
    "Declare the issuer's new certificates with chains_mode: merge and run this. When the issuer signs with the new key"
    " and the last old token has expired, declare chains_mode: exact and run it again."
)
_REMOVE = (
    "If nobody needs it, declare it with state: absent and converge. If it is needed, declare it as it is. Nothing is"
    " removed without a declaration."
)

_STEPS = {
    "expired": Step(_RENEW, _ROTATE, limited=False),
    "conflict": Step(
        "Decide which side is right and correct the declaration or the host. Then audit again.",
        _AUDIT,
    ),
    "key_disagreement": Step(
        "Find out which key encrypts the virtual machines before you change anything: a virtual machine that is"
        " encrypted with one key does not start on a host that holds another. Then audit again.",
        _AUDIT,
    ),
    "unreachable": Step(
        "Check that the host is up and that its HTTPS port can be reached. Then audit again.",
        _AUDIT,
    ),
    "failed": Step("Correct the cause that is named above. Then audit again.", _AUDIT),
    "not_examined": Step(
        "Audit these hosts again. If they are left out again, the output of the playbook says why.",
        _AUDIT,
    ),
    "missing": Step(_CONVERGE_THEM, _CONVERGE),
    "differs": Step(
        f"{_CONVERGE_THEM} While a rotation is under way, finish the rotation instead.",
        _CONVERGE,
    ),
    "extra": Step(_CONVERGE_THEM, _CONVERGE),
    "unavailable": Step("Correct the cause that the host names. Then audit again.", _AUDIT),
    "expiring": Step(_RENEW, _ROTATE, limited=False),
    "expired_undeclared": Step(_REMOVE, _CONVERGE),
    "keys_unread": Step(
        "Give the account the entitlement SECURITY_MGMT or READ_ONLY. Then audit again.",
        _AUDIT,
    ),
    "undeclared": Step(_REMOVE, _CONVERGE),
}


def next_step(finding: Mapping[str, Any], fleet: Sequence[str], run: Mapping[str, Any]) -> dict[str, str]:
    """The next step for a finding: `sentence` and `command`.

    fleet: the names of all hosts of the audit.
    run: its `inventory` sources and its `esx_hosts`, if they are known.
    The command is empty if the name of a host cannot be given to --limit.
    """
    step = _STEPS[finding["kind"]]
    hosts = _hosts_to_look_at(finding) if step.limited else fleet

    limit = _limit(hosts, fleet)
    if limit is None:
        return {"sentence": step.sentence, "command": ""}

    words = ["ansible-playbook", step.playbook]
    for source in run["inventory"]:
        words += ["-i", source]

    if run["esx_hosts"] not in ("", _USUAL_HOSTS):
        words += ["-e", json.dumps({"esx_hosts": run["esx_hosts"]})]

    if limit:
        words += ["--limit", limit]

    command = " ".join(shlex.quote(word) for word in words)
    return {"sentence": step.sentence, "command": command}


def _hosts_to_look_at(finding: Mapping[str, Any]) -> Sequence[str]:
    """The hosts of a finding. If keys differ, these are the hosts that do not hold the most common key."""
    if finding["kind"] != "key_disagreement":
        return list(finding["hosts"])

    hosts: list[str] = []
    for detail in finding["details"][1:]:
        hosts.extend(detail["hosts"])

    return hosts


def _limit(hosts: Sequence[str], fleet: Sequence[str]) -> Optional[str]:
    """The value of --limit. Empty if it is not needed, None if a name cannot be part of it."""
    if set(hosts) == set(fleet):
        return ""

    for host in hosts:
        if not _PLAIN_NAME.fullmatch(host) or host in _NAMES_OF_GROUPS:
            return None

    return ",".join(hosts)
