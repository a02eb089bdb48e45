# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action vcenter_token_issuer_info: the module of this name inside the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_module import INFO_ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_module import needs_login
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_module import run_info
from ansible_collections.esx.trust.plugins.plugin_utils._action import InWorkerAction


class ActionModule(InWorkerAction):
    """The module's work."""

    arguments = INFO_ARGUMENTS

    def sends_password(self, args: Mapping[str, Any]) -> bool:
        """See InWorkerAction. The sources that everybody may read are read without the login."""
        return needs_login(args.get("source")) and super().sends_password(args)

    def work(self, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        """See the module's documentation."""
        return run_info(params, check_mode)
