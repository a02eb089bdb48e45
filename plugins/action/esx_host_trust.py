# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action esx_host_trust: the module of this name inside the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import run
from ansible_collections.esx.trust.plugins.plugin_utils._action import InWorkerAction


class ActionModule(InWorkerAction):
    """The module's work."""

    arguments = ARGUMENTS

    def work(self, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        """See the module's documentation."""
        return run(params, check_mode)
