# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of docs/ into which a program writes its figures, between two comments."""

from __future__ import annotations

from programs import fail


def replaced(page: str, begin: str, end: str, text: str) -> str:
    """The page with this text in the place of the one that it has between the two comments."""
    before, found_begin, rest = page.partition(begin)
    _former, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        fail(f"the page has no place for figures, from {begin} to {end}")

    return f"{before}{begin}\n\n{text}\n\n{end}{after}"
