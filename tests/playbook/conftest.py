# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs real playbooks with the `ansible-playbook` of every claimed core, against simulated hosts."""

from __future__ import annotations

import pytest

from support.playbooks import _as_a_module_in_the_middle
from support.playbooks import in_worker
from support.playbooks import playbooks
from support.tools import tools

#: Shared fixtures, for the tests here.
__all__ = ["in_worker", "playbooks", "tools"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the module's way on the cores in the middle: it is the same hand-over on every core, and slow."""
    left_out = [item for item in items if _as_a_module_in_the_middle(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _as_a_module_in_the_middle(item)]
