# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes the marker that a renaming leaves on a host. Nothing else knows the form of a marker.

Each alias and each issuer is unique on a host, so an issuer cannot be saved under two aliases for a moment. During a
renaming, the old alias holds a marker instead of the issuer. The certificate chains stay under the old alias. The
marker names the issuer that they belong to, and the new alias of this issuer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Optional
from urllib.parse import quote
from urllib.parse import unquote

#: The beginning of each marker.
_PREFIX = "urn:esx.trust:renaming:"
#: The beginning of each alias that holds an issuer only for a short time.
_PARKING = "esx.trust-renaming-"


@dataclass(frozen=True)
class Marker:
    """The contents of a marker.

    alias: the new alias of the issuer.
    issuer: the true issuer.
    """

    alias: str
    issuer: str

    def describe(self) -> str:
        """The contents in words, for a message."""
        return f"its certificates belong to the issuer {self.issuer!r}, which was going to the alias {self.alias!r}"


def read_marker(issuer: str) -> Optional[Marker]:
    """The marker in the place of an issuer. None if the text is an issuer and no marker."""
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
    """The marker that replaces an issuer on the host while the issuer moves to another alias.

    alias: the new alias.
    taken: the issuers and markers on the host. The new marker is none of them.
    """
    quoted_alias = quote(alias, safe="", errors="surrogateescape")
    quoted_issuer = quote(issuer, safe="", errors="surrogateescape")

    return _first_free(f"{_PREFIX}{quoted_alias}:{quoted_issuer}", ":", taken)


def looks_like_marker(issuer: str) -> bool:
    """True if nobody may declare this issuer, because it looks like a marker."""
    return issuer.strip().lower().startswith(_PREFIX)


def parking_alias(alias: str, taken: Collection[str]) -> str:
    """An alias that holds an issuer for a short time, until its new alias is free.

    alias: the new alias of the issuer.
    taken: the aliases on the host. The returned alias is none of them.
    """
    return _first_free(_PARKING + alias, "-", taken)


def is_parking_alias(alias: str) -> bool:
    """True if nobody may declare this alias, because `parking_alias` makes aliases of this form."""
    return alias.startswith(_PARKING)


def _first_free(text: str, separator: str, taken: Collection[str]) -> str:
    """The text, with a number at its end if it is taken."""
    free = text
    number = 1
    while free in taken:
        number += 1
        free = f"{text}{separator}{number}"

    return free
