# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of every age and in every encoding, and the keys that must not stand among them."""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
import textwrap
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import Optional

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

#: One moment for the whole run, so that equal arguments give equal dates.
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


class Issued:
    """A certificate with its key; `pem`, `der` and `key` are what they say."""

    def __init__(
        self, subject: str, issuer: Optional[Issued], *, days_before: float, days_after: float, authority: bool
    ) -> None:
        self.subject = subject
        self.authority = authority
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])

        self.certificate: x509.Certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer.certificate.subject if issuer else name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(days=days_before))
            .not_valid_after(NOW + datetime.timedelta(days=days_after))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(issuer.key if issuer else self.key, hashes.SHA256())
        )

        self.der = self.certificate.public_bytes(Encoding.DER)
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    def issue(
        self, subject: str, *, days_before: float = 1, days_after: float = 365, authority: bool = False
    ) -> Issued:
        """A certificate that this one signs; valid from `days_before` ago until in `days_after`."""
        if not self.authority:
            raise ValueError(f"{self.subject} is no authority")
        return Issued(subject, self, days_before=days_before, days_after=days_after, authority=authority)


class Authority(Issued):
    """A root: signs itself."""

    def __init__(self, name: str, *, days_before: float = 10, days_after: float = 3650) -> None:
        super().__init__(name, None, days_before=days_before, days_after=days_after, authority=True)


#: Object identifiers as they stand in DER, and others of the same length to put in their place.
RSA_WITH_SHA256 = bytes.fromhex("2a864886f70d01010b")
RSA_WITH_SHA1 = bytes.fromhex("2a864886f70d010105")
RSA_WITH_MD5 = bytes.fromhex("2a864886f70d010104")
RSA_WITH_NOTHING_KNOWN = bytes.fromhex("2a864886f70d01017f")
CURVE_P256, CURVE_SM2 = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a811ccf5501822d")
ECDSA_WITH_SHA256, SM2_WITH_SM3 = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a811ccf55018375")


def pem_of(der: bytes) -> str:
    """DER, whatever it is, as a certificate in PEM."""
    body = textwrap.fill(base64.b64encode(der).decode(), 64)
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def with_old_signature(algorithm: bytes, digest: hashes.HashAlgorithm) -> list[str]:
    """A leaf and its root; the leaf is signed by RSA with a hash that no library signs certificates with any more."""
    root_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    root = named("root", "root", root_key.public_key(), root_key)
    leaf = named("leaf", "root", leaf_key.public_key(), root_key)
    der = leaf.public_bytes(Encoding.DER)
    signed = leaf.tbs_certificate_bytes
    resigned = signed.replace(RSA_WITH_SHA256, algorithm)
    der = der.replace(signed, resigned).replace(RSA_WITH_SHA256, algorithm)
    der = der.replace(leaf.signature, root_key.sign(resigned, padding.PKCS1v15(), digest))

    return [pem_of(der), root.public_bytes(Encoding.PEM).decode()]


def named(
    subject: str,
    issuer: str,
    key: Any,
    signer: Any,
    *,
    written: _ASN1Type = _ASN1Type.UTF8String,
) -> x509.Certificate:
    """A certificate that names its issuer as it is told to, and is signed by whatever key it is told to."""
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer, written)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=1))
        .sign(signer, hashes.SHA256())
    )


def dated(year: bytes) -> str:
    """A certificate whose validity begins and ends in that year, of four digits."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dated")])

    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(datetime.datetime(2050, 1, 1, tzinfo=datetime.timezone.utc))
        .not_valid_after(datetime.datetime(2050, 6, 1, tzinfo=datetime.timezone.utc))
        .sign(key, hashes.SHA256())
    )

    return pem_of(built.public_bytes(Encoding.DER).replace(b"\x18\x0f2050", b"\x18\x0f" + year))


def chain(length: int = 1, *, subject: str = "signer", expired: bool = False, not_yet_valid: bool = False) -> list[str]:
    """The PEMs of a chain, leaf first, root last; the flags are about the leaf.

    A chain of one is a certificate that signs itself. Equal arguments give the same chain, other ones another.
    """
    return list(_chain(length, subject, expired, not_yet_valid))


@functools.cache
def _chain(length: int, subject: str, expired: bool, not_yet_valid: bool) -> tuple[str, ...]:
    before, after = 1.0, 365.0
    if expired:
        before, after = 30.0, -2.0
    if not_yet_valid:
        before, after = -2.0, 30.0
    if length == 1:
        return (Authority(subject, days_before=before, days_after=after).pem,)
    issuer: Issued = Authority(f"{subject} root")
    pems = [issuer.pem]

    for number in range(length - 2):
        issuer = issuer.issue(f"{subject} intermediate {number + 1}", authority=True)
        pems.insert(0, issuer.pem)

    return (issuer.issue(subject, days_before=before, days_after=after).pem, *pems)


def fingerprint(pem: str) -> str:
    """The SHA-256 of a certificate's DER, in hexadecimal."""
    return hashlib.sha256(_der(pem)).hexdigest()


def bundle(*pems: str) -> str:
    """Several PEM blocks in one text."""
    return "".join(pems)


@functools.cache
def encodings(pem: str) -> Mapping[str, str]:
    """The same certificate as people and programs write it. Equal arguments give the same mapping."""
    body = base64.b64encode(_der(pem)).decode()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    forms = {
        "pem": pem,
        "without a last newline": pem.rstrip("\n"),
        "crlf": pem.replace("\n", "\r\n"),
        "indented": textwrap.indent(pem, "    "),
        "lines of 76": f"{begin}\n{textwrap.fill(body, 76)}\n{end}\n",
        "one line": f"{begin}{body}{end}",
        "spaces for newlines": pem.replace("\n", " "),
        "backslash and n": pem.replace("\n", "\\n"),
        "backslash, r, backslash and n": pem.replace("\n", "\\r\\n"),
        "text around": f"subject=CN = signer\nissuer=CN = root\n{pem}\nVerify return code: 0 (ok)\n",
        "older label": pem.replace(" CERTIFICATE-----", " X509 CERTIFICATE-----"),
        "base64 der": body,
        "base64 der in lines": textwrap.fill(body, 64) + "\n",
        "base64 der in crlf lines": textwrap.fill(body, 64).replace("\n", "\r\n"),
    }

    return MappingProxyType(forms)


def private_key_pem() -> str:
    """A private key, PKCS #8."""
    return private_keys()["pkcs8"]


@functools.cache
def private_keys() -> dict[str, str]:
    """Private keys in every PEM form that people have them in."""
    curve = ec.generate_private_key(ec.SECP256R1())
    modulus = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    password = BestAvailableEncryption(b"open sesame")

    forms = {
        "pkcs8": curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "ec": curve.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        "rsa": modulus.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        "rsa pkcs8": modulus.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "openssh": curve.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        "encrypted pkcs8": curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, password),
        "encrypted rsa": modulus.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, password),
    }

    return {name: text.decode() for name, text in forms.items()}


def _der(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
