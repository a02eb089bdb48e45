# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trace that a renaming leaves on a host: a marker in the place of the issuer, written and read here alone.

An alias and an issuer are each unique on a host, so an issuer cannot be saved under two aliases for a moment. While it
moves, its old alias holds a marker instead of the issuer. The certificate chains stay where they are, and whoever
finds the marker knows which issuer they belong to and where it was going.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Optional
from urllib.parse import quote
from urllib.parse import unquote

_PREFIX = "urn:esx.trust:renaming:"
_PARKING = "esx.trust-renaming-"


@dataclass(frozen=True)
class Marker:
    """What a marker tells. alias: where the issuer is going. issuer: the true issuer."""

    alias: str
    issuer: str

    def describe(self) -> str:
        """What a person should know about it."""
        return f"its certificates belong to the issuer {self.issuer!r}, which was going to the alias {self.alias!r}"


def read_marker(issuer: str) -> Optional[Marker]:
    """The marker that stands in the place of an issuer, or None if it is an issuer."""
    if not issuer.startswith(_PREFIX):
        return None

    fields = issuer[len(_PREFIX) :].split(":")
    if len(fields) not in (2, 3) or not all(fields):
        return None

    alias, true_issuer = (unquote(text, errors="surrogateescape") for text in fields[:2])
    if looks_like_marker(true_issuer):
        return None
    return Marker(alias, true_issuer)


def write_marker(alias: str, issuer: str, taken: Collection[str]) -> str:
    """The text that stands in the place of `issuer` while it moves to `alias`; none of those that are `taken`."""
    names = [quote(text, safe="", errors="surrogateescape") for text in (alias, issuer)]
    return _first_free(_PREFIX + ":".join(names), ":", taken)


def looks_like_marker(issuer: str) -> bool:
    """True if a person may not declare this issuer, because it would be taken for a marker."""
    return issuer.strip().lower().startswith(_PREFIX)


def parking_alias(alias: str, taken: Collection[str]) -> str:
    """An alias that holds an issuer for a short time, until its own new `alias` is free."""
    return _first_free(_PARKING + alias, "-", taken)


def is_parking_alias(alias: str) -> bool:
    """True if a person may not declare this alias, because it is one under which issuers are parked."""
    return alias.startswith(_PARKING)


def _first_free(text: str, separator: str, taken: Collection[str]) -> str:
    free, number = text, 1
    while free in taken:
        number += 1
        free = f"{text}{separator}{number}"
    return free
