# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a person reads as the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._services.names import look_alike_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.names import look_alikes


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("site-a", "Site-A"),
        ("site-a", " site-a"),
        ("site-a", "site-a\n"),
        ("site a", "site\u00a0a"),
        ("site-a", "site\u200b-a"),
        ("site-a", "\ufeffsite-a"),
        ("site-a", "site-a\ufe0f"),
        ("café", unicodedata.normalize("NFD", "café")),
        ("café", "CAFÉ"),
        ("site-a", "ｓite-a"),
        ("straße", "STRASSE"),
        ("file", "ﬁle"),
    ],
    ids=ascii,
)
def test_what_looks_the_same_is_found_both_ways(name: str, held: str) -> None:
    assert look_alikes(name, ["other", held]) == [held]
    assert look_alikes(held, [name]) == [name]


@pytest.mark.parametrize("held", ["site-b", "site_a", "site-a1", "sitea", ""])
def test_another_name_is_another_name(held: str) -> None:
    assert look_alikes("site-a", [held, "site-a"]) == []


@given(st.text(), st.lists(st.text()))
def test_a_name_is_no_look_alike_of_itself_and_every_form_of_it_is(name: str, others: list[str]) -> None:
    forms = {unicodedata.normalize(form, name) for form in ("NFC", "NFD", "NFKC", "NFKD")} | {f" {name}\n"}
    alike = look_alikes(name, [name, *forms, *others])

    assert name not in alike
    assert forms - {name} <= set(alike)


def test_the_warning_shows_the_difference() -> None:
    (warning,) = look_alike_warnings("the alias", "café", ["cafe\u0301", "café"])
    assert "the alias 'cafe\\u0301'" in warning
    assert "'caf\\xe9'" in warning
