# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's own commands, word for word, as far as they need no network and no AWX."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from awx import guide
from awx.code import PATTERN
from support.programs import run_program
from support.tools import made_environment

if TYPE_CHECKING:
    from support.tools import Tools

#: What asks a server for something. The setup itself is run in test_setup.py.
ELSEWHERE = ("ansible-galaxy collection install ", "pip install ", "podman ", "ansible-playbook ", "export ", "read ")


def test_the_project(project: Path) -> None:
    """It is a copy of the pattern, except that it imports the playbooks by name."""
    copied = {each.relative_to(project) for each in project.rglob("*") if each.is_file()}
    shipped = {each.relative_to(PATTERN) for each in PATTERN.rglob("*") if each.is_file()}

    assert (project / ".git").is_dir()
    assert {each for each in copied if each.parts[0] != ".git"} == shipped

    changed = {each for each in shipped if (project / each).read_bytes() != (PATTERN / each).read_bytes()}
    names = {path.stem: imported(project / path) for path in changed}

    assert changed == {each for each in shipped if each.parent.name == "playbooks" and ".meta" not in each.name}
    assert names == {name: f"esx.trust.{name}" for name in ("audit", "converge", "rotate_signing_certs")}


def imported(playbook: Path) -> str:
    (play,) = yaml.safe_load(playbook.read_text("utf-8"))
    return str(play["ansible.builtin.import_playbook"])


def test_a_copy_that_still_imports_by_path_fails(tools: Tools, tmp_path: Path) -> None:
    """It fails with the message that the guide quotes."""
    (quoted,) = re.findall(r"`(Could not find or access) '(/playbooks/audit\.yml)'`", guide.PAGE.read_text("utf-8"))
    project = tmp_path / "project"
    shutil.copytree(PATTERN, project)
    venv = made_environment("awx")
    command = [str(venv.bin / "ansible-playbook"), "-i", "localhost,", str(project / "playbooks" / "audit.yml")]
    ended = run_program(command, project, tools.variables(venv))

    assert ended.code == 1
    assert re.search(rf"{quoted[0]} '.*{re.escape(quoted[1])}'", ended.output), ended.output


def test_an_image(tools: Tools, project: Path) -> None:
    commands = [each for each in guide.commands() if not each.startswith(ELSEWHERE)]
    commands = commands[len(guide.commands_of_the_project()) :]

    assert len(commands) == 2

    variables = tools.variables(made_environment("awx"))
    ended = run_program(["bash", "-e"], project.parent, variables, "\n".join(commands))

    assert ended.code == 0, ended.output
    assert (project.parent / "image/_build/requirements.yml").is_file()
