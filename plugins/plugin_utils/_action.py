# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the work of a module inside the Ansible worker, which saves packing it and starting a Python for every host."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import ClassVar
from typing import Optional

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.template import Templar

from ansible_collections.esx.trust.plugins.module_utils._api.transport import prepare
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import OPTION
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import Login
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import in_turn
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import refused_before
from ansible_collections.esx.trust.plugins.module_utils._module.perform import Run
from ansible_collections.esx.trust.plugins.module_utils._module.perform import failed
from ansible_collections.esx.trust.plugins.module_utils._module.perform import perform
from ansible_collections.esx.trust.plugins.module_utils._module.perform import scrubbed
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.plugin_utils._refused_logins import RefusedLogins
from ansible_collections.esx.trust.plugins.plugin_utils._refused_logins import login_of
from ansible_collections.esx.trust.plugins.plugin_utils._templates import as_template
from ansible_collections.esx.trust.plugins.plugin_utils._variables import ROLE
from ansible_collections.esx.trust.plugins.plugin_utils._variables import in_variables

#: The variable that switches this off.
SWITCH = "esx_trust_in_worker"
#: The variable that names the Python of a host.
INTERPRETER = "ansible_python_interpreter"
#: How inventories call the Python that Ansible runs with.
_OWN_PYTHON = "{{ ansible_playbook_python }}"


def _prepare() -> None:
    """Do what each worker would otherwise do anew, before Ansible forks them: it loads this file before that."""
    if not MISSING:
        # Reading the system's CA certificates takes longer than talking to a host.
        prepare()
    # So does the first template in a process, and hardly any task gives its host and password without one.
    Templar(DataLoader()).template(as_template("{{ 0 }}"))
    # For answers in JSON; Python loads it when it is first used.
    b"{}".decode("utf-8-sig")


