# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every claimed version of ansible-core, and the oldest claimed libraries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import environment
from interpreters import find_python

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
#: What a core judges by its own schemas, with its own Pythons and its own imports. The newest core judges the rest.
OF_EACH_CORE = (
    "action-plugin-docs",
    "ansible-doc",
    "compile",
    "ignores",
    "import",
    "runtime-metadata",
    "validate-modules",
)

#: The oldest Python of all that the collection runs under.
OLDEST_PYTHON = "3.9"

#: The environments floor and dev have these cores.
ELSEWHERE = ("core-2.16", "core-2.19")

#: Of the module tests by the action these two run one half each; `make test` runs the first half in the environment
#: dev, so that each of them runs there or on the newest core. Over JSON-RPC the tests run in dev alone.
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


def everything(config: pytest.Config) -> bool:
    """Each core judges everything by itself, as before a release."""
    return bool(config.getoption("--cores") == "all")


def sanity_tests(core: str, config: pytest.Config) -> tuple[str, ...]:
    """The sanity tests of a core that the newest one does not run as well; none means all that there are."""
    oldest, _middle, newest = environment.TEST_CORES
    if core == newest or everything(config) or not environment.ENVIRONMENTS[newest].python.exists():
        return ()
    if core == oldest:
        return OF_EACH_CORE

    return tuple(sorted(needing_a_download(newest)))


def pythons_of_imports(tools: Tools, core: str, config: pytest.Config) -> tuple[str, ...]:
    """The Pythons with which everything is imported. None means all that there are, which take half a minute each.

    The oldest core also imports with the oldest Python, which runs modules on other computers.
    """
    if everything(config):
        return ()

    own = own_python(tools, core)
    is_oldest_core = core == environment.TEST_CORES[0]
    if is_oldest_core and own != OLDEST_PYTHON and find_python(OLDEST_PYTHON):
        return (OLDEST_PYTHON, own)

    return (own,)


def own_python(tools: Tools, core: str) -> str:
    """The Python in which an ansible-core is installed, such as 3.12."""
    return tools.run(core, ["python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()


@pytest.mark.parametrize("core", CORES)
def test_sanity(tools: Tools, core: str, shipped: Path, pytestconfig: pytest.Config) -> None:
    """Of the tarball, as Galaxy and partners judge it; ruff and mypy look at the tests and the tools."""
    chosen = sanity_tests(core, pytestconfig)
    if core == environment.TEST_CORES[1] and not chosen and not everything(pytestconfig):
        pytest.skip("the newest core runs every sanity test")

    expected = set(chosen or ("compile", "import", "pep8", "pylint", "validate-modules", "yamllint"))
    left_out = needing_a_download(core)
    pythons = pythons_of_imports(tools, core, pytestconfig) if "import" in expected else ()

    beside = left_out | {"import"} if pythons else left_out
    choice = [word for name in chosen if name not in beside for word in ("--test", name)]
    skipping = [word for name in sorted(beside) for word in ("--skip-test", name)]
    said = ansible_test(tools, core, shipped, "sanity", "--requirements", *choice, *skipping)
    for python in pythons:
        imports = ["--requirements", "--test", "import", "--python", python]
        imported = ansible_test(tools, core, shipped, "sanity", *imports)

        assert f'Running sanity test "import" on Python {python}' in imported

        said += imported

    ran = set(re.findall(r'^Running sanity test "([\w-]+)"', said, re.MULTILINE))

    assert expected - left_out <= ran

    skipped = set(re.findall(r'Skipping sanity test "([\w-]+)"(?! (?:for|on) Python)', said)) - set(MAY_BE_SKIPPED)

    assert not skipped - ran


def targets_of(tree: Path) -> list[str]:
    """The targets of ansible-test integration, without the one that only prepares the others."""
    folders = (tree / "tests" / "integration" / "targets").iterdir()
    return sorted(folder.name for folder in folders if folder.name != "setup_simulator")


def test_each_module_has_one_integration_target() -> None:
    modules = sorted(file.stem for file in (environment.ROOT / "plugins" / "modules").glob("*.py"))
    assert targets_of(environment.ROOT) == modules


@pytest.mark.parametrize(
    "core", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in environment.CORES]
)
def test_integration(tools: Tools, core: str, tree: Path) -> None:
    said = ansible_test(tools, core, tree, "integration", "--venv", "--python", own_python(tools, core))
    targets = targets_of(tree)

    assert targets

    for target in targets:
        assert f"Running {target} integration test role" in said


@pytest.mark.parametrize("core", [each for each in CORES if each.values[0] not in ELSEWHERE])
def test_unit_and_module_tests(tools: Tools, core: str, pytestconfig: pytest.Config) -> None:
    """The same tests that run in the development environment, on another core."""
    run_unit_and_module_tests(tools, core, pytestconfig)


def test_unit_and_module_tests_with_the_oldest_libraries(tools: Tools, pytestconfig: pytest.Config) -> None:
    """Those that the collection claims to run with, and the oldest core."""
    run_unit_and_module_tests(tools, "floor", pytestconfig)


def run_unit_and_module_tests(tools: Tools, name: str, config: pytest.Config) -> None:
    choice = ["--hypothesis-profile=repeatable"]
    if not everything(config):
        choice = ["--hypothesis-profile=elsewhere", "--elsewhere", "--share", SHARES[name]]

    command = ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *choice, "tests/unit", "tests/module"]
    said = tools.run(name, command)

    assert re.search(r"^\d+ passed", said, re.MULTILINE)
