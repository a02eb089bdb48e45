# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests run other people's tools."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import pytest

import environment
from interpreters import clean_path
from support.programs import clean_environment
from support.programs import run_program

# What pip says while it works.
NOISE = re.compile(
    r"^(?:WARNING: Location '.*' is ignored|(?:Collecting|Downloading|Using cached|Installing collected) |"
    r"(?:Requirement already|Successfully installed) | +(?:Downloading|Using cached|━)).*\n",
    re.MULTILINE,
)


def made_environment(name: str) -> environment.Environment:
    """One of the project's virtual environments. Where it was not made, the test is skipped and says why."""
    wanted = environment.ENVIRONMENTS[name]
    if not wanted.python.exists():
        reason = environment.missing(wanted) or "not made yet: python3 tools/environment.py all"
        pytest.skip(f"no environment {name}: {reason}")

    return wanted


class Tools:
    """Runs programs in a small, known environment, with a home of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def variables(self, where: environment.Environment, **more: str | Path) -> dict[str, str]:
        """The environment of a program: clean, with the collection, the programs of `where`, and a home of its own."""
        environment_variables: dict[str, str | Path] = {
            "ANSIBLE_COLLECTIONS_PATH": environment.link_collection(),
            "ANSIBLE_NOCOLOR": "1",
            "HOME": self.home,
            "NO_COLOR": "1",
            "PATH": clean_path(where.bin),
        }
        return clean_environment(**{**environment_variables, **more})

    def run(
        self,
        where: str,
        command: Sequence[object],
        *,
        cwd: Path = environment.ROOT,
        variables: Mapping[str, str | Path] | None = None,
    ) -> str:
        """Run a program of an environment; what it said is shown when the test fails."""
        venv = made_environment(where)
        program, *arguments = command
        line = [str(venv.bin / str(program)), *map(str, arguments)]
        ended = run_program(line, cwd, self.variables(venv, **(variables or {})))
        output = NOISE.sub("", ended.output)
        print(f"$ {' '.join(line)}\n{output}")  # pytest shows it when the test fails
        if ended.code:
            pytest.fail(f"{where}: {program} failed with {ended.code}", pytrace=False)

        return output


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    home = tmp_path / "home"
    home.mkdir()
    return Tools(home)
