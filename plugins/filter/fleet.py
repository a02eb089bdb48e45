# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters about all hosts of a fleet, for the role and the playbooks."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import Keys
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import differences
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import keys
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import named
from ansible_collections.esx.trust.plugins.plugin_utils._purge import refusal_of
from ansible_collections.esx.trust.plugins.plugin_utils._role_variables import DECLARED
from ansible_collections.esx.trust.plugins.plugin_utils._role_variables import FOUND
from ansible_collections.esx.trust.plugins.plugin_utils._role_variables import KNOWN
from ansible_collections.esx.trust.plugins.plugin_utils._role_variables import REFUSED
from ansible_collections.esx.trust.plugins.plugin_utils._templates import TEMPLATE_ERRORS


def fleet_differences(hostvars: Mapping[str, Any], hosts: Iterable[str], batch: Iterable[str]) -> list[str]:
    """A sentence for each provider that is given different keys or key_ids, and for each refused declaration.

    hostvars: Ansible's `hostvars`.
    hosts: all hosts of the play.
    batch: the hosts of the current batch.
    See fleet_differences.yml.
    """
    known = {}
    unknown = {}
    for name in hosts:
        variables = hostvars[name]
        if KNOWN in variables:
            known[name] = variables[KNOWN]
        else:
            unknown[name] = variables

    is_first_batch = not set(known) - set(batch)
    if is_first_batch:
        # The declarations of later batches are read now, so that nothing is written if the keys differ.
        known.update(_declared(unknown))

    return [*_refusals(hostvars, batch), *differences(known)]


def _refusals(hostvars: Mapping[str, Any], batch: Iterable[str]) -> list[str]:
    """A sentence for each reason to refuse a declaration, with the names of the hosts."""
    hosts: dict[str, list[str]] = {}
    for name in batch:
        refused = hostvars[name].get(REFUSED)
        if refused:
            hosts.setdefault(str(refused), []).append(name)

    return [f"{named(names)}: {refused}" for refused, names in hosts.items()]


def _declared(fleet: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Keys]]:
    """The keys that the hosts declare, as far as the declarations can be read. fleet: the variables by host."""
    for name, variables in fleet.items():
        try:
            yield name, keys(variables.get(DECLARED, []))
        except TEMPLATE_ERRORS:
            # hostvars lacks the variables of the play, which the declaration may need. It is checked in its own batch.
            continue


def fleet_entries(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One dictionary for each host with `host`, and with `trust` and `keys` as far as the role has kept these results.

    See fleet_entries.yml.
    """
    entries = []
    for name in hosts:
        variables = hostvars[name]
        entry = {"host": name}
        for result, variable in FOUND.items():
            if variable in variables:
                entry[result] = variables[variable]

        entries.append(entry)

    return entries


class FilterModule:
    """The filters whose names begin with esx.trust.fleet_ and that need no look at the fleet."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {
            "fleet_keys": keys,
            "fleet_differences": fleet_differences,
            "fleet_entries": fleet_entries,
            "fleet_refusal": refusal_of,
        }
