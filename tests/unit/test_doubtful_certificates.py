# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains whose links cannot be checked, dates that do not exist, and prose around the blocks of a PEM file."""

from __future__ import annotations

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_links import leaf_first
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import certificate_records
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import validity_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import HostTrust
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from support.certificates import CURVE_P256
from support.certificates import CURVE_SM2
from support.certificates import ECDSA_WITH_SHA256
from support.certificates import RSA_WITH_MD5
from support.certificates import RSA_WITH_NOTHING_KNOWN
from support.certificates import RSA_WITH_SHA1
from support.certificates import SM2_WITH_SM3
from support.certificates import bundle
from support.certificates import chain
from support.certificates import dated
from support.certificates import fingerprint
from support.certificates import named
from support.certificates import pem_of
from support.certificates import private_key_pem
from support.certificates import with_old_signature
from support.transport import is_sentence
from support.whole_hosts import NOTHING_DECLARED

NOW = datetime.datetime.now(datetime.timezone.utc)
LEAF, ROOT = chain(2, subject="prose")


def declared(*texts: str) -> Chain:
    (chain_read,) = chains_from_options("chains", [{"cert_chain": list(texts)}])
    return chain_read


def warnings_of(*texts: str) -> list[str]:
    return validity_warnings([declared(*texts)], NOW)


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def der(text: str) -> bytes:
    return x509.load_pem_x509_certificate(text.encode()).public_bytes(Encoding.DER)


def written_otherwise(name: str, issuer_name: str, written: _ASN1Type, *, false: bool = False) -> list[str]:
    root, leaf = (ec.generate_private_key(ec.SECP256R1()) for _each in range(2))
    signer = leaf if false else root
    return [
        pem(named("leaf", issuer_name, leaf.public_key(), signer, written=written)),
        pem(named(name, name, root.public_key(), root)),
    ]


def with_sm2() -> list[str]:
    """Keys and a signature that cryptography does not know; so does whoever made them by exchanging two identifiers."""
    leaf, root = chain(2, subject="sm2")
    return [
        pem_of(der(text).replace(CURVE_P256, CURVE_SM2).replace(ECDSA_WITH_SHA256, SM2_WITH_SM3))
        for text in (leaf, root)
    ]


OLD = {
    "SHA1": with_old_signature(RSA_WITH_SHA1, hashes.SHA1()),
    "MD5": with_old_signature(RSA_WITH_MD5, hashes.MD5()),
    "not known": with_old_signature(RSA_WITH_NOTHING_KNOWN, hashes.SHA256()),
    "kind": with_sm2(),
    "not written": written_otherwise("root", "root", _ASN1Type.PrintableString),
    "is not written": written_otherwise("the root", "The  Root", _ASN1Type.UTF8String),
}


@pytest.mark.parametrize("why", OLD)
def test_a_link_that_cannot_be_checked_is_taken_with_a_warning(why: str) -> None:
    (warning,) = warnings_of(*OLD[why])
    assert "could not be checked" in warning
    assert why in warning
    assert fingerprint(OLD[why][0]) in warning
    assert f"({declared(*OLD[why]).certificates[1].subject})" in warning
    assert "order" not in warning
    assert is_sentence(warning)
    assert [certificate.pem for certificate in declared(*OLD[why]).certificates] == OLD[why]


@pytest.mark.parametrize("why", OLD)
def test_its_order_still_counts(why: str) -> None:
    with pytest.raises(InvalidInput, match="was not issued by the certificate after it"):
        declared(*reversed(OLD[why]))


@pytest.mark.parametrize("why", OLD)
def test_a_chain_whose_links_cannot_be_checked_can_be_sorted(why: str) -> None:
    assert leaf_first(OLD[why][::-1]) == OLD[why]


def test_a_chain_of_ten_certificates_is_sorted_and_a_longer_one_is_not() -> None:
    ten, eleven = chain(10, subject="ten"), chain(11, subject="eleven")
    assert leaf_first(ten[::-1]) == ten
    assert leaf_first(eleven[::-1]) == eleven[::-1]


