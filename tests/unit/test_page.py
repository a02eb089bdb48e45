# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures go between the two comments of a page, and the rest of the page stays as it is."""

from __future__ import annotations

import pytest

from page import replaced

pytestmark = pytest.mark.of_sources

BEGIN, END = "<!-- written -->", "<!-- until here -->"


def test_figures_take_the_place_of_former_ones() -> None:
    page = f"Before.\n\n{BEGIN}\n\nold\n\n{END}\n\nBehind.\n"
    assert replaced(page, BEGIN, END, "new") == f"Before.\n\n{BEGIN}\n\nnew\n\n{END}\n\nBehind.\n"


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END} {BEGIN}"])
def test_a_page_without_a_place_for_figures_is_refused(page: str) -> None:
    with pytest.raises(SystemExit, match="no place for figures"):
        replaced(page, BEGIN, END, "new")
