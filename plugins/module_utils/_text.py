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
    """At most `most` characters of the text: its beginning and its end, and between them how many are missing."""
    if len(text) <= most:
        return text

    # The number has at most as many digits as the length of the text.
    kept = most - len(_left_out(len(text)))
    end = kept // 2

    return f"{text[: kept - end]}{_left_out(len(text) - kept)}{text[-end:]}"


def _left_out(count: int) -> str:
    return f" ({count} characters are left out) "
