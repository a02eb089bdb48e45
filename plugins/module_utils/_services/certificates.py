# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads certificates in whatever encoding they come, and compares them by what they are."""

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
#: What is left of a block that was broken off: its first line at the start of a line, before Base64, or cut off itself.
_BROKEN_BLOCK = re.compile(
    r"^[ \t]*-----BEGIN [A-Z0-9 ]+-----"
    r"|-----BEGIN [A-Z0-9 ]+-----[ \t]*[A-Za-z0-9+/]{16}"
    r"|-----BEGIN [A-Z0-9 ]*-{0,4}\Z",
    re.MULTILINE,
)
#: Characters of Base64 that no certificate is shorter than.
_SHORTEST_CERTIFICATE = 100
#: Algorithms of signatures that anybody can forge.
_BROKEN_HASHES = ("md5", "sha1")
_BROKEN_VALUE = (ValueError, TypeError, KeyError, OverflowError)
_NOT_KNOWN = (UnsupportedAlgorithm,)
#: What cryptography raises over a part of a certificate that breaks the rules or is not known to it.
_UNREADABLE = _BROKEN_VALUE + _NOT_KNOWN
_LONGEST_SORTED = 10
_PRIVATE_KEY = "holds a private key, which must never be sent; give the certificates alone"
_CERTIFICATE_LABELS = ("CERTIFICATE", "X509 CERTIFICATE")


@dataclass(frozen=True)
class Certificate:
    """One X.509 certificate. Two are equal if the SHA-256 of their DER is."""

    sha256: str
    pem: str = field(compare=False, repr=False)
    subject: str = field(compare=False, default="")
    issuer: str = field(compare=False, default="")
    not_before: str = field(compare=False, default="")
    not_after: str = field(compare=False, default="")


@dataclass(frozen=True)
class Chain:
    """One certificate chain, leaf first; the order is part of what it is.

    doubts: sentences about what could not be checked in it.
    """

    certificates: tuple[Certificate, ...]
    doubts: tuple[str, ...] = field(compare=False, default=())

    def to_api(self) -> dict[str, list[str]]:
        """The chain as the API's X509CertChain, each certificate in PEM."""
        return {"cert_chain": [certificate.pem for certificate in self.certificates]}


class _NotACertificate(ValueError):
    """Says what a text is instead."""


def chains_from_options(option: str, value: Sequence[Mapping[str, Any]]) -> tuple[Chain, ...]:
    """Read the chains that a user declares; equal ones are folded into one.

    A link that cannot be checked is taken, and is among the `doubts` of its chain.
    Raises InvalidInput, which names the place, for a private key, for what is no certificate, and for a
    chain that is out of order or has a false signature.
    """
    if not value:
        raise InvalidInput(f"{option}: is empty; an issuer without a certificate can sign nothing.")
    chains: list[Chain] = []
    for number, entry in enumerate(value):
        place = f"{option}[{number}].cert_chain"
        certificates: list[Certificate] = []
        loaded: list[Any] = []
        for text in entry["cert_chain"]:
            try:
                found = _load_all(text)
            except _NotACertificate as error:
                raise InvalidInput(f"{place}: {error}.") from None
            loaded.extend(found)
            certificates.extend(_certificate(one) for one in found)
        if not certificates:
            raise InvalidInput(f"{place}: is empty.")
        doubts = _check_links(place, loaded)
        doubts += [
            f"The validity of {_called(one)} cannot be read."
            for one in certificates
            if not (one.not_before and one.not_after)
        ]
        chain = Chain(tuple(certificates), tuple(doubts))
        if chain not in chains:
            chains.append(chain)
    return tuple(chains)


def chains_from_host(value: Iterable[Mapping[str, Any]]) -> tuple[Chain, ...]:
    """Read the chains that a host returns.

    What cannot be read as a certificate is kept as the text it is, so that it can be shown and put back, and equals
    nothing that can be declared.
    """
    chains = []
    for entry in value:
        certificates: list[Certificate] = []
        for text in entry["cert_chain"]:
            try:
                certificates.extend([_certificate(one) for one in _load_all(text)])
            except _NotACertificate:
                digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
                certificates.append(Certificate(sha256=f"unreadable:{digest}", pem=text, subject="(unreadable)"))
        chains.append(Chain(tuple(certificates)))
    return tuple(chains)


