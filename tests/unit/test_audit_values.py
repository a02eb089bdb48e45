# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain values of an audit: lists of names and moments, as sentences and programs need them."""

from __future__ import annotations

import datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import iso
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import listed
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import moment
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import plain
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text


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


def test_moments_at_the_ends_of_time() -> None:
    assert moment("9999-12-31T23:59:59-12:00") is None
    assert moment("0001-01-01T00:00:00+12:00") is None


class Tagged(str):
    """What newer cores make of strings: more than a string, and it looks like one."""

    __slots__ = ()

    def __str__(self) -> str:
        return "not this"


def test_texts_are_plain() -> None:
    assert not isinstance(text(Tagged("x")), Tagged)
    assert text(Tagged("x")) == "x"
    assert text("a\r\nb\tc\0\x1b[31m\u202e\ud800") == "a b c\ufffd\ufffd[31m\ufffd\ufffd"
    assert text(None) == text(True) == text(["x"]) == ""
    assert text(7) == "7"
    assert len(text("x" * 5000)) == 1001


@given(st.text(st.characters()))
def test_every_text_fits_into_xml_and_a_file(anything: str) -> None:
    cleaned = text(anything)
    cleaned.encode()
    element = ElementTree.Element("a", name=cleaned)
    element.text = cleaned
    again = ElementTree.fromstring(ElementTree.tostring(element))

    assert again.get("name") == (again.text or "") == cleaned
