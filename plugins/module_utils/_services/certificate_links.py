# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks whether the certificates of a chain issued each other, and sorts them by that."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._libraries import InvalidSignature
from ansible_collections.esx.trust.plugins.module_utils._libraries import UnsupportedAlgorithm
from ansible_collections.esx.trust.plugins.module_utils._libraries import ec
from ansible_collections.esx.trust.plugins.module_utils._libraries import padding
from ansible_collections.esx.trust.plugins.module_utils._libraries import rsa
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import UNREADABLE
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import NotACertificate
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import called
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import certificate_of
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import load_all
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import name_of

#: Hashes with which anybody can forge a signature.
_BROKEN_HASHES = ("md5", "sha1")
#: A chain with more certificates is not sorted.
_LONGEST_SORTED = 10


def leaf_first(cert_chain: Sequence[str]) -> list[str]:
    """The certificates of a chain in the order of their signatures, as PEM.

    The chain is returned as it is if it is in order already, if it has more than 10 certificates, or if the signatures
    allow no order or several.
    """
    unchanged = list(cert_chain)
    loaded: list[Any] = []
    try:
        for text in cert_chain:
            loaded.extend(load_all(text))
    except NotACertificate:
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

    return [certificate_of(certificate).pem for certificate in ordered]


def _is_leaf(candidate: Any, loaded: Sequence[Any]) -> bool:
    """True if the candidate issued none of the other certificates."""
    return not any(_issued(certificate, candidate) for certificate in loaded if certificate is not candidate)


def check_links(place: str, loaded: Sequence[Any]) -> list[str]:
    """A sentence for each signature in a chain that cannot be checked. Raises InvalidInput if a signature is false."""
    doubts = []
    for position, (certificate, issuer) in enumerate(zip(loaded, loaded[1:])):
        link = _link(certificate, issuer)
        if link.is_false:
            raise InvalidInput(
                f"{place}: certificate {position + 1} ({name_of(certificate, 'subject')}) was not issued by the"
                f" certificate after it ({name_of(issuer, 'subject')}); the order is leaf, intermediates, root."
            )

        if link.doubt:
            doubts.append(
                f"It could not be checked that the {called(certificate_of(certificate))} was issued by the"
                f" certificate after it ({name_of(issuer, 'subject')}): {link.doubt}."
            )

    return doubts


@dataclass(frozen=True)
class _Link:
    """Whether one certificate issued another.

    is_false: True if it certainly did not.
    doubt: why nobody can prove that it did. Empty if it is proven, or false.
    """

    is_false: bool = False
    doubt: str = ""


_PROVEN = _Link()
_FALSE = _Link(is_false=True)


def _issued(certificate: Any, issuer: Any) -> bool:
    """True if the issuer issued the certificate, or if that cannot be checked."""
    return not _link(certificate, issuer).is_false


def _link(certificate: Any, issuer: Any) -> _Link:
    """Whether the issuer issued the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return _FALSE
    except UNREADABLE:
        # The exceptions are the same for a false signature and for one that cannot be checked.
        return _link_in_detail(certificate, issuer)

    return _PROVEN


def _link_in_detail(certificate: Any, issuer: Any) -> _Link:
    """The same as `_link`, found by checking the names, the key and the signature one after the other.

    It is never proven.
    """
    names_are_equal = _equal_names(certificate, issuer)
    if names_are_equal is False:
        return _FALSE

    try:
        key = issuer.public_key()
    except UNREADABLE:
        return _Link(doubt="the key of the issuer is of a kind that is not known here")

    link = _signature(certificate, key)
    if link != _PROVEN:
        return link

    if names_are_equal is None:
        return _Link(doubt="a name cannot be read")

    return _Link(doubt="the name of its issuer is not written as in the certificate of the issuer")


def _signature(certificate: Any, key: Any) -> _Link:
    """Whether the signature of the certificate was made with this key."""
    oid = certificate.signature_algorithm_oid.dotted_string
    unknown_algorithm = _Link(doubt=f"the algorithm of its signature ({oid}) is not known here")
    try:
        digest = certificate.signature_hash_algorithm
        parameters = certificate.signature_algorithm_parameters
    except UNREADABLE:
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
        return _FALSE
    except (ValueError, UnsupportedAlgorithm):
        return unknown_algorithm

    if digest is not None and digest.name in _BROKEN_HASHES:
        return _Link(doubt=f"its signature uses {digest.name.upper()}, which proves nothing any more")

    return _PROVEN


def _equal_names(certificate: Any, issuer: Any) -> Optional[bool]:
    """Whether the certificate names this issuer, compared as RFC 5280 (7.1) does. None if a name cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _comparable(certificate.issuer) == _comparable(issuer.subject)
    except UNREADABLE:
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
