# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts other programs in a clean environment. If one of them fails, this program ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

#: The beginnings of the names of variables that change what a program does. People, pytest, make and AWX set them.
SETTINGS = (
    "ANSIBLE_",
    "CERTDIR",
    "COV_CORE_",
    "COVERAGE_",
    "ESX_",
    "MAKE",
    "MOLECULE_",
    "PYTEST_",
    "PYTHON",
    "VMWARE_",
    "XDG_",
)


def clean_environment(**more: object) -> dict[str, str]:
    """The variables for a program: ours without any settings, the locale C.UTF-8, and `more`."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    variables["LC_ALL"] = "C.UTF-8"

    for name, value in more.items():
        variables[name] = str(value)

    return variables


def fail(message: str) -> NoReturn:
    """End this program with a message, which begins with its name."""
    sys.exit(f"{Path(sys.argv[0]).stem}: {message}")


def run(command: Sequence[object], env: Mapping[str, str] | None = None) -> str:
    """Run a command that reads nothing, and return what it writes to its standard output. env: by default ours.

    If the command fails, this program ends with everything that the command wrote.
    """
    words = [str(part) for part in command]
    done = subprocess.run(
        words,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        fail(f"{' '.join(words)} failed ({done.returncode})\n{done.stdout}{done.stderr}")

    return done.stdout
