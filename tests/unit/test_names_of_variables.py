# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable that a play of ours sets has a prefix of ours, so that no variable of a user has its name by accident.

What a user gives with -e goes before everything that a play sets. A play whose variable were called `failing` or
`target` would take the user's in place of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from environment import ROOT

pytestmark = pytest.mark.of_sources

#: What the playbooks keep for themselves.
INTERNAL = "_esx_trust_"
#: What the role keeps, takes from the playbooks, and returns.
OF_THE_ROLE = "host_trust_"
#: What a user gives to the set-up of AWX, and what it keeps.
OF_AWX = "esx_awx_"
#: What Ansible itself reads.
OF_ANSIBLE = "ansible_"

SET_FACT = ("set_fact", "ansible.builtin.set_fact")
ADD_HOST = ("add_host", "ansible.builtin.add_host")
#: Arguments of these tasks that are no variables.
ARGUMENTS = ("cacheable", "name", "hostname", "host", "groups", "group", "groupname")


class Loader(yaml.SafeLoader):
    """Reads what Ansible reads."""


def _unsafe(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


Loader.add_constructor("!unsafe", _unsafe)


def files() -> list[Path]:
    paths = [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").rglob("*.yml")]
    return sorted(path for path in paths if "meta" not in path.parts)


def names(node: Any) -> Iterator[str]:
    """The variables that are set anywhere in plays or tasks."""
    if isinstance(node, list):
        for entry in node:
            yield from names(entry)

    if not isinstance(node, dict):
        return

    yield from node.get("vars") or ()
    if "register" in node:
        yield node["register"]
    loop_control = node.get("loop_control") or {}
    yield from (loop_control[key] for key in ("loop_var", "index_var") if key in loop_control)
    yield from (prompt["name"] for prompt in node.get("vars_prompt") or ())
    for task in (*SET_FACT, *ADD_HOST):
        yield from (name for name in node.get(task) or () if name not in ARGUMENTS)
    for key in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
        yield from names(node.get(key))


def variables(path: Path) -> set[str]:
    read = yaml.load(path.read_text("utf-8"), Loader)
    # A file of variables is nothing else.
    return set(read) if path.parent.name in ("vars", "defaults") else set(names(read))


def prefixes(path: Path) -> tuple[str, ...]:
    if "roles" in path.relative_to(ROOT).parts:
        return (OF_THE_ROLE, OF_ANSIBLE)
    if path.stem.startswith(("awx_", "controller_")):
        return (OF_AWX, OF_ANSIBLE)
    return (INTERNAL, OF_THE_ROLE, OF_ANSIBLE)


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_they_have_the_prefix(path: Path) -> None:
    wrong = sorted(name for name in variables(path) if not name.startswith(prefixes(path)))
    assert not wrong, f"{path.relative_to(ROOT)} sets {', '.join(wrong)}"


def test_every_way_to_set_a_variable_is_seen() -> None:
    task: dict[str, Any] = {
        "ansible.builtin.set_fact": {"a": 1, "cacheable": True},
        "vars": {"b": 1},
        "register": "c",
        "loop_control": {"loop_var": "d", "index_var": "e", "label": "x"},
    }

    play = {
        "vars": {"f": 1},
        "vars_prompt": [{"name": "g"}],
        "tasks": [{"block": [task], "rescue": [{"ansible.builtin.add_host": {"name": "x", "h": 1}}]}],
    }

    assert sorted(names([play])) == list("abcdefgh")

    converge = variables(ROOT / "playbooks" / "converge.yml")

    assert {"_esx_trust_rolled_out", "_esx_trust_failing", "_esx_trust_too_many", "_esx_trust_answer"} <= converge


def test_no_page_asks_a_user_to_set_what_the_playbooks_keep() -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        assert INTERNAL not in page.read_text("utf-8"), page.name
