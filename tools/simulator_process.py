# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO

from environment import ROOT
from programs import clean_environment


def start(
    *options: object, stdout: int | IO[str] | None = None, stderr: int | IO[str] | None = None
) -> subprocess.Popen[str]:
    """Start the command of the simulator, and return when its hosts listen.

    CalledProcessError: the simulator ended before that.
    """
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "simulator", "--ready-fd", str(writing), *map(str, options)]

    process = subprocess.Popen(
        command,
        env=clean_environment(PYTHONPATH=ROOT / "tests", PYTHONDONTWRITEBYTECODE="1"),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        pass_fds=[writing],
        text=True,
    )

    os.close(writing)

    with open(reading, encoding="ascii") as pipe:
        if pipe.readline() != "ready\n":
            raise subprocess.CalledProcessError(process.wait(), command)

    return process