def leaf_first(cert_chain: Sequence[str]) -> list[str]:
    """The certificates of a chain in the order of their signatures, or as they are where that is not plain."""
    try:
        loaded = [one for text in cert_chain for one in _load_all(text)]
    except _NotACertificate:
        return list(cert_chain)
    # Each is tried with each below, and whoever publishes a chain chooses its length.
    if len(loaded) > _LONGEST_SORTED or all(_issued(one, issuer) for one, issuer in zip(loaded, loaded[1:])):
        return list(cert_chain)
    ordered: list[Any] = []
    candidates = [one for one in loaded if not any(_issued(other, one) for other in loaded if other is not one)]
    while len(candidates) == 1:
        ordered += candidates
        candidates = [one for one in loaded if one not in ordered and _issued(ordered[-1], one)]
    return [_certificate(one).pem for one in ordered] if len(ordered) == len(loaded) else list(cert_chain)


def certificate_records(chains: Iterable[Chain]) -> list[dict[str, Any]]:
    """What each certificate is, in the form in which the modules return it."""
    return [
        {
            "chain": number,
            "position": position,
            "sha256": one.sha256,
            "subject": one.subject,
            "issuer": one.issuer,
            "not_before": one.not_before,
            "not_after": one.not_after,
        }
        for number, chain in enumerate(chains)
        for position, one in enumerate(chain.certificates)
    ]


def no_certificates(cert_chain: Any) -> list[str]:
    """The texts that are no certificates, in what a user declares as a chain. They may be a key, or a part of one."""
    texts = cert_chain if isinstance(cert_chain, (list, tuple)) else [cert_chain]
    return [text for text in map(str, texts) if not _is_certificate(text)]


def _is_certificate(text: str) -> bool:
    try:
        _load_all(text)
    except _NotACertificate:
        return False
    return True


def validity_warnings(chains: Iterable[Chain], now: datetime.datetime) -> list[str]:
    """A sentence for each certificate that is expired or not yet valid at `now` (aware, UTC), and for each doubt."""
    moment = _timestamp(now)
    chains = list(chains)
    sentences = []
    for certificate in dict.fromkeys(one for chain in chains for one in chain.certificates):
        name = f"The {_called(certificate)}"
        if certificate.not_after and certificate.not_after < moment:
            sentences.append(f"{name} expired on {certificate.not_after}.")
        elif certificate.not_before and certificate.not_before > moment:
            sentences.append(f"{name} is not valid before {certificate.not_before}.")
    doubts = dict.fromkeys(doubt for chain in chains for doubt in chain.doubts)
    return [*sentences, *doubts]


def _called(certificate: Certificate) -> str:
    return f"certificate {certificate.subject or '(no subject)'} (SHA-256 {certificate.sha256})"


def _load_all(text: str) -> list[Any]:
    with warnings.catch_warnings():
        # cryptography warns about certificates that break the rules a little; they are about, and they work.
        warnings.simplefilter("ignore")
        return [_load(der) for der in _split(text)]


def _split(text: str) -> list[bytes]:
    """The DER of every certificate in `text`: PEM blocks, or one certificate as bare Base64."""
    # Some tools hand on PEM with the newlines written out as backslash and n.
    text = text.replace("\\r", "").replace("\\n", "\n")
    if "PRIVATE KEY" in text:
        raise _NotACertificate(_PRIVATE_KEY)
    found = list(_PEM_BLOCK.finditer(text))
    blocks = [block for block in found if not _is_prose(text, block)]
    # Prose around the blocks may speak of their first lines.
    if _BROKEN_BLOCK.search(_PEM_BLOCK.sub("\n", text)):
        raise _NotACertificate("holds a PEM block that is broken off")
    if not blocks:
        return [_decode(text)]
    for block in blocks:
        if block[1] not in _CERTIFICATE_LABELS:
            raise _NotACertificate(f"holds a {block[1]}, give X.509 certificates")
    return [_decode(block[2]) for block in blocks]


