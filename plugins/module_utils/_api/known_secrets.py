# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the secrets of one run, and where it stands in a view of a text."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from collections.abc import Iterator
from typing import NamedTuple
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.views import View
from ansible_collections.esx.trust.plugins.module_utils._api.views import Wanted

try:
    from ansible.module_utils.secrets import register_secrets as _register
except ImportError:  # before ansible-core 2.22

    def _register(_values: Iterable[str]) -> None:
        """Older cores have no register of secrets."""


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

_URL_SAFE_TEXT = str.maketrans("-_", "+/")


def register(secrets: Iterable[str]) -> None:
    """Let ansible-core mask the secrets wherever it displays something; does nothing before ansible-core 2.22."""
    _register(secret for secret in secrets if len(secret.strip()) >= SHORTEST_SECRET)


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


class Hit(NamedTuple):
    """Where a secret stands in a text, in characters."""

    start: int
    end: int
    kind: int


#: Kinds of hits: a run of a long secret; a short secret that is a word of its own or in an encoding; one inside a word.
RUN_OF_ONE, WORD, PART_OF_WORD = range(3)


class KnownSecrets:
    """The secrets of one run, and every form in which they are looked for."""

    def __init__(self) -> None:
        #: The secrets themselves, each with and without the white space around it.
        self.words: set[str] = set()
        #: Whole secrets shorter than a run, as bytes.
        self._short: set[bytes] = set()
        #: The runs of the longer ones that are masked, by their length in bytes.
        self._runs: dict[int, set[bytes]] = {RUN: set(), _RAW_RUN: set()}
        #: All four bytes that stand in them, as numbers. Every run has four bytes at an address that four divides.
        self._quads: set[int] = set()
        self._public: set[str] = set()
        self._has_blank = False
        self._is_ascii = True
        #: Bytes of the shortest thing to look for.
        self._least = _RAW_RUN

    @property
    def wanted(self) -> Wanted:
        """What a text has to be decoded for."""
        return Wanted(self._least, self._has_blank, self._is_ascii)

    def add(self, secret: Optional[str]) -> None:
        """Look for `secret`, in every encoding, from now on, and tell ansible-core of it; very short texts are none."""
        for text in (secret, secret.strip()) if secret else ():
            if len(text.strip()) < SHORTEST_SECRET or text in self.words:
                continue
            register([text])
            self.words.add(text)
            self._public.update(_public_values(text))
            self._has_blank = self._has_blank or " " in text
            self._is_ascii = self._is_ascii and text.isascii()
            for form in _forms(text):
                if len(text) < RUN:
                    self._short.add(form)
                    self._least = min(self._least, len(form))
                else:
                    self._learn(form, RUN)
            for raw in _raw(text):
                markup = _markup(raw)
                if markup:
                    self.add(markup)
                else:
                    self._learn(raw, _RAW_RUN)
                    # As a text that has a character for each byte.
                    self._learn(raw.decode("latin-1").encode(), _RAW_RUN)

    def names_itself(self, text: str) -> bool:
        """True if a secret token gives this value, which is none: its issuer, or the certificate that signed it."""
        return _bare(text) in self._public

    def found_in(self, view: View) -> Iterator[Hit]:
        """Where a secret or a run of one stands in a view; in characters of the original text."""
        for start, end in self._runs_in(view.data):
            yield Hit(*view.origin(start, end), RUN_OF_ONE)
        for start, end, kind in self._short_in(view):
            yield Hit(*view.origin(start, end), kind)

    def _learn(self, form: bytes, run: int) -> None:
        # A search in the form itself would take longer the longer it is, and tokens are long.
        self._runs[run].update(form[start : start + run] for start in range(len(form) - run + 1))
        for start in range(4):
            part = form[start:]
            self._quads.update(memoryview(part)[: len(part) // 4 * 4].cast("I"))

    def _runs_in(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where runs of long secrets stand."""
        numbers = memoryview(data)[: len(data) // 4 * 4].cast("I").tolist()
        known = self._quads.intersection(numbers)
        if not known:
            return

        places = [4 * index for index, number in enumerate(numbers) if number in known]
        for run, runs in self._runs.items():
            begin = end = 0
            checked = -1
            for place in places:
                for start in range(max(place + 4 - run, checked + 1, 0), min(place, len(data) - run) + 1):
                    if data[start : start + run] in runs:
                        if start > end:
                            yield from ((begin, end),) if end else ()
                            begin = start
                        end = start + run
                checked = place
            if end:
                yield begin, end

    def _short_in(self, view: View) -> Iterator[tuple[int, int, int]]:
        """Where short secrets stand, and whether as a word."""
        data = view.data
        for form in self._short:
            start = data.find(form)
            while start >= 0:
                end = start + len(form)
                word = not view.text or len(form) >= _SHORTEST_PART_OF_WORD or _is_word(data, start, end)
                yield start, end, (WORD if word else PART_OF_WORD)
                start = data.find(form, start + 1)


def _markup(raw: bytes) -> str:
    """The text of a SAML token, or an empty one. A key can begin as a token does."""
    folded = raw.strip()
    if not (folded.startswith(b"<") and folded.endswith(b">") and b"</" in folded):
        return ""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""


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


def _is_word(data: bytes, start: int, end: int) -> bool:
    """True if no letter or digit of the secret goes on in the text."""
    before, behind = data[max(start - 1, 0) : start], data[end : end + 1]
    return not (
        (before.isalnum() and data[start : start + 1].isalnum()) or (behind.isalnum() and data[end - 1 : end].isalnum())
    )
