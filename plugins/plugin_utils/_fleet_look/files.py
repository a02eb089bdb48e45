# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a look at a fleet writes: the report of an audit, and the plan."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Optional

from ansible.errors import AnsibleActionFail

from ansible_collections.esx.trust.plugins.plugin_utils._audit.forms import audit_data
from ansible_collections.esx.trust.plugins.plugin_utils._audit.forms import audit_html
from ansible_collections.esx.trust.plugins.plugin_utils._audit.forms import audit_junit
from ansible_collections.esx.trust.plugins.plugin_utils._audit.forms import audit_metrics
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.page import render


def write_report(path: str, entries: list[dict[str, Any]], generated_at: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """Write the report of an audit in its four forms. Returns the record of the audit.

    path: the path of the files without their extensions.
    entries: the results, see audit_data.yml.
    generated_at: the time of the audit in ISO 8601.
    run: facts about the run, see audit_data.yml.
    Raises AnsibleActionFail if a file cannot be written.
    """
    previous = _read(f"{path}.json")
    record: dict[str, Any] = audit_data(entries, generated_at, previous=previous, **run)

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
    """The text of a file, or None if it cannot be read."""
    try:
        return Path(path).read_text("utf-8")
    except (OSError, ValueError):
        return None


def _write(path: str, text: str) -> None:
    """Replace a file in one step: a reader sees the whole old file or the whole new file.

    Raises AnsibleActionFail if the file cannot be written.
    """
    try:
        _replace(path, text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AnsibleActionFail(f"{path}: cannot be written ({reason}).") from None


def _replace(path: str, text: str) -> None:
    """Write a temporary file in the same folder, and rename it. Raises OSError and ValueError."""
    # A path without a folder is one of the working folder.
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, mode=0o755, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".esx-trust-")

    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)

        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
