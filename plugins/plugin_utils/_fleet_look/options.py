# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of esx_fleet_trust."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.plugin_utils._audit.certificates import EXPIRING_DAYS

ARGUMENTS = Arguments(
    options={
        "report": {"type": "path"},
        "plan": {"type": "path"},
        "esx_hosts": {"type": "str"},
        "expiring_days": {"type": "int", "default": EXPIRING_DAYS},
        "threads": {"type": "int", "default": 50},
        "login_refusals": {"type": "int", "default": 1},
        "check_declarations": {"type": "bool", "default": False},
        "resume": {"type": "bool", "default": False},
        "results": {"type": "bool", "default": False},
    }
)
