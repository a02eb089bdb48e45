# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the playbooks: before and after a roll-out, and between the steps of a rotation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils import _roll_out
from ansible_collections.esx.trust.plugins.plugin_utils import _rotation


class FilterModule:
    """The filters whose names begin with esx.trust.roll_out_ or esx.trust.rotation_."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {
            "roll_out_hosts": _roll_out.hosts,
            "roll_out_batches": _roll_out.batches,
            "roll_out_tolerated": _roll_out.tolerated,
            "roll_out_problems": _roll_out.problems,
            "roll_out_down": _roll_out.down,
            "roll_out_is_down": _roll_out.is_down,
            "rotation_issuers": _rotation.issuers,
            "rotation_mode": _rotation.mode,
            "rotation_modes": _rotation.modes,
            "rotation_missing": _rotation.missing,
            "rotation_run": _rotation.run,
            "rotation_ready": _rotation.ready,
        }