@pytest.mark.parametrize("why", OLD)
def test_the_warning_reaches_what_the_modules_warn_of(why: str) -> None:
    chains = [{"cert_chain": OLD[why]}]

    issuer = {
        "issuer_alias": "a",
        "issuer": "https://a.example",
        "signing_cert_chains": chains,
        "state": "present",
        "chains_mode": "exact",
        "issuer_conflict": "fail",
    }

    (warning,) = validity_warnings(DesiredTokenIssuer.from_params(issuer).chains, NOW)
    host = {**NOTHING_DECLARED, "token_issuers": [issuer]}

    assert HostTrust.from_params(host).warnings == (warning,)


@pytest.mark.parametrize("why", ["SHA1", "MD5"])
def test_a_false_old_signature_is_refused(why: str) -> None:
    leaf, root = OLD[why]
    forged = bytearray(der(leaf))
    forged[-5] ^= 1
    with pytest.raises(InvalidInput, match="was not issued by the certificate after it"):
        declared(pem_of(bytes(forged)), root)


def test_a_false_signature_is_refused_however_the_names_are_written() -> None:
    for texts in (
        written_otherwise("root", "root", _ASN1Type.PrintableString, false=True),
        written_otherwise("root", "root", _ASN1Type.UTF8String, false=True),
    ):
        with pytest.raises(InvalidInput, match="was not issued by the certificate after it"):
            declared(*texts)


def test_a_signature_of_another_kind_than_the_key_is_false() -> None:
    modulus = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    by_modulus = named("leaf", "root", modulus.public_key(), modulus)
    by_curve = named("leaf", "root", curve.public_key(), curve)

    for leaf, key in ((by_modulus, curve), (by_curve, modulus)):
        with pytest.raises(InvalidInput, match="was not issued by the certificate after it"):
            declared(pem(leaf), pem(named("root", "root", key.public_key(), key)))

    edwards = ed25519.Ed25519PrivateKey.generate().public_key()
    with pytest.raises(InvalidInput, match="was not issued by the certificate after it"):
        declared(pem(leaf), pem(named("root", "root", edwards, curve)))


def test_a_sound_chain_gives_no_warning() -> None:
    assert warnings_of(*chain(3, subject="sound")) == []
    assert warnings_of(*chain(1, subject="sound")) == []


def test_doubts_are_no_part_of_what_a_chain_is() -> None:
    (held,) = chains_from_host([{"cert_chain": OLD["SHA1"]}])
    assert held == declared(*OLD["SHA1"])
    assert hash(held) == hash(declared(*OLD["SHA1"]))


# Dates.


@pytest.mark.parametrize("year", [b"0000", b"-001", b"20 0"])
def test_a_date_that_does_not_exist_stands_in_nobodys_way(year: bytes) -> None:
    text = dated(year)
    (held,) = chains_from_host([{"cert_chain": [text]}])

    assert held.to_api()["cert_chain"] == [text]

    (record,) = certificate_records([held])

    assert record["not_before"] == record["not_after"] == ""
    assert validity_warnings([held], NOW) == []


def test_a_declared_date_that_does_not_exist_is_warned_of() -> None:
    (warning,) = warnings_of(dated(b"0000"))
    assert "validity" in warning
    assert "cannot be read" in warning


def test_one_date_that_does_not_exist_is_warned_of_too() -> None:
    (warning,) = warnings_of(pem_of(der(dated(b"2050")).replace(b"2050", b"0000", 1)))
    assert "validity" in warning


def test_years_are_written_with_four_digits() -> None:
    (early,) = declared(dated(b"0985")).certificates
    assert (early.not_before, early.not_after) == ("0985-01-01T00:00:00Z", "0985-06-01T00:00:00Z")

    (warning,) = warnings_of(dated(b"0985"))

    assert "expired on 0985-06-01" in warning

    (warning,) = warnings_of(dated(b"9985"))

    assert "not valid before 9985-01-01" in warning


