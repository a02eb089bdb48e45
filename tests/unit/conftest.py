# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of these tests, and no limit to the time of one example, since workers share the processor."""

from __future__ import annotations

from hypothesis import settings

from support.transport import transport

#: Shared fixtures, for the tests here.
__all__ = ["transport"]

settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
