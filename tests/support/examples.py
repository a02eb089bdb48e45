# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many examples a property needs, in the measure of the profile of hypothesis that is loaded."""

from __future__ import annotations

import hypothesis

#: What hypothesis draws where nobody says how many.
USUAL = 100


def examples(number: int) -> int:
    """So many examples where a profile says nothing; fewer in the same measure where it asks for fewer than usual."""
    loaded: int = hypothesis.settings().max_examples
    return max(1, number * loaded // USUAL)
