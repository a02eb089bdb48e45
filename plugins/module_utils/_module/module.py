# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a service as an Ansible module. Only this file ends the process of a module."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING
from ansible_collections.esx.trust.plugins.module_utils._libraries import missing_message
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import Login
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import in_turn
from ansible_collections.esx.trust.plugins.module_utils._module.perform import Run
from ansible_collections.esx.trust.plugins.module_utils._module.perform import perform
from ansible_collections.esx.trust.plugins.module_utils._module.perform import scrubbed
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments


def run_module(arguments: Arguments, run: Run) -> None:
    """Run `run(params, check_mode)` as an Ansible module, print its result, and end the process.

    arguments: the options that the module takes. run: returns the result of the module, or raises TrustError.
    """

    # ansible-core has no types.
    class Module(AnsibleModule):  # type: ignore[misc]
        #: Ansible has read and accepted the options.
        accepted = False
        params: dict[str, Any]
        #: The options before Ansible converted them.
        written: Mapping[str, Any] = {}
        #: Values of this run that must not be printed, besides those of the options.
        secrets: tuple[str, ...] = ()
        #: The login, if tasks that run at the same time may use it, too.
        shared: Optional[Login] = None

        def _load_params(self) -> None:
            super()._load_params()
            self.shared = Login.taken_from(self.params)
            self.params = arguments.given(self.params)
            self.written = dict(self.params)

        def exit_json(self, **kwargs: Any) -> None:
            super().exit_json(**self.presentable(kwargs))

        def fail_json(self, msg: str, **kwargs: Any) -> None:
            # If an option has a wrong form, Ansible stops before it knows which values are secret. Our own sentence
            # about the options replaces Ansible's message, which could quote a secret.
            validation = getattr(self, "validation_result", None)
            complaint = None
            if validation is not None and validation.error_messages:
                complaint = arguments.complaint(validation)

            # Ansible would add the texts of an exception to the message, and they are not scrubbed.
            if not isinstance(kwargs.get("exception", ""), str):
                del kwargs["exception"]

            result = self.presentable({**kwargs, "msg": msg, "failed": True})
            if complaint:
                # It names options and no values, so it needs no scrubbing.
                result["msg"] = complaint
            super().fail_json(**result)

        def work(self) -> dict[str, Any]:
            """The result of the run. Keeps the values that must be masked in it."""
            result, self.secrets = perform(
                run,
                self.params,
                self.check_mode,
                self._diff,
                self.written,
                arguments,
            )

            return result

        def presentable(self, result: dict[str, Any]) -> dict[str, Any]:
            # Options that Ansible refused can hold secrets anywhere, also in the names of a dictionary.
            shown = arguments.shown(self.params) if self.accepted else {}
            result = scrubbed(
                arguments,
                {**result, "invocation": {"module_args": shown}},
                [self.params],
                self.secrets,
            )

            for warning in result.pop("warnings", ()):
                self.warn(warning)

            # Older cores replace these values by asterisks in every text, also inside of names and certificates.
            self.no_log_values.clear()
            return result

    module = None

    # ansible-core before 2.19 fails with a ValueError at some texts in which it looks for "name=value".
    with contextlib.suppress(ValueError):
        module = Module(supports_check_mode=True, **arguments.keywords())

    if module is None:
        module = Module(supports_check_mode=True, **arguments.unread())
        complaint = arguments.misshapen(module.params)
        module.fail_json(msg=complaint or "An option is of the wrong form.")

    module.accepted = True
    for library, reason in MISSING.items():
        module.fail_json(msg=missing_message(library), exception=reason)

    if module.shared:
        result = in_turn(module.shared, module._remote_tmp, str(module.params["hostname"]), module.work)
    else:
        result = module.work()

    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
