# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests run other people's tools."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import pytest

import environment

# What pip says while it works.
NOISE = re.compile(
    r"^(?:WARNING: Location '.*' is ignored|(?:Collecting|Downloading|Using cached|Installing collected) |"
    r"(?:Requirement already|Successfully installed) | +(?:Downloading|Using cached|━)).*\n",
    re.MULTILINE,
)


class Tools:
    """Runs programs in a small, known environment, with a home of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def venv(self, name: str) -> environment.Environment:
        """One of the project's virtual environments. Where there is none, the gate is skipped and says why."""
        wanted = environment.ENVIRONMENTS[name]
        if not wanted.python.exists():
            reason = environment.missing(wanted) or "not made yet: python3 tools/environment.py all"
            pytest.skip(f"no environment {name}: {reason}")
        return wanted

    def variables(self, where: environment.Environment, **more: str | Path) -> dict[str, str]:
        """What a program gets to see: nothing of Ansible's, pytest's or VMware's settings around us."""
        unwanted = ("ANSIBLE_", "COV_CORE_", "COVERAGE_", "MOLECULE_", "PYTEST_", "PYTHON", "VMWARE_", "XDG_")
        variables = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
        variables.update(
            ANSIBLE_COLLECTIONS_PATH=str(environment.link_collection()),
            ANSIBLE_NOCOLOR="1",
            HOME=str(self.home),
            LC_ALL="C.UTF-8",
            NO_COLOR="1",
            PATH=environment.clean_path(where.bin),
            PYTHONDONTWRITEBYTECODE="1",
        )
        variables.update({name: str(value) for name, value in more.items()})
        return variables

    def run(
        self,
        where: str,
        command: Sequence[object],
        *,
        cwd: Path = environment.ROOT,
        variables: Mapping[str, str | Path] | None = None,
    ) -> str:
        """Run a program of an environment; what it said is shown when the test fails."""
        venv = self.venv(where)
        program, *arguments = command
        line = [str(venv.bin / str(program)), *map(str, arguments)]
        done = subprocess.run(
            line,
            cwd=cwd,
            env=self.variables(venv, **(variables or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        said = NOISE.sub("", done.stdout)
        print(f"$ {' '.join(line)}\n{said}")  # pytest shows it when the test fails
        if done.returncode:
            pytest.fail(f"{where}: {program} failed with {done.returncode}", pytrace=False)
        return said


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    home = tmp_path / "home"
    home.mkdir()
    return Tools(home)
