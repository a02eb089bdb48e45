# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain values of an audit: lists of names and moments, as sentences and programs need them."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import iso
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import listed
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import plain


@pytest.mark.parametrize(
    ("names", "last", "sentence"),
    [
        ([], ", ", ""),
        (["a"], " and ", "a"),
        (["a", "b"], " and ", "a and b"),
        (["a", "b", "c"], " and ", "a, b and c"),
        (["a", "b", "c"], ", ", "a, b, c"),
        (["a", "b", "c", "d"], " and ", "a, b, c and 1 more"),
        ([f"{number}" for number in range(2000)], ", ", "0, 1, 2 and 1,997 more"),
    ],
)
def test_a_sentence_names_the_first_three(names: list[str], last: str, sentence: str) -> None:
    assert listed(names, 3, last=last) == sentence


def test_a_moment_has_four_digits_for_the_year_and_is_in_utc() -> None:
    east = datetime.timezone(datetime.timedelta(hours=2))
    assert iso(datetime.datetime(90, 1, 2, 3, 4, 5, 678, tzinfo=east)) == "0090-01-02T01:04:05Z"


def test_names_of_fields_are_plain_too() -> None:
    assert plain({"a\x1b\ud800": ["b\x00"]}) == {"a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}": ["b\ufffd"]}
