# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection is made of and leans on: safe code, pinned tools, and the libraries that it says it needs."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import environment
from support.sources import nodes

if TYPE_CHECKING:
    from support.tools import Tools

PLUGINS = environment.ROOT / "plugins"
LIBRARIES = ("requests", "cryptography")
#: Only this file imports what is neither in Python nor in ansible-core.
FACADE = "module_utils/_libraries.py"
FOREIGN = {*LIBRARIES, "defusedxml", "urllib3", "OpenSSL", "httpx", "aiohttp", "certifi", "idna"}
#: Nothing here has a use for running code or programs, or for what runs code when it reads data.
FORBIDDEN_MODULES = {"code", "ctypes", "marshal", "multiprocessing", "pickle", "pty", "runpy", "shelve", "subprocess"}
FORBIDDEN_CALLS = {"__import__", "breakpoint", "compile", "eval", "exec", "input", "print"}
FORBIDDEN_OS = re.compile(r"exec\w*|fork\w*|popen|posix_spawn\w*|putenv|spawn\w*|system")
EXCEPTION = re.compile(r"#\s*(noqa|nosec|pragma|pylint|type:\s*ignore|ruff:)(.*)")
#: A type checker is told why by the name of its rule; what is about safety needs words.
REASONED = {
    "type": re.compile(r"\[[a-z-]+(,[a-z-]+)*\]\s*$"),
    "other": re.compile(r":\s*[A-Z]+\d+ - \S+ \S+"),
}


def sources() -> list[Path]:
    return sorted(PLUGINS.rglob("*.py"))


def trees() -> Iterator[tuple[str, ast.AST]]:
    for source in sources():
        for node in nodes(source):
            yield source.relative_to(PLUGINS).as_posix(), node


def imported(node: ast.AST) -> set[str]:
    """The names of the top-level modules that a statement imports."""
    if isinstance(node, ast.Import):
        return {name.name.partition(".")[0] for name in node.names}
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return set()


# Code


def test_rules_of_security(tools: Tools) -> None:
    """Ruff's, with nothing left out but what a line explains."""
    tools.run("dev", ["ruff", "check", "--no-cache", "--isolated", "--select", "S,BLE", "plugins"])


def test_bandit(tools: Tools) -> None:
    """B311 is S311 of ruff, to which the one line that it is about gives its reason."""
    said = tools.run("audit", ["bandit", "-q", "-r", "-s", "B311", "-f", "json", "plugins"])
    assert json.loads(said[said.index("{") :])["results"] == []


def test_exceptions_have_reasons() -> None:
    wanting = []
    for source in sources():
        for number, line in enumerate(source.read_text("utf-8").splitlines(), 1):
            found = EXCEPTION.search(line)
            if found and not REASONED["type" if found[1].startswith("type") else "other"].match(found[2]):
                wanting.append(f"{source.relative_to(PLUGINS)}:{number}: {line.strip()}")

    assert not wanting, "\n".join(wanting)


def test_nothing_is_caught_blindly() -> None:
    """`except BaseException` may stand only where it is raised again."""
    blind = []
    for name, node in trees():
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = ast.unparse(node.type) if node.type else "everything"
        raises = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        if re.search(r"\bException\b|everything", caught) or ("BaseException" in caught and not raises):
            blind.append(f"{name}:{node.lineno}: catches {caught}")

    assert not blind


def test_no_code_or_program_is_run() -> None:
    found = []
    for name, node in trees():
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        found += [f"{where}: import {module}" for module in imported(node) & FORBIDDEN_MODULES]

        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            unsafe = called in FORBIDDEN_CALLS or called.endswith((".load_all", "run_command"))
            library, _dot, function = called.rpartition(".")
            unsafe = unsafe or (library == "os" and FORBIDDEN_OS.fullmatch(function) is not None)
            found += [f"{where}: {called}()"] if unsafe else []
            found += [f"{where}: shell=" for keyword in node.keywords if keyword.arg == "shell"]

    assert not found


def test_libraries_are_imported_in_one_place() -> None:
    found = {name for name, node in trees() if imported(node) & FOREIGN}
    assert found == {FACADE}


# Requirements


def pins(file: Path) -> dict[str, str]:
    """The packages of a lock file; anything but an exact version is an error."""
    found = {}
    for line in file.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pin = re.fullmatch(r"([a-z0-9][a-z0-9._-]*)==([0-9][a-z0-9.+!]*)( ; .+)?", line)

        assert pin, f"{file.name}: {line} is no exact version"

        found[pin[1]] = pin[2]

    return found


@pytest.mark.parametrize("name", ["uv", *environment.ENVIRONMENTS])
def test_every_tool_is_pinned(name: str) -> None:
    """Every requirement, also that of a requirement; and what is asked for is what is pinned."""
    file = environment.REQUIREMENTS / f"{name}.txt"
    found = pins(file)
    asked = [file.with_suffix(".in")]
    asked += [environment.REQUIREMENTS / "common.in"] if "-r common.in" in asked[0].read_text("utf-8") else []
    lines = [line for each in asked for line in each.read_text("utf-8").splitlines()]
    wanted = {re.split(r"[<>=~! ]", line)[0].lower() for line in lines if line and line[0] not in "#-"}

    assert wanted
    assert wanted <= set(found)


