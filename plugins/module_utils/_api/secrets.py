# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of text that comes from elsewhere, in whatever reversible dress they come.

A text is decoded again and again: escapes with a backslash, percent-encoding, HTML entities, Base64, hexadecimal
digits. Each decoded form is a view, which knows for every byte where it stood in the text before. Where a view holds
a run of a secret, the place in the original text is masked.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import sys
from bisect import bisect_right
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from re import Match
from re import Pattern
from typing import Any
from typing import NamedTuple
from typing import Optional

try:
    from ansible.module_utils.secrets import register_secrets as _register
except ImportError:  # before ansible-core 2.22

    def _register(_values: Iterable[str]) -> None:
        """Older cores have no register of secrets."""


MASK = "********"
#: What Ansible and we write in the place of a secret.
MASKS = (MASK, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "$REDACTED$")
#: Characters. A shorter text is no secret: it would mask innocent text everywhere and protects nothing.
SHORTEST_SECRET = 4
#: Characters. Shorter secrets are masked in plain text only where they are whole words.
_SHORTEST_PART_OF_WORD = 8
#: Characters of a secret that are never shown in a row.
RUN = 12
#: Bytes of key material in a row that are never shown: 12 characters of Base64 hold eight whole ones.
_RAW_RUN = 8
#: Bytes that a Base64 text or a hexadecimal text must decode to before it is seen as key material.
_SHORTEST_RAW = 16
#: How many dresses a secret may wear, one over the other.
_DEPTH = 4
#: Bytes of all views of one text together, as a multiple of the text, and at least. More is hostile, and masked whole.
_MOST_VIEWS = 40
_LEAST_BUDGET = 1 << 20

#: The names in results under which sentences stand. All others hold names, ids and certificates, which people give
#: back to modules.
FREE_TEXTS = frozenset(
    ("msg", "message", "hint", "warnings", "exception", "details", "default_message", "localized", "conflict", "reason")
)
#: The names in results whose values are words of ours and never anybody's secret.
_OUR_WORDS = frozenset(
    (
        "api_protocol",
        "auth_method",
        "chains_mode",
        "code",
        "entitlements_mode",
        "issuer_conflict",
        "operation",
        "resource",
        "state",
    )
)
_OUR_NAME = re.compile(r"[a-z_]+")

_WHITE = b" \t\r\n\v\f"
_BASE64_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_HEX_DIGITS = b"0123456789abcdefABCDEF"
#: Between two texts that are looked at as one: part of no dress.
_SEPARATOR = "\0"


def _marks(characters: bytes) -> bytes:
    """The table for `bytes.translate` that makes each of the characters an "x", and all others a blank."""
    return bytes(ord("x") if code in characters else ord(" ") for code in range(256))