_prepare()


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
        args = self.arguments.given(plain(self._task.args))
        refused, login = RefusedLogins(), login_of(self.arguments, args, self._variables())
        host = str(task_vars.get("inventory_hostname", ""))
        if sends_password(args) and refused.know(login):
            result.update(failed(refused_before(host)))
            return self._in_their_words(result)

        if sends_password(args) and self._task.async_val:
            refused.share(login)
        shared = login if sends_password(args) and refused.is_shared(login) else None
        if not self._stays_here(task_vars):
            result.update(self._hand_over(shared, task_vars))
        elif shared:
            folder = self._connection._shell.get_option("remote_tmp")
            result.update(in_turn(shared, folder, host, lambda: self._run_here(args, task_vars)))
        else:
            result.update(self._run_here(args, task_vars))

        failure = result.get("failure") or {}
        if failure.get("login_refused"):
            refused.remember(login, failure.get("operation"))
        return self._in_their_words(result)

    def _hand_over(self, shared: Optional[Login], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The result of the module. shared: the login, if a task in the background uses it."""
        told = {OPTION: shared._asdict()} if shared else {}
        done: dict[str, Any] = self._execute_module(
            module_args={**self._task.args, **told}, task_vars=task_vars, wrap_async=self._task.async_val
        )
        return done

    def _variables(self) -> dict[str, str]:
        """The environment variables that decide where an option is not given, as far as they can be seen from here."""
        variables = dict(os.environ) if self._connection.transport == "local" else {}
        for entry in self._task.environment or []:
            given = self._templar.template(entry)
            variables.update({str(name): str(value) for name, value in (given or {}).items()})
        return variables

    def _run_here(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The result of the module's work, done in this process."""
        task = self._task
        understood = Understood.of(self.arguments, args, task.action, _shows_invocation(task_vars))
        return understood.result(self.work, task.check_mode, task.diff)

    def _in_their_words(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result as the person knows it who called the module, or has set the variables of the role."""
        role = getattr(self._task, "_role", None)
        if role is None or role.get_name() != ROLE:
            return result
        return in_variables(result, self.arguments, self._task.args)

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
        if self._task.delegate_to:
            task_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        return interpreter(task_vars.get(INTERPRETER), self._templar)


def interpreter(asked: Any, templar: Any) -> str:
    """The path of the Python that the variable of a host asks for, or empty if it is left to Ansible."""
    asked = asked or ""
    if asked == _OWN_PYTHON:
        # Every worker would take longer to find out.
        return os.path.realpath(sys.executable)
    asked = str(templar.template(asked))
    return "" if asked.startswith("auto") or not asked else os.path.realpath(asked)


@dataclass(frozen=True)
class Understood:
    """The options of a module as Ansible understands them, or what it does not like about them.

    args: the options as they were given. action: the name under which the module was called.
    shows_invocation: whether results hold the options.
    """

    arguments: Arguments
    args: Mapping[str, Any] = field(repr=False)
    action: str
    shows_invocation: bool
    validation: Any = field(repr=False)

    @classmethod
    def of(cls, arguments: Arguments, args: Mapping[str, Any], action: str, shows_invocation: bool) -> Understood:
        """Validate the options. Raises AnsibleActionFail for those that Ansible itself breaks down over."""
        try:
            validation = ArgumentSpecValidator(**arguments.keywords()).validate(dict(args))
        except ValueError:
            # Cores before 2.19 break down over some texts where they look for "name=value".
            raise AnsibleActionFail(arguments.misshapen(args) or "An option is of the wrong form.") from None
        return cls(arguments, args, action, shows_invocation, validation)

    @property
    def params(self) -> Optional[dict[str, Any]]:
        """The options that the work takes, or None if they were refused."""
        if self.validation.error_messages:
            return None
        options = self.validation.validated_parameters
        return {name: options[name] for name in self.arguments.options}

    def result(self, work: Run, check_mode: bool, diff: bool) -> dict[str, Any]:
        """Do the work; its result without any secret, as the module of the same name would return it."""
        validation, arguments = self.validation, self.arguments
        options = validation.validated_parameters
        secrets: tuple[str, ...] = ()
        params = self.params
        if params is None:
            done: dict[str, Any] = {"failed": True, "changed": False, "msg": self._refusal()}
        else:
            done, secrets = perform(work, params, check_mode, diff, self.args, arguments)
        warnings = [*_alias_warnings(validation), *done.pop("warnings", [])]
        if warnings:
            done["warnings"] = warnings
        if self.shows_invocation:
            # What was not understood can have secrets anywhere, also in the names of a dictionary.
            shown = {} if validation.error_messages else arguments.shown(options)
            done["invocation"] = {"module_args": shown}
        complaint = arguments.complaint(validation) if validation.error_messages else None
        result = scrubbed(arguments, done, [self.args, options], secrets)
        if complaint:
            # Such a sentence names options and no values.
            result["msg"] = complaint
        return result

    def _refusal(self) -> str:
        """What a module says of options that Ansible itself refuses."""
        unsupported = isinstance(self.validation.errors[0], UnsupportedError)
        prefix = f"Unsupported parameters for ({self.action}) module: " if unsupported else ""
        return f"{prefix}{self.validation.errors.msg}"


def sends_password(args: Mapping[str, Any]) -> bool:
    """True if the host is asked to take the password, and not a token in its place."""
    return not any(args.get(name) for name in ("access_token", "saml_token"))


def plain(value: Any) -> Any:
    """The value without what newer cores attach to the strings of templates, as a module would get it."""
    if getattr(value, "__ENCRYPTED__", False):
        return str(value)  # vaulted in the task itself; before 2.19
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return value


def _shows_invocation(task_vars: Mapping[str, Any]) -> bool:
    """True if the results of modules hold the options they were given; before 2.21 all do."""
    setting = "INJECT_INVOCATION"
    return not hasattr(constants, setting) or bool(constants.config.get_config_value(setting, variables=task_vars))


def _alias_warnings(validation: Any) -> list[str]:
    """What Ansible itself warns about a module's arguments."""
    return [
        f"Both option {entry['option']} and its alias {entry['alias']} are set."
        for entry in getattr(validation, "_warnings", [])
    ]
