# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The syntax trees of the collection's source files, for tests that read them. Each file is parsed once."""

from __future__ import annotations

import ast
import functools
from pathlib import Path


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file's syntax tree. They are shared: nobody may change them."""
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


@functools.cache
def docstrings(path: Path) -> frozenset[ast.AST]:
    """The nodes of a file that hold its docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found = set()

    for node in nodes(path):
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr):
            found.add(node.body[0].value)

    return frozenset(found)
