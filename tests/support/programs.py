# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests start programs: in a clean environment, and with every signal doing to them what signals do."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import programs
from support.children import unignoring

#: The variable in which mutmut (tools/mutants.py) says which mutant lives.
_MUTANT = "MUTANT_UNDER_TEST"


def clean_environment(**more: str | Path) -> dict[str, str]:
    """The variables for a program that a test starts: those that tools give, without bytecode, and `more`."""
    variables = programs.clean_environment(**{"PYTHONDONTWRITEBYTECODE": "1", **more})

    if variables.get(_MUTANT) == "stats":
        # mutmut notes which functions a test reaches. It can do that only in its own process.
        variables[_MUTANT] = ""

    return variables


@dataclass(frozen=True)
class Ended:
    """A program that has ended: its exit code, and what it said on both streams."""

    code: int
    output: str

    def recap(self, name: str) -> dict[str, int]:
        """The counters of a host in the recap of ansible-playbook."""
        line = re.search(rf"^{re.escape(name)}\s+:(.*)$", self.output, re.MULTILINE)
        assert line, self.output

        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line[1])}


def run_program(command: Sequence[object], cwd: Path, variables: Mapping[str, str], stdin: str = "") -> Ended:
    """Run a program until it ends. variables: its whole environment. stdin: what it can read, by default nothing."""
    done = subprocess.run(
        unignoring(*map(str, command)),
        cwd=cwd,
        env=dict(variables),
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Ended(done.returncode, done.stdout)
