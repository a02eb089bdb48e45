# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests start programs that they send signals to."""

from __future__ import annotations

import sys

#: Nothing of this process can be between fork and exec, so a helper does it. (Python ignores SIGPIPE when it starts.)
_UNIGNORE = """
import os, signal, sys
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
    signal.signal(number, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def unignoring(*command: str) -> list[str]:
    """The command, with every signal doing to it what signals do.

    In tests that were started in the background or by nohup, some are ignored, and children inherit that.
    """
    return [sys.executable, "-I", "-S", "-c", _UNIGNORE, *command]
