# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what can be published of an access token: its format, the names of its claims, and its lifetime."""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import field_name


@dataclass(frozen=True)
class TokenFacts:
    """Facts about an access token.

    format: jwt or opaque.
    claims: the names of the claims of a jwt.
    lifetime: in seconds, None if the token does not say it.
    """

    format: str
    claims: tuple[str, ...] = ()
    lifetime: Optional[int] = None


def token_facts(token: Optional[str], now: float) -> Optional[TokenFacts]:
    """Facts about an access token. now: seconds since the epoch. Source of the format: RFC 7519."""
    if not token:
        return None

    claims = _claims_in(token)
    if claims is None:
        return TokenFacts("opaque")

    issued_at = _seconds(claims.get("iat"))
    if issued_at is None:
        issued_at = now

    lifetime = None
    expires_at = _seconds(claims.get("exp"))
    if expires_at is not None and math.isfinite(expires_at - issued_at):
        lifetime = round(expires_at - issued_at)

    names = {field_name(name) for name in claims}
    return TokenFacts("jwt", tuple(sorted(names)), lifetime)


def _claims_in(token: str) -> Optional[dict[str, Any]]:
    """The claims of a jwt. None for a token of another format."""
    parts = token.split(".")
    if len(parts) != 3:
        return None

    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        claims = json.loads(base64.urlsafe_b64decode(padded.encode()).decode())
    except (binascii.Error, ValueError, RecursionError):
        return None

    return claims if isinstance(claims, dict) else None


def _seconds(value: Any) -> Optional[float]:
    """The value as a number of seconds, or None if it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None

    try:
        seconds = float(value)
    except OverflowError:
        return None

    return seconds if math.isfinite(seconds) else None
