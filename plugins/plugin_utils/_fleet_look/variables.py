# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the options of each host of a fleet from its variables, as a task of the role for this host would see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.template import Templar

from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING
from ansible_collections.esx.trust.plugins.plugin_utils._host_options import HostOptions
from ansible_collections.esx.trust.plugins.plugin_utils._in_process import INTERPRETER
from ansible_collections.esx.trust.plugins.plugin_utils._in_process import SWITCH
from ansible_collections.esx.trust.plugins.plugin_utils._in_process import is_own_python
from ansible_collections.esx.trust.plugins.plugin_utils._purge import REFUSAL
from ansible_collections.esx.trust.plugins.plugin_utils._templates import TEMPLATE_ERRORS
from ansible_collections.esx.trust.plugins.plugin_utils._templates import untagged

#: The names of the connection that runs a task on the control node.
_HERE = ("local", "ansible.builtin.local")

#: The part of an error's text that names a missing variable. The rest of the text repeats values, also secrets.
_UNDEFINED = re.compile(r"'[\w.]{1,100}' is undefined|has no attribute '[\w.]{1,100}'")
#: The names of the variables that the role reads.
_OURS = re.compile(r"esx_\w+|ansible_host")


@dataclass(frozen=True)
class FleetHost:
    """A host of the fleet, with the options that its variables give.

    name: its name in the inventory.
    args: the options of the module.
    complaint: why the variables cannot be read, or empty.
    declared: whether the variables that declare the host's trust can be read. If so, args has at least these.
    elsewhere: the host needs a task of its own, because its work must not be done in this process.
    facts: results that the role kept for this host in an earlier task.
    """

    name: str
    args: Mapping[str, Any] = field(default_factory=dict, repr=False)
    complaint: str = ""
    declared: bool = True
    elsewhere: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Variables:
    """The variables of all hosts of a play, resolved for one task of the role.

    task: the task.
    task_vars: the task's variables for any of the hosts.
    loader: Ansible's DataLoader.
    facts: names of variables with results, which are returned without resolving templates.
    """

    def __init__(
        self,
        task: Any,
        task_vars: Mapping[str, Any],
        loader: Any,
        facts: tuple[str, ...] = (),
    ) -> None:
        # hostvars itself lacks the variables of the play, of the role and of the task. Its variable manager has them.
        hostvars = task_vars["hostvars"]
        self._manager = hostvars._variable_manager
        self._inventory = hostvars._inventory
        self._task = task
        self._play = task.get_play()
        self._facts = facts
        self._everyone = {
            "_hosts": list(task_vars["ansible_play_batch"]),
            "_hosts_all": list(task_vars["ansible_play_hosts_all"]),
        }
        # All hosts share it, so that each template is compiled once.
        self._templar = Templar(loader=loader, variables={})

    def of(self, host: str) -> FleetHost:
        """The host of this name with its options. An error in its variables is not raised, it becomes the complaint."""
        variables = self._manager.get_vars(
            play=self._play,
            host=self._inventory.get_host(host),
            task=self._task,
            **self._everyone,
        )

        self._templar.available_variables = variables
        facts = {name: variables[name] for name in self._facts if name in variables}

        options = HostOptions(variables, self._templar)

        args: dict[str, Any] = {}
        declared = False
        elsewhere = False
        complaint = ""
        try:
            args = options.declaration()
            declared = True
            elsewhere = not self._stays_here(variables)
            if not elsewhere:
                args.update(options.connection())
        except TEMPLATE_ERRORS as error:
            complaint = self._complaint(error, variables)

        return FleetHost(host, args, complaint, declared, elsewhere, facts)

    def _stays_here(self, variables: Mapping[str, Any]) -> bool:
        """True if a task for this host alone would do its work in the worker, see `InWorkerAction`."""
        connection = variables.get("ansible_connection") or self._task.connection
        become = variables.get("ansible_become")
        if become is None:
            become = self._task.become

        return (
            not MISSING
            and not any(self._task.environment or [])
            and boolean(self._templar.template(variables.get(SWITCH, True)), strict=False)
            and self._templar.template(connection) in _HERE
            and not boolean(self._templar.template(become) or False, strict=False)
            and is_own_python(variables.get(INTERPRETER), self._templar)
        )

    def _complaint(self, error: Exception, variables: Mapping[str, Any]) -> str:
        """A sentence with the names of the variables that cannot be read and the reason. It holds no value."""
        text = " ".join(str(each) for each in _chain(error))
        if REFUSAL in text:
            return REFUSAL

        unreadable = []
        for name, value in variables.items():
            if _OURS.fullmatch(name) and not self._is_readable(value):
                unreadable.append(name)

        names = ", ".join(sorted(unreadable)) or "a variable that the role needs"
        reasons = "; ".join(dict.fromkeys(_UNDEFINED.findall(text))) or type(error).__name__

        return f"{names}: cannot be read ({reasons}). Nothing was sent to the host."

    def _is_readable(self, value: Any) -> bool:
        """True if the templates in a value can be resolved."""
        try:
            untagged(self._templar.template(value))
        except TEMPLATE_ERRORS:
            return False

        return True


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and then the errors that caused it."""
    seen: list[BaseException] = []
    found: Any = error
    while found is not None and found not in seen:
        seen.append(found)
        yield found
        found = found.__cause__ or found.__context__ or getattr(found, "orig_exc", None)
