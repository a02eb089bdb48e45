# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of these tests."""

from __future__ import annotations

from support.transport import transport

#: Shared fixtures, for the tests here.
__all__ = ["transport"]
