# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that make the audit report: its facts, and the forms in which people, CI systems and monitoring read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils._audit.forms import audit_data
from ansible_collections.esx.trust.plugins.plugin_utils._audit.forms import audit_html
from ansible_collections.esx.trust.plugins.plugin_utils._audit.forms import audit_junit
from ansible_collections.esx.trust.plugins.plugin_utils._audit.forms import audit_metrics
from ansible_collections.esx.trust.plugins.plugin_utils._audit.forms import compare_audits


class FilterModule:
    """The filters esx.trust.audit_data, audit_html, audit_junit, audit_metrics and compare_audits."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {
            "audit_data": audit_data,
            "audit_html": audit_html,
            "audit_junit": audit_junit,
            "audit_metrics": audit_metrics,
            "compare_audits": compare_audits,
        }
