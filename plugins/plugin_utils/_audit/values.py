# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain values from results of any form.

The results of modules may hold anything: what a host said, what a core attached to it, or nothing at all. The
functions here return a value of the type that they promise, and never raise an error because of the value.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

_LONGEST_TEXT = 1000

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

# Characters that XML cannot hold, that a terminal obeys, or that turn the direction of the text around them.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def text(value: Any) -> str:
    """The value as a plain text that can be printed. Empty if the value is neither a text nor a number."""
    if isinstance(value, str):
        # Newer cores use subclasses of str. Only the method of str itself is sure to return the bare text.
        plain = str.__str__(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        plain = str(value)
    else:
        return ""

    if not plain.isprintable():
        one_line = re.sub(r"[\t\r\n]+", " ", plain)
        plain = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", one_line)

    if len(plain) > _LONGEST_TEXT:
        return f"{plain[:_LONGEST_TEXT]}…"

    return plain


def moment(value: Any) -> Optional[datetime.datetime]:
    """The value as a moment in UTC, or None.

    The value is a datetime or a text in ISO 8601. Without an offset it is taken as UTC.
    """
    if not isinstance(value, datetime.datetime):
        # Python before 3.11 does not read the letter Z.
        with_offset = re.sub(r"[Zz]$", "+00:00", text(value).strip())
        try:
            value = datetime.datetime.fromisoformat(with_offset)
        except ValueError:
            return None

    if value.tzinfo is None:
        value = value.replace(tzinfo=datetime.timezone.utc)

    try:
        in_utc: datetime.datetime = value.astimezone(datetime.timezone.utc)
    except OverflowError:  # next to the first or the last year
        return None
    return in_utc


def count(number: int, noun: str) -> str:
    """A number and its noun, as they are written in a sentence: 1 host, 2 hosts, 1,000 hosts."""
    plural = "" if number == 1 else "s"
    return f"{number:,} {noun}{plural}"


def iso(at: datetime.datetime) -> str:
    """A moment in ISO 8601, in UTC, such as 2026-01-31T08:00:00Z."""
    in_utc = at.astimezone(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)
    return f"{in_utc.isoformat()}Z"


def listed(names: Sequence[str], most: int, last: str = ", ") -> str:
    """The names as a sentence lists them: all of them, or the first `most` and the number of the others.

    last: stands between the last two names if all are listed.
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"

    if len(names) < 2:
        return "".join(names)

    return f"{', '.join(names[:-1])}{last}{names[-1]}"


def in_words(value: str) -> str:
    """A time for people, such as 31 January 2026, 08:00 UTC. A text that is no time in ISO 8601 stays as it is."""
    at = moment(value)
    if at is None:
        return value

    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


def sentence_case(words: str) -> str:
    """The words with a capital letter at the beginning."""
    return words[:1].upper() + words[1:]


def joined(parts: Iterable[str]) -> str:
    """The parts that are not empty, with a space between them."""
    return " ".join(part for part in parts if part)


def as_list(value: Any) -> list[Any]:
    """The items of a list or tuple. Empty for any other value."""
    return list(value) if isinstance(value, (list, tuple)) else []


def as_mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, otherwise an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_mappings(value: Any) -> list[Mapping[str, Any]]:
    """The items of a list that are mappings."""
    return [item for item in as_list(value) if isinstance(item, Mapping)]


def plain(value: Any) -> Any:
    """A copy of a record in which every text is plain and printable, and every name of a field too."""
    if isinstance(value, str):
        return text(value)

    if isinstance(value, Mapping):
        return {plain(name): plain(item) for name, item in value.items()}

    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]

    return value
