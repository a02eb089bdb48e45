# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role and the playbooks ask about all hosts at once, and about a declaration as a whole."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from jinja2.exceptions import UndefinedError

from ansible_collections.esx.trust.plugins.plugin_utils._fleet import Keys
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import differences
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import keys

#: The variables in which the role keeps what a host made of its declaration, and in which users declare.
KNOWN = "host_trust_keys"
DECLARED = "esx_kms_providers"
#: The variables in which the role keeps what it found on a host, by their names in the entries of an audit.
FOUND = {"trust": "host_trust_found", "keys": "host_trust_providers"}


def fleet_differences(hostvars: Mapping[str, Any], hosts: Iterable[str], batch: Iterable[str]) -> list[str]:
    """See fleet_differences.yml."""
    fleet = {name: hostvars[name] for name in hosts}
    known = {name: variables[KNOWN] for name, variables in fleet.items() if KNOWN in variables}
    if not set(known) - set(batch):
        # No batch was before this one: whoever comes later is asked now.
        known.update(_declared({name: variables for name, variables in fleet.items() if name not in known}))
    return differences(known)


def _declared(fleet: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Keys]]:
    for name, variables in fleet.items():
        try:
            yield name, keys(variables.get(DECLARED, []))
        except (AnsibleError, UndefinedError):
            # Seen from outside, a host lacks the variables of its play. It is judged when it is its turn.
            continue


def fleet_entries(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> list[dict[str, Any]]:
    """See fleet_entries.yml."""
    entries = []
    for name in hosts:
        variables = hostvars[name]
        found = {entry: variables[variable] for entry, variable in FOUND.items() if variable in variables}
        entries.append({"host": name, **found})
    return entries


def rotation_issuers(issuers: Iterable[Mapping[str, Any]], chains_mode: str) -> list[dict[str, Any]]:
    """See rotation_issuers.yml."""
    return [
        {
            **issuer,
            "chains_mode": chains_mode,
            # To rename means to delete, and between that and creating it anew no token would be accepted.
            "issuer_conflict": "adopt" if issuer.get("issuer_conflict") == "adopt" else "fail",
        }
        for issuer in issuers
        if issuer.get("state", "present") == "present"
    ]


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "fleet_keys": keys,
            "fleet_differences": fleet_differences,
            "fleet_entries": fleet_entries,
            "rotation_issuers": rotation_issuers,
        }
