# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX would do with the project's files, by AWX's own code where that can be had."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import environment
from gates.conftest import Tools
from gates.conftest import tools
from leaks.conftest import handed_out
from leaks.conftest import pytest_terminal_summary
from leaks.conftest import search

#: Fixtures of others, for the tests here too.
__all__ = ["handed_out", "pytest_terminal_summary", "search", "tools"]

PATTERN = environment.ROOT / "extensions/patterns/host_trust"
CREDENTIAL_TYPES = environment.ROOT / "playbooks/vars/awx_credential_types.yml"


class Loader(yaml.SafeLoader):
    """Takes text that Ansible must leave alone as the text that it is."""


def _unsafe(_loader: Loader, node: yaml.ScalarNode) -> str:
    return str(node.value)


Loader.add_constructor("!unsafe", _unsafe)


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


class Inside:
    """Asks what only AWX's own code can tell."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def ask(self, question: str, **values: Any) -> Any:
        venv = self._tools.venv("awx")
        done = subprocess.run(
            [str(venv.python), str(Path(__file__).with_name("inside.py")), question],
            env=self._tools.variables(venv),
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def inside(tools: Tools) -> Inside:
    return Inside(tools)
