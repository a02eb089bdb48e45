# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the plays that come after a look at a fleet."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible import context
from ansible.errors import AnsibleError

from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import memory
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.outcome import hosts_by_need
from ansible_collections.esx.trust.plugins.plugin_utils._role_variables import results_of
from ansible_collections.esx.trust.plugins.plugin_utils._templates import no_template

#: The options of ansible-playbook with which it only reads a playbook, and runs no task of it.
_READING_ONLY = ("listhosts", "listtags", "listtasks", "syntax")


def fleet_look(part: str, before_look: Any = None) -> Any:
    """The value of this name that the last look of this run has returned, see fleet_look.yml.

    before_look: the value if Ansible only reads the playbook. By default that of a look at no host.

    Raises AnsibleError if there was no look, or if it returned no such value.
    """
    kept = memory.kept(memory.LISTS)
    if kept is None and any(context.CLIARGS.get(option) for option in _READING_ONLY):
        if before_look is not None:
            return before_look

        kept = {**hosts_by_need({}), "deviations": {}}

    if kept is None:
        raise AnsibleError("esx.trust.fleet_look: esx_fleet_trust has not looked at any host in this run.")

    if part not in kept:
        raise AnsibleError(f"esx.trust.fleet_look: the look at the fleet kept no {part!r}.")

    return no_template(kept[part])


def fleet_done(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """A line for each group of hosts on which the role made the same changes, see fleet_done.yml."""
    lines: list[str] = no_template(plan.done(results_of(hosts, hostvars)))
    return lines


class FilterModule:
    """The filters esx.trust.fleet_look and fleet_done."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {"fleet_look": fleet_look, "fleet_done": fleet_done}
