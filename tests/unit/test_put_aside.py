# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a roll-out puts aside."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.plugin_utils._put_aside import is_down

WRITE = {"operation": "create", "resource": "kms_provider", "id": "site-a"}


@pytest.mark.parametrize(
    ("code", "operations", "down"),
    [
        ("unreachable", [], True),
        # It was written before it went down, so it counts as a failure of its batch.
        ("unreachable", [WRITE], False),
        ("answer_lost", [], False),
        ("conflict", [], False),
    ],
)
def test_only_a_host_without_an_answer_and_without_a_write_is_put_aside(
    code: str, operations: list[dict[str, Any]], down: bool
) -> None:
    assert is_down({"failed": True, "failure": {"code": code}, "operations": operations}) is down


def test_a_host_without_a_failure_is_not_put_aside() -> None:
    assert not is_down({"changed": True, "operations": [WRITE]})
