# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused among declared certificates, and that no key among them is in any output."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import KeySerializationEncryption
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_module
from support.certificates import Authority
from support.certificates import bundle
from support.certificates import chain
from support.certificates import encodings
from support.certificates import private_key_pem
from support.certificates import private_keys
from support.chains import BODY
from support.chains import DEEP
from support.chains import PEM
from support.chains import declared
from support.chains import held
from support.chains import of_version
from support.chains import refusal

KEY = bytes(range(100, 132))
NEITHER = "holds text that is neither PEM nor Base64 DER of a certificate"


def der_key(encryption: KeySerializationEncryption) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, encryption)).decode()


def masked(*texts: str) -> set[str]:
    """What a module masks in all that it prints if these texts were given as a chain and refused."""
    options = {"signing_cert_chains": [{"cert_chain": list(texts)}]}
    return token_issuer_module.ARGUMENTS.secrets(options) | token_issuer_module.ARGUMENTS.misplaced(options)


@pytest.mark.parametrize("kind", sorted(private_keys()))
@pytest.mark.parametrize("how", ["alone", "before", "behind", "escaped", "crlf", "one line"])
def test_a_private_key_is_refused_and_kept_out_of_all_output(kind: str, how: str) -> None:
    key = private_keys()[kind]

    text = {
        "alone": key,
        "before": key + PEM,
        "behind": PEM + key,
        "escaped": key.replace("\n", "\\n"),
        "crlf": key.replace("\n", "\r\n"),
        "one line": key.replace("\n", " "),
    }[how]

    error = refusal(PEM, text)

    assert "private key" in error.message
    assert error.message.startswith("chains[0].cert_chain: ")
    assert text in masked(PEM, text)
    assert not [line for line in key.splitlines() if len(line) > 40 and line in str(error)]


@pytest.mark.parametrize(
    "encryption", [NoEncryption(), BestAvailableEncryption(b"open sesame")], ids=["open", "encrypted"]
)
def test_a_private_key_in_bare_base64_is_refused_and_kept_out_of_all_output(
    encryption: KeySerializationEncryption,
) -> None:
    key = der_key(encryption)
    error = refusal(key)

    assert "holds a private key" in error.message
    assert masked(key) == {key}
    assert key not in str(error)
    assert key[:20] not in str(error)


@pytest.mark.parametrize(
    "key",
    [
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(bytes(range(224, 256))).decode().rstrip("="),
        KEY.hex(),
        "Correct horse battery staple!",
    ],
    ids=["base64", "base64url", "hexadecimal", "phrase"],
)
def test_a_symmetric_key_is_refused_and_kept_out_of_all_output(key: str) -> None:
    error = refusal(PEM, key)
    assert key in masked(PEM, key)
    assert key not in str(error)


def test_every_key_among_the_options_is_kept_out_of_all_output_and_not_only_the_first() -> None:
    keys = [private_keys()["ec"], base64.b64encode(KEY).decode(), private_keys()["rsa"]]
    with pytest.raises(InvalidInput) as caught:
        declared([PEM, *keys[:2]], [keys[2]])

    assert set(keys) <= masked(PEM, *keys)
    assert keys[0] not in caught.value.message


