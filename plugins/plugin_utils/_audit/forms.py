# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of an audit, as the filters return them: the record, and the page and the files that are made from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.release import __version__ as ansible_version

from ansible_collections.esx.trust.plugins.plugin_utils._audit import data
from ansible_collections.esx.trust.plugins.plugin_utils._audit import html
from ansible_collections.esx.trust.plugins.plugin_utils._audit import junit
from ansible_collections.esx.trust.plugins.plugin_utils._audit import metrics
from ansible_collections.esx.trust.plugins.plugin_utils._audit import sites
from ansible_collections.esx.trust.plugins.plugin_utils._audit.certificates import EXPIRING_DAYS
from ansible_collections.esx.trust.plugins.plugin_utils._templates import no_template
from ansible_collections.esx.trust.plugins.plugin_utils._version import collection_version


def audit_data(
    entries: Any,
    generated_at: Any,
    started_at: Any = None,
    user: Any = None,
    inventory: Any = None,
    esx_hosts: Any = None,
    previous: Any = None,
    expiring_days: Any = EXPIRING_DAYS,
) -> Any:
    """The facts of an audit, as the JSON report has them. See audit_data.yml. Raises AnsibleError."""
    # Many of Jinja's filters return a generator, which can be used like a list.
    if isinstance(entries, (str, Mapping)) or not isinstance(entries, Iterable):
        raise AnsibleError("esx.trust.audit_data: entries: is no list.")

    run = data.Run(
        started_at=started_at,
        user=user,
        inventory=inventory,
        esx_hosts=esx_hosts,
        collection_version=collection_version(),
        core_version=ansible_version,
    )

    earlier = _earlier_record(previous)
    days = _days(expiring_days)

    return _made("audit_data", data.build, entries, generated_at, run, earlier, days)


def audit_html(data: Any) -> Any:
    """The HTML report. Raises AnsibleError if data is no record of an audit."""
    return _made("audit_html", html.render, data)


def audit_junit(data: Any) -> Any:
    """The JUnit report. Raises AnsibleError if data is no record of an audit."""
    return _made("audit_junit", junit.render, data)


def audit_metrics(data: Any) -> Any:
    """The OpenMetrics text. Raises AnsibleError if data is no record of an audit."""
    return _made("audit_metrics", metrics.render, data)


def compare_audits(audits: Any) -> Any:
    """The differences between the audits of several sites. See compare_audits.yml. Raises AnsibleError."""
    if not isinstance(audits, Mapping):
        raise AnsibleError("esx.trust.compare_audits: is no dictionary of the sites' audits.")

    return _made("compare_audits", sites.compare, audits)


def _earlier_record(previous: Any) -> Any:
    """The record of the earlier audit, given as a record or as the text of its file. None if the text is not JSON."""
    if not isinstance(previous, str):
        return previous

    try:
        return json.loads(previous)
    except (ValueError, RecursionError):
        return None


def _days(given: Any) -> int:
    """A number of days. Raises AnsibleError if it is no whole number."""
    try:
        return int(str(given))
    except ValueError:
        raise AnsibleError("esx.trust.audit_data: expiring_days: is no whole number.") from None


def _made(name: str, make: Callable[..., Any], *given: Any) -> Any:
    """The return value of `make`. Its ValueError becomes an AnsibleError that names the filter."""
    try:
        # Ansible must not take the text of a host for a template, even if the report is stored before it is written.
        return no_template(make(*given))
    except ValueError as error:
        raise AnsibleError(f"esx.trust.{name}: {error}") from error
