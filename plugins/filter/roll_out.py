# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the playbooks: before and after a roll-out, and between the steps of a rotation."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils import _roll_out
from ansible_collections.esx.trust.plugins.plugin_utils import _rotation
from ansible_collections.esx.trust.plugins.plugin_utils._role_variables import results_of


def roll_out_down(fleet: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """The hosts of the fleet that the module could not reach, see roll_out_down.yml. hostvars: Ansible's `hostvars`."""
    return [host for host, result in results_of(fleet, hostvars).items() if roll_out_is_down(result)]


def roll_out_is_down(result: Mapping[str, Any]) -> bool:
    """True if the host gave no answer, and nothing was written to it. result: that of the module."""
    failure = result.get("failure")
    is_unreachable = isinstance(failure, Mapping) and failure.get("code") == "unreachable"

    return is_unreachable and not result.get("operations")


class FilterModule:
    """The filters whose names begin with esx.trust.roll_out_ or esx.trust.rotation_."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {
            "roll_out_hosts": _roll_out.hosts,
            "roll_out_batches": _roll_out.batches,
            "roll_out_tolerated": _roll_out.tolerated,
            "roll_out_problems": _roll_out.problems,
            "roll_out_down": roll_out_down,
            "roll_out_is_down": roll_out_is_down,
            "rotation_issuers": _rotation.issuers,
            "rotation_mode": _rotation.mode,
            "rotation_modes": _rotation.modes,
            "rotation_missing": _rotation.missing,
            "rotation_run": _rotation.run,
            "rotation_ready": _rotation.ready,
        }
