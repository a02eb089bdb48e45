# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts that a renaming writes on a host: markers in the place of issuers, and aliases for parking."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._services.renaming import Marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker

#: A character that a host may send and that is no valid Unicode.
ODD = "x\udcff"


def test_the_form_of_a_marker_stays_because_earlier_versions_have_left_such_markers_on_hosts() -> None:
    assert write_marker("a/b", "https://vc/oidc", ()) == "urn:esx.trust:renaming:a%2Fb:https%3A%2F%2Fvc%2Foidc"


def test_a_marker_keeps_names_that_are_no_valid_unicode() -> None:
    for alias, issuer in ((ODD, "https://vc"), ("vc", ODD)):
        assert read_marker(write_marker(alias, issuer, ())) == Marker(alias, issuer)


def test_markers_and_parking_aliases_that_are_taken_are_numbered() -> None:
    taken: list[str] = []
    for _number in range(3):
        taken.append(write_marker("vc", "https://vc", taken))

    first = "urn:esx.trust:renaming:vc:https%3A%2F%2Fvc"

    assert taken == [first, f"{first}:2", f"{first}:3"]
    assert parking_alias("vc", ()) == "esx.trust-renaming-vc"
    assert parking_alias("vc", ["esx.trust-renaming-vc"]) == "esx.trust-renaming-vc-2"
