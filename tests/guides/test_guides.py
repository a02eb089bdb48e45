# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every guide in docs/ is followed to the letter, by somebody who has nothing but the collection and a clone."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import docs
import environment
from installed import install
from interpreters import clean_path
from support import reading
from support import terminal
from support.programs import clean_environment
from support.reading import Command
from support.reading import File
from support.tools import made_environment

pytestmark = pytest.mark.timeout(600)  # other gates run beside

#: The other pages in docs/ explain things; their commands are not for following.
GUIDES = (*docs.PARTS["Guides"], "awx")

#: What is asked of the person, and what they type.
ANSWERS = {
    "New Vault password: ": "a password of rehearsals",
    "Confirm New Vault password: ": "a password of rehearsals",
    "Vault password: ": "a password of rehearsals",
}

#: Commands that are not run, to the letter, and why.
NOT_RUN = {
    ". ~/esx/bin/activate": "the programs of the environment are found without it",
    "git clone https://github.com/esx-trust/esx.trust.git ~/esx.trust": "needs a server; this checkout stands there",
    "ansible-builder create -f esx-trust-project/exec_env/execution-environment.yml -c image": "run by tests/awx",
    "pip install ansible-builder": "needs a server",
    "podman build image -t esx-trust-ee:1 --build-arg EE_BASE_IMAGE=your-base-image": "needs images from a server",
    "podman tag esx-trust-ee:1 images.example.com/esx-trust-ee:1": "needs the image",
    "podman push images.example.com/esx-trust-ee:1": "needs a server",
    "export CONTROLLER_HOST=https://awx.example.com": "for the set-up, which is run by tests/awx",
    "read -rs CONTROLLER_OAUTH_TOKEN && export CONTROLLER_OAUTH_TOKEN": "for the set-up, which is run by tests/awx",
    "read -rs ESX_PASSWORD && export ESX_PASSWORD": "for the set-up, which is run by tests/awx",
    "read -rs ESX_KEY && export ESX_KEY": "for the set-up, which is run by tests/awx",
    "ansible-galaxy collection install awx.awx": "needs a server",
    "ansible-playbook -e @awx.yml esx.trust.awx_setup": "run by tests/awx, against a double of AWX",
}


def path_of(guide: str) -> Path:
    return environment.ROOT / "docs" / f"{guide}.md"


def all_commands() -> set[str]:
    return {step.text for guide in GUIDES for step in reading.read(path_of(guide)) if isinstance(step, Command)}


class Desk:
    """An empty folder, a home with the collection installed, and terminals."""

    def __init__(self, home: Path, run: environment.Environment) -> None:
        self.folder = home.resolve() / "trust"
        self.folder.mkdir()
        self._here = self.folder
        self._told = home / "here"

        self._variables = clean_environment(
            ANSIBLE_NOCOLOR="1",
            GUIDES_HERE=self._told,
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

    def write(self, file: File) -> None:
        path = self._here / file.name
        assert self.folder in path.resolve().parents, f"{file.where}: {file.name} is outside of the folder"
        assert path.parent.is_dir(), f"{file.where}: the guide has made no folder for {file.name}"

        path.write_text(file.text, "utf-8")

    def do(self, command: Command) -> None:
        text = command.text
        if text.startswith("make ") and " simulator " in text:
            self._start(text)
            return

        # The next command begins where this one ends.
        said = terminal.run(f"trap 'pwd > \"$GUIDES_HERE\"' EXIT\n{text}", self._here, self._variables, ANSWERS)
        self._here = Path(self._told.read_text("utf-8").rstrip("\n"))
        told = f"{command.where}: $ {text}\n{said.output}"

        assert said.exit_code == command.exit_code, f"{told}\nended with {said.exit_code}, not {command.exit_code}"

        missing = command.missing(said.output)

        assert missing is None, f"{told}\ndoes not show this where it should:\n{missing}"

    def _start(self, command: str) -> None:
        """In another terminal; the guide goes on when the hosts listen."""
        program = self._programs.enter_context(terminal.Program(command, self.folder, self._variables))
        ready = program.read(lambda: any(self.folder.glob("*/ready")))

        assert ready, f"$ {command}\n{program.output}"

        for inventory in self.folder.glob("*/inventory.yml"):
            # Real inventories are like that of the README, which says neither connection nor interpreter.
            lines = inventory.read_text("utf-8").splitlines(keepends=True)
            inventory.write_text("".join(line for line in lines if not line.strip().startswith("ansible_")), "utf-8")

        self._simulators.append(program)

    def leave(self) -> None:
        """Ctrl-C in the other terminals, whose programs then end well and tidy up."""
        for program in self._simulators:
            program.type("\x03")
            program.read(lambda: False)
            program.wait()

        assert not list(self.folder.glob("*/ready"))


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, as its tarball has it."""
    return install(tmp_path_factory.mktemp("installed"), made_environment("run")).collections


@pytest.fixture
def desk(installed: Path) -> Iterator[Desk]:
    for program in ("bash", "curl", "git", "make", "openssl"):
        if not shutil.which(program):
            pytest.skip(f"the guides use {program}, which is not on this machine")

    # Ansible puts sockets into the home, whose paths must be short.
    with tempfile.TemporaryDirectory(prefix="esx-") as name:
        home = Path(name)
        shutil.copytree(installed, home / ".ansible" / "collections")
        (home / "esx.trust").symlink_to(environment.ROOT, target_is_directory=True)
        with Desk(home, environment.ENVIRONMENTS["run"]) as ready:
            yield ready


@pytest.mark.parametrize("guide", GUIDES)
def test_guide(guide: str, desk: Desk) -> None:
    steps = reading.read(path_of(guide))
    assert any(isinstance(step, Command) for step in steps)

    for step in steps:
        if isinstance(step, File):
            desk.write(step)
        elif step.text not in NOT_RUN:
            desk.do(step)

    desk.leave()


def test_every_page_is_one_of_the_site() -> None:
    """So a new guide is followed, or stands among the pages that explain."""
    there = {path.stem for path in (environment.ROOT / "docs").glob("*.md")}
    assert there == {"README", *docs.pages()}


@pytest.mark.parametrize("command", NOT_RUN)
def test_no_exception_is_stale(command: str) -> None:
    assert command in all_commands()
