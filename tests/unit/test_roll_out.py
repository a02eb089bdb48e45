# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a playbook goes over a fleet, and what it calls the options that a person set."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.plugin_utils._role_messages import in_variables
from ansible_collections.esx.trust.plugins.plugin_utils._roll_out import batches
from ansible_collections.esx.trust.plugins.plugin_utils._roll_out import down
from ansible_collections.esx.trust.plugins.plugin_utils._roll_out import hosts
from ansible_collections.esx.trust.plugins.plugin_utils._roll_out import tolerated

GROUPS = {"all": ["a", "b", "c"], "esx": ["a", "b"], "others": ["c"], "ungrouped": []}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, [1, 10, 25]),
        ("", [1, 10, 25]),
        ([], [1, 10, 25]),
        (7, [7]),
        ("1, 10%,25 %", [1, "10%", "25%"]),
        ([1, "5", "100%"], [1, 5, "100%"]),
    ],
)
def test_an_option_is_read_as_a_list_of_batches(asked: Any, expected: list[Any]) -> None:
    assert batches(asked, 100) == expected


@pytest.mark.parametrize(
    "asked", ["abc", 0, -1, "0", "1,", "1,,5", "0%", "101%", "200%", [1, {"a": 1}], "5%%", 2.5, True, [[1]], {"a": 1}]
)
def test_batches_that_make_no_sense(asked: Any) -> None:
    with pytest.raises(AnsibleError, match="esx_batches: "):
        batches(asked, 100)


def test_the_share_that_may_fail() -> None:
    assert [tolerated(asked) for asked in (None, " ", 0, "5%", 12.5)] == [20, 20, 0, 5, 12.5]

    for asked in ("abc", -1, "-1", 101, True, [5]):
        with pytest.raises(AnsibleError, match="esx_max_fail_percentage: "):
            tolerated(asked)


def test_hosts_that_the_limit_leaves() -> None:
    assert hosts(GROUPS, "esx", None) == ["a", "b"]
    assert hosts(GROUPS, "esx", "a,c") == ["a"]
    assert hosts(GROUPS, "nowhere", None) == []

    with pytest.raises(AnsibleError, match="esx_hosts"):
        hosts(GROUPS, "esx", "others")


def test_each_inventory_gets_its_own_hosts() -> None:
    others = {**GROUPS, "esx": ["b"]}

    for groups, expected in ((GROUPS, ["a", "b"]), (others, ["b"]), (GROUPS, ["a", "b"])):
        assert hosts(groups, "esx", "all") == expected

    assert hosts(GROUPS, ["esx", "others"], None) == ["a", "b", "c"]


@pytest.mark.parametrize("tag", ["always", "tagged"])
def test_a_run_without_any_task_is_refused(tag: str) -> None:
    assert hosts(GROUPS, "esx", None, ["report"]) == ["a", "b"]

    with pytest.raises(AnsibleError, match=f"--skip-tags {tag}"):
        hosts(GROUPS, "esx", None, ["report", tag])


def test_a_pattern_of_any_form_is_a_pattern() -> None:
    assert hosts(GROUPS, [["esx01"]], None) == []


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_has_the_hosts_that_ansible_finds(group: str) -> None:
    # Ansible itself resolves a pattern that is more than the name of a group.
    assert hosts(GROUPS, group, None) == hosts(GROUPS, f"{group}:{group}", None)


def test_the_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VMWARE_PASSWORD", raising=False)
    monkeypatch.setenv("VMWARE_PORT", "abc")

    def said(message: str, *given: str) -> Any:
        return in_variables({"failed": True, "msg": message}, ARGUMENTS, given)["msg"]

    assert said("password: is needed, unless access_token or saml_token is given.") == (
        "esx_password (or VMWARE_PASSWORD): is needed, unless esx_access_token or esx_saml_token is given."
    )
    assert said("kms_providers[0].key_id: is no UUID.", "kms_providers") == "esx_kms_providers[0].key_id: is no UUID."
    assert said("argument 'port' is of type str") == "argument 'VMWARE_PORT' is of type str"
    assert said("h:443: the password was refused.") == "h:443: the password was refused."


@pytest.mark.parametrize(
    ("code", "operations", "expected"),
    [
        ("unreachable", [], ["esx01"]),
        # It was written before it went down, so it counts as a failure of its batch.
        ("unreachable", [{"operation": "create", "resource": "kms_provider", "id": "site-a"}], []),
        ("answer_lost", [], []),
        ("conflict", [], []),
    ],
)
def test_only_a_host_to_which_nothing_was_sent_is_put_aside(
    code: str, operations: list[dict[str, str]], expected: list[str]
) -> None:
    failed = {"failed": True, "failure": {"code": code}, "operations": operations}
    hostvars = {"esx01": {"host_trust_result": failed}, "esx02": {"host_trust_result": {}}, "esx03": {}}

    assert down(hostvars, hostvars) == expected
