# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials as they stand in a request."""

from __future__ import annotations

import base64
import gzip


def basic_credentials(username: str, password: str) -> str:
    """A user name and a password as the Basic scheme has them."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def packed_saml(assertion: str | bytes) -> str:
    """A SAML assertion in Base64 of gzip. The same assertion is always packed in the same way."""
    document = assertion.encode() if isinstance(assertion, str) else assertion

    return base64.b64encode(gzip.compress(document, mtime=0)).decode()
