# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit report: its facts, and the two forms in which people and CI systems read them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.esx.trust.plugins.plugin_utils._audit import data
from ansible_collections.esx.trust.plugins.plugin_utils._audit import html
from ansible_collections.esx.trust.plugins.plugin_utils._audit import junit


def audit_data(entries: Any, generated_at: Any) -> Any:
    """The facts of an audit, as they stand in the JSON report."""
    # A generator, as many of Jinja's filters return it, is as good as a list.
    if isinstance(entries, (str, Mapping)) or not isinstance(entries, Iterable):
        raise AnsibleFilterError("esx.trust.audit_data: entries: is no list.")
    return _made("audit_data", data.build, entries, generated_at)


def audit_html(data: Any) -> Any:
    """The HTML report."""
    return _made("audit_html", html.render, data)


def audit_junit(data: Any) -> Any:
    """The JUnit report."""
    return _made("audit_junit", junit.render, data)


def _made(name: str, make: Callable[..., Any], *given: Any) -> Any:
    try:
        # What a host said must never be taken for a template, wherever the report is stored before it is written.
        return wrap_var(make(*given))
    except ValueError as error:
        raise AnsibleFilterError(f"esx.trust.{name}: {error}") from error


class FilterModule:
    """The filters esx.trust.audit_data, audit_html and audit_junit."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"audit_data": audit_data, "audit_html": audit_html, "audit_junit": audit_junit}
