# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action esx_host_trust: the module of this name inside the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import run
from ansible_collections.esx.trust.plugins.plugin_utils._action import InWorkerAction
from ansible_collections.esx.trust.plugins.plugin_utils._put_aside import PUTS_ASIDE
from ansible_collections.esx.trust.plugins.plugin_utils._put_aside import is_down
from ansible_collections.esx.trust.plugins.plugin_utils._put_aside import put_aside


class ActionModule(InWorkerAction):
    """The module's work."""

    arguments = ARGUMENTS

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """See `InWorkerAction.run`. A roll-out can ask that a host that is down is put aside."""
        result = super().run(tmp, task_vars)
        puts_aside = (task_vars or {}).get(PUTS_ASIDE) is True

        return put_aside(result) if puts_aside and is_down(result) else result

    def work(self, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        """See the module's documentation."""
        return run(params, check_mode)
