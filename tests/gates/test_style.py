# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Style, types, documentation, licences: each by its own tool."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import checkout
import environment
from interpreters import clean_path
from support.tools import made_environment

if TYPE_CHECKING:
    from support.tools import Tools


def test_ruff(tools: Tools) -> None:
    tools.run("dev", ["ruff", "check", "--no-cache", "."])
    tools.run("dev", ["ruff", "format", "--no-cache", "--check", "--diff", "."])


@pytest.mark.xdist_group("mypy")
@pytest.mark.parametrize(
    "what", [["-p", "ansible_collections.esx.trust.plugins"], ["tests", "tools"]], ids=["plugins", "tests and tools"]
)
def test_mypy(tools: Tools, what: list[str]) -> None:
    tools.run("dev", ["mypy", *what])


def test_yamllint(tools: Tools) -> None:
    tools.run("dev", ["yamllint", "--strict", "."])


def test_ansible_lint(tools: Tools) -> None:
    """At the production profile, which .ansible-lint asks for: what is not shipped. The next test judges the rest."""
    said = tools.run("dev", ["ansible-lint", "--offline", "--nocolor", "demo", "extensions/molecule", "galaxy.yml"])
    assert "Profile 'production' was required, and it passed" in said


def test_ansible_lint_of_the_tarball(tools: Tools, shipped: Path) -> None:
    """As users get it. It reports imported playbooks that it does not find or cannot load."""
    settings = environment.ROOT / ".ansible-lint"
    collections = shipped.parents[2]
    command = ["ansible-lint", "--offline", "--nocolor", "--config-file", settings, "--project-dir", "."]
    said = tools.run("dev", command, cwd=shipped, variables={"ANSIBLE_COLLECTIONS_PATH": collections})

    assert "Profile 'production' was required, and it passed" in said
    assert "Failed to find" not in said
    assert "Failed to load" not in said


def test_changelog(tools: Tools, tree: Path) -> None:
    tools.run("dev", ["antsibull-changelog", "lint"], cwd=tree)


def test_docs_of_the_tarball(tools: Tools, shipped: Path) -> None:
    arguments = ["--plugin-docs", "--validate-collection-refs", "self", shipped]
    variables = {"ANSIBLE_COLLECTIONS_PATH": shipped.parents[2]}
    tools.run("dev", ["antsibull-docs", "lint-collection-docs", *arguments], cwd=shipped, variables=variables)


def test_licences(tools: Tools, tmp_path: Path) -> None:
    """Every file says whose it is and under which licence."""
    tree = checkout.copy_to(tmp_path / "copy")
    checkout.add_licence(tree, made_environment("dev").bin / "ansible-galaxy")
    tools.run("dev", ["reuse", "--root", tree, "lint"])


def test_shellcheck() -> None:
    shellcheck = shutil.which("shellcheck", path=clean_path())
    if not shellcheck:
        pytest.skip("shellcheck is not on this machine")

    scripts = [
        name
        for name in checkout.files()
        if (environment.ROOT / name).open("rb").readline().rstrip() in (b"#!/usr/bin/env bash", b"#!/bin/sh")
    ]

    assert Path(".ci/run") in scripts

    done = subprocess.run([shellcheck, *scripts], cwd=environment.ROOT, check=False, text=True, capture_output=True)

    assert done.returncode == 0, done.stdout


def test_every_module_is_in_the_action_group(tools: Tools) -> None:
    """A module that is missing there loses the defaults of its group without a word.

    A vCenter is no ESX host, and would be given the addresses, accounts and fingerprints of hosts.
    """
    program = "import json, yaml; print(json.dumps(yaml.safe_load(open('meta/runtime.yml'))['action_groups']))"
    groups = json.loads(tools.run("dev", ["python", "-c", program]))
    modules = sorted(each.stem for each in (environment.ROOT / "plugins/modules").glob("esx_*.py"))
    # It takes the options of no connection, because each host has its own.
    modules.remove("esx_fleet_trust")

    assert modules
    assert sorted(groups["esx"]) == modules

    # The controller counts hosts by what this file says of each module.
    counted = (environment.ROOT / "extensions/audit/event_query.yml").read_text("utf-8")

    assert [module for module in modules if f"esx.trust.{module}:" not in counted] == []
