# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a host holds apart and a person reads as the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

#: Categories of characters that are not seen: control, format, unassigned, private, surrogate, separators.
_UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
#: Characters that are marks by their category and are not seen: variation selectors, the grapheme joiner.
_UNSEEN_MARKS = {"\u034f", *(chr(code) for code in range(0xFE00, 0xFE10))}


def look_alikes(name: str, held: Iterable[str]) -> list[str]:
    """The names among those that a host holds that differ from `name` only in how they are written.

    That is in upper and lower case, in blanks and characters that are not seen, or in the Unicode form (Unicode
    Standard Annex 15): one name may have "é" as one character and another as two. `name` itself is none of them.
    """
    form = _form(name)
    return sorted({other for other in held if other != name and _form(other) == form})


def look_alike_warnings(what: str, name: str, held: Iterable[str]) -> tuple[str, ...]:
    """A warning for each look-alike of `name`, which is about to be made; what: how the sentence calls the thing.

    Names are escaped to ASCII, since otherwise nobody could see the difference.
    """
    return tuple(
        f"the host holds {what} {other!a}, which differs from the declared {name!a} only in how it is written (upper"
        " and lower case, blanks, characters that are not seen, or the form of the same characters). To the host they"
        " are two."
        for other in look_alikes(name, held)
    )


def _form(name: str) -> str:
    # Folding can take a text out of its normal form, and so can leaving out a character between two others.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(one for one in folded if unicodedata.category(one) not in _UNSEEN and one not in _UNSEEN_MARKS)
    return unicodedata.normalize("NFKC", seen)
