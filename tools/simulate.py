# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts simulated hosts, until Ctrl-C, for somebody who has the clone and nothing else.

    python3 tools/simulate.py [OPTIONS]      the options are those of python -m simulator; --help lists them

The environment of the simulator is made first, or brought up to date, in .venv/run of the clone. Paths in the options
begin in the folder in which the command is given. On the standard output is what the simulator says, and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys

from environment import ENVIRONMENTS
from environment import ROOT

#: The program of `python -m simulator`. Python would look for modules in the current folder first, which is the user's
#: own: a file such as json.py there would be run. So Python is isolated (-I), and gets the folder as its first word.
SIMULATOR = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
runpy.run_module("simulator", run_name="__main__", alter_sys=True)
"""


def main() -> None:
    """Become the simulator, so that signals reach it."""
    run = ENVIRONMENTS["run"]

    made = subprocess.run([sys.executable, ROOT / "tools/environment.py", "run"], stdout=sys.stderr, check=False)
    if made.returncode or not run.python.exists():
        # The environment has said the reason.
        sys.exit(made.returncode or 1)

    words = [str(run.python), "-I", "-B", "-c", SIMULATOR, str(ROOT / "tests"), *sys.argv[1:]]
    os.execv(run.python, words)  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
