# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the work of a module inside the Ansible worker, which saves packing it and starting a Python for every host."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any
from typing import ClassVar
from typing import Optional

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.esx.trust.plugins.module_utils._arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING
from ansible_collections.esx.trust.plugins.module_utils._perform import perform
from ansible_collections.esx.trust.plugins.module_utils._transport import tls_context

#: The variable that switches this off.
SWITCH = "esx_trust_in_worker"

if not MISSING:
    # Ansible loads this file before it forks its workers, and reading the system's CA certificates takes longer than
    # talking to a host.
    tls_context(None, True)


class InWorkerAction(ActionBase):  # type: ignore[misc]
    """Base of the actions: the same arguments, checks, results and secrets as the module of the same name.

    Hands over to that module wherever the work would be another's: on another machine, as another user, with another
    Python or environment, or in the background.
    """

    arguments: ClassVar[Arguments]

    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True

    def work(self, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        """The module's `run`. Raises TrustError."""
        raise NotImplementedError

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not self._stays_here(task_vars):
            result.update(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val))
            return result
        keywords = self.arguments.keywords()
        given = self.arguments.secrets(self._task.args)
        try:
            validation, params = self.validate_argument_spec(**keywords)
        except AnsibleActionFail as error:
            messages = ArgumentSpecValidator(keywords["argument_spec"]).validate(dict(self._task.args)).error_messages
            message = self.arguments.explain(messages) or str(error)
            raise AnsibleActionFail(remove_values(message, given)) from None
        params = _plain({name: params[name] for name in self.arguments.options})
        done, secrets = perform(self.work, params, self._task.check_mode, self._task.diff)
        done["warnings"] = [*_alias_warnings(validation), *done.get("warnings", [])]
        done["invocation"] = {"module_args": params}
        hidden = {*given, *self.arguments.secrets(params), *secrets}
        result.update(remove_values(done, hidden))
        return result

    def _stays_here(self, task_vars: Mapping[str, Any]) -> bool:
        """True if the module would run as this user, on this machine, with this Python and environment, and now."""
        return (
            boolean(self._templar.template(task_vars.get(SWITCH, True)), strict=False)
            and not MISSING
            and self._connection.transport == "local"
            and not self._task.async_val
            and not self._connection.become
            and not any(self._task.environment or [])
            and self._interpreter(task_vars) in ("", os.path.realpath(sys.executable))
        )

    def _interpreter(self, task_vars: Mapping[str, Any]) -> str:
        """The Python that is asked for, or empty if it is left to Ansible."""
        name = "ansible_python_interpreter"
        if self._task.delegate_to:
            task_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        asked = str(self._templar.template(task_vars.get(name) or ""))
        return "" if asked.startswith("auto") or not asked else os.path.realpath(asked)


def _plain(value: Any) -> Any:
    """The value without what newer cores attach to the strings of templates, as a module would get it."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value


def _alias_warnings(validation: Any) -> list[str]:
    """What Ansible itself warns about a module's arguments."""
    return [
        f"Both option {entry['option']} and its alias {entry['alias']} are set."
        for entry in getattr(validation, "_warnings", [])
    ]
