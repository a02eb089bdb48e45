# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates in every encoding, what must be refused among them, and what a host may hold instead."""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Callable
from collections.abc import Sequence
from types import SimpleNamespace

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
from ansible_collections.esx.trust.plugins.module_utils._services import certificate_reading
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_module
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import Certificate
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import validity_warnings
from support.certificates import NOW as STARTED
from support.certificates import Authority
from support.certificates import bundle
from support.certificates import chain
from support.certificates import encodings
from support.certificates import fingerprint
from support.certificates import private_key_pem
from support.certificates import private_keys

PEM = chain(subject="plain")[0]
DEEP = chain(4, subject="deep")
KEY = bytes(range(100, 132))
DATED = Authority("dated", days_before=100, days_after=100)
NOW = datetime.datetime.now(datetime.timezone.utc)
BODY = "".join(PEM.splitlines()[1:-1])
NEITHER = "holds text that is neither PEM nor Base64 DER of a certificate"


def declared(*chains: Sequence[str]) -> tuple[Chain, ...]:
    return chains_from_options("chains", [{"cert_chain": list(texts)} for texts in chains])


def held(*chains: Sequence[str]) -> tuple[Chain, ...]:
    return chains_from_host([{"cert_chain": list(texts)} for texts in chains])


def refusal(*texts: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        declared(texts)
    return caught.value


def fingerprints(found: Chain) -> list[str]:
    return [one.sha256 for one in found.certificates]


def der_key(encryption: KeySerializationEncryption) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, encryption)).decode()


def of_version(number: int) -> str:
    """A certificate that says it has another version of X.509."""
    der = base64.b64decode(BODY)
    assert der.count(b"\xa0\x03\x02\x01\x02") == 1

    return base64.b64encode(der.replace(b"\xa0\x03\x02\x01\x02", bytes([0xA0, 3, 2, 1, number - 1]))).decode()


COMMON_NAME = b"\x06\x03\x55\x04\x03\x0c"
#: What to change in a certificate so that reading it in full meets something that is forbidden and about.
ODDITIES = {
    "name in bits": (COMMON_NAME, COMMON_NAME[:-1] + b"\x03"),
    "name of no type": (COMMON_NAME, COMMON_NAME[:-1] + b"\x00"),
    "long country": (COMMON_NAME, b"\x06\x03\x55\x04\x06\x0c"),
    "negative serial number": (b"\x02\x01\x02\x02", b"\x02\x01\x02\x02"),
}


def odd(how: str) -> str:
    before, after = ODDITIES[how]
    der = bytearray(base64.b64decode(encodings(PEM)["base64 der"]))

    if how == "negative serial number":
        der[der.index(before) + 5] |= 0x80
    else:
        assert before in der

        der = der.replace(before, after)

    return base64.b64encode(der).decode()


# What is read.


@pytest.mark.parametrize("how", sorted(encodings(PEM)))
@pytest.mark.parametrize("read", [declared, held])
def test_a_certificate_is_the_same_in_every_dress(how: str, read: Callable[..., tuple[Chain, ...]]) -> None:
    (found,) = read([encodings(PEM)[how]])
    assert fingerprints(found) == [fingerprint(PEM)]
    assert found.to_api() == {"cert_chain": [PEM]}


@given(st.lists(st.sampled_from(sorted(encodings(PEM))), min_size=4, max_size=4))
def test_a_chain_may_be_in_mixed_dress(how: list[str]) -> None:
    (found,) = declared([encodings(pem)[name] for pem, name in zip(DEEP, how)])
    assert found.to_api() == {"cert_chain": DEEP}


def test_a_bundle_is_split_in_its_order() -> None:
    assert declared([bundle(*DEEP)]) == declared(DEEP)
    assert declared([DEEP[0], bundle(*DEEP[1:])]) == declared(DEEP)
    assert declared([bundle(*DEEP).replace("\n", "\\n")]) == declared(DEEP)
    assert held([bundle(*DEEP)]) == held(DEEP)


def test_equal_chains_are_folded_into_one_and_the_first_stays_first() -> None:
    other = chain(subject="other")
    assert declared(DEEP, other, [bundle(*DEEP)], other) == declared(DEEP, other)


def test_a_certificate_tells_its_names_and_dates() -> None:
    one = declared(DEEP)[0].certificates[0]
    assert (one.subject, one.issuer) == ("CN=deep", "CN=deep intermediate 2")
    assert datetime.datetime.fromisoformat(one.not_before.replace("Z", "+00:00")) < NOW
    assert datetime.datetime.fromisoformat(one.not_after.replace("Z", "+00:00")) > NOW
    assert fingerprint(DEEP[0]) == one.sha256


def test_certificates_are_equal_by_their_content_alone() -> None:
    root = Authority("root")
    first, second = root.issue("leaf"), root.issue("leaf")

    assert declared([first.pem, root.pem]) != declared([second.pem, root.pem])
    assert hash(declared(DEEP)) == hash(held([encodings(pem)["base64 der"] for pem in DEEP]))


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError])
def test_a_name_that_cannot_be_read_is_told_as_unreadable(error: type[Exception]) -> None:
    class Odd:
        @property
        def subject(self) -> str:
            raise error

    assert certificate_reading.name_of(Odd(), "subject") == "(unreadable)"


def test_dates_without_a_zone_are_those_of_utc() -> None:
    """cryptography before 42 gives dates without a zone."""
    old = SimpleNamespace(not_valid_after=datetime.datetime(2026, 1, 1))  # noqa: DTZ001 - the old form of a date
    moment = certificate_reading._moment(old, "not_valid_after")
    assert moment == datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


