# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each host of a fleet is given: its variables, as a task of the role for this host alone would see them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.template import Templar
from jinja2.exceptions import UndefinedError

from ansible_collections.esx.trust.plugins.filter.fleet import fleet_purge
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.plugin_utils._action import INTERPRETER
from ansible_collections.esx.trust.plugins.plugin_utils._action import SWITCH
from ansible_collections.esx.trust.plugins.plugin_utils._action import interpreter
from ansible_collections.esx.trust.plugins.plugin_utils._action import plain
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import REFUSAL
from ansible_collections.esx.trust.plugins.plugin_utils._roll_out import is_blank

#: The options of the connection that the role sets from variables; the address has a rule of its own.
_CONNECTION = tuple(name for name in HOST_CONNECTION.options if name != "hostname")
#: What the role declares for a host, each from the variable of its name.
_DECLARED = (
    "kms_providers",
    "token_issuers",
    "purge_token_issuers",
    "client_profiles",
    "purge_client_profiles",
)
#: What the role declares itself, so that nobody has to work it out for each host.
_HERE = ("local", "ansible.builtin.local")

_OMITTED = object()

#: What an error says of a variable that is not there. The rest of its text repeats values, secrets too.
_UNDEFINED = re.compile(r"'[\w.]{1,100}' is undefined|has no attribute '[\w.]{1,100}'")
_OURS = re.compile(r"esx_\w+|ansible_host")


@dataclass(frozen=True)
class Given:
    """What a host is given.

    args: the options of the module. complaint: why the variables cannot be read, or empty.
    declared: the variables that declare the host's trust can be read; then at least these are among the args.
    elsewhere: the host's work is not to be done in this process, so that it needs a task of its own.
    facts: results that the role kept for this host in an earlier task.
    """

    host: str
    args: Mapping[str, Any] = field(default_factory=dict, repr=False)
    complaint: str = ""
    declared: bool = True
    elsewhere: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Variables:
    """The variables of all hosts of a play, resolved for one task of it.

    task: that task, of the role. task_vars: its variables for any of the hosts. facts: variables with results that are
    wanted as they are.
    """

    def __init__(self, task: Any, task_vars: Mapping[str, Any], loader: Any, facts: tuple[str, ...] = ()) -> None:
        # Seen through hostvars alone, a host lacks the variables of the play, of the role and of the task.
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
        # One for all hosts: it compiles each template once.
        self._templar = Templar(loader=loader, variables={})

    def of(self, host: str) -> Given:
        """What this host is given. What cannot be read is told and not raised."""
        variables = self._manager.get_vars(
            play=self._play, host=self._inventory.get_host(host), task=self._task, **self._everyone
        )
        self._templar.available_variables = variables
        facts = {name: variables[name] for name in self._facts if name in variables}
        args: dict[str, Any] = {}
        elsewhere = False
        complaint = ""
        try:
            args = self._declared(variables)
            elsewhere = not self._stays_here(variables)
            if not elsewhere:
                args = {**self._connection(variables), **args, "hostname": self._hostname(variables, host)}
        except (AnsibleError, UndefinedError) as error:
            complaint = self._complaint(error, variables)
        return Given(host, args, complaint, bool(args) or not complaint, elsewhere, facts)

    def _declared(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """As the role's host_trust_kms_providers, host_trust_token_issuers and so on."""
        args = {}
        for name in _DECLARED:
            value = self._value(f"esx_{name}", variables)
            if value is not _OMITTED and not is_blank(value):
                args[name] = value
        if "purge_token_issuers" in args:
            purge_all = self._value("esx_purge_all_token_issuers", variables)
            fleet_purge(
                args.get("token_issuers"), args["purge_token_issuers"], None if purge_all is _OMITTED else purge_all
            )
        return args

    def _connection(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """As the role's host_trust_connection."""
        values = {name: self._value(f"esx_{name}", variables) for name in _CONNECTION}
        return {name: value for name, value in values.items() if value is not _OMITTED and not is_blank(value)}

    def _hostname(self, variables: Mapping[str, Any], host: str) -> str:
        """As the role's host_trust_hostname."""
        for name in ("esx_hostname", "ansible_host"):
            value = self._value(name, variables)
            if value is not _OMITTED and not is_blank(value):
                return str(value).strip()
        return host

    def _value(self, name: str, variables: Mapping[str, Any]) -> Any:
        """The value of a variable, or _OMITTED where there is none.

        The role's own variables say the same in Jinja; compiling those for each host took longer than asking it.
        """
        if name not in variables:
            return _OMITTED
        # In a dictionary, so that each core leaves out what a template says shall be omitted.
        value = plain(self._templar.template({"value": variables[name]}))
        return _without(value, variables.get("omit")).get("value", _OMITTED)

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
            and interpreter(variables.get(INTERPRETER), self._templar) in ("", os.path.realpath(sys.executable))
        )

    def _complaint(self, error: Exception, variables: Mapping[str, Any]) -> str:
        """Which variables cannot be read, and why, with no value of any variable in it."""
        text = " ".join(str(each) for each in _chain(error))
        if REFUSAL in text:
            return REFUSAL
        names = [name for name in variables if _OURS.fullmatch(name) and not self._is_readable(variables[name])]
        reasons = list(dict.fromkeys(_UNDEFINED.findall(text)))
        named = ", ".join(sorted(names)) or "a variable that the role needs"
        because = f" ({'; '.join(reasons)})" if reasons else f" ({type(error).__name__})"
        return f"{named}: cannot be read{because}. Nothing was sent to the host."

    def _is_readable(self, value: Any) -> bool:
        try:
            plain(self._templar.template(value))
        except (AnsibleError, UndefinedError):
            return False
        return True


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it."""
    seen: list[BaseException] = []
    found: Any = error
    while found is not None and found not in seen:
        seen.append(found)
        yield found
        found = found.__cause__ or found.__context__ or getattr(found, "orig_exc", None)


def _without(value: Any, omitted: Any) -> Any:
    """The value without what a template says shall be omitted. Cores from 2.19 on leave it out themselves."""
    if isinstance(value, Mapping):
        kept = {name: entry for name, entry in value.items() if entry is not omitted and not _equal(entry, omitted)}
        return {name: _without(entry, omitted) for name, entry in kept.items()}
    if isinstance(value, (list, tuple)):
        return [_without(entry, omitted) for entry in value if entry is not omitted and not _equal(entry, omitted)]
    return value


def _equal(value: Any, omitted: Any) -> bool:
    return isinstance(value, str) and isinstance(omitted, str) and value == omitted
