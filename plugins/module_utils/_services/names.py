# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses names with characters that nobody sees, and finds names that look the same to a person and not to a host."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import check_unmasked

#: Categories of characters that cannot be seen: control, format, unassigned, private, surrogate, separators.
_UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
#: Characters that have the category of marks and cannot be seen: variation selectors, the grapheme joiner.
_UNSEEN_MARKS = {"\u034f", *(chr(code) for code in range(0xFE00, 0xFE10))}


def check_name(option: str, value: str) -> str:
    """The name, if it has no characters that cannot be seen. A host would keep them, and nobody meant them.

    Raises InvalidInput, which names the option.
    """
    if not value.strip():
        raise InvalidInput(f"{option}: is empty.")

    if value != value.strip() or not value.isprintable():
        raise InvalidInput(f"{option}: has blanks at an end, a line break, or other characters that cannot be seen.")

    return check_unmasked(option, value)


def look_alikes(name: str, held: Iterable[str]) -> list[str]:
    """The names of a host that differ from `name` only in how they are written, sorted. `name` itself is left out.

    They differ in upper and lower case, in blanks and characters that cannot be seen, or in the Unicode form (Unicode
    Standard Annex 15). For example, "é" can be one character in one name and two characters in another.

    held: the names that the host holds.
    """
    form = _form(name)
    return sorted({candidate for candidate in held if candidate != name and _form(candidate) == form})


def look_alike_warnings(noun: str, name: str, held: Iterable[str]) -> tuple[str, ...]:
    """A warning for each look-alike of a name that is about to be created.

    The names are escaped to ASCII, because otherwise nobody could see the difference.

    noun: how the sentence calls the name, such as "the alias".
    held: the names that the host holds.
    """
    warnings = []
    for look_alike in look_alikes(name, held):
        warnings.append(
            f"the host holds {noun} {look_alike!a}, which differs from the declared {name!a} only in how it is written"
            " (upper and lower case, blanks, characters that are not seen, or the form of the same characters). The"
            " host treats them as two different names."
        )

    return tuple(warnings)


def _form(name: str) -> str:
    """The form of a name. Names that look alike have the same form."""
    # After casefold, and after characters were removed, a text may no longer be in its normal form. So it is
    # normalized three times.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())

    seen = []
    for character in folded:
        if unicodedata.category(character) not in _UNSEEN and character not in _UNSEEN_MARKS:
            seen.append(character)

    return unicodedata.normalize("NFKC", "".join(seen))
