# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an inventory sets for other plays, the work is done here, by the user who runs Ansible."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.declared import Declared

if TYPE_CHECKING:
    from simulator import Fleet
    from support.playbooks import Playbooks

#: None of these leads anywhere. A host that is reached by ssh, as another user, would be UNREACHABLE.
ELSEWHERE: dict[str, Any] = {
    "ansible_connection": "ssh",
    "ansible_host": "127.0.0.1",
    "ansible_user": "nobody",
    "ansible_port": 1,
    "ansible_become": True,
    "ansible_become_user": "nobody",
    "ansible_become_method": "ansible.builtin.sudo",
    "ansible_become_exe": "/nowhere/sudo",
    "ansible_python_interpreter": "/nowhere/python",
    "ansible_shell_type": "powershell",
    "ansible_shell_executable": "/nowhere/sh",
    "ansible_executable": "/nowhere/sh",
    "ansible_remote_tmp": "/proc/nowhere",
}


@pytest.fixture
def declared(playbooks: Playbooks, fleet: Fleet, tmp_path: Path, in_worker: bool) -> Declared:
    declaration = Declared(playbooks, fleet, tmp_path, playbooks.hosts[:2])
    declaration.of_everything.update(ELSEWHERE, esx_trust_in_worker=in_worker)
    return declaration


def test_the_playbooks(declared: Declared) -> None:
    for playbook in ("esx.trust.converge", "esx.trust.rotate_signing_certs", "esx.trust.audit"):
        played = declared.run(playbook)
        assert played.code == 0, played.output

    assert declared.in_order == [["create", "create"]] * 2


def test_the_probe(declared: Declared, tmp_path: Path) -> None:
    """Its hosts are numbers, which no user could reach. What is blank is not given here either."""
    played = declared.run("esx.trust.probe", "-e", "esx_probe_write=true", extra={"esx_hosts": " "})
    assert played.code == 0, played.output

    record = json.loads((tmp_path / "play" / "esx-trust-probe.json").read_text())

    assert [host["tried"]["removed"] for host in record["hosts"]] == [True, True]
    assert declared.in_order == [["create", "create", "create", "update", "delete", "delete"]] * 2


def test_the_role_in_a_play_of_ones_own(declared: Declared) -> None:
    """And the play's other tasks are done where they were done before."""
    role = {"name": "Trust", "ansible.builtin.import_role": {"name": "esx.trust.host_trust"}}
    play_elsewhere = {"name": "Elsewhere", "ansible.builtin.command": "true", "ignore_unreachable": True}
    played = declared.play({"tasks": [role, play_elsewhere]})

    assert declared.in_order == [["create", "create"]] * 2, played.output
    assert played.output.count("UNREACHABLE!") == 2, played.output


def test_the_address_of_a_host_in_the_inventory(declared: Declared) -> None:
    """The role asks the host at ansible_host, unless esx_hostname says otherwise; blank texts say nothing."""
    first, second = declared.hosts
    declared.of_one[first.name] = {"ansible_host": first.address, "esx_hostname": " "}
    declared.of_one[second.name]["ansible_host"] = "192.0.2.7"
    played = declared.run("esx.trust.converge")

    assert played.code == 0, played.output
    assert declared.in_order == [["create", "create"]] * 2
