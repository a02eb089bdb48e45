# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every claimed version of ansible-core, and the oldest claimed libraries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import environment

if TYPE_CHECKING:
    from support.tools import Tools

# One lane for each core: its tests share a home with ansible-test's caches, so they run one after the other.
CORES = [
    pytest.param(name, marks=[pytest.mark.xdist_group(name), pytest.mark.every_core]) for name in environment.CORES
]

# Sanity tests that may be left out, and why.
MAY_BE_SKIPPED = {
    "pslint": "there is no PowerShell here",
    "shellcheck": "the gate test_shellcheck runs it, or says that it is missing",
}


#: The environments floor and dev have these cores.
ELSEWHERE = ("core-2.16", "core-2.19")

#: Of the module tests by another way (as an action, or over JSON-RPC), these two run one half each; `make test` runs
#: the first half in the environment dev, so that each of them runs there or on the newest core.
SHARES = {"core-2.22": "2/2", "floor": "1/2"}


def ansible_test(tools: Tools, core: str, tree: Path, *arguments: str) -> str:
    home = environment.ENVIRONMENTS[core].home
    said = tools.run(core, ["ansible-test", *arguments, "--color", "no"], cwd=tree, variables={"HOME": home})

    assert "All targets skipped" not in said

    return said


def needing_a_download(core: str) -> set[str]:
    """Sanity tests of a core that ask for a file beside the package index; pylint of 2.22.0rc1 asks for such a dill."""
    folder = environment.ENVIRONMENTS[core].path
    pinned = folder.glob("lib/python*/site-packages/ansible_test/_data/requirements/sanity.*.txt")
    return {file.stem.partition(".")[2] for file in pinned if " @ https:" in file.read_text("utf-8")}


@pytest.mark.parametrize("core", CORES)
def test_sanity(tools: Tools, core: str, shipped: Path) -> None:
    """Of the tarball, as Galaxy and partners judge it; ruff and mypy look at the tests and the tools."""
    left_out = needing_a_download(core)
    skipping = [word for name in sorted(left_out) for word in ("--skip-test", name)]
    said = ansible_test(tools, core, shipped, "sanity", "--requirements", *skipping)
    ran = set(re.findall(r'^Running sanity test "([\w-]+)"', said, re.MULTILINE))

    assert {"compile", "import", "pep8", "pylint", "validate-modules", "yamllint"} - left_out <= ran

    skipped = set(re.findall(r'Skipping sanity test "([\w-]+)"(?! (?:for|on) Python)', said)) - set(MAY_BE_SKIPPED)

    assert not skipped - ran


@pytest.mark.parametrize("core", [CORES[0], CORES[-1]])
def test_integration(tools: Tools, core: str, tree: Path) -> None:
    version = tools.run(core, ["python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()
    said = ansible_test(tools, core, tree, "integration", "--venv", "--python", version)
    targets = [each.name for each in (tree / "tests/integration/targets").iterdir() if each.name != "setup_simulator"]

    assert targets

    for target in targets:
        assert f"Running {target} integration test role" in said


@pytest.mark.parametrize("core", [each for each in CORES if each.values[0] not in ELSEWHERE])
def test_unit_and_module_tests(tools: Tools, core: str) -> None:
    """The same tests that run in the development environment, on another core."""
    run_unit_and_module_tests(tools, core)


def test_unit_and_module_tests_with_the_oldest_libraries(tools: Tools) -> None:
    """Those that the collection claims to run with, and the oldest core."""
    run_unit_and_module_tests(tools, "floor")


def run_unit_and_module_tests(tools: Tools, name: str) -> None:
    command = ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=repeatable"]
    share = ["--share", SHARES[name]] if name in SHARES else []
    said = tools.run(name, [*command, *share, "tests/unit", "tests/module"])

    assert re.search(r"^\d+ passed", said, re.MULTILINE)
