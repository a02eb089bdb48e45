# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a major version promises to keep is kept."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

import promises
from environment import ROOT

PAGE = (ROOT / "docs/compatibility.md").read_text("utf-8").partition("\n## Promises\n")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def has() -> dict[str, Any]:
    return promises.current()


def test_nothing_that_was_promised_is_gone(has: dict[str, Any]) -> None:
    assert promises.broken(promises.written(), has) == [], "only a new major version may do that"


def test_a_change_of_each_kind_is_noticed(has: dict[str, Any]) -> None:
    """An option, its default, a return value, a variable, a playbook, and the version of the report."""
    provider = ("modules", "esx_kms_provider")
    for place in (
        (*provider, "options", "key_id"),
        (*provider, "options", "timeout", "default"),
        (*provider, "options", "state", "choices", "absent"),
        (*provider, "returns", "kms_provider"),
        (*provider, "failure_codes", "conflict"),
        ("role_tasks", "look"),
        ("role_variables", "main", "esx_kms_providers"),
        ("playbooks", "audit"),
        ("playbooks", "audit", "esx_hosts"),
        ("audit_report_version",),
        ("metrics", "esx_trust_host_in_sync"),
    ):
        changed = copy.deepcopy(has)
        node = changed
        for name in place[:-1]:
            node = node[name]
        del node[place[-1]]

        assert promises.broken(has, changed), place
        assert promises.broken(changed, has) == [], "what is added breaks nothing"
        assert promises.added(changed, has), place


def test_a_new_option_that_everybody_must_give_breaks_a_promise(has: dict[str, Any]) -> None:
    changed = copy.deepcopy(has)
    changed["modules"]["esx_kms_provider"]["options"]["new"] = {"type": "str", "required": True}
    assert len(promises.broken(has, changed)) == 1


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("filters that are documented for users", promises.PUBLIC_FILTERS),
        ("the lookup", promises.PUBLIC_LOOKUPS),
        ("the role", promises.PUBLIC_ROLE_TASKS),
    ],
)
def test_the_page_names_what_is_public(row: str, names: tuple[str, ...]) -> None:
    (line,) = re.findall(rf"^\| {row}.*", PAGE, re.MULTILINE)
    assert [name for name in names if f"`{name}`" not in line] == []


def test_every_promise_of_the_page_has_a_test() -> None:
    rows = re.findall(r"^\| .*? \| .*? \| (.*) \|$", PAGE, re.MULTILINE)[1:]
    tests = set(re.findall(r"`(tests/[\w/.]+)`", PAGE))

    assert rows
    assert [held for held in rows if "the list" not in held and "`tests/" not in held] == []
    assert [name for name in sorted(tests) if not (ROOT / name).exists()] == []
