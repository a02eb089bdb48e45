# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX would do with the project's files, by AWX's own code where that can be had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import environment
from awx import guide
from awx.code import CREDENTIAL_TYPES
from awx.code import PATTERN
from awx.code import Inside
from awx.code import Loader
from support.programs import run_program
from support.secrets_seen import handed_out
from support.secrets_seen import pytest_terminal_summary
from support.secrets_seen import search
from support.tools import Tools
from support.tools import made_environment
from support.tools import tools

#: Shared fixtures, for the tests here.
__all__ = ["handed_out", "pytest_terminal_summary", "search", "tools"]


@pytest.fixture(scope="session")
def pattern() -> dict[str, Any]:
    """The job templates and their surveys."""
    found: dict[str, Any] = json.loads((PATTERN / "meta/pattern.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="session")
def credential_types() -> dict[str, dict[str, Any]]:
    """The collection's credential types, by name."""
    types = yaml.load(CREDENTIAL_TYPES.read_text("utf-8"), Loader)["esx_awx_credential_types"]
    return {each["name"]: each for each in types}


@pytest.fixture
def inside(tools: Tools) -> Inside:
    return Inside(tools)


@pytest.fixture
def project(tools: Tools, tmp_path: Path) -> Path:
    """The project for AWX that the guide's own commands make, word for word."""
    collections = tools.home / ".ansible" / "collections"
    collections.parent.mkdir()
    collections.symlink_to(environment.link_collection())
    commands = "\n".join(guide.commands_of_the_project())
    ended = run_program(["bash", "-e"], tmp_path, tools.variables(made_environment("awx")), commands)

    assert ended.code == 0, ended.output

    return tmp_path / "esx-trust-project"
