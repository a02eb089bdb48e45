# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/awx.md tells people to write and to type."""

from __future__ import annotations

import itertools
from typing import Any

import yaml

import environment
from support.reading import Command
from support.reading import File
from support.reading import read

PAGE = environment.ROOT / "docs/awx.md"
STEPS = read(PAGE)


def commands() -> list[str]:
    return [step.text for step in STEPS if isinstance(step, Command)]


def commands_of_the_project() -> list[str]:
    """The commands before those that build the image."""
    return list(itertools.takewhile(lambda text: "ansible-builder" not in text, commands()))


def file(name: str) -> str:
    (text,) = [step.text for step in STEPS if isinstance(step, File) and step.name == name]
    return text


def declaration() -> dict[str, Any]:
    """The variables of the hosts."""
    found: dict[str, Any] = yaml.safe_load(file("group_vars/esx.yml"))
    return found
