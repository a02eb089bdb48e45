# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes text that a host or a library wrote fit for a message."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text in one line, with a question mark for each character that does not print.

    Such characters can move the cursor of a terminal or clear its screen.
    """
    one_line = " ".join(text.split())
    return "".join(character if character.isprintable() else "?" for character in one_line)


def cut(text: str, most: int) -> str:
    """The first `most` characters of the text, and three dots if the text is longer."""
    if len(text) <= most:
        return text

    return f"{text[:most]}..."


def shortened(text: str, most: int) -> str:
    """The text, shortened to `most` characters.

    The beginning and the end stay. A note between them says how many characters are missing.
    """
    if len(text) <= most:
        return text

    # The note is longest if all characters are missing.
    longest_note = _note(len(text))
    kept = most - len(longest_note)
    kept_at_end = kept // 2
    kept_at_beginning = kept - kept_at_end

    return f"{text[:kept_at_beginning]}{_note(len(text) - kept)}{text[-kept_at_end:]}"


def _note(count: int) -> str:
    """The note that says how many characters are missing."""
    return f" ({count} characters are left out) "
