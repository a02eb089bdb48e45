# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads certificates in any usual encoding, and compares them by the SHA-256 of their DER."""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import re
import warnings
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._libraries import Encoding
from ansible_collections.esx.trust.plugins.module_utils._libraries import InvalidSignature
from ansible_collections.esx.trust.plugins.module_utils._libraries import UnsupportedAlgorithm
from ansible_collections.esx.trust.plugins.module_utils._libraries import ec
from ansible_collections.esx.trust.plugins.module_utils._libraries import load_der_private_key
from ansible_collections.esx.trust.plugins.module_utils._libraries import padding
from ansible_collections.esx.trust.plugins.module_utils._libraries import rsa
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
#: Hashes with which anybody can forge a signature.
_BROKEN_HASHES = ("md5", "sha1")
_BROKEN_VALUE = (ValueError, TypeError, KeyError, OverflowError)
_NOT_KNOWN = (UnsupportedAlgorithm,)
#: The exceptions of cryptography for a part of a certificate that breaks the rules or that it does not support.
_UNREADABLE = _BROKEN_VALUE + _NOT_KNOWN
#: A chain with more certificates is not sorted.
_LONGEST_SORTED = 10
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


@dataclass(frozen=True)
class Chain:
    """A certificate chain, with the leaf first. Two chains with the same certificates in another order are different.

    doubts: a sentence for each part of the chain that could not be checked.
    """

    certificates: tuple[Certificate, ...]
    doubts: tuple[str, ...] = field(compare=False, default=())

    def to_api(self) -> dict[str, list[str]]:
        """The chain as the API's X509CertChain, each certificate in PEM."""
        return {"cert_chain": [certificate.pem for certificate in self.certificates]}


class _NotACertificate(ValueError):
    """A text is no certificate. The message says what the text is instead."""


def chains_from_options(option: str, value: Sequence[Mapping[str, Any]]) -> tuple[Chain, ...]:
    """Read the chains that a user declares. Equal chains become one chain.

    A signature that cannot be checked is accepted, with a sentence in the `doubts` of the chain.

    option: the name of the option, for messages.
    value: the chains in the form of the API.
    Raises InvalidInput, which names the place, for a private key, for a text that is no certificate, and for a chain
    that is out of order or has a false signature.
    """
    if not value:
        raise InvalidInput(f"{option}: is empty; an issuer without a certificate can sign nothing.")

    chains: list[Chain] = []
    for number, entry in enumerate(value):
        chain = _chain_from_option(f"{option}[{number}].cert_chain", entry["cert_chain"])
        if chain not in chains:
            chains.append(chain)

    return tuple(chains)


def _chain_from_option(place: str, texts: Iterable[str]) -> Chain:
    """Read one chain that a user declares. place: where it is in the options. Raises InvalidInput."""
    loaded: list[Any] = []
    for text in texts:
        try:
            loaded.extend(_load_all(text))
        except _NotACertificate as error:
            raise InvalidInput(f"{place}: {error}.") from None

    if not loaded:
        raise InvalidInput(f"{place}: is empty.")

    doubts = _check_links(place, loaded)

    certificates = [_certificate(each) for each in loaded]
    for certificate in certificates:
        if not (certificate.not_before and certificate.not_after):
            doubts.append(f"The validity of {_called(certificate)} cannot be read.")

    return Chain(tuple(certificates), tuple(doubts))


def chains_from_host(value: Iterable[Mapping[str, Any]]) -> tuple[Chain, ...]:
    """Read the chains that a host returns.

    A text that is no certificate is kept as it is, so that it can be shown and put back. It is equal to no certificate
    that can be declared.
    """
    chains = []
    for entry in value:
        certificates: list[Certificate] = []
        for text in entry["cert_chain"]:
            try:
                certificates.extend([_certificate(loaded) for loaded in _load_all(text)])
            except _NotACertificate:
                digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
                certificates.append(Certificate(sha256=f"unreadable:{digest}", pem=text, subject="(unreadable)"))

        chains.append(Chain(tuple(certificates)))

    return tuple(chains)


def leaf_first(cert_chain: Sequence[str]) -> list[str]:
    """The certificates of a chain in the order of their signatures, as PEM.

    The chain is returned as it is if it is in order already, if it has more than 10 certificates, or if the signatures
    allow no order or several.
    """
    unchanged = list(cert_chain)
    loaded: list[Any] = []
    try:
        for text in cert_chain:
            loaded.extend(_load_all(text))
    except _NotACertificate:
        return unchanged

    # Each certificate is checked with each other one, and the publisher of a chain chooses its length.
    if len(loaded) > _LONGEST_SORTED:
        return unchanged

    if all(_issued(certificate, issuer) for certificate, issuer in zip(loaded, loaded[1:])):
        return unchanged

    ordered: list[Any] = []
    candidates = [certificate for certificate in loaded if _is_leaf(certificate, loaded)]
    while len(candidates) == 1:
        last = candidates[0]
        ordered.append(last)

        rest = [certificate for certificate in loaded if certificate not in ordered]
        candidates = [certificate for certificate in rest if _issued(last, certificate)]

    if len(ordered) < len(loaded):
        return unchanged

    return [_certificate(certificate).pem for certificate in ordered]