def _is_prose(text: str, block: re.Match[str]) -> bool:
    """Whether it is a sentence that names the first and the last line of a block, with a few words between them."""
    before = text[text.rfind("\n", 0, block.start()) + 1 : block.start()].strip()
    return bool(before) and not before.endswith("-----") and len(block[2]) < _SHORTEST_CERTIFICATE


def _decode(text: str) -> bytes:
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        der = b""
    if not der:
        raise _NotACertificate("holds what is neither PEM nor Base64 DER of an X.509 certificate")
    return der


def _load(der: bytes) -> Any:
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        pass
    if _is_private_key(der):
        raise _NotACertificate(_PRIVATE_KEY)
    raise _NotACertificate("holds what is no X.509 certificate")


def _is_private_key(der: bytes) -> bool:
    try:
        load_der_private_key(der, password=None)
    except TypeError:
        return True  # an encrypted one
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _certificate(loaded: Any) -> Certificate:
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
    # Names are parsed late, and certificates with odd ones are about.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(getattr(loaded, part).rfc4514_string())
    except _UNREADABLE:
        return "(unreadable)"


def _date(loaded: Any, which: str) -> str:
    """One end of the validity, or an empty text where it is a date that does not exist."""
    # Dates are parsed late, like names, and year 0 can be written in a certificate.
    try:
        return _timestamp(_moment(loaded, which))
    except _UNREADABLE:
        return ""


def _moment(loaded: Any, which: str) -> datetime.datetime:
    # cryptography 42 added the aware form; the naive one is UTC too.
    aware: Optional[datetime.datetime] = getattr(loaded, f"{which}_utc", None)
    naive: datetime.datetime = aware or getattr(loaded, which)
    return naive.replace(tzinfo=datetime.timezone.utc)


def _timestamp(moment: datetime.datetime) -> str:
    # strftime does not fill up the year with zeros, and as texts such years would be the latest.
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _check_links(place: str, loaded: Sequence[Any]) -> list[str]:
    """A sentence for each link that cannot be checked. Raises InvalidInput for one that is false."""
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
    return _doubt(certificate, issuer) is not None


def _doubt(certificate: Any, issuer: Any) -> Optional[str]:
    """Why it cannot be proven that `issuer` issued the certificate; empty if it is proven, None if it is not so."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return None
    except _UNREADABLE:
        # It tells all that it does not like, the harmless and the false, by the same errors.
        return _doubt_in_detail(certificate, issuer)
    return ""


def _doubt_in_detail(certificate: Any, issuer: Any) -> Optional[str]:
    alike = _equal_names(certificate, issuer)
    if alike is False:
        return None
    try:
        key = issuer.public_key()
    except _UNREADABLE:
        return "the key of the latter is of a kind that is not known here"
    algorithm = (
        f"the algorithm of its signature ({certificate.signature_algorithm_oid.dotted_string}) is not known here"
    )
    try:
        digest = certificate.signature_hash_algorithm
        parameters = certificate.signature_algorithm_parameters
    except _UNREADABLE:
        return algorithm
    how = [digest]
    if isinstance(key, ec.EllipticCurvePublicKey):
        how = [ec.ECDSA(digest)]
    elif isinstance(key, rsa.RSAPublicKey):
        # cryptography gives no parameters for the oldest algorithms.
        how = [parameters or padding.PKCS1v15(), digest]
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, *(one for one in how if one is not None))
    except (InvalidSignature, TypeError, AttributeError):
        # The latter two: the key is of another kind than the signature.
        return None
    except (ValueError, UnsupportedAlgorithm):
        return algorithm
    if digest is not None and digest.name in _BROKEN_HASHES:
        return f"its signature uses {digest.name.upper()}, which proves nothing any more"
    return "the name of its issuer is not written as the latter writes its own" if alike else "a name cannot be read"


def _equal_names(certificate: Any, issuer: Any) -> Optional[bool]:
    """Whether they name the same issuer, compared as RFC 5280 (7.1) does; None where a name is unreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _comparable(certificate.issuer) == _comparable(issuer.subject)
    except _UNREADABLE:
        return None


def _comparable(name: Any) -> list[set[tuple[str, Any]]]:
    return [{(one.oid.dotted_string, _folded(one.value)) for one in relative} for relative in name.rdns]


def _folded(value: Any) -> Any:
    return " ".join(value.split()).casefold() if isinstance(value, str) else value
