# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look keeps for the later plays: a file that cannot be used is told, and nothing is made up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.template import Templar

from ansible_collections.esx.trust.plugins.action.esx_fleet_trust import ActionModule
from ansible_collections.esx.trust.plugins.filter.fleet_look import fleet_look
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import memory


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The temporary folder of this run of Ansible."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()

    return tmp_path / "run"


def test_a_value_is_kept_and_replaced() -> None:
    assert memory.kept(memory.LISTS) is None

    memory.keep(memory.LISTS, {"hosts": ["esx01\ud800"]})
    memory.keep(memory.LISTS, {"hosts": ["esx02\ud800"]})

    assert memory.kept(memory.LISTS) == {"hosts": ["esx02\ud800"]}


def test_what_an_earlier_look_kept_can_be_forgotten() -> None:
    memory.keep(memory.LISTS, {"hosts": ["esx01"]})
    memory.keep(memory.RESULTS, {})
    memory.forget()

    assert memory.kept(memory.LISTS) is None
    assert memory.kept(memory.RESULTS) is None

    # There is nothing to delete any more.
    memory.forget()


def test_a_file_that_cannot_be_deleted_is_reported_with_the_path(folder: Path) -> None:
    (folder / memory.LISTS).mkdir()
    with pytest.raises(AnsibleActionFail, match=r"run/esx-trust-look\.json: cannot be deleted \("):
        memory.forget()


def test_a_folder_that_is_gone_is_reported_with_the_path(folder: Path) -> None:
    folder.rmdir()
    with pytest.raises(AnsibleActionFail, match=r"run/esx-trust-look\.json: cannot be written \(No such file"):
        memory.keep(memory.LISTS, {})


def test_a_file_that_was_cut_is_reported_with_the_path(folder: Path) -> None:
    (folder / memory.LISTS).write_text('{"hosts": [', "utf-8")
    with pytest.raises(AnsibleError, match=r"run/esx-trust-look\.json: cannot be read"):
        memory.kept(memory.LISTS)


@pytest.mark.parametrize("option", ["listhosts", "listtags", "listtasks", "syntax"])
def test_a_run_that_only_reads_a_playbook_has_looked_at_no_host(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.setattr(context, "CLIARGS", {option: True})

    assert fleet_look("roll_out", ["esx01"]) == ["esx01"]
    assert fleet_look("failing") == fleet_look("deviations") == {}
    assert fleet_look("elsewhere") == []
    assert fleet_look("failing_percentage") == 0

    with pytest.raises(AnsibleError, match=r"kept no 'nothing'"):
        fleet_look("nothing")


def test_any_other_run_needs_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", {"listhosts": False, "check": True})

    for before_look in (None, ["esx01"]):
        with pytest.raises(AnsibleError, match="has not looked at any host in this run"):
            fleet_look("roll_out", before_look)

    # What a look has returned counts, whatever the arguments of the filter are.
    memory.keep(memory.LISTS, {"roll_out": ["esx02"]})

    assert fleet_look("roll_out", ["esx01"]) == ["esx02"]


def fleet_trust(**options: Any) -> dict[str, Any]:
    """The result of esx_fleet_trust in a play without hosts."""
    task = SimpleNamespace(
        action="esx.trust.esx_fleet_trust",
        args=options,
        async_val=0,
        check_mode=True,
        collections=[],
        diff=False,
        get_play=lambda: None,
    )
    shell = SimpleNamespace(tmpdir=None, get_option=lambda _name: None)
    connection = SimpleNamespace(transport="local", become=None, _shell=shell, has_pipelining=True)
    loader = DataLoader()
    action = ActionModule(task, connection, PlayContext(), loader, Templar(loader, variables={}), None)

    hostvars = SimpleNamespace(_variable_manager=None, _inventory=None)
    task_vars = {"hostvars": hostvars, "ansible_play_batch": [], "ansible_play_hosts_all": []}
    result: dict[str, Any] = action.run(task_vars=task_vars)

    return result


def test_nothing_is_resumed_that_was_not_begun(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(AnsibleActionFail, match="resume: no look of this run"):
        fleet_trust(resume=True, report=str(tmp_path / "audit"))

    memory.keep(memory.RESULTS, {"started_at": "2026-01-31T08:00:00Z", "found": {}})
    resumed = fleet_trust(resume=True, report=str(tmp_path / "audit"))

    assert not resumed.get("failed")
    assert (tmp_path / "audit.json").exists()


def test_a_look_with_a_wrong_option_leaves_no_earlier_result() -> None:
    memory.keep(memory.LISTS, {"hosts": ["esx01"]})

    with pytest.raises(AnsibleActionFail, match="threads: is less than 1"):
        fleet_trust(threads=0)

    assert memory.kept(memory.LISTS) is None
