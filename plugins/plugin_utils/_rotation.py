# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of a rotation: no host loses a chain before every host of the fleet was examined and has the new chains."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible import constants

from ansible_collections.esx.trust.plugins.plugin_utils._fleet import is_present
from ansible_collections.esx.trust.plugins.plugin_utils._roll_out import is_blank

#: The variables of a host that hold which run this is, and what the task that checks the host said in this run.
RUN = "host_trust_run"
CHECKED = "host_trust_checked"

#: Of the declarations of a host: whether a chain may be taken away, or whether they only add.
EXACT, MERGE, NONE = "exact", "merge", "none"


def run(purpose: str) -> str:
    """A name for one run of a playbook that nobody else can know, and that no other run has."""
    return f"{constants.DEFAULT_LOCAL_TMP} {purpose} {secrets.token_hex(8)}"


def issuers(declared: Any, chains_mode: Any = None) -> list[dict[str, Any]]:
    """The declared issuers that shall be there, in the form in which a rotation applies them.

    chains_mode: for all of them; as declared, if it is not given.
    """
    found = []
    for issuer in declared or ():
        if not is_present(issuer):
            continue
        mode = chains_mode or _mode(issuer)
        # To rename means to delete, and between that and creating it anew no token would be accepted.
        conflict = "adopt" if issuer.get("issuer_conflict") == "adopt" else "fail"
        found.append({**issuer, "chains_mode": mode, "issuer_conflict": conflict})
    return found


def mode(declared: Any) -> str:
    """EXACT if any issuer of a host is declared so, MERGE if there are others, NONE if none shall be there."""
    modes = {issuer["chains_mode"] for issuer in issuers(declared)}
    if not modes:
        return NONE
    return MERGE if modes == {MERGE} else EXACT


def missing(fleet: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """The hosts that were not found in this run to have the new chains."""
    return [host for host, said in _said(fleet, hostvars).items() if not said]


def modes(fleet: Iterable[str], hostvars: Mapping[str, Any]) -> dict[str, list[str]]:
    """The hosts by what their declarations say, of those that were found in this run to have the new chains."""
    found: dict[str, list[str]] = {EXACT: [], MERGE: [], NONE: []}
    for host, said in _said(fleet, hostvars).items():
        if said:
            found[said].append(host)
    return found


def ready(fleet: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """The hosts that are declared exact, if every host of the fleet has the new chains; otherwise none."""
    hosts = list(fleet)
    return [] if missing(hosts, hostvars) else modes(hosts, hostvars)[EXACT]


def _said(fleet: Iterable[str], hostvars: Mapping[str, Any]) -> dict[str, str]:
    """EXACT, MERGE or NONE for each host that was checked in this run; empty for the others.

    Anybody can set variables. Only the playbook knows the folder that Ansible made for this run, and all hosts
    have it from the same task, together with a number that no earlier play of this run has had.
    """
    names = list(fleet)
    runs = {str(hostvars[host].get(RUN)) for host in names}
    own = len(runs) == 1 and min(runs).startswith(f"{constants.DEFAULT_LOCAL_TMP} ")
    if not own:
        return dict.fromkeys(names, "")

    answers = {f"{min(runs)} {each}": each for each in (EXACT, MERGE, NONE)}
    said = {}
    for host in names:
        checked = hostvars[host].get(CHECKED)
        passed = isinstance(checked, Mapping) and not checked.get("failed")
        said[host] = answers.get(str(checked["msg"]), "") if passed and "msg" in checked else ""
    return said


def _mode(issuer: Mapping[str, Any]) -> str:
    return EXACT if is_blank(issuer.get("chains_mode")) else str(issuer["chains_mode"])
