# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of a look need what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import plan


def lists(results: Mapping[str, Optional[Mapping[str, Any]]]) -> dict[str, Any]:
    """The hosts by what they need.

    roll_out: those with a task of their own, in their order. failing, down: for each host that is known to fail or
    does not answer, why; none of them is going to be written, and in a roll-out they would only end it.
    failing_percentage: their share of the hosts that answer. elsewhere: hosts that were not looked at here.
    as_declared: the others.
    """
    kinds = {host: plan.status(host, result) for host, result in results.items()}

    def of(*wanted: str) -> list[str]:
        return [host for host, kind in kinds.items() if kind in wanted]

    def why(*wanted: str) -> dict[str, str]:
        return {host: str((results[host] or {}).get("msg") or "It was not examined.") for host in of(*wanted)}

    down, failing = why(plan.DOWN), why(plan.FAILED, plan.CONFLICT)
    answering = len(kinds) - len(down)
    return {
        "hosts": list(kinds),
        "roll_out": of(plan.CHANGE, plan.LATER),
        "failing": failing,
        "failing_percentage": 100 * len(failing) / answering if answering else 0,
        "down": down,
        "elsewhere": of(plan.LATER),
        "as_declared": of(plan.NOTHING),
    }
