# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of one run, and the search for them in a view of a text."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from functools import lru_cache
from typing import NamedTuple
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._secrets.views import View
from ansible_collections.esx.trust.plugins.module_utils._secrets.views import Wanted

try:
    from ansible.module_utils.secrets import register_secrets as _register
except ImportError:  # before ansible-core 2.22

    def _register(_values: Iterable[str]) -> None:
        """Older cores have no register of secrets."""


#: The fewest characters of a secret. A shorter text protects nothing, and its mask would hide innocent text everywhere.
SHORTEST_SECRET = 4
#: The fewest characters of a secret that is also masked inside of a word.
_SHORTEST_PART_OF_WORD = 8
#: A run: so many characters of a secret in a row are never shown.
RUN = 12
#: So many bytes of key material in a row are never shown: 12 characters of Base64 hold eight whole bytes.
_RAW_RUN = 8
#: Secrets with at most so many characters are cut into pieces once for a whole fleet.
_LONGEST_KEPT = 128
#: The fewest bytes that a secret in Base64 or in hexadecimal digits must stand for to count as key material.
_SHORTEST_RAW = 16

_URL_SAFE_TEXT = str.maketrans("-_", "+/")
#: The text of an element, or the value of an attribute in one of the two kinds of quotes.
_VALUE_IN_XML = re.compile(r">([^<>]{1,65536})<|\"([^\"<>]{1,4096})\"|'([^'<>]{1,4096})'")
_PEM_MARK = re.compile(r"-----(?:BEGIN|END) CERTIFICATE-----")


def register(secrets: Iterable[str]) -> None:
    """Let ansible-core mask the secrets in everything that it displays. Has no effect before ansible-core 2.22."""
    _register(secret for secret in secrets if len(secret.strip()) >= SHORTEST_SECRET)


def _key_material(secret: str) -> Iterator[bytes]:
    """The bytes that a secret stands for if it is Base64 or hexadecimal digits.

    The Base64 of a name and a password is left out: it begins with the name, which is no secret.
    """
    without_white_space = "".join(secret.split())
    digits = without_white_space.rstrip("=").translate(_URL_SAFE_TEXT)
    padding = "=" * (-len(digits) % 4)

    for decode, source in (
        (_base64, digits + padding),
        (bytes.fromhex, without_white_space),
    ):
        try:
            raw = decode(source)
        except ValueError:
            continue

        if len(raw) >= _SHORTEST_RAW and not _is_credentials(raw):
            yield raw


