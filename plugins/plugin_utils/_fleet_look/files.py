# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a look: the report of an audit, and the plan."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Optional

from ansible.errors import AnsibleActionFail

from ansible_collections.esx.trust.plugins.filter.audit import audit_data
from ansible_collections.esx.trust.plugins.filter.audit import audit_html
from ansible_collections.esx.trust.plugins.filter.audit import audit_junit
from ansible_collections.esx.trust.plugins.filter.audit import audit_metrics
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.page import render


def write_report(path: str, entries: list[dict[str, Any]], generated_at: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """Write the report of an audit in its four forms; returns its record.

    path: of the files, without what tells their forms. run: what is known of the run, see audit_data.yml.
    Raises AnsibleActionFail if a file cannot be written.
    """
    record: dict[str, Any] = audit_data(entries, generated_at, previous=_read(f"{path}.json"), **run)
    _write(f"{path}.json", _json(record))
    _write(f"{path}.html", audit_html(record))
    _write(f"{path}.junit.xml", audit_junit(record))
    _write(f"{path}.prom", audit_metrics(record))
    return record


def write_plan(path: str, plan: Mapping[str, Any]) -> None:
    """Write the plan as JSON and as a page. Raises AnsibleActionFail if a file cannot be written."""
    _write(f"{path}.json", _json(plan))
    _write(f"{path}.html", render(plan))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _read(path: str) -> Optional[str]:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, ValueError):
        return None


def _write(path: str, text: str) -> None:
    """Whoever reads the file meanwhile sees the old one or the new one, and nothing between."""
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        number, temporary = tempfile.mkstemp(dir=folder, prefix=".esx-trust-")
        try:
            with open(number, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise AnsibleActionFail(f"{path}: cannot be written ({error.strerror or error}).") from error
