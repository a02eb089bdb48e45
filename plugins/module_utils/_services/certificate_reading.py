# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads certificates in any usual encoding."""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import re
import warnings
from dataclasses import dataclass
from dataclasses import field
from functools import lru_cache
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._libraries import Encoding
from ansible_collections.esx.trust.plugins.module_utils._libraries import UnsupportedAlgorithm
from ansible_collections.esx.trust.plugins.module_utils._libraries import load_der_private_key
from ansible_collections.esx.trust.plugins.module_utils._libraries import x509

_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----")
#: A PEM block that is cut off. Its first line is at the start of a line, before Base64, or at the end of the text.
_BROKEN_BLOCK = re.compile(
    r"^[ \t]*-----BEGIN [A-Z0-9 ]+-----"
    r"|-----BEGIN [A-Z0-9 ]+-----[ \t]*[A-Za-z0-9+/]{16}"
    r"|-----BEGIN [A-Z0-9 ]*-{0,4}\Z",
    re.MULTILINE,
)
#: Every certificate has at least so many characters in Base64.
_SHORTEST_CERTIFICATE = 100
_BROKEN_VALUE = (ValueError, TypeError, KeyError, OverflowError)
_NOT_KNOWN = (UnsupportedAlgorithm,)
#: The exceptions of cryptography for a part of a certificate that breaks the rules or that it does not support.
UNREADABLE = _BROKEN_VALUE + _NOT_KNOWN
_PRIVATE_KEY = "holds a private key, which must never be sent; give the certificates alone"
_CERTIFICATE_LABELS = ("CERTIFICATE", "X509 CERTIFICATE")


@dataclass(frozen=True)
class Certificate:
    """An X.509 certificate. Two certificates are equal if the SHA-256 of their DER is equal.

    subject, issuer: distinguished names as RFC 4514 writes them.
    not_before, not_after: the validity in ISO 8601, in UTC. Empty if the date cannot be read.
    """

    sha256: str
    pem: str = field(compare=False, repr=False)
    subject: str = field(compare=False, default="")
    issuer: str = field(compare=False, default="")
    not_before: str = field(compare=False, default="")
    not_after: str = field(compare=False, default="")


class NotACertificate(ValueError):
    """A text is no certificate. The message says what the text is instead."""


def called(certificate: Certificate) -> str:
    """The name of a certificate in a sentence."""
    subject = certificate.subject or "(no subject)"
    return f"certificate {subject} (SHA-256 {certificate.sha256})"


def load_all(text: str) -> list[Any]:
    """The certificates in a text, as cryptography's objects. Raises NotACertificate."""
    with warnings.catch_warnings():
        # cryptography warns about certificates that break the rules a little. Such certificates are in use, and work.
        warnings.simplefilter("ignore")
        return [_load(der) for der in _split(text)]


def _split(text: str) -> list[bytes]:
    """The DER of every certificate in a text: of PEM blocks, or of one certificate as bare Base64.

    Raises NotACertificate.
    """
    # Some tools write the newlines of PEM as a backslash and the letter n.
    text = text.replace("\\r", "").replace("\\n", "\n")
    if "PRIVATE KEY" in text:
        raise NotACertificate(_PRIVATE_KEY)

    found = list(_PEM_BLOCK.finditer(text))
    blocks = [block for block in found if not _is_prose(text, block)]
    # Prose around the blocks may quote their first lines, so only the text without the blocks is searched.
    if _BROKEN_BLOCK.search(_PEM_BLOCK.sub("\n", text)):
        raise NotACertificate("holds a PEM block that is broken off")

    if not blocks:
        return [_decode(text)]

    for block in blocks:
        if block[1] not in _CERTIFICATE_LABELS:
            raise NotACertificate(f"holds a {block[1]}, give X.509 certificates")

    return [_decode(block[2]) for block in blocks]


def _is_prose(text: str, block: re.Match[str]) -> bool:
    """True if the match is a sentence that quotes the first and the last line of a block, and no block."""
    start_of_line = text.rfind("\n", 0, block.start()) + 1
    before = text[start_of_line : block.start()].strip()

    return bool(before) and not before.endswith("-----") and len(block[2]) < _SHORTEST_CERTIFICATE


def _decode(text: str) -> bytes:
    """The bytes of a text in Base64. Raises NotACertificate."""
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        der = b""

    if not der:
        raise NotACertificate("holds text that is neither PEM nor Base64 DER of a certificate")

    return der


def _load(der: bytes) -> Any:
    """The certificate as cryptography's object. Raises NotACertificate."""
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        pass

    if _is_private_key(der):
        raise NotACertificate(_PRIVATE_KEY)

    raise NotACertificate("holds data that is no X.509 certificate")


def _is_private_key(der: bytes) -> bool:
    """True if the bytes are a private key, with or without a password."""
    try:
        load_der_private_key(der, password=None)
    except TypeError:
        # The key is encrypted.
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False

    return True


@lru_cache(maxsize=256)
def certificate_of(loaded: Any) -> Certificate:
    """The certificate, made from cryptography's object. It is cached: hosts of a fleet hold the same certificates."""
    der = loaded.public_bytes(Encoding.DER)

    return Certificate(
        sha256=hashlib.sha256(der).hexdigest(),
        pem=loaded.public_bytes(Encoding.PEM).decode(),
        subject=name_of(loaded, "subject"),
        issuer=name_of(loaded, "issuer"),
        not_before=_date(loaded, "not_valid_before"),
        not_after=_date(loaded, "not_valid_after"),
    )


def name_of(loaded: Any, part: str) -> str:
    """The subject or the issuer of a certificate, as RFC 4514 writes it."""
    # cryptography parses names only now, and some certificates in use have names that break the rules.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(getattr(loaded, part).rfc4514_string())
    except UNREADABLE:
        return "(unreadable)"


def _date(loaded: Any, which: str) -> str:
    """The begin or the end of the validity in ISO 8601. Empty if it is a date that does not exist."""
    # cryptography parses dates only now, and a certificate can hold dates such as the year 0.
    try:
        return timestamp(_moment(loaded, which))
    except UNREADABLE:
        return ""


def _moment(loaded: Any, which: str) -> datetime.datetime:
    """The begin or the end of the validity, with a time zone."""
    # Since cryptography 42 there is an attribute with a time zone. The value of the older attribute is in UTC too.
    aware: Optional[datetime.datetime] = getattr(loaded, f"{which}_utc", None)
    naive: datetime.datetime = aware or getattr(loaded, which)

    return naive.replace(tzinfo=datetime.timezone.utc)


def timestamp(moment: datetime.datetime) -> str:
    """The time in ISO 8601, in UTC. Such texts sort by time."""
    # strftime does not fill the year up with zeros, so a text with a year before 1000 would sort last.
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
