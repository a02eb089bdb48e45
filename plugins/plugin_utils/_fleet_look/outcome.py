# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sorts the hosts of a look by what has to be done for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import plan


def hosts_by_need(results: Mapping[str, Optional[Mapping[str, Any]]]) -> dict[str, Any]:
    """The hosts, sorted by what has to be done for them.

    results: the results of esx_host_trust in check mode by host, None for a host that was not examined here.

    hosts: all hosts. roll_out: the hosts that get a task of their own, in the order of the fleet.
    failing: the hosts that are known to fail, each with the reason. down: the hosts that do not answer, each with the
    reason. Neither is written, because such a host would only stop the roll-out.
    failing_percentage: the failing hosts in percent of the hosts that answer.
    elsewhere: the hosts that were not examined here. as_declared: the hosts that need nothing.
    """
    kinds = {host: plan.status(host, result) for host, result in results.items()}

    def hosts_of(*wanted: str) -> list[str]:
        return [host for host, kind in kinds.items() if kind in wanted]

    def reasons_of(*wanted: str) -> dict[str, str]:
        reasons = {}
        for host in hosts_of(*wanted):
            result = results[host] or {}
            reasons[host] = str(result.get("msg") or "It was not examined.")

        return reasons

    down = reasons_of(plan.DOWN)
    failing = reasons_of(plan.FAILED, plan.CONFLICT)

    answering = len(kinds) - len(down)
    failing_percentage = 100 * len(failing) / answering if answering else 0

    return {
        "hosts": list(kinds),
        "roll_out": hosts_of(plan.CHANGE, plan.LATER),
        "failing": failing,
        "failing_percentage": failing_percentage,
        "down": down,
        "elsewhere": hosts_of(plan.LATER),
        "as_declared": hosts_of(plan.NOTHING),
    }
