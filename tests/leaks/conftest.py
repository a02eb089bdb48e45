# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every secret that a simulated host hands out, one search for each test, and what was searched in all."""

from __future__ import annotations

from support.modules import modules
from support.playbooks import in_worker
from support.playbooks import playbooks
from support.secrets_seen import handed_out
from support.secrets_seen import pytest_terminal_summary
from support.secrets_seen import repeated
from support.secrets_seen import search
from support.tools import tools

#: Shared fixtures, for the tests here.
__all__ = ["handed_out", "in_worker", "modules", "playbooks", "pytest_terminal_summary", "repeated", "search", "tools"]
