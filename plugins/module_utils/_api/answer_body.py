# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the body of an answer: all of it, up to a limit, and without its compression."""

from __future__ import annotations

import contextlib
import re
import zlib
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer

#: The most bytes of a body. Answers of the API are much smaller; a larger one is a mistake, or an attack on the memory
#: of this machine.
MAX_BODY = 16 * 1024 * 1024
#: The most bytes of a whole answer: the body, the headers, and the frames of its parts.
MAX_RECEIVED = MAX_BODY + 1024 * 1024
_CHUNK = 64 * 1024
_LENGTH = re.compile(r"[0-9]{1,18}")
_ZIPPED = ("gzip", "x-gzip", "deflate")


@dataclass(frozen=True)
class BodyReader:
    """Reads the bodies of the answers of one host.

    host: the name of the host in messages.
    hint: what to do if an answer was lost.
    """

    host: str
    hint: str

    def read(self, response: Any) -> bytes:
        """The whole body of an answer.

        Raises AnswerLost if the answer is not whole, and UnexpectedAnswer if it is too large or cannot be unpacked.
        """
        status = response.status_code
        if status < 200:
            # The connection is closed, so that the answer that may follow is not taken for that of the next request.
            raise AnswerLost(
                f"{self.host}: only an interim answer came.",
                self.hint,
            )

        length = self._announced_length(response)
        if length is not None and length > MAX_BODY:
            raise self.too_large(status)

        body = bytearray()

        # The body is not decompressed here, because a few bytes can hold gigabytes.
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > MAX_BODY:
                raise self.too_large(status)

        if not body and length is None and _lacks_headers(response):
            raise AnswerLost(
                f"{self.host}: the answer broke off in its headers.",
                self.hint,
            )

        # Older urllib3 does not notice that a body ended early.
        if length is not None and length > len(body):
            raise AnswerLost(
                f"{self.host}: the answer broke off after {len(body)} of {length} bytes.",
                self.hint,
            )

        return self._unpacked(response, bytes(body))

    def _announced_length(self, response: Any) -> Optional[int]:
        """The bytes of the body according to the headers; None if they do not say it.

        Raises AnswerLost if the length is no number.
        """
        text = response.headers.get("Content-Length")
        # If the body comes in chunks, the length means nothing (RFC 9112, 6.3).
        if text is None or "Transfer-Encoding" in response.headers:
            return None

        # A proxy may join two equal headers to a list.
        lengths = {length.strip() for length in text.split(",")}
        length = lengths.pop()
        if lengths or not _LENGTH.fullmatch(length):
            raise AnswerLost(
                f"{self.host}: the answer was lost (its Content-Length is no number).",
                self.hint,
            )

        return int(length)

    def _unpacked(self, response: Any, body: bytes) -> bytes:
        """The body without its compression. No request asks for compression, but some proxies compress all the same.

        Raises UnexpectedAnswer.
        """
        coding = response.headers.get("Content-Encoding", "").strip().lower()
        if coding in ("", "identity") or not body:
            return body

        if coding in _ZIPPED:
            # With 32, zlib recognises by itself which of its two formats it reads.
            decompressor = zlib.decompressobj(32 + zlib.MAX_WBITS)
            with contextlib.suppress(zlib.error):
                unpacked = decompressor.decompress(body, MAX_BODY + 1)
                if len(unpacked) > MAX_BODY:
                    raise self.too_large(response.status_code)
                if decompressor.eof:
                    return unpacked

        raise UnexpectedAnswer(
            f"{self.host}: the answer is compressed, which was not asked for, and cannot be unpacked.",
            "Look for a proxy in front of the host that changes answers.",
            status=response.status_code,
            outcome_unknown=True,
        )

    def too_large(self, status: Optional[int] = None) -> UnexpectedAnswer:
        """The error for an answer that is too large. status: its HTTP code, if it is known."""
        return UnexpectedAnswer(
            f"{self.host}: the answer is larger than {MAX_BODY // 2**20} MiB; no answer of the API is so large.",
            status=status,
            outcome_unknown=True,
        )


def _lacks_headers(response: Any) -> bool:
    """True if an answer without a body and without a length cannot be complete.

    If a connection ends in the middle of the headers, Python takes the headers for complete.
    """
    if "Transfer-Encoding" in response.headers:
        return False

    if response.status_code in (200, 201):
        return True

    # Without a length, the end of the connection is the end of the body. A 204 has no body.
    connection_ends = response.raw.version < 11 or response.headers.get("Connection", "").lower() == "close"

    return not connection_ends and response.status_code != 204
