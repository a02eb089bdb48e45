# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of credentials: what is unpacked of a SAML token."""

from __future__ import annotations

import base64
import gzip

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SamlToken
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from support.credentials import packed_saml

LIMIT = 1024 * 1024


def signed(document: bytes) -> SamlToken:
    return SamlToken(packed_saml(document))


def test_a_saml_token_is_unpacked_up_to_its_limit() -> None:
    assert signed(b"<saml>\xc3\xa4</saml>").xml == "<saml>ä</saml>"
    assert signed(b"x" * LIMIT).document == b"x" * LIMIT


@pytest.mark.parametrize("size", [LIMIT + 1, pytest.param(64 * LIMIT, marks=pytest.mark.not_quick)])
def test_a_saml_token_that_would_fill_the_memory_is_refused(size: int) -> None:
    with pytest.raises(InvalidInput, match=r"^saml_token: is larger than 1 MiB after it was unpacked\.$"):
        _ = signed(b"x" * size).xml


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no Base64!",
        base64.b64encode(b"<saml/>").decode(),
        base64.b64encode(gzip.compress(b"<saml/>")[:-1]).decode(),
        packed_saml(b"\xff"),
    ],
    ids=["empty", "no Base64", "not zipped", "cut", "no UTF-8"],
)
def test_what_is_no_gzipped_xml_has_no_xml(token: str) -> None:
    with pytest.raises(InvalidInput, match="is not the Base64 of a gzipped XML document"):
        _ = SamlToken(token).xml