def _is_leaf(candidate: Any, loaded: Sequence[Any]) -> bool:
    """True if the candidate issued none of the other certificates."""
    return not any(_issued(certificate, candidate) for certificate in loaded if certificate is not candidate)


def certificate_records(chains: Iterable[Chain]) -> list[dict[str, Any]]:
    """The record of each certificate, in the form in which the modules return it."""
    records = []
    for number, chain in enumerate(chains):
        for position, certificate in enumerate(chain.certificates):
            records.append(
                {
                    "chain": number,
                    "position": position,
                    "sha256": certificate.sha256,
                    "subject": certificate.subject,
                    "issuer": certificate.issuer,
                    "not_before": certificate.not_before,
                    "not_after": certificate.not_after,
                }
            )

    return records


def no_certificates(cert_chain: Any) -> list[str]:
    """The texts in a declared chain that are no certificates. Such a text may be a key or a part of a key."""
    texts = cert_chain if isinstance(cert_chain, (list, tuple)) else [cert_chain]
    return [text for text in map(str, texts) if not _is_certificate(text)]


def _is_certificate(text: str) -> bool:
    """True if the text holds certificates and nothing else."""
    try:
        _load_all(text)
    except _NotACertificate:
        return False

    return True


def validity_warnings(chains: Iterable[Chain], now: datetime.datetime) -> list[str]:
    """A sentence for each certificate that is expired or not yet valid, and for each doubt. Each sentence stands once.

    now: the time of the check, with a time zone, in UTC.
    """
    moment = _timestamp(now)

    certificates: dict[Certificate, None] = {}
    doubts: dict[str, None] = {}
    for chain in chains:
        certificates.update(dict.fromkeys(chain.certificates))
        doubts.update(dict.fromkeys(chain.doubts))

    sentences = []
    for certificate in certificates:
        name = f"The {_called(certificate)}"
        if certificate.not_after and certificate.not_after < moment:
            sentences.append(f"{name} expired on {certificate.not_after}.")
        elif certificate.not_before and certificate.not_before > moment:
            sentences.append(f"{name} is not valid before {certificate.not_before}.")

    return [*sentences, *doubts]


def _called(certificate: Certificate) -> str:
    """The name of a certificate in a sentence."""
    subject = certificate.subject or "(no subject)"
    return f"certificate {subject} (SHA-256 {certificate.sha256})"


def _load_all(text: str) -> list[Any]:
    """The certificates in a text, as cryptography's objects. Raises _NotACertificate."""
    with warnings.catch_warnings():
        # cryptography warns about certificates that break the rules a little. Such certificates are in use, and work.
        warnings.simplefilter("ignore")
        return [_load(der) for der in _split(text)]


def _split(text: str) -> list[bytes]:
    """The DER of every certificate in a text: of PEM blocks, or of one certificate as bare Base64.

    Raises _NotACertificate.
    """
    # Some tools write the newlines of PEM as a backslash and the letter n.
    text = text.replace("\\r", "").replace("\\n", "\n")
    if "PRIVATE KEY" in text:
        raise _NotACertificate(_PRIVATE_KEY)

    found = list(_PEM_BLOCK.finditer(text))
    blocks = [block for block in found if not _is_prose(text, block)]
    # Prose around the blocks may quote their first lines, so only the text without the blocks is searched.
    if _BROKEN_BLOCK.search(_PEM_BLOCK.sub("\n", text)):
        raise _NotACertificate("holds a PEM block that is broken off")

    if not blocks:
        return [_decode(text)]

    for block in blocks:
        if block[1] not in _CERTIFICATE_LABELS:
            raise _NotACertificate(f"holds a {block[1]}, give X.509 certificates")

    return [_decode(block[2]) for block in blocks]


def _is_prose(text: str, block: re.Match[str]) -> bool:
    """True if the match is a sentence that quotes the first and the last line of a block, and no block."""
    start_of_line = text.rfind("\n", 0, block.start()) + 1
    before = text[start_of_line : block.start()].strip()

    return bool(before) and not before.endswith("-----") and len(block[2]) < _SHORTEST_CERTIFICATE


def _decode(text: str) -> bytes:
    """The bytes of a text in Base64. Raises _NotACertificate."""
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        der = b""

    if not der:
        raise _NotACertificate("holds what is neither PEM nor Base64 DER of an X.509 certificate")

    return der


def _load(der: bytes) -> Any:
    """The certificate as cryptography's object. Raises _NotACertificate."""
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        pass

    if _is_private_key(der):
        raise _NotACertificate(_PRIVATE_KEY)

    raise _NotACertificate("holds what is no X.509 certificate")


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


def _certificate(loaded: Any) -> Certificate:
    """The certificate, made from cryptography's object."""
    der = loaded.public_bytes(Encoding.DER)

    return Certificate(
        sha256=hashlib.sha256(der).hexdigest(),
        pem=loaded.public_bytes(Encoding.PEM).decode(),
        subject=_name(loaded, "subject"),
        issuer=_name(loaded, "issuer"),
        not_before=_date(loaded, "not_valid_before"),
        not_after=_date(loaded, "not_valid_after"),
    )


