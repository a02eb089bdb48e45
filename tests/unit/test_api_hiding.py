# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a person has chosen are hidden."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import HIDDEN
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import connection_names
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import hide


def test_names_are_hidden_wherever_they_stand() -> None:
    fields = ["Schluessel-Berlin.key: string", "a.b: string", "data.vc1_mode: null"]
    assert hide(fields, ["schluessel-berlin", "b", "vc1", None, ""]) == [
        f"{HIDDEN}.key: string",
        f"a.{HIDDEN}: string",
        "data.vc1_mode: null",  # a part of a word that is short
    ]
    assert hide({"a": ["x"]}, []) == {"a": ["x"]}


@pytest.mark.parametrize(
    ("hostname", "short"),
    [
        ("3par-esx.example.org", "3par-esx"),
        ("esx01.example.org", "esx01"),
        ("10.example.org", "10"),
        ("192.0.2.7", None),
        ("2001:db8::7", None),
        ("fe80::7%eth0", None),
    ],
)
def test_the_first_part_of_a_name_is_hidden_and_that_of_an_address_is_not(hostname: str, short: str | None) -> None:
    names = connection_names(Connection(hostname, username="root", proxy=f"http://{_in_url(hostname)}:3128"))
    assert {name for name in names if name} == {name for name in (hostname, short, "root") if name}


def _in_url(hostname: str) -> str:
    return f"[{hostname}]" if ":" in hostname else hostname
