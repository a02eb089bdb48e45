# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of a rotation: chains are removed only after every host of the fleet was found to have the new chains."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible import constants

from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import is_blank
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import is_present

#: The variable of a host with the name of this run.
RUN = "host_trust_run"
#: The variable of a host with the result of the task that checks the host in this run.
CHECKED = "host_trust_checked"

#: At least one issuer of the host is declared exact, so a converge may remove chains.
EXACT = "exact"
#: All issuers of the host are declared merge, so a converge only adds chains.
MERGE = "merge"
#: No issuer of the host is declared present.
NONE = "none"


def run(purpose: str) -> str:
    """A name for this run of a playbook. It is unique, and nobody can guess it."""
    return f"{constants.DEFAULT_LOCAL_TMP} {purpose} {secrets.token_hex(8)}"


def issuers(declared: Any, chains_mode: Any = None) -> list[Any]:
    """The issuers that are declared present, in the form in which a rotation applies them.

    An entry that is no dictionary stays as it is, so that the module refuses it.

    declared: the value of esx_token_issuers. A blank text, such as a blank answer of a survey, declares none, and
        neither does an empty dictionary.
    chains_mode: the mode for all of them; by default as declared.
    """
    found: list[Any] = []
    entries = () if is_blank(declared) or declared == {} else declared
    if isinstance(entries, (str, Mapping)) or not isinstance(entries, Iterable):
        entries = (entries,)

    for issuer in entries:
        if not isinstance(issuer, Mapping):
            found.append(issuer)
            continue
        if not is_present(issuer):
            continue

        # A rotation never renames: during a rename, the host accepts no token of the issuer for a moment.
        conflict = "adopt" if issuer.get("issuer_conflict") == "adopt" else "fail"
        applied = {
            **issuer,
            "chains_mode": chains_mode or _mode(issuer),
            "issuer_conflict": conflict,
        }
        found.append(applied)

    return found


def mode(declared: Any) -> str:
    """EXACT, MERGE or NONE for the issuers that are declared for a host."""
    modes = {_mode(issuer) for issuer in issuers(declared) if isinstance(issuer, Mapping)}
    if not modes:
        return NONE

    return MERGE if modes == {MERGE} else EXACT


def missing(fleet: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """The hosts that this run has not found to have the new chains."""
    return [host for host, checked_mode in _checked_modes(fleet, hostvars).items() if not checked_mode]


def modes(fleet: Iterable[str], hostvars: Mapping[str, Any]) -> dict[str, list[str]]:
    """The hosts that this run has found to have the new chains, by EXACT, MERGE and NONE."""
    found: dict[str, list[str]] = {EXACT: [], MERGE: [], NONE: []}
    for host, checked_mode in _checked_modes(fleet, hostvars).items():
        if checked_mode:
            found[checked_mode].append(host)

    return found


def ready(fleet: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """The hosts whose old chains may be removed now: those declared exact, once every host has the new chains."""
    hosts = list(fleet)
    if missing(hosts, hostvars):
        return []

    return modes(hosts, hostvars)[EXACT]


def _checked_modes(fleet: Iterable[str], hostvars: Mapping[str, Any]) -> dict[str, str]:
    """EXACT, MERGE or NONE for each host that passed the check in this run. Empty for the other hosts.

    Anybody can set the variables that are read here, so a value counts only if it holds the name of this run. Nobody
    else knows this name: it is made of the folder that Ansible made for this run and a random number for this play.
    """
    hosts = list(fleet)
    name_of_run = _name_of_run({str(hostvars[host].get(RUN)) for host in hosts})
    if name_of_run is None:
        return dict.fromkeys(hosts, "")

    modes_by_message = {f"{name_of_run} {each}": each for each in (EXACT, MERGE, NONE)}
    checked_modes = {}
    for host in hosts:
        checked_modes[host] = ""
        checked = hostvars[host].get(CHECKED)
        if isinstance(checked, Mapping) and not checked.get("failed") and "msg" in checked:
            checked_modes[host] = modes_by_message.get(str(checked["msg"]), "")

    return checked_modes


def _name_of_run(names: set[str]) -> Optional[str]:
    """The name of this run. None if it is not genuine. names: the different names that the hosts have."""
    # All hosts get the name from the same task.
    if len(names) != 1:
        return None

    (name,) = names
    return name if name.startswith(f"{constants.DEFAULT_LOCAL_TMP} ") else None


def _mode(issuer: Mapping[str, Any]) -> str:
    """The chains_mode of an issuer. The default of the module is exact."""
    if is_blank(issuer.get("chains_mode")):
        return EXACT

    return str(issuer["chains_mode"])
