# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search finds what is there: otherwise all that it does not find says nothing."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from leaks.scene import PASSWORDS
from leaks.scene import SAML
from support.constants import KEY
from support.search import Search
from support.search import encodings

LONG = [secret for secret in (*PASSWORDS, KEY, SAML) if len(secret) > 6]


@pytest.mark.parametrize("secret", [*PASSWORDS, KEY, SAML])
def test_every_usual_encoding_is_known(secret: str) -> None:
    worn = [secret, quote(secret, safe=""), json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret)]
    for text in worn:
        assert Search().find({"password": [secret]}, {"there": f"before {text} after"}), text
    assert Search().find({"password": [secret]}, {"there": "nothing of the kind"}) == []


@pytest.mark.parametrize("secret", LONG)
@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_base64_and_hex_are_known_wherever_they_begin(secret: str, before: str) -> None:
    data = f"{before}{secret} and more".encode()
    for text in (
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode(),
        data.hex(),
        data.hex().upper(),
    ):
        assert any(form in text for form in encodings(secret)), text
