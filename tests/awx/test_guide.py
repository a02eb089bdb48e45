# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's own commands, word for word, as far as they need no network and no AWX."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import environment
from awx import guide
from awx.code import PATTERN
from support.programs import run_program
from support.tools import made_environment

if TYPE_CHECKING:
    from support.tools import Tools

#: What asks a server for something. The setup itself is run in test_setup.py.
ELSEWHERE = ("ansible-galaxy collection install ", "pip install ", "podman ", "ansible-playbook ", "export ", "read ")


def test_a_project_and_an_image(tools: Tools, tmp_path: Path) -> None:
    collections = tools.home / ".ansible" / "collections"
    collections.parent.mkdir()
    collections.symlink_to(environment.link_collection())
    commands = [each for each in guide.commands() if not each.startswith(ELSEWHERE)]

    assert len(commands) == 4

    ended = run_program(["bash", "-e"], tmp_path, tools.variables(made_environment("awx")), "\n".join(commands))

    assert ended.code == 0, ended.output

    project = tmp_path / "esx-trust-project"

    assert (project / ".git").is_dir()
    assert (project / "playbooks/audit.yml").read_text("utf-8") == (PATTERN / "playbooks/audit.yml").read_text("utf-8")
    assert (tmp_path / "image/_build/requirements.yml").is_file()
