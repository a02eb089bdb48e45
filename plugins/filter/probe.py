# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of the playbook esx.trust.probe, and the table that it shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Optional

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.esx.trust.plugins.plugin_utils import _probe


def probe_report(asked: Any, tried: Any, generated_at: Any) -> Any:
    """See probe_report.yml."""
    given = {"asked": asked, "tried": tried}
    for name, value in given.items():
        if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
            raise AnsibleFilterError(f"esx.trust.probe_report: {name}: is no list.")
    # A generator, as many of Jinja's filters return it, is as good as a list.
    results = {name: list(value) for name, value in given.items()}
    try:
        # What a host said must never be taken for a template.
        return wrap_var(_probe.build(results["asked"], results["tried"], _version(), str(generated_at)))
    except ValueError as error:
        raise AnsibleFilterError(f"esx.trust.probe_report: {error}") from error


def _version() -> Optional[str]:
    """The version of the installed collection; None in a checkout."""
    manifest = Path(__file__).resolve().parents[2] / "MANIFEST.json"
    if not manifest.exists():
        return None
    return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])


def probe_table(report: Any) -> Any:
    """See probe_table.yml."""
    return wrap_var(_probe.table(report))


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"probe_report": probe_report, "probe_table": probe_table}
