# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The views of a text: what it can be decoded to, again and again.

Escapes with a backslash, percent-encoding, HTML entities, lists of numbers, Base64 and hexadecimal digits are decoded.
Each view knows for every byte where it stood in the text before.
"""

from __future__ import annotations

import binascii
import html
import re
from bisect import bisect_right
from collections.abc import Callable
from collections.abc import Iterator
from re import Match
from re import Pattern
from typing import NamedTuple
from typing import Optional

_WHITE = b" \t\r\n\v\f"
_BASE64_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_HEX_DIGITS = b"0123456789abcdefABCDEF"

#: Bytes that could be looked through in the time that an escape takes.
_EFFORT_OF_A_PIECE = 8


def _marks(characters: bytes) -> bytes:
    """The table for `bytes.translate` that makes each of the characters an "x", and all others a blank."""
    return bytes(ord("x") if code in characters else ord(" ") for code in range(256))


_BASE64_MARKS = _marks(_BASE64_CHARACTERS + _WHITE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_HEX_SEPARATORS = _WHITE + b":,.+-xX"
_HEX_MARKS = _marks(_HEX_DIGITS + _HEX_SEPARATORS)
_HEX_PREFIX = re.compile(rb"0[xX]")
_PRINTABLE = bytes([*range(32, 127), *b"\t\r\n"])
_ASCII_MARKS = _marks(_PRINTABLE)
_TEXT_MARKS = _marks(_PRINTABLE + bytes(range(128, 256)))

_BACKSLASH = re.compile(
    rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}"
    rb"|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-3][0-7]{2})|([^uUx]))",
    re.DOTALL,
)
# JSON has fewer escapes than Python, and reads digits behind a backslash as what they are.
_BACKSLASH_OF_JSON = re.compile(
    rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})"
    rb"|(?!)()|(?!)()|(?!)()|(?!)()|([\"\\/bfnrt]))"
)
_BACKSLASH_NAMES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"a": b"\a"}
# Old scripts write a character as %u and four digits.
_PERCENT = re.compile(rb"%(?:([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")
_PERCENT_OR_PLUS = re.compile(rb"%(?:([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))|\+")
# Zeros may stand before the number of a character; Python refuses to read numbers of thousands of digits.
_ENTITY = re.compile(rb"&(?:#0{0,99}[0-9]{1,7}|#[xX]0{0,99}[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")
# A list of bytes as programs print it, in one line or in many; those of Java have a sign.
_DECIMAL = re.compile(rb"(?<![0-9.])(-?[0-9]{1,3})(?![0-9.])[,;+\s]{0,40}")


def _marked(data: bytes, marks: bytes, shortest: int) -> Iterator[tuple[int, int]]:
    """Where at least `shortest` bytes in a row are marked. Much faster than a regular expression."""
    marked = data.translate(marks)
    wanted = b"x" * shortest
    start = marked.find(wanted)
    while start >= 0:
        end = marked.find(b" ", start)
        end = len(marked) if end < 0 else end
        yield start, end
        start = marked.find(wanted, end)


class View:
    """Bytes that were decoded from those of a parent, and the way back."""

    def __init__(self, parent: Optional[View], *, text: bool) -> None:
        self.parent = parent
        #: False for decoded bytes in which no words are expected.
        self.text = text
        self.data = b""
        #: What it took to make the view, besides its length: as many bytes could be looked through in that time.
        self.effort = 0

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """Where the bytes from `start` up to `end` stood in the parent's data."""
        raise NotImplementedError

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where they stood in the original text, in characters."""
        start, end = self.locate(start, end)
        return (start, end) if self.parent is None else self.parent.origin(start, end)


class Original(View):
    """A text as UTF-8."""

    def __init__(self, text: str) -> None:
        super().__init__(None, text=True)
        self.data = text.encode("utf-8", "surrogatepass")
        self._ascii = len(self.data) == len(text)
        self._characters: list[int] = []

    def locate(self, start: int, end: int) -> tuple[int, int]:
        if self._ascii:
            return start, end
        if not self._characters:
            number = -1
            for byte in self.data:
                number += byte & 0xC0 != 0x80
                self._characters.append(number)
        return self._characters[start], self._characters[end - 1] + 1


class _Unescaped(View):
    """A view with its escapes of one kind decoded."""

    def __init__(self, parent: View, pattern: Pattern[bytes], value: Callable[[Match[bytes]], bytes]) -> None:
        super().__init__(parent, text=parent.text)
        source = parent.data
        pieces: list[bytes] = []
        #: Where a piece begins in this view and in the parent, and whether it is literal.
        self._starts: list[int] = []
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
        first = bisect_right(self._starts, start) - 1
        origin, _stop, literal = self._pieces[first]
        found = origin + start - self._starts[first] if literal else origin
        last = bisect_right(self._starts, end - 1) - 1
        origin, stop, literal = self._pieces[last]
        return found, (origin + end - self._starts[last] if literal else stop)


class _Runs(View):
    """What the runs of one alphabet in a view decode to, one behind the other, with a few other bytes between them."""

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
        """Runs: their start and end in the parent, and their digits.

        digits: the characters that count, the others stand between them; empty if all count.
        skip: the digits at the beginning of each run that belong to nothing, negative for digits that are missing.
        group: how many digits are decoded together; bits: what a digit stands for; between: digits between two runs.
        """
        super().__init__(parent, text=text)
        self._source = parent.data
        self._known_places: dict[int, list[int]] = {}
        self._digits = digits
        self._skip = skip
        self._bits = bits
        pieces: list[bytes] = []
        self._starts: list[int] = []
        self._runs: list[tuple[int, int]] = []
        length = 0
        per_gap = len(between) * bits // 8
        for start, end, run in runs:
            # Filled up in front where digits are missing to the first group, so that no whole byte behind is lost.
            filled = b"A" * -skip + run[max(skip, 0) :]
            usable = len(filled) // group * group
            if usable <= 0:
                continue
            pieces.append(filled[:usable])
            self._starts.append(length)
            self._runs.append((start, end))
            length += usable * bits // 8 + per_gap
        self.data = decode(between.join(pieces))

    def locate(self, start: int, end: int) -> tuple[int, int]:
        index = bisect_right(self._starts, start) - 1
        offset = self._starts[index]
        first = self._skip + (start - offset) * 8 // self._bits
        behind = self._skip - (-(end - offset) * 8 // self._bits)
        first, behind = max(first, 0), max(behind, 1)
        begin, stop = self._runs[index]
        if not self._digits:
            return min(begin + first, stop), min(begin + behind, stop)
        places = self._known_places.get(index)
        if places is None:
            places = self._known_places[index] = list(self._places(begin, stop))
        # A run may go on by chance into what stands between two runs.
        return places[min(first, len(places) - 1)], places[min(behind, len(places)) - 1] + 1

    def _places(self, begin: int, stop: int) -> Iterator[int]:
        """Where the digits of a run stand in the parent."""
        source = self._source
        prefixes = set()
        if self._bits == 4:
            prefixes = {match.start() for match in _HEX_PREFIX.finditer(source, begin, stop)}
        for place in range(begin, stop):
            if place not in prefixes and source[place] in self._digits:
                yield place


def _backslash(match: Match[bytes]) -> bytes:
    high, low, four, braced, eight, byte, octal, other = match.groups()
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8)])
    if other is not None:
        return _BACKSLASH_NAMES.get(other, other)
    code = int(high or four or braced or eight, 16)
    if high:
        # Two halves of one character, as JSON writes what needs more than 16 bits.
        code = 0x10000 + ((code - 0xD800) << 10) + int(low, 16) - 0xDC00
    return chr(code).encode("utf-8", "surrogatepass") if code < 0x110000 else match[0]


def _backslash_of_characters(match: Match[bytes]) -> bytes:
    """In a text of Python, two digits are the number of a character and not of a byte."""
    return chr(int(match[6], 16)).encode() if match[6] else _backslash(match)


def _percent(match: Match[bytes]) -> bytes:
    byte, character = match.groups()
    if character:
        return chr(int(character, 16)).encode("utf-8", "surrogatepass")
    return bytes([int(byte, 16)]) if byte else b" "


def _entity(match: Match[bytes]) -> bytes:
    return html.unescape(match[0].decode()).encode("utf-8", "surrogatepass")


def _decimal(match: Match[bytes]) -> bytes:
    number = int(match[1])
    return bytes([number & 0xFF]) if -128 <= number <= 255 else match[0]


def _holds_numbers(data: bytes, least: int) -> bool:
    """True if at least so many numbers stand behind each other, with nothing but separators between them."""
    row = end = 0
    for match in _DECIMAL.finditer(data):
        row = row + 1 if match.start() == end else 1
        end = match.end()
        if row >= least:
            return True
    return False


class Wanted(NamedTuple):
    """What a text is decoded for."""

    #: Bytes. Shorter pieces of Base64 or of hexadecimal digits hold nothing that is looked for.
    shortest: int
    #: There are blanks in it, which a form of the Web writes as "+".
    has_blank: bool
    #: There are no other characters than those of ASCII in it.
    is_ascii: bool


def derived(view: View, wanted: Wanted) -> Iterator[View]:
    """What the view can be decoded to."""
    data = view.data
    if not view.text:
        # Encodings are text; what they are in may be anything.
        marks = _ASCII_MARKS if wanted.is_ascii else _TEXT_MARKS
        runs = [(start, end, data[start:end]) for start, end in _marked(data, marks, wanted.shortest)]
        if not runs:
            return
        view = _Runs(view, runs, text=True)
        data = view.data
    if b"\\" in data:
        yield _Unescaped(view, _BACKSLASH, _backslash)
        yield _Unescaped(view, _BACKSLASH_OF_JSON, _backslash)
        if b"\\x" in data:
            yield _Unescaped(view, _BACKSLASH, _backslash_of_characters)
    if b"%" in data:
        yield _Unescaped(view, _PERCENT, _percent)
    if wanted.has_blank and b"+" in data:
        yield _Unescaped(view, _PERCENT_OR_PLUS, _percent)
    if b"&" in data:
        yield _Unescaped(view, _ENTITY, _entity)
    if _holds_numbers(data, wanted.shortest):
        yield _Unescaped(view, _DECIMAL, _decimal)
    yield from _of_base64(view, wanted.shortest)
    yield from _of_hex(view, wanted.shortest)


def _of_base64(view: View, least: int) -> Iterator[View]:
    """What the Base64 in the view decodes to, wherever it begins in a group of four characters."""
    shortest = -(-least * 4 // 3)
    runs = []
    for start, end in _marked(view.data, _BASE64_MARKS, shortest):
        run = view.data[start:end].translate(_URL_SAFE, _WHITE)
        if len(run) >= shortest:
            # The last group may be cut or without its padding: the digits that follow change no earlier byte.
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
    """What the hexadecimal digits in the view decode to, wherever they begin in a pair."""
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
