# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of text that comes from elsewhere, in whatever dress they come."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterable
from typing import Optional
from urllib.parse import quote
from urllib.parse import quote_plus

MASK = "********"
_ESCAPE = re.compile(r"%[0-9A-F]{2}")
# The end of a Base64 text holds the last bits of what was masked.
_END_OF_BASE64 = re.compile(re.escape(MASK) + r"[A-Za-z0-9+/_-]?={1,2}")


def _base64_cores(data: bytes) -> Iterable[str]:
    """The part of the Base64 of `data` that stays the same wherever `data` stands in a longer text."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + data).decode()
        # Drop the characters that also carry bits of what stands before or behind.
        start = (0, 2, 3)[offset]
        end = len(encoded.rstrip("=")) - (1 if (offset + len(data)) % 3 else 0)
        core = encoded[start:end]
        # Shorter cores would mask innocent text and give nothing away.
        if len(core) >= 4:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _dresses(secret: str) -> Iterable[str]:
    data = secret.encode("utf-8", "surrogatepass")
    yield secret
    yield quote(data, safe="")
    yield quote(data)
    yield quote_plus(data)
    yield _ESCAPE.sub(lambda match: match[0].lower(), quote(data, safe=""))
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    if secret.endswith("="):
        yield secret.rstrip("=")
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    yield repr(secret)[1:-1]
    if len(data) >= 8:
        yield data.hex()
    yield from _base64_cores(data)
    try:
        raw = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return
    # Key material is given in Base64; a host may print the bytes.
    if len(raw) >= 16:
        yield raw.hex()
        yield raw.hex().upper()


class Redactor:
    """Knows the secrets of one run and masks them in any text."""

    def __init__(self, secrets: Iterable[Optional[str]] = ()) -> None:
        self._dresses: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Optional[str]) -> None:
        """Mask `secret`, and every usual encoding of it, from now on."""
        for text in {secret, secret.strip()} if secret else ():
            if text:
                self._dresses.update(dress for dress in _dresses(text) if dress)

    def scrub(self, text: str) -> str:
        """The text with every known secret replaced by asterisks."""
        # Longest first, so that no part of a longer dress stays behind.
        for dress in sorted(self._dresses, key=len, reverse=True):
            text = text.replace(dress, MASK)
        return _END_OF_BASE64.sub(MASK, text) if self._dresses else text
