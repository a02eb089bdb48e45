# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module: the only place that exits or fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.basic import missing_required_lib

from ansible_collections.esx.trust.plugins.module_utils._arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING
from ansible_collections.esx.trust.plugins.module_utils._perform import Run
from ansible_collections.esx.trust.plugins.module_utils._perform import perform


def run_module(arguments: Arguments, run: Run) -> None:
    """Run `run(params, check_mode)` as an Ansible module and exit."""

    class Module(AnsibleModule):  # type: ignore[misc]
        accepted = False
        params: dict[str, Any]
        #: The options before Ansible converted them.
        written: Mapping[str, Any] = {}

        def _load_params(self) -> None:
            super()._load_params()
            self.params = arguments.given(self.params)
            self.written = dict(self.params)

        def fail_json(self, msg: str, **kwargs: Any) -> None:
            # Options of a wrong form stop Ansible before it has learned which values are secret, and it names none.
            self.no_log_values.update(arguments.secrets(self.params), arguments.misplaced(self.params))
            validation = getattr(self, "validation_result", None)
            refused = validation is not None and bool(validation.error_messages)
            complaint = arguments.complaint(validation) if refused else None
            if not self.accepted:
                # What was not understood can have secrets anywhere, also in the names of a dictionary.
                kwargs["invocation"] = {"module_args": {}}
            super().fail_json(msg=complaint or msg, **kwargs)

    try:
        module = Module(supports_check_mode=True, **arguments.keywords())
    except ValueError:
        # Cores before 2.19 break down over some texts where they look for "name=value".
        module = Module(supports_check_mode=True, **arguments.unread())
        module.fail_json(msg=arguments.misshapen(module.params) or "An option is of the wrong form.")
    module.accepted = True
    for library, reason in MISSING.items():
        module.fail_json(msg=missing_required_lib(library), exception=reason)
    result, secrets = perform(run, module.params, module.check_mode, module._diff, module.written, arguments)
    module.no_log_values.update(secrets)
    if result.pop("failed", False):
        module.fail_json(**result)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)