def test_a_key_that_was_split_into_lines_is_kept_out_of_all_output() -> None:
    lines = private_key_pem().splitlines()
    refusal(*lines)
    assert {line for line in lines[1:-1] if len(line) >= 8} <= masked(*lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, NEITHER) for text in ("", " ", "\n", "no certificate", "é", "=", "<xml/>", "{}")),
        # What Base64 does not know is no noise to be left out.
        pytest.param(f"*{BODY}", NEITHER, id="an asterisk before Base64"),
        pytest.param(f"{BODY[:40]}*{BODY[40:]}", NEITHER, id="an asterisk in Base64"),
        (base64.b64encode(b"no certificate").decode(), "holds data that is no X.509 certificate"),
        ("AAAA", "holds data that is no X.509 certificate"),
        ("QUJD", "holds data that is no X.509 certificate"),
        ("-----BEGIN CERTIFICATE-----", "holds a PEM block that is broken off"),
        pytest.param(PEM + PEM[:100], "holds a PEM block that is broken off", id="a block and a broken one"),
    ],
)
def test_junk_is_refused_at_its_place_and_called_by_its_name(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        declared([PEM], [text])
    assert caught.value.message == f"chains[1].cert_chain: {reason}."


@pytest.mark.parametrize(("text", "hidden"), [("1234567", set()), ("12345678", {"12345678"})])
def test_what_is_no_certificate_is_masked_unless_it_is_short(text: str, hidden: set[str]) -> None:
    assert masked(text) == hidden


@pytest.mark.parametrize("label", ["PUBLIC KEY", "CERTIFICATE REQUEST", "X509 CRL", "PKCS7", "CMS"])
def test_other_things_in_pem_are_called_by_their_names(label: str) -> None:
    assert label in refusal(PEM.replace(" CERTIFICATE-----", f" {label}-----")).message


def test_a_public_key_is_no_certificate() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    refusal(base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode())


@pytest.mark.parametrize("end", [30, 200, -20])
def test_a_block_that_was_cut_off_is_refused_also_behind_a_whole_one(end: int) -> None:
    leaf, root = chain(2, subject="cut")
    refusal(root[:end])
    refusal(bundle(leaf, root[:end]))


def test_a_certificate_with_a_byte_more_or_less_is_refused() -> None:
    der = base64.b64decode(encodings(PEM)["base64 der"])
    for broken in (der[:-1], der + b"\0", b"\0" + der):
        refusal(base64.b64encode(broken).decode())


@pytest.mark.parametrize("version", [4, 5, 128])
def test_a_certificate_of_an_unknown_version_is_refused(version: int) -> None:
    refusal(of_version(version))


@pytest.mark.parametrize(
    ("order", "number", "below", "above"),
    [
        ([1, 0, 2, 3], 1, 1, 0),
        ([3, 2, 1, 0], 1, 3, 2),
        ([0, 2, 3], 1, 0, 2),
        ([0, 3], 1, 0, 3),
        ([0, 0, 1], 1, 0, 0),
        ([0, 2, 1, 3], 1, 0, 2),
        ([0, 1, 3], 2, 1, 3),
        ([0, 1, 2, 2, 3], 3, 2, 2),
    ],
)
def test_a_chain_out_of_order_is_refused_with_the_place_and_the_names_of_the_pair(
    order: list[int], number: int, below: int, above: int
) -> None:
    texts = [DEEP[position] for position in order]
    names = [certificate.subject for certificate in declared(DEEP)[0].certificates]

    assert len(set(names)) == len(DEEP)
    assert refusal(*texts).message == (
        f"chains[0].cert_chain: certificate {number} ({names[below]}) was not issued by the certificate after it"
        f" ({names[above]}); the order is leaf, intermediates, root."
    )
    assert masked(*texts) == set()


def test_a_chain_may_end_before_the_root() -> None:
    for length in (1, 2, 3):
        assert len(declared(DEEP[:length])[0].certificates) == length


def test_an_issuer_of_the_same_name_and_another_key_is_no_link() -> None:
    real, false = Authority("root"), Authority("root")
    leaf = real.issue("leaf")

    assert declared([leaf.pem, real.pem])
    assert "CN=leaf" in refusal(leaf.pem, false.pem).message


def test_no_chains_and_empty_chains_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^chains: "):
        declared()
    with pytest.raises(InvalidInput, match=r"^chains\[1\]\.cert_chain: "):
        declared([PEM], [])


@given(st.text() | st.text(alphabet="-BEGIN CERTIFICATE\\\nrn=A", max_size=200))
@example("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----")
@example("-----BEGIN CERTIFICATE-----QUJD-----END CERTIFICATE-----")
@example("\ud800")
@example(of_version(5))
def test_any_text_is_a_chain_or_refused(text: str) -> None:
    try:
        chains = declared([text])
    except InvalidInput as error:
        assert error.message.startswith("chains[0].cert_chain: ")  # noqa: PT017 - no error is as good
        assert error.message.encode()  # noqa: PT017 - no error is as good
    else:
        assert chains[0].certificates


@given(st.binary(max_size=300))
def test_any_bytes_in_base64_are_a_chain_or_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        declared([base64.b64encode(raw).decode()])


@given(st.data())
def test_a_certificate_with_a_changed_byte_is_read_or_refused(data: st.DataObject) -> None:
    der = bytearray(base64.b64decode(encodings(PEM)["base64 der"]))
    der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    text = base64.b64encode(der).decode()
    (chain,) = held([text])

    assert len(chain.certificates) == 1

    try:
        assert declared([text]) == (chain,)
    except InvalidInput:
        assert chain.to_api() == {"cert_chain": [text]}
