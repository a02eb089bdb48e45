# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates: the fleet's own authority, chains to test with, and the text forms a host may use."""

from __future__ import annotations

import base64
import binascii
import datetime
import ipaddress
import re
import textwrap
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.oid import NameOID

BEGIN = "-----BEGIN CERTIFICATE-----"
END = "-----END CERTIFICATE-----"
WIDE_LINE = 76
LONG = 3650
"""Days, for the certificates of a fleet that is started again."""
FORMATS = ("pem", "pem_crlf", "base64", "escaped", "one_line")


@dataclass(frozen=True)
class Identity:
    """A certificate and the key that belongs to it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode("ascii")

    @classmethod
    def from_pem(cls, text: str) -> Identity:
        """The certificate and the key of a text that holds both.

        Raises:
            ValueError: It does not.
        """
        key = serialization.load_pem_private_key(text.encode(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("Not a key of a simulated host.")

        return cls(x509.load_pem_x509_certificate(text.encode()), key)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, written AA:BB:…"""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def issue(
    common_name: str,
    parent: Identity | None = None,
    *,
    authority: bool = False,
    names: tuple[str, ...] = (),
    starts: int = -1,
    ends: int = 365,
) -> Identity:
    """A new certificate, self-signed without a parent; `starts` and `ends` are days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    signer = parent.key if parent else key

    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent.certificate.subject if parent else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=starts))
        .not_valid_after(now + datetime.timedelta(days=ends))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_key_usage(authority), critical=True)
    )

    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)

    return Identity(builder.sign(signer, hashes.SHA256()), key)


def signing_chain(common_name: str = "sts", length: int = 1, *, starts: int = -1, ends: int = 365) -> list[str]:
    """PEM certificates of a new token signing chain, leaf first."""
    chain: list[Identity] = []
    for level in range(length - 1, -1, -1):
        name = common_name if level == 0 else f"{common_name} authority {level}"
        parent = chain[0] if chain else None
        chain.insert(0, issue(name, parent, authority=level > 0, starts=starts, ends=ends))

    return [identity.pem for identity in chain]


def _key_usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def canonical(text: str) -> str:
    """The one PEM certificate (or base64 DER) in `text`, as plain PEM; ValueError when it is anything else."""
    if "PRIVATE KEY" in text:
        raise ValueError("A private key is not a certificate.")
    body = text.strip()
    if body.startswith(BEGIN) and body.endswith(END):
        body = body.removeprefix(BEGIN).removesuffix(END)

    try:
        der = base64.b64decode(re.sub(r"\s+", "", body), validate=True)
        certificate = x509.load_der_x509_certificate(der)
    except (ValueError, binascii.Error, x509.InvalidVersion) as error:
        raise ValueError("Not one certificate in PEM or base64 DER form.") from error

    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def without_root(chain: list[str]) -> list[str]:
    """The chain without a self-signed end; a chain that is one certificate stays."""
    if len(chain) < 2:
        return chain
    last = x509.load_pem_x509_certificate(chain[-1].encode())
    return chain[:-1] if last.issuer == last.subject else chain


def formatted(pem: str, style: str) -> str:
    """A canonical PEM certificate in one of the forms that hosts have been seen to answer with."""
    if style == "pem_crlf":
        return pem.replace("\n", "\r\n")
    if style == "escaped":
        return pem.replace("\n", "\\n")
    if style == "one_line":
        return pem.replace("\n", "")

    if style == "wide_lines":
        text = pem.replace(BEGIN, "").replace(END, "").replace("\n", "")
        return "\n".join([BEGIN, *textwrap.wrap(text, WIDE_LINE), END])

    if style == "base64":
        return pem.replace(BEGIN, "").replace(END, "").replace("\n", "")

    return pem
