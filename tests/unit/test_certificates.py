# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates in every encoding, their names and dates, and the warnings about their dates."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._services import certificate_reading
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import Certificate
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_reading import timestamp
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import no_certificates
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import validity_warnings
from support.certificates import NOW as STARTED
from support.certificates import Authority
from support.certificates import bundle
from support.certificates import chain
from support.certificates import encodings
from support.certificates import fingerprint
from support.chains import DEEP
from support.chains import PEM
from support.chains import declared
from support.chains import held

DATED = Authority("dated", days_before=100, days_after=100)
NOW = datetime.datetime.now(datetime.timezone.utc)


def fingerprints(chain: Chain) -> list[str]:
    return [certificate.sha256 for certificate in chain.certificates]


@pytest.mark.parametrize("how", sorted(encodings(PEM)))
@pytest.mark.parametrize("read", [declared, held])
def test_a_certificate_is_the_same_in_every_form(how: str, read: Callable[..., tuple[Chain, ...]]) -> None:
    (read_chain,) = read([encodings(PEM)[how]])
    assert fingerprints(read_chain) == [fingerprint(PEM)]
    assert read_chain.to_api() == {"cert_chain": [PEM]}


@given(st.lists(st.sampled_from(sorted(encodings(PEM))), min_size=4, max_size=4))
def test_a_chain_may_have_certificates_in_several_forms(how: list[str]) -> None:
    (read_chain,) = declared([encodings(pem)[name] for pem, name in zip(DEEP, how)])
    assert read_chain.to_api() == {"cert_chain": DEEP}


def test_a_bundle_is_split_in_its_order() -> None:
    assert declared([bundle(*DEEP)]) == declared(DEEP)
    assert declared([DEEP[0], bundle(*DEEP[1:])]) == declared(DEEP)
    assert declared([bundle(*DEEP).replace("\n", "\\n")]) == declared(DEEP)
    assert held([bundle(*DEEP)]) == held(DEEP)


def test_equal_chains_are_folded_into_one_and_the_first_stays_first() -> None:
    second = chain(subject="other")
    assert declared(DEEP, second, [bundle(*DEEP)], second) == declared(DEEP, second)


def test_a_certificate_shows_its_names_and_dates() -> None:
    leaf = declared(DEEP)[0].certificates[0]
    assert (leaf.subject, leaf.issuer) == ("CN=deep", "CN=deep intermediate 2")
    assert datetime.datetime.fromisoformat(leaf.not_before.replace("Z", "+00:00")) < NOW
    assert datetime.datetime.fromisoformat(leaf.not_after.replace("Z", "+00:00")) > NOW
    assert fingerprint(DEEP[0]) == leaf.sha256


def test_certificates_are_equal_by_their_content_alone() -> None:
    root = Authority("root")
    first, second = root.issue("leaf"), root.issue("leaf")

    assert declared([first.pem, root.pem]) != declared([second.pem, root.pem])
    assert hash(declared(DEEP)) == hash(held([encodings(pem)["base64 der"] for pem in DEEP]))


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError])
def test_a_name_that_cannot_be_read_is_reported_as_unreadable(error: type[Exception]) -> None:
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


def test_a_moment_is_shown_to_the_second() -> None:
    assert timestamp(datetime.datetime(2026, 1, 1, 12, 0, 5, 123456, datetime.timezone.utc)) == "2026-01-01T12:00:05Z"


def test_a_text_in_place_of_a_chain_is_one_text() -> None:
    assert no_certificates("no certificate") == ["no certificate"]
    assert no_certificates(PEM) == []
    assert no_certificates([PEM, "no certificate"]) == ["no certificate"]
