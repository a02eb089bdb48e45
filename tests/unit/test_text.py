# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from elsewhere is cut where it is too long."""

from __future__ import annotations

import re

from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._text import shortened

MOST = 100
LEFT_OUT = re.compile(r" \((\d+) characters are left out\) ")


@given(st.text(max_size=300))
@example("a" * MOST)
@example("a" * (MOST + 1))
@example("a" * 1000 + "b")
def test_what_is_too_long_keeps_its_beginning_and_its_end(text: str) -> None:
    short = shortened(text, MOST)
    if len(text) <= MOST:
        assert short == text

        return

    beginning, count, end = LEFT_OUT.split(short)

    assert len(short) <= MOST
    assert beginning
    assert text.startswith(beginning)
    assert end
    assert text.endswith(end)
    assert len(beginning) + int(count) + len(end) == len(text)
