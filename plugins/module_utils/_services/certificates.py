# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate chains, as users declare them and as hosts return them. They are compared by the SHA-256 of their DER."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_links import check_links
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import Certificate
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import NotACertificate
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import called
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import certificate_of
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import load_all
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import timestamp


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


def chains_from_options(option: str, value: Sequence[Mapping[str, Any]]) -> tuple[Chain, ...]:
    """Read the chains that a user declares. Equal chains become one chain.

    A signature that cannot be checked is accepted, with a sentence in the `doubts` of the chain.

    option: the name of the option, for messages.
    value: the chains in the form of the API.
    Raises InvalidInput, which names the place, for a private key, for a text that is no certificate, and for a chain
    that is out of order or has a false signature.
    """
    if not value:
        raise InvalidInput(f"{option}: is empty; give at least one chain of the issuer.")

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
            loaded.extend(load_all(text))
        except NotACertificate as error:
            raise InvalidInput(f"{place}: {error}.") from None

    if not loaded:
        raise InvalidInput(f"{place}: is empty.")

    doubts = check_links(place, loaded)

    certificates = [certificate_of(each) for each in loaded]
    for certificate in certificates:
        if not (certificate.not_before and certificate.not_after):
            doubts.append(f"The validity of {called(certificate)} cannot be read.")

    return Chain(tuple(certificates), tuple(doubts))


def chains_from_host(value: Iterable[Mapping[str, Any]]) -> tuple[Chain, ...]:
    """Read the chains that a host returns.

    A text that is no certificate is kept as it is, so that it can be shown and restored. It is equal to no certificate
    that can be declared.
    """
    chains = []
    for entry in value:
        certificates: list[Certificate] = []
        for text in entry["cert_chain"]:
            try:
                certificates.extend([certificate_of(loaded) for loaded in load_all(text)])
            except NotACertificate:
                digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
                certificates.append(Certificate(sha256=f"unreadable:{digest}", pem=text, subject="(unreadable)"))

        chains.append(Chain(tuple(certificates)))

    return tuple(chains)


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
        load_all(text)
    except NotACertificate:
        return False

    return True


def validity_warnings(chains: Iterable[Chain], now: datetime.datetime) -> list[str]:
    """A sentence for each certificate that is expired or not yet valid, and for each doubt. Each sentence stands once.

    now: the time of the check, with a time zone, in UTC.
    """
    moment = timestamp(now)

    certificates: dict[Certificate, None] = {}
    doubts: dict[str, None] = {}
    for chain in chains:
        certificates.update(dict.fromkeys(chain.certificates))
        doubts.update(dict.fromkeys(chain.doubts))

    sentences = []
    for certificate in certificates:
        name = f"The {called(certificate)}"
        if certificate.not_after and certificate.not_after < moment:
            sentences.append(f"{name} expired on {certificate.not_after}.")
        elif certificate.not_before and certificate.not_before > moment:
            sentences.append(f"{name} is not valid before {certificate.not_before}.")

    return [*sentences, *doubts]
