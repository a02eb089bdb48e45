# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The desk of somebody who follows a guide: an empty folder, a home with the collection, and terminals."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import environment
from interpreters import clean_path
from support import terminal
from support.programs import clean_environment
from support.reading import Command
from support.reading import File
from support.reading import Step

#: What is asked of the person, and what they type.
ANSWERS = {
    "New Vault password: ": "a password of rehearsals",
    "Confirm New Vault password: ": "a password of rehearsals",
    "Vault password: ": "a password of rehearsals",
}


class Desk:
    """An empty folder, a home with the collection installed, and terminals."""

    def __init__(self, home: Path, run: environment.Environment) -> None:
        self.folder = home.resolve() / "trust"
        self.folder.mkdir()
        self._here = self.folder
        self._last_folder = home / "here"

        self._variables = clean_environment(
            ANSIBLE_NOCOLOR="1",
            GUIDES_HERE=self._last_folder,
            HOME=home,
            PAGER="cat",  # a person would turn the pages
            PATH=clean_path(run.bin),
            TERM="dumb",
        )

        self._programs = contextlib.ExitStack()
        self._simulators: list[terminal.Program] = []

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *exception: object) -> None:
        self._programs.close()

    def follow(self, steps: Sequence[Step], not_run: Mapping[str, str]) -> None:
        """Do all steps but these commands. not_run: each command, and why it is not run."""
        for step in steps:
            if isinstance(step, File):
                self.write(step)
            elif step.text not in not_run:
                self.do(step)

    def write(self, file: File) -> None:
        path = self._here / file.name
        assert self.folder in path.resolve().parents, f"{file.where}: {file.name} is outside of the folder"
        assert path.parent.is_dir(), f"{file.where}: the guide has made no folder for {file.name}"

        path.write_text(file.text, "utf-8")

    def do(self, command: Command) -> str:
        """Run a command, and return what it said."""
        text = command.text
        if "/simulate.py " in text:
            return self._start(text)

        # The next command begins where this one ends.
        said = terminal.run(f"trap 'pwd > \"$GUIDES_HERE\"' EXIT\n{text}", self._here, self._variables, ANSWERS)
        self._here = Path(self._last_folder.read_text("utf-8").rstrip("\n"))
        shown = f"{command.where}: $ {text}\n{said.output}"

        assert said.exit_code == command.exit_code, f"{shown}\nended with {said.exit_code}, not {command.exit_code}"

        missing = command.missing(said.output)

        assert missing is None, f"{shown}\ndoes not show this where it should:\n{missing}"
        return said.output

    def _start(self, command: str) -> str:
        """In another terminal; the guide goes on when the hosts listen."""
        program = self._programs.enter_context(terminal.Program(command, self.folder, self._variables))
        ready = program.read(lambda: any(self.folder.glob("*/ready")))

        assert ready, f"$ {command}\n{program.output}"

        for inventory in self.folder.glob("*/inventory.yml"):
            # Real inventories are like that of the README, which says neither connection nor interpreter.
            lines = inventory.read_text("utf-8").splitlines(keepends=True)
            inventory.write_text("".join(line for line in lines if not line.strip().startswith("ansible_")), "utf-8")

        self._simulators.append(program)
        return program.output

    def leave(self) -> None:
        """Ctrl-C in the other terminals, whose programs then end well and tidy up."""
        for program in self._simulators:
            program.type("\x03")
            program.read(lambda: False)
            program.wait()

        assert not list(self.folder.glob("*/ready"))
