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
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import LoginKey
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import in_turn
from ansible_collections.esx.trust.plugins.module_utils._module.perform import Run
from ansible_collections.esx.trust.plugins.module_utils._module.perform import perform
from ansible_collections.esx.trust.plugins.module_utils._module.perform import scrubbed
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments


# ansible-core has no types.
class Module(AnsibleModule):  # type: ignore[misc]
    """A module of this collection: its options, its run, and its result without secrets.

    arguments: the options that the module takes.
    run: returns the result of the module, or raises TrustError.
    keywords: the options in the form in which AnsibleModule takes them.
    """

    #: Ansible has read and accepted the options.
    accepted = False
    params: dict[str, Any]
    #: The options before Ansible converted them.
    written: Mapping[str, Any] = {}
    #: Values of this run that must not be printed, besides those of the options.
    secrets: tuple[str, ...] = ()
    #: The login, if tasks that run at the same time may use it, too.
    shared: Optional[LoginKey] = None

    def __init__(self, arguments: Arguments, run: Run, keywords: Mapping[str, Any]) -> None:
        # AnsibleModule reads the options in its own __init__, and may end the process there.
        self.arguments = arguments
        self.run = run
        super().__init__(supports_check_mode=True, **keywords)

    def _load_params(self) -> None:
        super()._load_params()
        self.shared = LoginKey.taken_from(self.params)
        self.params = self.arguments.given(self.params)
        # Ansible adds facts about the task, such as the name of the module.
        self.written = {name: value for name, value in self.params.items() if not name.startswith("_ansible_")}

    def exit_json(self, **kwargs: Any) -> None:
        super().exit_json(**self.presentable(kwargs))

    def fail_json(self, msg: str, **kwargs: Any) -> None:
        # If an option has a wrong form, Ansible stops before it knows which values are secret. Our own sentence
        # about the options replaces Ansible's message, which could quote a secret.
        validation = getattr(self, "validation_result", None)
        complaint = None
        if validation is not None and validation.error_messages:
            complaint = self.arguments.complaint(validation)

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
            self.run,
            self.params,
            check_mode=self.check_mode,
            diff=self._diff,
            written=self.written,
            arguments=self.arguments,
        )

        return result

    def presentable(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result with all secrets masked, and with the options. Gives its warnings to Ansible."""
        # Options that Ansible refused can hold secrets anywhere, also in the names of a dictionary.
        shown = self.arguments.shown(self.params) if self.accepted else {}
        result = scrubbed(
            self.arguments,
            {**result, "invocation": {"module_args": shown}},
            [self.written, self.params],
            self.secrets,
        )

        for warning in result.pop("warnings", ()):
            self.warn(warning)

        # Older cores replace these values by asterisks in every text, also inside of names and certificates.
        self.no_log_values.clear()
        return result


def run_module(arguments: Arguments, run: Run) -> None:
    """Run `run(params, check_mode)` as an Ansible module, print its result, and end the process.

    arguments: the options that the module takes. run: returns the result of the module, or raises TrustError.
    """
    module = _validated(arguments, run)
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


def _validated(arguments: Arguments, run: Run) -> Module:
    """The module with the options that Ansible accepted. Ends the process if Ansible refuses them."""
    # ansible-core before 2.19 fails with a ValueError at some texts in which it looks for "name=value".
    with contextlib.suppress(ValueError):
        return Module(arguments, run, arguments.keywords())

    module = Module(arguments, run, arguments.raw_keywords())
    module.fail_json(msg=arguments.explain_wrong_form(module.params))
    return module
