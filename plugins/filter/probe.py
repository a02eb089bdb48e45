# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the playbook esx.trust.probe: the options from the inventory, the report, and the table."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible import template
from ansible.errors import AnsibleError

from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import is_blank
from ansible_collections.esx.trust.plugins.plugin_utils import _probe
from ansible_collections.esx.trust.plugins.plugin_utils._templates import no_template
from ansible_collections.esx.trust.plugins.plugin_utils._version import collection_version

#: Whether Ansible itself raises an error for a variable of another host that cannot be read.
_RAISES = hasattr(template, "trust_as_template")


def probe_report(asked: Any, tried: Any, generated_at: Any) -> Any:
    """The report of a probe as a dictionary, see probe_report.yml.

    asked, tried: the results of esx_api_info and of esx_api_probe, one for each host.
    generated_at: the time in ISO 8601.
    Raises AnsibleError if the results are no lists, or of another form.
    """
    asked_results = _results("asked", asked)
    tried_results = _results("tried", tried)

    try:
        report = _probe.build(asked_results, tried_results, collection_version() or None, str(generated_at))
    except ValueError as error:
        raise AnsibleError(f"esx.trust.probe_report: {error}") from error

    # Ansible must not take the text of a host for a template.
    return no_template(report)


def _results(name: str, value: Any) -> list[Any]:
    """The results as a list. Many of Jinja's filters return a generator. Raises AnsibleError."""
    if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
        raise AnsibleError(f"esx.trust.probe_report: {name}: is no list.")

    return list(value)


def probe_table(report: Any) -> Any:
    """The lines of a table with one line for each host, see probe_table.yml. report: the result of `probe_report`."""
    return no_template(_probe.table(report))


def probe_connection(hostvars: Mapping[str, Any], host: str) -> dict[str, Any]:
    """The options of the connection to another host, by their names in the modules. They hold the password.

    hostvars: Ansible's `hostvars`.
    host: the name of the host in the inventory.
    Raises AnsibleError if a variable needs another variable that is not set. See probe_connection.yml.
    """
    variables = hostvars[host]
    given: dict[str, Any] = {}

    for option in HOST_CONNECTION.options:
        value = _value(f"esx_{option}", variables)
        if not is_blank(value):
            given[option] = value

    if "hostname" not in given:
        # The role takes the same.
        address = _value("ansible_host", variables)
        given["hostname"] = host if is_blank(address) else address

    given["hostname"] = str(given["hostname"]).strip()
    return given


def _value(name: str, variables: Mapping[str, Any]) -> Any:
    """The value of a variable, or None if it is not set. Raises AnsibleError for a template that was not resolved."""
    value = variables.get(name)
    if _is_unread(value):
        raise AnsibleError(f"esx.trust.probe_connection: {name}: needs a variable that is not there.")

    return value


def _is_unread(value: Any) -> bool:
    """True for a template that was not resolved. Cores before 2.19 return the variables of another host so."""
    if _RAISES or not isinstance(value, str) or getattr(value, "__UNSAFE__", False):
        return False

    return "{{" in value or "{%" in value


class FilterModule:
    """The filters whose names begin with esx.trust.probe_."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {
            "probe_connection": probe_connection,
            "probe_report": probe_report,
            "probe_table": probe_table,
        }