def _is_credentials(raw: bytes) -> bool:
    """True for a name, a colon and a password. The password is a secret by itself."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return False

    is_markup = text.lstrip().startswith("<")
    return ":" in text and text.isprintable() and not is_markup


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _public_values(secret: str) -> Iterator[str]:
    """The values inside of a token in XML. It names its issuer and its signing certificate, which are no secrets."""
    if not secret.lstrip().startswith("<"):
        return

    for match in _VALUE_IN_XML.finditer(secret):
        value = match[1] or match[2] or match[3]
        yield _comparable(html.unescape(value))


def _comparable(value: str) -> str:
    """The form in which a value is compared with those of a token: without white space and without marks of PEM."""
    return "".join(_PEM_MARK.sub("", value).split())


class Hit(NamedTuple):
    """The place of a secret in a text.

    start: the number of its first character.
    end: the number of the first character behind it.
    kind: RUN_OF_SECRET, WORD or PART_OF_WORD.
    """

    start: int
    end: int
    kind: int


#: A hit that is a run of a long secret.
RUN_OF_SECRET = 0
#: A hit that is a short secret, and no letter or digit continues it in the text. A short secret in decoded bytes counts
#: as a word, too.
WORD = 1
#: A hit that is a short secret inside of a longer word.
PART_OF_WORD = 2


@dataclass
class _Pieces:
    """The pieces of one secret by which a search finds it.

    short: the secret as bytes, in each encoding, if it is shorter than a run.
    runs: all runs of a longer secret, by the length of the run in bytes.
    groups_of_four: all groups of four bytes in a longer secret, as numbers. A run has at least eight bytes, so at
        any position it contains a whole group that begins at a multiple of four. The search looks there first.
    markup: SAML tokens that the secret encodes. They are secrets themselves.
    """

    short: set[bytes] = field(default_factory=set)
    runs: dict[int, set[bytes]] = field(default_factory=lambda: {RUN: set(), _RAW_RUN: set()})
    groups_of_four: set[int] = field(default_factory=set)
    markup: list[str] = field(default_factory=list)

    def add_runs(self, form: bytes, length: int) -> None:
        """Add the runs of `length` bytes of a secret, and its groups of four bytes.

        A search in the secret itself would take longer for a longer secret, and tokens are long.
        """
        self.runs[length].update(form[start : start + length] for start in range(len(form) - length + 1))

        for start in range(4):
            self.groups_of_four.update(_groups_of_four(form[start:]))


@lru_cache(maxsize=64)
def _kept_pieces(text: str) -> _Pieces:
    """The pieces of a secret, from a cache. Do not change them. The hosts of a fleet share passwords and keys."""
    return _pieces_of(text)


def _pieces_of(text: str) -> _Pieces:
    """The pieces of a secret."""
    pieces = _Pieces()

    for form in _forms(text):
        if len(text) < RUN:
            pieces.short.add(form)
        else:
            pieces.add_runs(form, RUN)

    for raw in _key_material(text):
        markup = _markup(raw)
        if markup:
            pieces.markup.append(markup)
        else:
            pieces.add_runs(raw, _RAW_RUN)
            # A text can show each byte as a character.
            pieces.add_runs(raw.decode("latin-1").encode(), _RAW_RUN)

    return pieces


class KnownSecrets:
    """The secrets of one run, in all forms in which a text may hold them."""

    def __init__(self) -> None:
        #: The secrets themselves, each with and without the white space at its ends.
        self.words: set[str] = set()
        #: The pieces of all secrets together.
        self._pieces = _Pieces()
        #: The values inside of tokens that are no secrets.
        self._public: set[str] = set()
        self._has_blank = False
        self._is_ascii = True
        #: The bytes of the shortest form to look for.
        self._least = _RAW_RUN

    @property
    def wanted(self) -> Wanted:
        """The properties of the secrets that decide how a text is decoded."""
        return Wanted(self._least, self._has_blank, self._is_ascii)

    def add(self, secret: Optional[str]) -> None:
        """Search for `secret`, in every encoding, from now on, and register it with ansible-core.

        A text with fewer than SHORTEST_SECRET characters is ignored.
        """
        if not secret:
            return

        for text in (secret, secret.strip()):
            if len(text.strip()) >= SHORTEST_SECRET and text not in self.words:
                self._add_word(text)

    def _add_word(self, text: str) -> None:
        register([text])
        self.words.add(text)
        self._public.update(_public_values(text))
        self._has_blank = self._has_blank or " " in text
        self._is_ascii = self._is_ascii and text.isascii()

        # A longer secret is usually a token, and each host gives its own token.
        pieces = _kept_pieces(text) if len(text) <= _LONGEST_KEPT else _pieces_of(text)
        self._pieces.short.update(pieces.short)
        self._least = min([self._least, *map(len, pieces.short)])
        self._pieces.groups_of_four.update(pieces.groups_of_four)
        for length, runs in pieces.runs.items():
            self._pieces.runs[length].update(runs)

        for markup in pieces.markup:
            self.add(markup)

    def is_public_value(self, text: str) -> bool:
        """True if the text is a public value of a secret token: its issuer, or the certificate that signed it."""
        return _comparable(text) in self._public

    def found_in(self, view: View) -> Iterator[Hit]:
        """The places in the original text where this view shows a short secret or a run of a long secret."""
        for start, end in self._runs_in(view.data):
            yield Hit(*view.origin(start, end), RUN_OF_SECRET)

        for start, end, kind in self._short_in(view):
            yield Hit(*view.origin(start, end), kind)

    def _runs_in(self, data: bytes) -> Iterator[tuple[int, int]]:
        """The starts and ends of runs of long secrets in the data. Runs that overlap or touch are joined.

        To compare each place with all runs would take too long. So the data is divided into groups of four bytes first,
        and groups that occur in no secret are left out. Only the places around the other groups are compared.
        """
        groups = _groups_of_four(data).tolist()
        known = self._pieces.groups_of_four.intersection(groups)
        if not known:
            return

        places = [4 * index for index, group in enumerate(groups) if group in known]

        for run, runs in self._pieces.runs.items():
            starts = _starts_of_runs(data, places, run, runs)
            yield from _joined(starts, run)

    def _short_in(self, view: View) -> Iterator[tuple[int, int, int]]:
        """The starts, ends and kinds of short secrets in a view."""
        data = view.data

        for form in self._pieces.short:
            is_long_enough = len(form) >= _SHORTEST_PART_OF_WORD
            start = data.find(form)

            while start >= 0:
                end = start + len(form)
                if is_long_enough or not view.text or _is_word(data, start, end):
                    yield start, end, WORD
                else:
                    yield start, end, PART_OF_WORD

                start = data.find(form, start + 1)


def _starts_of_runs(
    data: bytes,
    places: list[int],
    run: int,
    runs: set[bytes],
) -> Iterator[int]:
    """The places in the data where one of the runs begins, in ascending order.

    places: the places of groups of four bytes that occur in a secret, in ascending order. Only around them is compared.
    run: the number of bytes of each run.
    """
    checked = -1

    for place in places:
        # A run that holds the group at `place` starts in this range.
        first_start = max(place + 4 - run, checked + 1, 0)
        last_start = min(place, len(data) - run)

        for start in range(first_start, last_start + 1):
            if data[start : start + run] in runs:
                yield start

        checked = place


def _joined(starts: Iterable[int], length: int) -> Iterator[tuple[int, int]]:
    """The starts and ends of pieces of this length. Pieces that overlap or touch are joined.

    starts: where the pieces begin, in ascending order.
    """
    begin = 0
    end = 0

    for start in starts:
        if start > end:
            if end:
                yield begin, end

            begin = start

        end = start + length

    if end:
        yield begin, end


def _groups_of_four(data: bytes) -> memoryview:
    """The bytes, four by four, as numbers. Up to three bytes at the end are left out."""
    whole_groups = len(data) // 4 * 4
    return memoryview(data)[:whole_groups].cast("I")


def _markup(raw: bytes) -> str:
    """The text of the bytes if they are a SAML token, or an empty text.

    Bytes that only begin as XML may be a key.
    """
    trimmed = raw.strip()
    is_xml = trimmed.startswith(b"<") and trimmed.endswith(b">") and b"</" in trimmed
    if not is_xml:
        return ""

    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _forms(text: str) -> Iterator[bytes]:
    """The bytes of a text in the encodings that are in use."""
    yield text.encode("utf-8", "surrogatepass")
    yield text.encode("utf-16-le", "surrogatepass")

    # The escapes of JSON are searched for, too: if the text around them ends with a backslash, they cannot be decoded.
    for ascii_only in (True, False):
        in_json = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        if in_json != text:
            yield in_json.encode("utf-8", "surrogatepass")

    if not text.isascii():
        try:
            yield text.encode("latin-1")
        except UnicodeEncodeError:
            return


def _is_word(data: bytes, start: int, end: int) -> bool:
    """True unless a letter or digit at an end of the secret continues in the text."""
    before = data[max(start - 1, 0) : start]
    first = data[start : start + 1]
    if before.isalnum() and first.isalnum():
        return False

    last = data[end - 1 : end]
    behind = data[end : end + 1]

    return not (behind.isalnum() and last.isalnum())
