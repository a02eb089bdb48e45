# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The views of a text: the texts that result if it is decoded, again and again.

The decoders know escapes with a backslash, percent-encoding, HTML entities, lists of decimal numbers, Base64, and
hexadecimal digits. Each view knows for every byte where it came from in the text before.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from collections.abc import Callable
from collections.abc import Iterator
from re import Match
from re import Pattern
from typing import NamedTuple
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import BACKSLASH
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import BACKSLASH_OF_JSON
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import DECIMAL
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import ENTITY
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import PERCENT
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import PERCENT_OR_PLUS
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import backslash
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import backslash_of_characters
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import decimal
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import entity
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import holds_numbers
from ansible_collections.esx.trust.plugins.module_utils._secrets.escapes import percent

_WHITE = b" \t\r\n\v\f"
_BASE64_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_HEX_DIGITS = b"0123456789abcdefABCDEF"

#: To decode an escape takes as long as to search so many bytes.
_EFFORT_OF_A_PIECE = 8


def _marks(characters: bytes) -> bytes:
    """A table for `bytes.translate` that turns each of the characters into an "x", and all others into a blank."""
    table = bytearray(b" " * 256)
    for code in characters:
        table[code] = ord("x")

    return bytes(table)


_BASE64_MARKS = _marks(_BASE64_CHARACTERS + _WHITE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_HEX_SEPARATORS = _WHITE + b":,.+-xX"
_HEX_MARKS = _marks(_HEX_DIGITS + _HEX_SEPARATORS)
_HEX_PREFIX = re.compile(rb"0[xX]")
_PRINTABLE = bytes([*range(32, 127), *b"\t\r\n"])
_ASCII_MARKS = _marks(_PRINTABLE)
_TEXT_MARKS = _marks(_PRINTABLE + bytes(range(128, 256)))


def _divided_up(number: int, divisor: int) -> int:
    """The quotient, rounded up."""
    return -(-number // divisor)


def _marked(data: bytes, marks: bytes, shortest: int) -> Iterator[tuple[int, int]]:
    """The starts and ends of all places where at least `shortest` bytes in a row are marked.

    marks: a table that `_marks` made.

    This is much faster than a regular expression.
    """
    marked = data.translate(marks)
    wanted = b"x" * shortest

    start = marked.find(wanted)
    while start >= 0:
        end = marked.find(b" ", start)
        if end < 0:
            end = len(marked)

        yield start, end
        start = marked.find(wanted, end)


class View:
    """Bytes that were decoded from those of a parent view. It can tell where each byte came from.

    parent: None for the original text.
    text: False for decoded bytes in which no words are expected.
    """

    def __init__(self, parent: Optional[View], *, text: bool) -> None:
        self.parent = parent
        self.text = text
        self.data = b""
        #: The time that it took to make the view: in that time so many bytes could be searched. The length of the view
        #: comes on top.
        self.effort = 0

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """The place in the parent's data from which the bytes from `start` up to `end` came."""
        raise NotImplementedError

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original text from which these bytes came, in characters."""
        start, end = self.locate(start, end)
        if self.parent is None:
            return start, end

        return self.parent.origin(start, end)


class Original(View):
    """The original text as UTF-8."""

    def __init__(self, text: str) -> None:
        super().__init__(None, text=True)
        self.data = text.encode("utf-8", "surrogatepass")
        self._is_ascii = len(self.data) == len(text)
        #: The number of the character that each byte belongs to. It is made when it is needed first.
        self._characters: list[int] = []

    def locate(self, start: int, end: int) -> tuple[int, int]:
        if self._is_ascii:
            return start, end

        if not self._characters:
            number = -1
            for byte in self.data:
                # Every byte begins a character, except those with the bits 10 in front.
                number += byte & 0xC0 != 0x80
                self._characters.append(number)

        return self._characters[start], self._characters[end - 1] + 1


class _Unescaped(View):
    """A view with all escapes of one kind decoded.

    pattern: finds the escapes.
    value: gives the bytes that an escape stands for.

    The view consists of pieces: the decoded escapes, and the literal bytes between them. For instance, "a%2Fb" has the
    pieces "a", "/" and "b". The "/" comes from three bytes of the parent.
    """

    def __init__(
        self,
        parent: View,
        pattern: Pattern[bytes],
        value: Callable[[Match[bytes]], bytes],
    ) -> None:
        super().__init__(parent, text=parent.text)
        source = parent.data
        pieces: list[bytes] = []
        #: Where each piece begins in this view.
        self._starts: list[int] = []
        #: Where each piece begins and ends in the parent, and whether it has the same bytes there.
        self._pieces: list[tuple[int, int, bool]] = []
        length = 0
        last = 0

        def put(piece: bytes, start: int, end: int, *, literal: bool) -> None:
            nonlocal length
            if piece:
                pieces.append(piece)
                self._starts.append(length)
                self._pieces.append((start, end, literal))
                length += len(piece)

        for match in pattern.finditer(source):
            put(source[last : match.start()], last, match.start(), literal=True)
            put(value(match), match.start(), match.end(), literal=False)
            last = match.end()

        put(source[last:], last, len(source), literal=True)
        self.data = b"".join(pieces)
        self.effort = _EFFORT_OF_A_PIECE * len(pieces)

    def locate(self, start: int, end: int) -> tuple[int, int]:
        # An escape that is touched counts as a whole.
        first = bisect_right(self._starts, start) - 1
        piece_start, _piece_end, literal = self._pieces[first]
        parent_start = piece_start
        if literal:
            parent_start += start - self._starts[first]

        last = bisect_right(self._starts, end - 1) - 1
        piece_start, piece_end, literal = self._pieces[last]
        parent_end = piece_end
        if literal:
            parent_end = piece_start + end - self._starts[last]

        return parent_start, parent_end


class _Runs(View):
    """The bytes that all runs of one alphabet in a view stand for, with a few other bytes between two runs.

    A run is a row of digits of the alphabet, for instance of Base64. Other characters may stand between the digits,
    such as line breaks in Base64, or colons in hexadecimal digits.

    All runs together make one view: a text may have thousands of short runs, and one search is faster than many.
    """

    def __init__(
        self,
        parent: View,
        runs: list[tuple[int, int, bytes]],
        *,
        text: bool = False,
        digits: bytes = b"",
        skip: int = 0,
        group: int = 1,
        bits: int = 8,
        decode: Callable[[bytes], bytes] = bytes,
        between: bytes = b"\0\0\0",
    ) -> None:
        """Decode the runs.

        runs: the start and the end of each run in the parent, and its digits.
        text: True if words are expected in the decoded bytes.
        digits: the characters that are digits; the others only separate them. Empty if all characters are digits.
        skip: how many digits at the beginning of each run are left out; negative for digits that are missing there.
        group: how many digits are decoded together.
        bits: how many bits a digit stands for.
        decode: turns the digits into bytes.
        between: digits that are put between two runs.
        """
        super().__init__(parent, text=text)
        self._source = parent.data
        #: The places of the digits of each run in the parent, by the number of the run. Made when first needed.
        self._known_places: dict[int, list[int]] = {}
        self._digits = digits
        self._skip = skip
        self._bits = bits
        #: Where each run begins in this view.
        self._starts: list[int] = []
        #: Where each run begins and ends in the parent.
        self._runs: list[tuple[int, int]] = []

        pieces = self._pieces(runs, group, bytes_between=len(between) * bits // 8)
        self.data = decode(between.join(pieces))

    def _pieces(self, runs: list[tuple[int, int, bytes]], group: int, bytes_between: int) -> list[bytes]:
        """The digits of each run that has a whole group of them. Notes where these runs begin and end."""
        skip = self._skip
        pieces: list[bytes] = []
        length = 0

        for start, end, run in runs:
            # If digits of the first group are missing, others take their places, so that no whole byte is lost.
            filled = b"A" * -skip + run[max(skip, 0) :]
            usable = len(filled) // group * group
            if usable <= 0:
                continue

            pieces.append(filled[:usable])
            self._starts.append(length)
            self._runs.append((start, end))
            length += usable * self._bits // 8 + bytes_between

        return pieces

    def locate(self, start: int, end: int) -> tuple[int, int]:
        index = bisect_right(self._starts, start) - 1
        run_start, run_end = self._runs[index]

        # The numbers of the first digit of these bytes and of the first digit behind them.
        first_byte = start - self._starts[index]
        byte_behind = end - self._starts[index]
        first = max(self._skip + first_byte * 8 // self._bits, 0)
        behind = max(self._skip + _divided_up(byte_behind * 8, self._bits), 1)

        if not self._digits:
            return min(run_start + first, run_end), min(run_start + behind, run_end)

        places = self._known_places.get(index)
        if places is None:
            places = list(self._places(run_start, run_end))
            self._known_places[index] = places

        # The bytes between two runs may continue a secret by chance. They came from no place in the parent.
        first = min(first, len(places) - 1)
        behind = min(behind, len(places))

        return places[first], places[behind - 1] + 1

    def _places(self, run_start: int, run_end: int) -> Iterator[int]:
        """The places of the digits of a run in the parent."""
        source = self._source

        # The zero of "0x" is no digit.
        prefixes = set()
        if self._bits == 4:
            prefixes = {match.start() for match in _HEX_PREFIX.finditer(source, run_start, run_end)}

        for place in range(run_start, run_end):
            if place not in prefixes and source[place] in self._digits:
                yield place


class Wanted(NamedTuple):
    """The properties of the secrets that are looked for.

    shortest: the fewest bytes of a form of a secret. Base64 that stands for fewer bytes is not decoded.
    has_blank: True if a secret has a blank in it. HTML forms write a blank as "+".
    is_ascii: True if all secrets have only characters of ASCII.
    """

    shortest: int
    has_blank: bool
    is_ascii: bool


def derived(view: View, wanted: Wanted) -> Iterator[View]:
    """The views that the view can be decoded to."""
    data = view.data
    if not view.text:
        # An encoded text is printable, and it may stand between any other bytes.
        marks = _ASCII_MARKS if wanted.is_ascii else _TEXT_MARKS
        runs = [(start, end, data[start:end]) for start, end in _marked(data, marks, wanted.shortest)]
        if not runs:
            return

        view = _Runs(view, runs, text=True)
        data = view.data

    if b"\\" in data:
        yield _Unescaped(view, BACKSLASH, backslash)
        yield _Unescaped(view, BACKSLASH_OF_JSON, backslash)
        if b"\\x" in data:
            yield _Unescaped(view, BACKSLASH, backslash_of_characters)

    if b"%" in data:
        yield _Unescaped(view, PERCENT, percent)
    if wanted.has_blank and b"+" in data:
        yield _Unescaped(view, PERCENT_OR_PLUS, percent)
    if b"&" in data:
        yield _Unescaped(view, ENTITY, entity)

    if holds_numbers(data, wanted.shortest):
        yield _Unescaped(view, DECIMAL, decimal)

    yield from _of_base64(view, wanted.shortest)
    yield from _of_hex(view, wanted.shortest)


def _of_base64(view: View, least: int) -> Iterator[View]:
    """The views of the bytes that the Base64 in the view stands for.

    least: the fewest bytes of a run that is decoded.

    The beginning of the Base64 may be cut off, so each of the four places in a group is tried as the beginning.
    """
    shortest = _divided_up(least * 4, 3)
    runs = []

    for start, end in _marked(view.data, _BASE64_MARKS, shortest):
        run = view.data[start:end].translate(_URL_SAFE, _WHITE)
        if len(run) >= shortest:
            # The last group may be incomplete. These digits complete it, and change no byte before it.
            runs.append((start, end, run + b"/w/"))

    if runs:
        for skip in range(4):
            yield _Runs(
                view,
                runs,
                digits=_BASE64_CHARACTERS,
                skip=-skip,
                group=4,
                bits=6,
                decode=binascii.a2b_base64,
                between=b"/wD/",
            )


def _of_hex(view: View, least: int) -> Iterator[View]:
    """The views of the bytes that the hexadecimal digits in the view stand for.

    least: the fewest bytes of a run that is decoded.

    The beginning of the digits may be cut off, so both places in a pair are tried as the beginning.
    """
    shortest = 2 * least
    runs = []

    for start, end in _marked(view.data, _HEX_MARKS, shortest):
        run = _HEX_PREFIX.sub(b"", view.data[start:end]).translate(None, _HEX_SEPARATORS)
        if len(run) >= shortest:
            runs.append((start, end, run))

    if runs:
        for skip in range(2):
            yield _Runs(
                view,
                runs,
                digits=_HEX_DIGITS,
                skip=skip,
                group=2,
                bits=4,
                decode=binascii.a2b_hex,
                between=b"ff00",
            )
