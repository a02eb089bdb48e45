# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module: the only place that exits or fails."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.basic import missing_required_lib

from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import Login
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import in_turn
from ansible_collections.esx.trust.plugins.module_utils._module.perform import Run
from ansible_collections.esx.trust.plugins.module_utils._module.perform import perform
from ansible_collections.esx.trust.plugins.module_utils._module.perform import scrubbed
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments


def run_module(arguments: Arguments, run: Run) -> None:
    """Run `run(params, check_mode)` as an Ansible module and exit."""

    class Module(AnsibleModule):  # type: ignore[misc]
        accepted = False
        params: dict[str, Any]
        #: The options before Ansible converted them.
        written: Mapping[str, Any] = {}
        #: Values of this run that must not be printed, besides those of the options.
        secrets: tuple[str, ...] = ()
        #: The login, if tasks that run beside this one use it too.
        shared: Optional[Login] = None

        def _load_params(self) -> None:
            super()._load_params()
            self.shared = Login.told(self.params)
            self.params = arguments.given(self.params)
            self.written = dict(self.params)

        def exit_json(self, **kwargs: Any) -> None:
            super().exit_json(**self.presentable(kwargs))

        def fail_json(self, msg: str, **kwargs: Any) -> None:
            # Options of a wrong form stop Ansible before it has learned which values are secret, and it names none.
            validation = getattr(self, "validation_result", None)
            refused = validation is not None and bool(validation.error_messages)
            complaint = arguments.complaint(validation) if refused else None
            if not isinstance(kwargs.get("exception", ""), str):
                # Ansible would add the texts of an exception, which nobody has scrubbed, to the message.
                del kwargs["exception"]
            result = self.presentable({**kwargs, "msg": msg, "failed": True})
            # Such a sentence names options and no values.
            result["msg"] = complaint or result["msg"]
            super().fail_json(**result)

        def work(self) -> dict[str, Any]:
            result, self.secrets = perform(run, self.params, self.check_mode, self._diff, self.written, arguments)
            return result

        def presentable(self, result: dict[str, Any]) -> dict[str, Any]:
            # What was not understood can have secrets anywhere, also in the names of a dictionary.
            shown = arguments.shown(self.params) if self.accepted else {}
            result = scrubbed(arguments, {**result, "invocation": {"module_args": shown}}, [self.params], self.secrets)
            for warning in result.pop("warnings", ()):
                self.warn(warning)
            # Older cores replace these by asterisks in every text, also in names and certificates.
            self.no_log_values.clear()
            return result

    module = None
    # Cores before 2.19 break down over some texts where they look for "name=value".
    with contextlib.suppress(ValueError):
        module = Module(supports_check_mode=True, **arguments.keywords())
    if module is None:
        module = Module(supports_check_mode=True, **arguments.unread())
        module.fail_json(msg=arguments.misshapen(module.params) or "An option is of the wrong form.")
    module.accepted = True
    for library, reason in MISSING.items():
        module.fail_json(msg=missing_required_lib(library), exception=reason)
    if module.shared:
        result = in_turn(module.shared, module._remote_tmp, str(module.params["hostname"]), module.work)
    else:
        result = module.work()
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