_BASE64_MARKS = _marks(_BASE64_CHARACTERS + _WHITE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_URL_SAFE_TEXT = str.maketrans("-_", "+/")
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
_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_PERCENT_OR_PLUS = re.compile(rb"%([0-9a-fA-F]{2})|\+")
_ENTITY = re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?")


def register(secrets: Iterable[str]) -> None:
    """Let ansible-core mask the secrets wherever it displays something; does nothing before ansible-core 2.22."""
    _register(secret for secret in secrets if len(secret.strip()) >= SHORTEST_SECRET)


def is_masked(text: str) -> bool:
    """True if a mask has eaten a part of the text."""
    return any(mask in text for mask in MASKS)


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


class _View:
    """Bytes that were decoded from those of a parent, and the way back."""

    def __init__(self, parent: Optional[_View], *, text: bool) -> None:
        self.parent = parent
        #: False for decoded bytes in which no words are expected.
        self.text = text
        self.data = b""

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """Where the bytes from `start` up to `end` stood in the parent's data."""
        raise NotImplementedError

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where they stood in the original text, in characters."""
        start, end = self.locate(start, end)
        return (start, end) if self.parent is None else self.parent.origin(start, end)


class _Original(_View):
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


class _Unescaped(_View):
    """A view with its escapes of one kind decoded."""

    def __init__(self, parent: _View, pattern: Pattern[bytes], value: Callable[[Match[bytes]], bytes]) -> None:
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

    def locate(self, start: int, end: int) -> tuple[int, int]:
        first = bisect_right(self._starts, start) - 1
        origin, _stop, literal = self._pieces[first]
        found = origin + start - self._starts[first] if literal else origin
        last = bisect_right(self._starts, end - 1) - 1
        origin, stop, literal = self._pieces[last]
        return found, (origin + end - self._starts[last] if literal else stop)


class _Runs(_View):
    """What the runs of one alphabet in a view decode to, one behind the other, with a few other bytes between them."""

    def __init__(
        self,
        parent: _View,
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
    return bytes([int(match[1], 16)]) if match[1] else b" "


def _entity(match: Match[bytes]) -> bytes:
    return html.unescape(match[0].decode()).encode("utf-8", "surrogatepass")


def _raw(secret: str) -> Iterator[bytes]:
    """The bytes that a secret in Base64 or in hexadecimal digits stands for.

    Credentials in Base64 begin with the user's name, which is no secret.
    """
    folded = "".join(secret.split())
    digits = folded.rstrip("=").translate(_URL_SAFE_TEXT)
    for decode, source in ((_base64, digits + "=" * (-len(digits) % 4)), (bytes.fromhex, folded)):
        try:
            raw = decode(source)
        except ValueError:
            continue
        if len(raw) >= _SHORTEST_RAW and not _is_credentials(raw):
            yield raw


def _is_credentials(raw: bytes) -> bool:
    """True for a name, a colon and a password; the password is a secret of its own."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return False
    return ":" in text and text.isprintable() and not text.lstrip().startswith("<")


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _public_values(secret: str) -> Iterator[str]:
    """The values inside a token in XML. It names its issuer and its signing certificate, which are no secrets."""
    if secret.lstrip().startswith("<"):
        for match in re.finditer(r">([^<>]{1,65536})<|\"([^\"<>]{1,4096})\"|'([^'<>]{1,4096})'", secret):
            yield _bare(html.unescape(match[1] or match[2] or match[3]))


def _bare(text: str) -> str:
    """A value as it is compared with those of a token: certificates in one line, without the PEM marks."""
    return "".join(re.sub(r"-----(?:BEGIN|END) CERTIFICATE-----", "", text).split())


class _Hit(NamedTuple):
    """Where a secret stands in a text, in characters."""

    start: int
    end: int
    kind: int


#: Kinds of hits: a run of a long secret; a short secret that is a word of its own or in a dress; one inside a word.
_RUN, _WORD, _PART = range(3)


class Redactor:
    """Knows the secrets of one run and masks them in any text."""

    def __init__(self, secrets: Iterable[Optional[str]] = ()) -> None:
        #: Whole secrets shorter than a run, as bytes.
        self._short: set[bytes] = set()
        #: The longer ones, each with the length of the runs of it that are masked, in bytes.
        self._long: list[tuple[bytes, int]] = []
        #: All four bytes that stand in them, as numbers. Every run has four bytes at an address that four divides.
        self._quads: set[int] = set()
        self._words: set[str] = set()
        self._public: set[str] = set()
        self._has_blank = False
        self._is_ascii = True
        #: Bytes of the shortest thing to look for.
        self._least = _RAW_RUN
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Optional[str]) -> None:
        """Mask `secret`, in every dress, from now on; ansible-core learns of it too. Very short texts are none."""
        for text in (secret, secret.strip()) if secret else ():
            if len(text.strip()) < SHORTEST_SECRET or text in self._words:
                continue
            register([text])
            self._words.add(text)
            self._public.update(_public_values(text))
            self._has_blank = self._has_blank or " " in text
            self._is_ascii = self._is_ascii and text.isascii()
            for form in self._forms(text):
                if len(text) < RUN:
                    self._short.add(form)
                    self._least = min(self._least, len(form))
                else:
                    self._learn(form, RUN)
            for raw in _raw(text):
                if raw.lstrip().startswith(b"<"):
                    self.add(raw.decode("utf-8", "replace"))
                else:
                    self._learn(raw, _RAW_RUN)

    def scrub(self, text: str) -> str:
        """The text with every known secret replaced by asterisks, and every run of twelve characters of it."""
        return self._scrubbed([text], record=False)[0]

    def scrub_value(self, text: str) -> str:
        """The text, which is a name, an id or a certificate, masked only where it is a secret or holds a run of one."""
        return self._scrubbed([text], record=True)[0]

    def scrub_result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """A result with every text, number and name in it scrubbed, at any depth.

        Sentences are scrubbed as by `scrub`, names and values that modules take back as by `scrub_value`.
        """
        found: dict[bool, dict[str, str]] = {False: {}, True: {}}
        _collect(result, None, found)
        for record, texts in found.items():
            scrubbed = self._scrubbed(list(texts), record=record)
            texts.update(zip(list(texts), scrubbed))
        rebuilt: dict[str, Any] = self._rebuilt(result, None, found)
        return rebuilt

    def _scrubbed(self, texts: list[str], *, record: bool) -> list[str]:
        """What is left of each text. All are looked at as one, which is much faster than one after the other."""
        if not self._words:
            return texts
        joined = _SEPARATOR.join(texts)
        hits = self._found(joined)
        if hits is None:
            # Nobody can look at everything in it. Looked at alone, the others may be clear.
            return [MASK] if len(texts) == 1 else [self._scrubbed([text], record=record)[0] for text in texts]
        if not hits:
            return texts
        hits.sort()
        scrubbed = []
        offset = 0
        first = 0
        for text in texts:
            end = offset + len(text)
            while first < len(hits) and hits[first].end <= offset:
                first += 1
            inside = []
            for hit in hits[first:]:
                if hit.start >= end:
                    break
                if hit.end > offset:
                    inside.append(_Hit(max(hit.start, offset) - offset, min(hit.end, end) - offset, hit.kind))
            scrubbed.append(self._masked(text, inside, record=record) if inside else text)
            offset = end + len(_SEPARATOR)
        return scrubbed

    def _masked(self, text: str, hits: list[_Hit], *, record: bool) -> str:
        """A text with the hits masked that count in it."""
        if not record:
            return _replaced(text, [(hit.start, hit.end) for hit in hits if hit.kind != _PART])
        if _bare(text) in self._public:
            return text
        begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
        spans = []
        for hit in hits:
            # Behind a whole value in Base64 there may be padding.
            whole = hit.start <= begin and not text[hit.end : end].strip("=")
            if hit.kind == _RUN or whole:
                spans.append((hit.start, hit.end))
        return _replaced(text, spans)

    def _rebuilt(self, value: Any, name: Optional[str], found: Mapping[bool, Mapping[str, str]]) -> Any:
        if isinstance(value, str):
            if name in _OUR_WORDS and _OUR_NAME.fullmatch(value) and len(value) < RUN:
                return value
            return found[name not in FREE_TEXTS].get(value, value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, (int, float)):
            return MASK if str(value) in self._words else value
        if isinstance(value, Mapping):
            rebuilt = {}
            for key, entry in value.items():
                shown = self._rebuilt_name(key, found)
                rebuilt[shown] = self._rebuilt(entry, _place(key, name), found)
            return rebuilt
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._rebuilt(entry, name, found) for entry in value]
        return value

    def _rebuilt_name(self, key: Any, found: Mapping[bool, Mapping[str, str]]) -> Any:
        # A password like "failed" must not take away what Ansible reads.
        if not isinstance(key, str) or (_OUR_NAME.fullmatch(key) and len(key) < RUN):
            return key
        return found[True].get(key, key)

    @staticmethod
    def _forms(text: str) -> Iterator[bytes]:
        """The bytes of a text in the encodings that are in use."""
        yield text.encode("utf-8", "surrogatepass")
        yield text.encode("utf-16-le", "surrogatepass")
        # As JSON writes it, too: behind a backslash of somebody else its escapes cannot be told from that one's.
        for ascii_only in (True, False):
            written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
            if written != text:
                yield written.encode("utf-8", "surrogatepass")
        if not text.isascii():
            try:
                yield text.encode("latin-1")
            except UnicodeEncodeError:
                return

    def _learn(self, form: bytes, run: int) -> None:
        self._long.append((form, run))
        for start in range(4):
            part = form[start:]
            self._quads.update(memoryview(part)[: len(part) // 4 * 4].cast("I"))

    def _found(self, text: str) -> Optional[list[_Hit]]:
        """Where a secret or a run of one stands in the text; None if it is made to take too long to look."""
        found: list[_Hit] = []
        budget = max(_LEAST_BUDGET, _MOST_VIEWS * len(text))
        views: list[tuple[int, _View]] = [(0, _Original(text))]
        known: set[bytes] = set()
        while views:
            depth, view = views.pop()
            if view.data in known:
                continue
            known.add(view.data)
            budget -= len(view.data)
            if budget < 0:
                return None
            for start, end in self._runs_in(view.data):
                found.append(_Hit(*view.origin(start, end), _RUN))
            for start, end, kind in self._short_in(view):
                found.append(_Hit(*view.origin(start, end), kind))
            if depth < _DEPTH:
                views.extend((depth + 1, derived) for derived in self._derived(view))
        return found

    def _runs_in(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where runs of long secrets stand."""
        numbers = memoryview(data)[: len(data) // 4 * 4].cast("I").tolist()
        places = []
        for number in self._quads.intersection(numbers):
            quad = number.to_bytes(4, sys.byteorder)
            place = data.find(quad)
            while place >= 0:
                if place % 4 == 0:
                    places.append(place)
                place = data.find(quad, place + 1)
        places.sort()
        for form, run in self._long:
            begin = end = 0
            checked = -1
            for place in places:
                for start in range(max(place + 4 - run, checked + 1, 0), min(place, len(data) - run) + 1):
                    if data[start : start + run] in form:
                        if start > end:
                            yield from ((begin, end),) if end else ()
                            begin = start
                        end = start + run
                checked = place
            if end:
                yield begin, end

    def _short_in(self, view: _View) -> Iterator[tuple[int, int, int]]:
        """Where short secrets stand, and whether as a word."""
        data = view.data
        for form in self._short:
            start = data.find(form)
            while start >= 0:
                end = start + len(form)
                word = not view.text or len(form) >= _SHORTEST_PART_OF_WORD or _is_word(data, start, end)
                yield start, end, (_WORD if word else _PART)
                start = data.find(form, start + 1)

    def _derived(self, view: _View) -> Iterator[_View]:
        """What the view can be decoded to."""
        data = view.data
        if not view.text:
            # Dresses are text; what they are in may be anything.
            marks = _ASCII_MARKS if self._is_ascii else _TEXT_MARKS
            runs = [(start, end, data[start:end]) for start, end in _marked(data, marks, self._least)]
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
        if self._has_blank and b"+" in data:
            yield _Unescaped(view, _PERCENT_OR_PLUS, _percent)
        if b"&" in data:
            yield _Unescaped(view, _ENTITY, _entity)
        yield from self._of_base64(view, self._least)
        yield from self._of_hex(view, self._least)

    @staticmethod
    def _of_base64(view: _View, least: int) -> Iterator[_View]:
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

    @staticmethod
    def _of_hex(view: _View, least: int) -> Iterator[_View]:
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


def _is_word(data: bytes, start: int, end: int) -> bool:
    """True if no letter or digit of the secret goes on in the text."""
    before, behind = data[max(start - 1, 0) : start], data[end : end + 1]
    return not (
        (before.isalnum() and data[start : start + 1].isalnum()) or (behind.isalnum() and data[end - 1 : end].isalnum())
    )


def _replaced(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with a mask for each of the spans; for those that touch, one for all."""
    pieces: list[str] = []
    last = 0
    for start, end in sorted(spans):
        if start > last or not pieces:
            pieces += [text[last:start], MASK]
        last = max(last, end)
        # The padding of Base64 tells the length of what was masked, and more of it can hold the last bits.
        while text[last : last + 1] == "=":
            last += 1
    return "".join(pieces) + text[last:]


def _collect(value: Any, name: Optional[str], found: Mapping[bool, dict[str, str]]) -> None:
    """Put every text of a result where it belongs: among the sentences (False) or among the values (True)."""
    if isinstance(value, str):
        found[name not in FREE_TEXTS][value] = value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            if isinstance(key, str):
                found[True][key] = key
            _collect(entry, _place(key, name), found)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for entry in value:
            _collect(entry, name, found)


def _place(key: Any, name: Optional[str]) -> Optional[str]:
    """The name under which an entry stands: all that is inside of sentences is one."""
    return name if name in FREE_TEXTS else str(key)