@given(st.data())
def test_whatever_bytes_a_host_has_in_its_certificates_they_are_shown(data: st.DataObject) -> None:
    raw = bytearray(der(LEAF))
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[place] = data.draw(st.integers(0, 255))
    text = pem_of(bytes(raw))
    chains = chains_from_host([{"cert_chain": [text, ROOT]}])

    assert len(certificate_records(chains)) == 2
    assert isinstance(validity_warnings(chains, NOW), list)
    assert leaf_first([text, ROOT])

    try:
        chains_from_options("chains", [{"cert_chain": [text, ROOT]}])
    except InvalidInput as error:
        assert error.message.startswith("chains[0].cert_chain: ")  # noqa: PT017 - no error is as good


# Prose.


@pytest.mark.parametrize(
    "prose",
    [
        "# -----BEGIN of the certificates of the site",
        "-----BEGIN of the certificates of the site",
        "The first line is -----BEGIN CERTIFICATE-----, it must not be changed.",
        "# from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
        "# from -----BEGIN PUBLIC KEY----- to -----END PUBLIC KEY-----, or so",
        "# -----BEGIN ",
        "-----END CERTIFICATE-----",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_prose_may_speak_of_blocks(prose: str, end: str) -> None:
    assert declared(f"{prose}{end}{LEAF}{prose}{end}{ROOT}") == declared(LEAF, ROOT)


@pytest.mark.parametrize(
    "broken",
    [
        "-----BEGIN CERTIFICATE-----",
        "  -----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE----- MIIB",
        "-----BEGIN CERTIFI",
        "-----BEGIN ",
        "-----BEGIN CERTIFICATE---",
        "leaf: -----BEGIN CERTIFICATE-----" + base64.b64encode(bytes(40)).decode(),
        pytest.param(ROOT.replace("END", "BEGIN"), id="a second beginning"),
        pytest.param(ROOT.replace("-----END CERTIFICATE-----", "-----END X509 CRL-----"), id="another end"),
    ],
)
def test_a_block_that_is_broken_off_is_refused_in_any_place(broken: str) -> None:
    for text in (broken, LEAF + broken, LEAF + ROOT.rstrip() + broken):
        with pytest.raises(InvalidInput, match="broken off"):
            declared(text)

    if not broken.endswith((" ", "FI", "-")) or broken.endswith("-----"):
        with pytest.raises(InvalidInput, match="broken off"):
            declared(f"{broken}\n{LEAF}")


JUNK = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    "text",
    [
        f"{JUNK}\n{LEAF}",
        f"# of site-a\n# and its root\n{JUNK}\n{LEAF}",
        f"{LEAF.rstrip()}{JUNK}\n",
    ],
    ids=["alone", "below comments", "behind a certificate"],
)
def test_a_short_block_is_no_prose_and_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"no X\.509 certificate"):
        declared(text)


@pytest.mark.parametrize("before", ["leaf: ", "- "])
def test_a_certificate_behind_a_word_is_read(before: str) -> None:
    assert declared(f"{before}{LEAF}{ROOT}") == declared(LEAF, ROOT)


def test_a_quoted_block_is_prose_up_to_the_length_of_the_shortest_certificate() -> None:
    sentence = "* -----BEGIN CERTIFICATE-----{}-----END CERTIFICATE-----\n"

    assert declared(sentence.format("A" * 99) + LEAF) == declared(LEAF)

    with pytest.raises(InvalidInput, match=r"no X\.509 certificate"):
        declared(sentence.format("A" * 100) + LEAF)


def test_prose_hides_no_private_key() -> None:
    for text in (f"# {private_key_pem()}{LEAF}", bundle(LEAF, "# " + private_key_pem())):
        with pytest.raises(InvalidInput, match="private key"):
            declared(text)
