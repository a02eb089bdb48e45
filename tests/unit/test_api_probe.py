# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporary issuers of esx_api_probe."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._services.api_probe import is_leftover


@pytest.mark.parametrize(
    ("alias", "issuer", "ours"),
    [
        ("esx-trust-probe-0a1b", "urn:esx.trust:probe:0a1b", True),
        ("esx-trust-probe-0a1b", "https://vcenter01.example.com", False),
        ("vcenter01", "urn:esx.trust:probe:0a1b", False),
    ],
)
def test_a_leftover_is_known_by_both_its_names(alias: str, issuer: str, ours: bool) -> None:
    assert is_leftover(alias, issuer) is ours
