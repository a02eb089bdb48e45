# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the options of each host of a fleet from its variables, as a task of the role for this host would see them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.template import Templar
from jinja2.exceptions import UndefinedError

from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING
from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import is_blank
from ansible_collections.esx.trust.plugins.plugin_utils._action import INTERPRETER
from ansible_collections.esx.trust.plugins.plugin_utils._action import SWITCH
from ansible_collections.esx.trust.plugins.plugin_utils._action import is_own_python
from ansible_collections.esx.trust.plugins.plugin_utils._action import plain
from ansible_collections.esx.trust.plugins.plugin_utils._purge import REFUSAL
from ansible_collections.esx.trust.plugins.plugin_utils._purge import purge_unless_refused

#: The options of the connection that the role sets from variables. `_hostname` reads the address.
_CONNECTION = tuple(name for name in HOST_CONNECTION.options if name != "hostname")
#: The options that declare the trust of a host. The role sets each from the variable of its name with esx_ before it.
_DECLARED = tuple(name for name in ARGUMENTS.options if name not in HOST_CONNECTION.options)
#: The names of the connection that runs a task on the control node.
_HERE = ("local", "ansible.builtin.local")

#: Stands for the value of a variable that is not set or that a template omits.
_OMITTED = object()

#: The part of an error's text that names a missing variable. The rest of the text repeats values, also secrets.
_UNDEFINED = re.compile(r"'[\w.]{1,100}' is undefined|has no attribute '[\w.]{1,100}'")
#: The names of the variables that the role reads.
_OURS = re.compile(r"esx_\w+|ansible_host")


@dataclass(frozen=True)
class Given:
    """The options that the variables of a host give.

    args: the options of the module.
    complaint: why the variables cannot be read, or empty.
    declared: whether the variables that declare the host's trust can be read. If so, args has at
        least these.
    elsewhere: the host needs a task of its own, because its work must not be done in this process.
    facts: results that the role kept for this host in an earlier task.
    """

    host: str
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

    def of(self, host: str) -> Given:
        """The options of this host. An error in its variables is not raised, it becomes the complaint."""
        variables = self._manager.get_vars(
            play=self._play,
            host=self._inventory.get_host(host),
            task=self._task,
            **self._everyone,
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
                hostname = self._hostname(variables, host)
                args = {**self._connection(variables), **args, "hostname": hostname}
        except (AnsibleError, UndefinedError) as error:
            complaint = self._complaint(error, variables)

        declared = bool(args) or not complaint
        return Given(host, args, complaint, declared, elsewhere, facts)

    def _declared(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The options that declare the host's trust, as the role's host_trust_kms_providers and its neighbours."""
        args = self._given(_DECLARED, variables)

        if "purge_token_issuers" in args:
            purge_all = self._value("esx_purge_all_token_issuers", variables)
            if purge_all is _OMITTED:
                purge_all = None

            purge_unless_refused(args.get("token_issuers"), args["purge_token_issuers"], purge_all)

        return args

    def _connection(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the connection, as the role's host_trust_connection."""
        return self._given(_CONNECTION, variables)

    def _hostname(self, variables: Mapping[str, Any], host: str) -> str:
        """The address of the host, as the role's host_trust_hostname."""
        for name in ("esx_hostname", "ansible_host"):
            value = self._value(name, variables)
            if value is not _OMITTED and not is_blank(value):
                return str(value).strip()

        return host

    def _given(self, options: Iterable[str], variables: Mapping[str, Any]) -> dict[str, Any]:
        """The values of those of the options that have a variable with a value."""
        asked = {}
        for option in options:
            name = f"esx_{option}"
            if name in variables:
                asked[option] = variables[name]

        args = {}
        for option, value in self._values(asked, variables).items():
            if not is_blank(value):
                args[option] = value

        return args

    def _value(self, name: str, variables: Mapping[str, Any]) -> Any:
        """The value of a variable, or _OMITTED if it is not set or its template omits it."""
        if name not in variables:
            return _OMITTED

        return self._values({name: variables[name]}, variables).get(name, _OMITTED)

    def _values(self, asked: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """The values with their templates resolved. Values that a template omits are left out.

        The role has the same rules in Jinja. Compiling its templates for each host took longer than the examination.
        """
        # The values stand in a dictionary, because cores from 2.19 on can omit an entry, but not a value by itself.
        # They are resolved together, because each call of the templar takes time, whatever it resolves.
        resolved = plain(self._templar.template(dict(asked)))
        values: dict[str, Any] = _without(resolved, variables.get("omit"))

        return values

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
            plain(self._templar.template(value))
        except (AnsibleError, UndefinedError):
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


def _without(value: Any, omitted: Any) -> Any:
    """The value without the entries that a template omits. Cores from 2.19 on remove these entries themselves.

    omitted: the value of Ansible's variable `omit`.
    """
    if isinstance(value, Mapping):
        kept = {}
        for name, entry in value.items():
            if not _is_omitted(entry, omitted):
                kept[name] = _without(entry, omitted)

        return kept

    if isinstance(value, (list, tuple)):
        return [_without(entry, omitted) for entry in value if not _is_omitted(entry, omitted)]

    return value


def _is_omitted(value: Any, omitted: Any) -> bool:
    """True if a value is that of `omit`: the same object, or the same text before ansible-core 2.19."""
    if value is omitted:
        return True

    return isinstance(value, str) and isinstance(omitted, str) and value == omitted
