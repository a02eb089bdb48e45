# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A desk for each test, with the collection as its tarball has it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import environment
from guides.desk import Desk
from installed import install
from support.tools import made_environment


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
