# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages that the collection can print, read from its source. What differs from run to run is …."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import yaml

import environment
from ansible_collections.esx.trust.plugins.module_utils import _errors
from support import sources

#: A message that names its host or its resource first. Those about an option name the option and say what to do.
_ABOUT_A_HOST = re.compile(r"(…: |the |… is )(?!is |has |holds |means |one of |only one of ).* .* .* .*\.", re.DOTALL)

#: A message about a value that somebody gave: it begins with the name of the option, the filter or the lookup.
_ABOUT_A_VALUE = re.compile(
    r"([\w.…\[\]]+: )+(… )?(is|has|HTTP|can be|cannot be sent|means|needs|takes|one of|only one of|the issuer)\b.*"
)

#: The callables whose first argument a person reads: the errors of Ansible and of the collection, and warnings.
_ERRORS = {name for name, value in vars(_errors).items() if isinstance(value, type) and issubclass(value, Exception)}
_WARNINGS = ("warn", "warning")
#: The names of lists whose sentences become warnings.
_LISTS = ("doubts", "sentences", "warnings")


@functools.cache
def of_python(path: Path) -> frozenset[str]:
    """All texts of a file of Python, apart from its docstrings."""
    parts_of_texts: set[ast.AST] = set()
    for node in sources.nodes(path):
        if isinstance(node, ast.JoinedStr):
            parts_of_texts.update(node.values)

    left_out = parts_of_texts | sources.docstrings(path)

    return frozenset(text for node in sources.nodes(path) if node not in left_out and (text := _text(node)))


def _text(node: ast.AST) -> Optional[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
        return "".join(parts)
    return None


def said_by(path: Path) -> set[str]:
    """The texts of a file of Python with which it fails or warns, without the advice that follows them."""
    said: list[ast.AST] = []

    for node in sources.nodes(path):
        if isinstance(node, ast.Call):
            said.extend(node.args[:1] if _is_said(node.func) else ())
            if _name(node.func) == "reword":
                said.extend(keyword.value for keyword in node.keywords if keyword.arg == "message")
        elif isinstance(node, ast.Assign) and any(_name(target) in _WARNINGS for target in node.targets):
            said.append(node.value)

    return {text for node in said if (text := _text(node))}


def _is_said(function: ast.AST) -> bool:
    """True for an error, a call that warns, and an addition to a list of warnings."""
    name = _name(function)
    if name == "append" and isinstance(function, ast.Attribute):
        return _name(function.value) in _LISTS

    return name in _ERRORS or name in _WARNINGS or name.startswith("Ansible")


def _name(node: ast.AST) -> str:
    """The last part of a name with dots; "" for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr

    return node.id if isinstance(node, ast.Name) else ""


def of_playbook(path: Path) -> set[str]:
    """What the tasks of a file can fail with."""
    return {_without_templates(text) for text in _failures(yaml.safe_load(path.read_text("utf-8")))}


def _failures(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _failures(each)

    if isinstance(node, dict):
        for name, value in node.items():
            if name == "fail_msg":
                yield str(value).strip()
            elif name == "ansible.builtin.fail":
                yield str(value["msg"]).strip()
            else:
                yield from _failures(value)


def _without_templates(text: str) -> str:
    return re.sub(r"\{\{.*?\}\}", "…", text, flags=re.DOTALL)


def of_modules() -> set[str]:
    """Every text of the modules' code."""
    texts: set[str] = set()
    for path in (environment.ROOT / "plugins").rglob("*.py"):
        texts.update(of_python(path))

    return texts


def of_playbooks() -> set[str]:
    """Every text with which a task of a playbook or of the role fails by itself."""
    texts: set[str] = set()
    for folder in ("playbooks", "playbooks/tasks", "roles/host_trust/tasks"):
        for path in (environment.ROOT / folder).glob("*.yml"):
            texts.update(of_playbook(path))

    return texts


def worth_an_entry() -> set[str]:
    """The messages that a person may look up: what is wrong with a host, with what it holds, or with a whole run."""
    messages: set[str] = set()

    for path in (environment.ROOT / "plugins").rglob("*.py"):
        messages.update(text for text in said_by(path) if not _ABOUT_A_VALUE.fullmatch(text))

    for layer in ("_api", "_engine", "_services"):
        for path in (environment.ROOT / "plugins/module_utils" / layer).glob("*.py"):
            messages.update(text for text in of_python(path) if _ABOUT_A_HOST.fullmatch(text))

    # A text without two words in a row only joins texts that stand elsewhere.
    return {text.strip() for text in messages | of_playbooks() if re.search(r"\w \w", text)}
