# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and compares the key_ids of key providers. They are UUIDs."""

from __future__ import annotations

import re
import uuid

_UUID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}")


def is_key_id(text: str) -> bool:
    """True if the text is a UUID: with all its hyphens or with none, in upper or lower case."""
    return _UUID.fullmatch(text) is not None


def same_key_id(key_id: str, expected: str) -> bool:
    """True if two key_ids are equal as UUIDs."""
    return canonical_key_id(key_id) == canonical_key_id(expected)


def canonical_key_id(key_id: str) -> str:
    """The key_id in the spelling in which key_ids are compared. White space around it has no meaning."""
    text = key_id.strip()
    return str(uuid.UUID(text)) if is_key_id(text) else text.lower()
