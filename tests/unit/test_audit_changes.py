# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed since the audit before."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from support.audits import KEY
from support.audits import NOW
from support.audits import entry
from support.audits import resource


def test_what_changed_since_the_audit_before() -> None:
    missing = resource("missing", None, KEY)
    before = [entry("a"), entry("b", missing), entry("c", missing), entry("d"), entry("gone")]
    now = [entry("a", missing), entry("b"), entry("c", resource("extra", KEY)), entry("d"), entry("new")]
    changes = build(now, NOW, previous=build(before, "2026-11-21T03:00:00Z"))["changes"]

    assert changes == {
        "since": "2026-11-21T03:00:00Z",
        "repaired": ["b"],
        "deviating": ["a"],
        "other_status": ["c"],
        "added": ["new"],
        "not_examined_again": ["gone"],
    }


@pytest.mark.parametrize(
    "previous", [None, "x", 7, [], {}, {"generated_at": "soon"}, {"generated_at": 7, "hosts": [{"host": "a"}]}]
)
def test_a_value_that_is_no_earlier_record_is_left_out(previous: Any) -> None:
    assert build([entry("a")], NOW, previous=previous)["changes"] is None


def test_an_earlier_record_of_the_older_version_is_read() -> None:
    older = {"version": 1, "generated_at": "2026-11-21T03:00:00Z", "hosts": [{"host": "a", "status": "missing"}, 7]}
    assert build([entry("a")], NOW, previous=older)["changes"]["repaired"] == ["a"]
