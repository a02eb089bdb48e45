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
from support import sources

#: A message that names its host or its resource first. Those about an option name the option and say what to do.
_TOLD = re.compile(r"(…: |the |… is )(?!is |has |holds |means |one of |only one of ).* .* .* .*\.", re.DOTALL)


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

    for layer in ("_api", "_engine", "_services"):
        for path in (environment.ROOT / "plugins/module_utils" / layer).glob("*.py"):
            messages.update(text for text in of_python(path) if _TOLD.fullmatch(text))

    # A text without two words in a row only joins texts that stand elsewhere.
    return messages | {text for text in of_playbooks() if re.search(r"\w \w", text)}
