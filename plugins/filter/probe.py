# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook esx.trust.probe takes from the inventory, its report, and the table that it shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Optional

from ansible import template
from ansible.errors import AnsibleError

from ansible_collections.esx.trust.plugins.module_utils._services.arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.plugin_utils import _probe
from ansible_collections.esx.trust.plugins.plugin_utils._templates import no_template

#: Whether Ansible itself fails over a variable of another host that cannot be read.
_RAISES = hasattr(template, "trust_as_template")


def probe_report(asked: Any, tried: Any, generated_at: Any) -> Any:
    """See probe_report.yml."""
    given = {"asked": asked, "tried": tried}
    for name, value in given.items():
        if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
            raise AnsibleError(f"esx.trust.probe_report: {name}: is no list.")
    # A generator, as many of Jinja's filters return it, is as good as a list.
    results = {name: list(value) for name, value in given.items()}
    try:
        # What a host said must never be taken for a template.
        return no_template(_probe.build(results["asked"], results["tried"], _version(), str(generated_at)))
    except ValueError as error:
        raise AnsibleError(f"esx.trust.probe_report: {error}") from error


def _version() -> Optional[str]:
    """The version of the installed collection; None in a checkout."""
    manifest = Path(__file__).resolve().parents[2] / "MANIFEST.json"
    if not manifest.exists():
        return None
    return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])


def probe_table(report: Any) -> Any:
    """See probe_table.yml."""
    return no_template(_probe.table(report))


def probe_connection(hostvars: Mapping[str, Any], host: str) -> dict[str, Any]:
    """See probe_connection.yml."""
    variables = hostvars[host]
    given: dict[str, Any] = {"hostname": host}
    for option in HOST_CONNECTION.options:
        name = f"esx_{option}"
        if name not in variables:
            continue
        value = variables[name]
        if _is_unread(value):
            raise AnsibleError(f"esx.trust.probe_connection: {name}: needs a variable that is not there.")
        if value not in (None, ""):
            given[option] = value
    return given


def _is_unread(value: Any) -> bool:
    """True for a template that was left as it is. Cores before 2.19 do that to variables of another host."""
    if _RAISES or not isinstance(value, str) or getattr(value, "__UNSAFE__", False):
        return False
    return "{{" in value or "{%" in value


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "probe_connection": probe_connection,
            "probe_report": probe_report,
            "probe_table": probe_table,
        }
