# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real `main()` of a module against a simulated host, over real TLS."""

from __future__ import annotations

from support.modules import modules

#: Shared fixtures, for the tests here.
__all__ = ["modules"]
