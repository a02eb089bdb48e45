# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a person has chosen are hidden."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import HIDDEN
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import hide


def test_names_are_hidden_wherever_they_stand() -> None:
    fields = ["Schluessel-Berlin.key: string", "a.b: string", "data.vc1_mode: null"]
    assert hide(fields, ["schluessel-berlin", "b", "vc1", None, ""]) == [
        f"{HIDDEN}.key: string",
        f"a.{HIDDEN}: string",
        "data.vc1_mode: null",  # a part of a word that is short
    ]
    assert hide({"a": ["x"]}, []) == {"a": ["x"]}
