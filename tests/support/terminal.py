# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal in which commands are typed and questions answered, as a person would."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.children import unignoring

ROWS, COLUMNS = 24, 120
SECONDS = 60.0


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    output: str
    exit_code: int


class Program:
    """A program in a terminal of its own, with it as the controlling one, so that Ctrl-C reaches all its children."""

    def __init__(self, command: str, folder: Path, variables: Mapping[str, str]) -> None:
        self._terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

        try:
            # Nothing of this process can be between fork and exec: a helper takes the terminal and becomes bash.
            take = (
                'import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp("bash", sys.argv[1:])'
            )
            self._process = subprocess.Popen(
                unignoring(sys.executable, "-c", take, "bash", "-c", command),
                cwd=folder,
                env=dict(variables),
                stdin=inner,
                stdout=inner,
                stderr=inner,
                start_new_session=True,
            )
        finally:
            os.close(inner)

        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.output = ""

    def read(self, until: Callable[[], bool], seconds: float = SECONDS) -> bool:
        """Take in what it says, until the condition holds (true) or it has ended (false)."""
        end = time.monotonic() + seconds
        while not until():
            # The short wait lets a condition be seen that is not about the output.
            if select.select([self._terminal], [], [], 0.05)[0]:
                try:
                    data = os.read(self._terminal, 65536)
                except OSError:  # Linux says so when nobody has the other end open any more
                    data = b""

                if not data:
                    return False
                self.output += self._decoder.decode(data).replace("\r", "")
            elif time.monotonic() > end:
                raise TimeoutError(f"still running after {seconds:.0f} s; so far it said:\n{self.output}")

        return True

    def type(self, text: str) -> None:
        """Type a line, or a control character."""
        os.write(self._terminal, text.encode())

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait(SECONDS)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *exception: object) -> None:
        """Whatever still runs in the terminal ends with it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._terminal)


def run(command: str, folder: Path, variables: Mapping[str, str], answers: Mapping[str, str]) -> Said:
    """Run a command in bash and answer what it asks: questions are the beginnings of lines that do not end."""
    asked = 0
    with Program(command, folder, variables) as program:

        def question() -> str | None:
            last = program.output[asked:].rpartition("\n")[2]
            return next((text for text in answers if last.startswith(text)), None)

        while program.read(lambda: question() is not None):
            answer = answers[question() or ""]
            asked = len(program.output)
            program.type(answer + "\n")

        return Said(program.output, program.wait())
