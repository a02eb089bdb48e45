# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the gates run other people's tools."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

import checkout
from environment import COLLECTION
from support.tools import made_environment
from support.tools import tools

#: Shared fixtures, for the tests here.
__all__ = ["tools"]

MINUTES = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tarball", metavar="FILE", help="judge this tarball, in place of one that is built for the tests"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(45 * MINUTES))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the project in …/ansible_collections/esx/trust, a git repository of its own."""
    copy = checkout.copy_to(tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    return copy


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """The collection as people install it."""
    given = pytestconfig.getoption("--tarball")
    if given:
        return Path(given).resolve(strict=True)

    builder = made_environment("install")

    return checkout.build(tmp_path_factory.mktemp("build"), builder.bin / "ansible-galaxy")


@pytest.fixture
def shipped(tarball: Path, tmp_path: Path) -> Path:
    """What is in the tarball, in …/ansible_collections/esx/trust, a git repository of its own."""
    folder = tmp_path / "shipped" / COLLECTION
    folder.mkdir(parents=True)
    with tarfile.open(tarball) as archive:
        archive.extractall(folder, filter="data")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)

    return folder
