# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the work of a module inside the Ansible worker. That saves packing it and starting a Python for every host."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping
from typing import Any
from typing import ClassVar
from typing import Optional

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible.utils.collection_loader import AnsibleCollectionConfig

from ansible_collections.esx.trust.plugins.module_utils._api.tls import prepare
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import OPTION
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import LoginKey
from ansible_collections.esx.trust.plugins.module_utils._module.login_results import refused_for_a_token
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import in_turn
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.plugin_utils._in_process import INTERPRETER
from ansible_collections.esx.trust.plugins.plugin_utils._in_process import SWITCH
from ansible_collections.esx.trust.plugins.plugin_utils._in_process import is_own_python
from ansible_collections.esx.trust.plugins.plugin_utils._refused_logins import RefusedLogins
from ansible_collections.esx.trust.plugins.plugin_utils._role_messages import ROLE
from ansible_collections.esx.trust.plugins.plugin_utils._role_messages import in_variables
from ansible_collections.esx.trust.plugins.plugin_utils._task_login import login_of
from ansible_collections.esx.trust.plugins.plugin_utils._task_login import sends_password
from ansible_collections.esx.trust.plugins.plugin_utils._templates import as_template
from ansible_collections.esx.trust.plugins.plugin_utils._templates import untagged
from ansible_collections.esx.trust.plugins.plugin_utils._validated import ValidatedOptions


def _prepare() -> None:
    """Load what every worker needs. Ansible loads this file before it forks the workers, so it is loaded once."""
    if not MISSING:
        # Reading the system's CA certificates takes longer than talking to a host.
        prepare()

    # The first template in a process takes long too, and almost every task has a template for its host or password.
    Templar(DataLoader()).template(as_template("{{ 0 }}"))

    # Python loads these codecs when they are first used. The answers in JSON, the search for secrets, and the files of
    # logins need them.
    for codec in ("utf-8-sig", "utf-16-le", "ascii"):
        codecs.lookup(codec)

    # Ansible reads the documentation of a lookup when it is first used. The tasks of the role use these. A program that
    # only imports this file, such as a test, may have no collection loader.
    if AnsibleCollectionConfig.collection_finder:
        for lookup in ("esx.trust.host_options", "ansible.builtin.env"):
            lookup_loader.get(lookup, class_only=True)


_prepare()


# ansible-core has no types.
class InWorkerAction(ActionBase):  # type: ignore[misc]
    """Base of the actions. An action takes the same options and returns the same results as the module of its name.

    The action starts that module instead if the task asks for another machine, user, Python or environment, or if the
    task runs in the background.
    """

    arguments: ClassVar[Arguments]

    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True

    def work(self, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        """The module's `run`.

        params: the validated options.
        check_mode: if true, nothing is written.
        Returns the module's result.
        Raises TrustError.
        """
        raise NotImplementedError

    def sends_password(self, args: Mapping[str, Any]) -> bool:
        """True if the module logs in with a password. args: the options as they are given."""
        return sends_password(args)

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Ansible's entry point. Returns the task's result, which holds no secret."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = self.arguments.given(untagged(self._task.args))

        refused = RefusedLogins()
        login = login_of(self.arguments, args, self._environment())
        host = str(task_vars.get("inventory_hostname", ""))

        with_password = self.sends_password(args)
        objection = refused.objection(login, host) if with_password else None
        if objection is not None:
            result.update(objection.result())
            return self._with_names_of_variables(result)

        if with_password:
            result.update(self._done_in_turn(login, refused, host, args, task_vars))
        else:
            result.update(self._done(args, task_vars))

        refused.remember_answer_in(login, result)
        if with_password and refused_for_a_token(result):
            refused.remember_for_tokens(login)

        return self._with_names_of_variables(result)

    def _done_in_turn(
        self,
        login: LoginKey,
        refused: RefusedLogins,
        host: str,
        args: dict[str, Any],
        task_vars: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The result of a task that sends a password. Tasks with the same login take turns until a host accepted it."""
        if self._task.async_val:
            refused.share(login)

        if not refused.is_shared(login):
            folder = constants.DEFAULT_LOCAL_TMP
            return in_turn(login, folder, host, lambda: self._done(args, task_vars), of_this_run=True)

        # Tasks in the background use the login too. They outlive the folder of the run.
        if self._stays_here(task_vars):
            folder = self._connection._shell.get_option("remote_tmp")
            return in_turn(login, folder, host, lambda: self._run_here(args, task_vars))

        # The module waits for its turn itself.
        return self._hand_over(login, task_vars)

    def _done(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The result of the module's work, done in this process or by the module."""
        if self._stays_here(task_vars):
            return self._run_here(args, task_vars)

        return self._hand_over(None, task_vars)

    def _hand_over(self, shared: Optional[LoginKey], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The result of the module. shared: the login, if a task in the background uses it too."""
        module_args = dict(self._task.args)
        if shared:
            module_args[OPTION] = shared._asdict()

        result: dict[str, Any] = self._execute_module(
            module_args=module_args,
            task_vars=task_vars,
            wrap_async=self._task.async_val,
        )

        return result

    def _environment(self) -> dict[str, str]:
        """The environment variables that the module would see, as far as the control node knows them."""
        environment: dict[str, str] = {}
        if self._connection.transport == "local":
            environment.update(os.environ)

        for entry in self._task.environment or []:
            given = self._templar.template(entry) or {}
            for name, value in given.items():
                environment[str(name)] = str(value)

        return environment

    def _run_here(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The result of the module's work, done in this process."""
        task = self._task
        validated = ValidatedOptions.of(self.arguments, args, task.action, _shows_invocation(task_vars))

        return validated.result(self.work, check_mode=task.check_mode, diff=task.diff)

    def _with_names_of_variables(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result. In a task of the role, its messages name the role's variables instead of the options."""
        role = getattr(self._task, "_role", None)
        if role is None or role.get_name() != ROLE:
            return result

        return in_variables(result, self.arguments, self._task.args)

    def _stays_here(self, task_vars: Mapping[str, Any]) -> bool:
        """True if the task asks for this machine, user, Python and environment, and does not run in the background."""
        return (
            boolean(self._templar.template(task_vars.get(SWITCH, True)), strict=False)
            and not MISSING
            and self._connection.transport == "local"
            and not self._task.async_val
            and not self._connection.become
            and not any(self._task.environment or [])
            and self._asks_for_own_python(task_vars)
        )

    def _asks_for_own_python(self, task_vars: Mapping[str, Any]) -> bool:
        """True if the task asks for the Python of this process, or leaves the choice to Ansible."""
        if self._task.delegate_to:
            task_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})

        return is_own_python(task_vars.get(INTERPRETER), self._templar)


def _shows_invocation(task_vars: Mapping[str, Any]) -> bool:
    """True if the results of modules hold the options. Before ansible-core 2.21 all results do."""
    setting = "INJECT_INVOCATION"
    if not hasattr(constants, setting):
        return True

    return bool(constants.config.get_config_value(setting, variables=task_vars))
