# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing of ansible-core is used that it warns of, or that a coming version will warn of."""

from __future__ import annotations

import ast

import pytest

import environment
from support.sources import nodes

# It reads the source files of the collection.
pytestmark = pytest.mark.of_sources

PLUGINS = environment.ROOT / "plugins"
#: What leaves ansible-core (`remove_values` since 2.22, the others next), by its module; an empty set: all of it.
LEAVING: dict[str, set[str]] = {
    "ansible.utils.unsafe_proxy": set(),
    "ansible.errors": {"AnsibleFilterError"},
    "ansible.module_utils.common.parameters": {"remove_values"},
}
#: The way of older cores, behind an import that newer ones do not fail.
OF_OLDER_CORES = {"plugin_utils/_templates.py"}


def test_no_plugin_uses_what_leaves_ansible_core() -> None:
    wrong = []
    for path in sorted(PLUGINS.rglob("*.py")):
        place = path.relative_to(PLUGINS).as_posix()
        if place in OF_OLDER_CORES:
            continue

        for node in nodes(path):
            if isinstance(node, ast.ImportFrom) and node.module in LEAVING:
                names = {each.name for each in node.names}
                gone = LEAVING[node.module]
                wrong += [f"{place}: {name}" for name in sorted(names & gone if gone else names)]

    assert not wrong, "\n".join(wrong)