def _name(loaded: Any, part: str) -> str:
    """The subject or the issuer of a certificate, as RFC 4514 writes it."""
    # cryptography parses names only now, and some certificates in use have names that break the rules.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(getattr(loaded, part).rfc4514_string())
    except _UNREADABLE:
        return "(unreadable)"


def _date(loaded: Any, which: str) -> str:
    """The begin or the end of the validity in ISO 8601. Empty if it is a date that does not exist."""
    # cryptography parses dates only now, and a certificate can hold dates such as the year 0.
    try:
        return _timestamp(_moment(loaded, which))
    except _UNREADABLE:
        return ""


def _moment(loaded: Any, which: str) -> datetime.datetime:
    """The begin or the end of the validity, with a time zone."""
    # Since cryptography 42 there is an attribute with a time zone. The value of the older attribute is in UTC too.
    aware: Optional[datetime.datetime] = getattr(loaded, f"{which}_utc", None)
    naive: datetime.datetime = aware or getattr(loaded, which)

    return naive.replace(tzinfo=datetime.timezone.utc)


def _timestamp(moment: datetime.datetime) -> str:
    """The time in ISO 8601, in UTC. Such texts sort by time."""
    # strftime does not fill the year up with zeros, so a text with a year before 1000 would sort last.
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _check_links(place: str, loaded: Sequence[Any]) -> list[str]:
    """A sentence for each signature in a chain that cannot be checked. Raises InvalidInput if a signature is false."""
    doubts = []
    for position, (certificate, issuer) in enumerate(zip(loaded, loaded[1:])):
        doubt = _doubt(certificate, issuer)
        if doubt is None:
            raise InvalidInput(
                f"{place}: certificate {position + 1} ({_name(certificate, 'subject')}) was not issued by the one"
                f" behind it ({_name(issuer, 'subject')}); the order is leaf, intermediates, root."
            )

        if doubt:
            doubts.append(
                f"It could not be checked that the {_called(_certificate(certificate))} was issued by the one behind it"
                f" ({_name(issuer, 'subject')}): {doubt}."
            )

    return doubts


def _issued(certificate: Any, issuer: Any) -> bool:
    """True if the issuer issued the certificate, or if that cannot be checked."""
    return _doubt(certificate, issuer) is not None


def _doubt(certificate: Any, issuer: Any) -> Optional[str]:
    """Why nobody can prove that the issuer issued the certificate. Empty if it is proven, None if it is false."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return None
    except _UNREADABLE:
        # The exceptions are the same for a false signature and for one that cannot be checked.
        return _doubt_in_detail(certificate, issuer)

    return ""


def _doubt_in_detail(certificate: Any, issuer: Any) -> Optional[str]:
    """The same as `_doubt`, found by checking the names, the key and the signature one after the other."""
    names_are_equal = _equal_names(certificate, issuer)
    if names_are_equal is False:
        return None

    try:
        key = issuer.public_key()
    except _UNREADABLE:
        return "the key of the issuer is of a kind that is not known here"

    oid = certificate.signature_algorithm_oid.dotted_string
    unknown_algorithm = f"the algorithm of its signature ({oid}) is not known here"
    try:
        digest = certificate.signature_hash_algorithm
        parameters = certificate.signature_algorithm_parameters
    except _UNREADABLE:
        return unknown_algorithm

    arguments = [digest]
    if isinstance(key, ec.EllipticCurvePublicKey):
        arguments = [ec.ECDSA(digest)]
    elif isinstance(key, rsa.RSAPublicKey):
        # cryptography gives no parameters for the oldest algorithms.
        arguments = [parameters or padding.PKCS1v15(), digest]

    given = [argument for argument in arguments if argument is not None]
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, *given)
    except (InvalidSignature, TypeError, AttributeError):
        # TypeError and AttributeError: the key has another type than the signature.
        return None
    except (ValueError, UnsupportedAlgorithm):
        return unknown_algorithm

    if digest is not None and digest.name in _BROKEN_HASHES:
        return f"its signature uses {digest.name.upper()}, which proves nothing any more"

    if names_are_equal is None:
        return "a name cannot be read"

    return "the name of its issuer is not written as in the certificate of the issuer"


def _equal_names(certificate: Any, issuer: Any) -> Optional[bool]:
    """Whether the certificate names this issuer, compared as RFC 5280 (7.1) does. None if a name cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _comparable(certificate.issuer) == _comparable(issuer.subject)
    except _UNREADABLE:
        return None


def _comparable(name: Any) -> list[set[tuple[str, Any]]]:
    """A distinguished name in the form in which names are compared."""
    comparable = []
    for relative_name in name.rdns:
        attributes = {(attribute.oid.dotted_string, _folded(attribute.value)) for attribute in relative_name}
        comparable.append(attributes)

    return comparable


def _folded(value: Any) -> Any:
    """A value without the case and the number of its blanks, which have no meaning in names."""
    if not isinstance(value, str):
        return value

    return " ".join(value.split()).casefold()
