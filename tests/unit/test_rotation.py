# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which issuers a rotation applies, whatever stands in the place of a declaration."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.plugin_utils import _rotation

ISSUER = {"issuer_alias": "vc", "issuer": "https://vc/sso"}


@pytest.mark.parametrize("blank", [None, "", " ", "\n", [], (), {}], ids=repr)
def test_nothing_is_declared_by_a_blank(blank: Any) -> None:
    assert _rotation.issuers(blank) == []
    assert _rotation.mode(blank) == _rotation.NONE


@pytest.mark.parametrize("junk", [None, " ", "vc", 5, ["vc"]], ids=repr)
def test_an_entry_that_is_no_dictionary_is_left_to_the_module(junk: Any) -> None:
    (kept, applied) = _rotation.issuers([junk, ISSUER])
    assert kept == junk
    assert applied["chains_mode"] == _rotation.EXACT
    assert _rotation.mode([junk, ISSUER]) == _rotation.EXACT


@pytest.mark.parametrize("declared", ["vc", 5, True, ISSUER], ids=repr)
def test_a_declaration_that_is_no_list_is_one_entry(declared: Any) -> None:
    (entry,) = _rotation.issuers(declared)
    assert entry == declared or entry["issuer_alias"] == "vc"