def test_every_lock_file_is_used() -> None:
    names = {each.stem for each in environment.REQUIREMENTS.glob("*.txt")}
    assert names == {"uv", *environment.ENVIRONMENTS}


def test_the_tests_of_a_group_run_on_one_worker(tools: Tools, tmp_path: Path) -> None:
    """They share a fixture that is slow to make, or a folder. pytest 9.2 and pytest-xdist 3.8 ignored the groups."""
    tests = "".join(f"def test_{number}():\n    pass\n" for number in range(4))
    (tmp_path / "test_group.py").write_text(
        f"import pytest\npytestmark = pytest.mark.xdist_group('all')\n{tests}", "utf-8"
    )
    command = ["python", "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    output = tools.run("dev", command, cwd=tmp_path)

    assert len(set(re.findall(r"^\[(gw\d)\]", output, re.MULTILINE))) == 1


@pytest.mark.parametrize("library", LIBRARIES)
def test_floors_agree(library: str) -> None:
    """What is promised is what is asked for, and what the tests run with."""
    number = r"([0-9]+(?:\.[0-9]+)+)"

    places = {
        "README.md": rf"{library}`?(?:>=| )\s*{number}(?: or later|')",
        "docs/fleet-configuration.md": rf"{library}>={number}'",
        "requirements.txt": rf"^{library}>={number}$",
        "meta/ee-requirements.txt": rf"^{library}>={number}$",
        "plugins/doc_fragments/connection.py": rf"- {library} >= {number}$",
        "plugins/modules/esx_fleet_trust.py": rf"- {library} >= {number}$",
        "plugins/module_utils/_libraries.py": rf'"{library}": "{number}"',
        "tests/requirements/floor.in": rf"^{library}=={number}$",
        "tests/requirements/floor.txt": rf"^{library}=={number}$",
        "tests/integration/requirements.txt": rf"^{library}(?:>=|==){number}",
    }

    floors: dict[str, set[str]] = {}

    for place, pattern in places.items():
        for version in re.findall(pattern, (environment.ROOT / place).read_text("utf-8"), re.MULTILINE):
            floors.setdefault(version, set()).add(place)

    assert len(floors) == 1, floors

    found = next(iter(floors.values()))

    assert found >= set(places) - {"tests/integration/requirements.txt"}


# A library that is missing

BLOCKER = """
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "{library}":
            raise ModuleNotFoundError("No module named '" + name + "'", name=name)


sys.meta_path.insert(0, Blocker())
"""
PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    esx_trust_in_worker: "{{ way }}"
  module_defaults:
    group/esx.trust.esx: {hostname: 127.0.0.1, port: 1, username: root, password: Horse-Battery+1, retries: 0}
  tasks:
"""
TASK = """
    - esx.trust.{module}: {{{options}}}
      register: done
      ignore_errors: true
    - assert:
        that:
          - done is failed
          - done.msg is search('Failed to import the required Python library .' ~ library)
          - done.msg is not search('Traceback')
          - done.msg is not search('unexpected')
"""
#: It looks at no host itself where a library is missing, and leaves each to a task of its own, which asks for it.
OF_A_FLEET = "esx_fleet_trust"
OPTIONS = {
    "esx_client_profile": "local_user_name: a, state: absent",
    "esx_host_trust": "kms_providers: []",
    "esx_kms_provider": "provider: a, state: absent",
    "esx_token_issuer": "issuer_alias: a, state: absent",
    # Not in the group of hosts, so without its defaults.
    "vcenter_token_issuer_info": "hostname: 127.0.0.1",
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_missing_library_is_asked_for(tools: Tools, tmp_path: Path, library: str) -> None:
    """By the actions and by the modules alike, which begin with the same file: two of them stand for all."""
    (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(library=library), "utf-8")
    actions = sorted({each.stem for each in (PLUGINS / "modules").glob("*.py")} - {OF_A_FLEET})

    for way, names in (("true", actions), ("false", ["esx_host_trust", "vcenter_token_issuer_info"])):
        tasks = [TASK.format(module=name, options=OPTIONS.get(name, "")) for name in names]
        (tmp_path / "play.yml").write_text(PLAY + "".join(tasks), "utf-8")
        command = ["ansible-playbook", "-e", f"way={way}", "-e", f"library={library}", "play.yml"]
        said = tools.run("install", command, cwd=tmp_path, variables={"PYTHONPATH": tmp_path})

        assert "failed=0" in said
        assert f"ignored={len(names)}" in said
        assert "Horse-Battery+1" not in said


def test_a_library_that_one_source_needs_is_asked_for_by_that_source(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(library="defusedxml"), "utf-8")
    options = "hostname: 127.0.0.1, port: 1, retries: 0, source: saml"
    play = PLAY + TASK.format(module="vcenter_token_issuer_info", options=options)
    (tmp_path / "play.yml").write_text(play, "utf-8")

    for way in ("true", "false"):
        command = ["ansible-playbook", "-e", f"way={way}", "-e", "library=defusedxml", "play.yml"]
        said = tools.run("install", command, cwd=tmp_path, variables={"PYTHONPATH": tmp_path})
        assert "ignored=1" in said
