# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the options for the modules of this collection from the variables of a host."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import is_blank
from ansible_collections.esx.trust.plugins.plugin_utils._purge import purge_unless_refused
from ansible_collections.esx.trust.plugins.plugin_utils._templates import holds_templates
from ansible_collections.esx.trust.plugins.plugin_utils._templates import untagged
from ansible_collections.esx.trust.plugins.plugin_utils._templates import with_names_resolved

#: The options of the connection that have a variable of their name with esx_ before it. The address has two variables.
_CONNECTION = tuple(name for name in HOST_CONNECTION.options if name != "hostname")
#: The options that declare the trust of a host. Each has a variable of its name with esx_ before it.
_DECLARATION = tuple(name for name in ARGUMENTS.options if name not in HOST_CONNECTION.options)
#: The variables that can hold the address of a host, in the order in which they count.
_ADDRESSES = ("esx_hostname", "ansible_host")

#: Stands for the value of a variable that is not set or that a template omits.
_OMITTED = object()


class HostOptions:
    """The options that the variables of one host set.

    variables: the variables of the host.
    templar: Ansible's Templar for these variables.

    A variable that is null or a blank text, such as a blank answer of a survey, sets no option. Then the environment
    or the default decides. A variable that is set and cannot be read raises one of TEMPLATE_ERRORS.
    """

    def __init__(self, variables: Mapping[str, Any], templar: Any) -> None:
        self._variables = variables
        self._templar = templar

    def connection(self) -> dict[str, Any]:
        """The options of the connection, with the address of the host."""
        return {"hostname": self._hostname(), **self._set_options(_CONNECTION)}

    def declaration(self) -> dict[str, Any]:
        """The options that declare the trust of the host.

        Raises AnsibleError if the declaration would delete every token issuer and nothing says that it may.
        """
        options = self._set_options(_DECLARATION)

        if "purge_token_issuers" in options:
            purge_all = self._value("esx_purge_all_token_issuers")
            if purge_all is _OMITTED:
                purge_all = None

            purge_unless_refused(options.get("token_issuers"), options["purge_token_issuers"], purge_all)

        return options

    def _hostname(self) -> str:
        """The address of the host, or else its name in the inventory."""
        for name in _ADDRESSES:
            value = self._value(name)
            if value is not _OMITTED and not is_blank(value):
                return str(value).strip()

        return str(self._variables["inventory_hostname"])

    def _set_options(self, options: Iterable[str]) -> dict[str, Any]:
        """The values of those of the options whose variables set them."""
        asked = {}
        for option in options:
            name = f"esx_{option}"
            if name in self._variables:
                asked[option] = self._variables[name]

        values = {}
        for option, value in self._values(asked).items():
            if not is_blank(value):
                values[option] = value

        return values

    def _value(self, name: str) -> Any:
        """The value of a variable, or _OMITTED if it is not set or its template omits it."""
        if name not in self._variables:
            return _OMITTED

        return self._values({name: self._variables[name]}).get(name, _OMITTED)

    def _values(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The values with their templates resolved. Values that a template omits are left out."""
        values: dict[str, Any] = {}
        with_templates = {}
        for option, value in asked.items():
            if holds_templates(value):
                value = with_names_resolved(value, self._variables)

            if holds_templates(value):
                with_templates[option] = value
            else:
                values[option] = untagged(value)

        if with_templates:
            # The values stand in a dictionary, because cores from 2.19 on can omit an entry, but not a value by itself.
            # They are resolved together, because each call of the templar takes time, whatever it resolves.
            resolved = untagged(self._templar.template(with_templates))
            values.update(_without(resolved, self._variables.get("omit")))

        return values


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
