# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a user has it: built, and installed into a folder in which there is nothing else."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import checkout
from environment import Environment
from interpreters import clean_path
from programs import clean_environment
from programs import run


@dataclass(frozen=True)
class Installed:
    """The installed collection. folder: also the home of the user. core: where the programs of Ansible are."""

    folder: Path
    core: Environment

    @property
    def collections(self) -> Path:
        return self.folder / "collections"

    def program(self, name: str) -> Path:
        """The path of a program, such as ansible-playbook."""
        return self.core.bin / name

    def variables(self, **more: object) -> dict[str, str]:
        """The environment variables with which the programs find this collection and no other, and `more`."""
        ansible = {
            "ANSIBLE_COLLECTIONS_PATH": self.collections,
            "ANSIBLE_HOME": self.folder / "ansible",
            "ANSIBLE_NOCOLOR": "1",
            "HOME": self.folder,
            "PATH": clean_path(self.core.bin),
        }
        return clean_environment(**{**ansible, **more})


def install(folder: Path, core: Environment) -> Installed:
    """Build the collection from the checkout and install it, without a network."""
    installed = Installed(folder, core)
    ansible_galaxy = installed.program("ansible-galaxy")

    with tempfile.TemporaryDirectory(prefix="esx-trust-") as built:
        tarball = checkout.build(Path(built), ansible_galaxy)
        command = [ansible_galaxy, "collection", "install", "--offline", tarball, "-p", installed.collections]
        run(command, installed.variables())

    return installed
