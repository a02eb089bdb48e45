# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the report shows each status, so that nobody needs the colours to tell them apart."""

from __future__ import annotations

from typing import NamedTuple


class Mark(NamedTuple):
    """A shape that the fonts of every system have, a word, and a tone that stands for a colour."""

    shape: str
    word: str
    tone: str


MARKS = {
    "ok": Mark("✓", "ok", "good"),
    "absent": Mark("✓", "absent", "good"),
    "undeclared": Mark("◊", "undeclared", "quiet"),
    "differs": Mark("≠", "differs", "notice"),
    "missing": Mark("○", "missing", "notice"),
    "extra": Mark("+", "extra", "notice"),
    "conflict": Mark("▲", "conflict", "alarm"),
    "unreachable": Mark("×", "unreachable", "alarm"),
    "failed": Mark("!", "failed", "alarm"),
    "not_examined": Mark("?", "not examined", "alarm"),
    "key_disagreement": Mark("▲", "different keys", "alarm"),
    "expired": Mark("×", "expired", "alarm"),
    "expiring": Mark("◆", "ends soon", "notice"),
    "expired_undeclared": Mark("×", "expired", "notice"),
    "valid": Mark("●", "valid", "quiet"),
    "unknown": Mark("?", "unknown", "quiet"),
    "unavailable": Mark("!", "not available", "notice"),
    "keys_unread": Mark("?", "not read", "notice"),
}

#: What the words mean, for the legend.
MEANINGS = {
    "ok": "as declared",
    "absent": "declared absent, and not there",
    "differs": "there, and not as declared",
    "missing": "declared, and not there",
    "extra": "there, and a converge deletes it",
    "undeclared": "on the host, not declared, unchanged",
    "conflict": "a person must decide; nothing is written",
    "unreachable": "the host did not answer",
    "failed": "the host could not be examined",
    "not_examined": "nobody asked the host",
}
