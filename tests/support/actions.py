# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an action in this process, as a worker of Ansible would."""

from __future__ import annotations

import importlib
import json
import secrets
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.template import Templar

from ansible_collections.esx.trust.plugins.plugin_utils import _task_login
from support.modules import Modules
from support.modules import Ran


def run_action(
    name: str, options: Mapping[str, Any], check: bool, diff: bool = False, *, new_run: bool = True
) -> dict[str, Any]:
    """The result of an action, as the worker would hand it on. An option that is None is not given.

    new_run: a run of Ansible of its own, which remembers no refused login of the calls before.
    """
    if new_run:
        _task_login._KEY = secrets.token_bytes(32)
    loader = DataLoader()

    task = SimpleNamespace(
        action=f"esx.trust.{name}",
        args={option: value for option, value in options.items() if value is not None},
        async_val=0,
        check_mode=check,
        collections=[],
        delegate_to=None,
        diff=diff,
        environment=[],
    )

    connection = SimpleNamespace(
        transport="local", become=None, _shell=SimpleNamespace(tmpdir=None), has_pipelining=True
    )
    action = importlib.import_module(f"ansible_collections.esx.trust.plugins.action.{name}").ActionModule(
        task, connection, PlayContext(), loader, Templar(loader, variables={}), None
    )

    try:
        result: dict[str, Any] = action.run(task_vars={})
    except AnsibleActionFail as error:
        result = {"failed": True, "msg": str(error), "exception": repr(error), **(error.result or {})}

    result.setdefault("changed", False)

    return result


class Actions(Modules):
    """Calls the actions of the modules by the modules' names; `run` as that of `Modules`."""

    def run(self, name: str, *, check: bool = False, diff: bool = False, **options: Any) -> Ran:
        result = run_action(name, {**self.connection, **options}, check, diff)
        return Ran(result, json.dumps(result, default=str))
