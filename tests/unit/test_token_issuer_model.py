# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token issuer as it is declared, and as a diff shows it."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import shown
from support.issuer_rights import ISSUER
from support.issuer_rights import NEW
from support.issuer_rights import OLD
from support.whole_hosts import absent
from support.whole_hosts import issuer

PARKED = parking_alias("vc", ())


@pytest.mark.parametrize(
    ("alias", "name", "sentence"),
    [
        (
            "vc",
            write_marker("vc", ISSUER, ()),
            "issuer: is the marker of a renaming, which this collection writes, and no issuer.",
        ),
        (
            PARKED,
            ISSUER,
            "issuer_alias: is of the form under which this collection keeps issuers for a moment.",
        ),
    ],
    ids=["a marker", "an alias for parking"],
)
def test_what_the_collection_itself_writes_cannot_be_declared(alias: str, name: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        DesiredTokenIssuer.from_params(issuer(alias, name))

    assert caught.value.message == sentence


def test_an_alias_that_was_left_over_for_parking_can_be_removed() -> None:
    assert DesiredTokenIssuer.from_params(absent(PARKED)) == DesiredTokenIssuer(PARKED, None, state="absent")


def test_a_mask_in_the_alias_is_refused_for_a_removal_too() -> None:
    with pytest.raises(InvalidInput, match=r"^issuer_alias: "):
        DesiredTokenIssuer.from_params(absent("$REDACTED$"))


@pytest.mark.parametrize(
    ("held", "mode", "is_met"),
    [
        (OLD, "exact", True),
        (OLD, "merge", True),
        (OLD + NEW, "exact", False),
        (OLD + NEW, "merge", True),
        (NEW, "exact", False),
        (NEW, "merge", False),
    ],
)
def test_merge_is_met_by_more_chains_and_exact_only_by_the_declared_ones(
    held: tuple[Chain, ...], mode: str, is_met: bool
) -> None:
    declared = DesiredTokenIssuer("vc", ISSUER, OLD, chains_mode=mode)
    assert declared.is_met_by(TokenIssuer("vc", ISSUER, held)) == is_met


def test_a_diff_shows_no_texts_of_certificates() -> None:
    record = TokenIssuer("vc", ISSUER, OLD).record()
    assert list(record) == ["issuer_alias", "issuer", "signing_cert_chains", "certificates"]
    assert list(shown(record)) == ["issuer_alias", "issuer", "certificates"]
