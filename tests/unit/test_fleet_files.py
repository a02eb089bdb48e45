# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a look at a fleet writes: no name of a host prevents that, and no failure is a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.files import write_plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.files import write_report

WHEN = "2026-01-31T08:00:00Z"
#: JSON can hold a half of a character, and UTF-8 cannot.
HOSTILE = "name\ud800"


def changed(name: str) -> dict[str, Any]:
    """The result of a host that deletes an issuer of this name."""
    issuer = {name: {"issuer_alias": name, "issuer": name}}
    return {
        "changed": True,
        "operations": [{"operation": "delete", "resource": "token_issuer", "id": name}],
        "resources": [],
        "diff": {"before": {"token_issuers": issuer}, "after": {"token_issuers": {}}},
    }


def test_a_name_that_utf_8_cannot_hold_stops_no_plan(tmp_path: Path) -> None:
    made = plan.build({HOSTILE: changed(HOSTILE)}, WHEN)
    write_plan(str(tmp_path / "plan"), made)

    written = json.loads((tmp_path / "plan.json").read_text("utf-8"))
    (difference,) = written["differences"]

    assert list(difference["before"]["token_issuers"]) == ["name\N{REPLACEMENT CHARACTER}"]
    assert any("name" in line for line in plan.difference_lines(made["differences"]))


def test_a_text_that_cannot_be_written_is_reported_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(AnsibleActionFail, match=r"plan\.json: cannot be written"):
        write_plan(str(tmp_path / "plan"), {"lines": [HOSTILE], "groups": [], "hosts": {}})

    assert list(tmp_path.iterdir()) == []


def test_a_path_without_a_folder_is_one_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_report("audit", [], WHEN, {})

    assert {path.name for path in tmp_path.iterdir()} == {"audit.json", "audit.html", "audit.junit.xml", "audit.prom"}
