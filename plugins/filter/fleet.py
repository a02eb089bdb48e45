# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role and the playbooks ask about all hosts at once."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from jinja2.exceptions import UndefinedError

from ansible_collections.esx.trust.plugins.plugin_utils._fleet import REFUSAL
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import Keys
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import differences
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import is_present
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import keys
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import named
from ansible_collections.esx.trust.plugins.plugin_utils._roll_out import is_blank

#: The variables in which the role keeps what a host made of its declaration, and in which users declare.
KNOWN = "host_trust_keys"
DECLARED = "esx_kms_providers"
#: The variable in which the role keeps why it refuses what a host declares, or an empty text.
REFUSED = "host_trust_refused"
#: The variables in which the role keeps what it found on a host, by their names in the entries of an audit.
FOUND = {"trust": "host_trust_found", "keys": "host_trust_providers"}


def fleet_differences(hostvars: Mapping[str, Any], hosts: Iterable[str], batch: Iterable[str]) -> list[str]:
    """See fleet_differences.yml."""
    fleet = {name: hostvars[name] for name in hosts}
    known = {name: variables[KNOWN] for name, variables in fleet.items() if KNOWN in variables}
    if not set(known) - set(batch):
        # No batch was before this one: whoever comes later is asked now.
        known.update(_declared({name: variables for name, variables in fleet.items() if name not in known}))
    return [*_refusals(hostvars, batch), *differences(known)]


def _refusals(hostvars: Mapping[str, Any], batch: Iterable[str]) -> list[str]:
    """A sentence for each reason, with the hosts of which it is said."""
    hosts: dict[str, list[str]] = {}
    for name in batch:
        refused = hostvars[name].get(REFUSED)
        if refused:
            hosts.setdefault(str(refused), []).append(name)
    return [f"{named(names)}: {refused}" for refused, names in hosts.items()]


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


def fleet_refusal(declared: Any, purge: Any, purge_all: Any) -> str:
    """See fleet_refusal.yml."""
    stays = any(isinstance(issuer, Mapping) and is_present(issuer) for issuer in declared or ())
    if stays or not _is_true(purge) or _is_true(purge_all):
        return ""
    return REFUSAL


def fleet_purge(declared: Any, purge: Any, purge_all: Any) -> Any:
    """See fleet_purge.yml."""
    refusal = fleet_refusal(declared, purge, purge_all)
    if refusal:
        raise AnsibleError(refusal)
    return purge


def _is_true(value: Any) -> bool:
    return not is_blank(value) and bool(boolean(value, strict=False))


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "fleet_keys": keys,
            "fleet_differences": fleet_differences,
            "fleet_entries": fleet_entries,
            "fleet_purge": fleet_purge,
            "fleet_refusal": fleet_refusal,
        }
