# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs real playbooks with the `ansible-playbook` of every claimed core, against simulated hosts."""

from __future__ import annotations

from support.declared import declared
from support.playbooks import in_worker
from support.playbooks import playbooks
from support.tools import tools

#: Shared fixtures, for the tests here.
__all__ = ["declared", "in_worker", "playbooks", "tools"]