# What is refused.


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
        (f"*{BODY}", NEITHER),
        (f"{BODY[:40]}*{BODY[40:]}", NEITHER),
        (base64.b64encode(b"no certificate").decode(), "holds data that is no X.509 certificate"),
        ("AAAA", "holds data that is no X.509 certificate"),
        ("QUJD", "holds data that is no X.509 certificate"),
        ("-----BEGIN CERTIFICATE-----", "holds a PEM block that is broken off"),
        (PEM + PEM[:100], "holds a PEM block that is broken off"),
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
    names = [one.subject for one in declared(DEEP)[0].certificates]

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
        found = declared([text])
    except InvalidInput as error:
        assert error.message.startswith("chains[0].cert_chain: ")  # noqa: PT017 - no error is as good
        assert error.message.encode()  # noqa: PT017 - no error is as good
    else:
        assert found[0].certificates


@given(st.binary(max_size=300))
def test_any_bytes_in_base64_are_a_chain_or_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        declared([base64.b64encode(raw).decode()])


@given(st.data())
def test_a_certificate_with_a_changed_byte_is_read_or_refused(data: st.DataObject) -> None:
    der = bytearray(base64.b64decode(encodings(PEM)["base64 der"]))
    der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    text = base64.b64encode(der).decode()
    (found,) = held([text])

    assert len(found.certificates) == 1

    try:
        assert declared([text]) == (found,)
    except InvalidInput:
        assert found.to_api() == {"cert_chain": [text]}


# What a host holds.


@pytest.mark.parametrize(
    "text",
    ["", "no certificate", private_key_pem(), "\ud800", PEM + PEM[:100], of_version(5)],
    ids=["empty", "text", "private key", "half a character", "cut off", "version 5"],
)
def test_what_cannot_be_read_is_kept_as_it_is_and_equals_nothing_else(text: str) -> None:
    (found,) = held([text])
    assert found.to_api() == {"cert_chain": [text]}
    assert (found,) == held([text])
    assert (found,) != held([text + " "])
    assert (found,) != declared([PEM])
    assert [one.subject for one in found.certificates] == ["(unreadable)"]


@pytest.mark.parametrize("how", sorted(ODDITIES))
@pytest.mark.parametrize("read", [declared, held])
def test_an_odd_certificate_is_read_or_kept_or_refused_without_noise(
    how: str, read: Callable[..., tuple[Chain, ...]]
) -> None:
    try:
        (found,) = read([odd(how)])
    except InvalidInput:
        assert read is declared
    else:
        assert len(found.certificates) == 1
        assert found.certificates[0].subject


def test_what_is_readable_in_half_is_kept_whole_and_once() -> None:
    text = bundle(PEM, PEM.replace("MII", "XXX", 1))
    assert held([text])[0].to_api() == {"cert_chain": [text]}


def test_a_host_may_hold_what_cannot_be_declared() -> None:
    assert held(DEEP[::-1])[0].to_api() == {"cert_chain": DEEP[::-1]}
    assert held([]) == (Chain(()),)


@given(st.lists(st.lists(st.text() | st.sampled_from([PEM, *encodings(PEM).values(), private_key_pem()]))))
def test_nothing_that_a_host_holds_is_an_error(chains: list[list[str]]) -> None:
    found = held(*chains)
    assert len(found) == len(chains)
    assert held(*[one.to_api()["cert_chain"] for one in found]) == found


def test_a_hostile_text_takes_no_time() -> None:
    begin = time.process_time()
    held(["-----BEGIN A-----" * 8000])
    assert time.process_time() - begin < 2


# Validity.


def test_an_expired_and_a_future_certificate_give_a_warning_each() -> None:
    expired, future = chain(2, subject="expired", expired=True), chain(2, subject="future", not_yet_valid=True)
    warnings = validity_warnings(declared(expired, [PEM], future, expired[:1]), NOW)

    assert len(warnings) == 2
    assert "CN=expired" in warnings[0]
    assert "expired on" in warnings[0]
    assert fingerprint(expired[0]) in warnings[0]
    assert "CN=future" in warnings[1]
    assert "not valid before" in warnings[1]


def test_an_expired_root_gives_a_warning_too() -> None:
    root = Authority("old root", days_before=30, days_after=-1)
    assert "CN=old root" in validity_warnings(declared([root.issue("leaf").pem, root.pem]), NOW)[0]


@given(st.timedeltas(min_value=datetime.timedelta(days=-2000), max_value=datetime.timedelta(days=2000)))
def test_a_certificate_is_valid_between_its_dates(offset: datetime.timedelta) -> None:
    moment = NOW + offset
    warnings = validity_warnings(declared([DATED.pem]), moment)
    hundred = datetime.timedelta(days=100)
    valid = STARTED - hundred <= moment.replace(microsecond=0) <= STARTED + hundred

    assert bool(warnings) == (not valid)


def test_a_certificate_is_valid_to_the_last_second() -> None:
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    exact = "2026-01-01T00:00:00Z"
    chains = [Chain((Certificate("00", "", not_before=exact, not_after=exact),))]
    second = datetime.timedelta(seconds=1)

    assert validity_warnings(chains, moment) == []
    assert validity_warnings(chains, moment + second) == [
        f"The certificate (no subject) (SHA-256 00) expired on {exact}."
    ]
    assert validity_warnings(chains, moment - second) == [
        f"The certificate (no subject) (SHA-256 00) is not valid before {exact}."
    ]


def test_what_cannot_be_read_gives_no_warning_about_dates() -> None:
    assert validity_warnings(held(["no certificate"]), NOW) == []
