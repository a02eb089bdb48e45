# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads about a certificate that is refused or odd, word by word."""

from __future__ import annotations

import base64
import datetime
from types import SimpleNamespace

import pytest

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services import certificates
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from support.certificates import chain

PEM = chain(subject="plain")[0]
BODY = "".join(PEM.splitlines()[1:-1])
DEEP = chain(4, subject="deep")
NEITHER = "holds what is neither PEM nor Base64 DER of an X.509 certificate"


def refusal(*texts: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        chains_from_options("chains", [{"cert_chain": list(texts)}])
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PEM + PEM[:100], "holds a PEM block that is broken off"),
        ("", NEITHER),
        ("no certificate", NEITHER),
        # What Base64 does not know is no noise to be left out.
        (f"*{BODY}", NEITHER),
        (f"{BODY[:40]}*{BODY[40:]}", NEITHER),
        (base64.b64encode(b"no certificate").decode(), "holds what is no X.509 certificate"),
    ],
)
def test_what_is_no_certificate_is_called_by_what_it_is(text: str, reason: str) -> None:
    assert refusal(text) == f"chains[0].cert_chain: {reason}."


@pytest.mark.parametrize(
    ("order", "number", "below", "above"),
    [
        ([1, 0, 2, 3], 1, 1, 0),
        ([0, 2, 3], 1, 0, 2),
        ([0, 1, 3], 2, 1, 3),
        ([0, 1, 2, 2, 3], 3, 2, 2),
    ],
)
def test_a_broken_link_is_named_by_its_place_and_both_ends(
    order: list[int], number: int, below: int, above: int
) -> None:
    names = [chains_from_options("x", [{"cert_chain": [pem]}])[0].certificates[0].subject for pem in DEEP]
    assert len(set(names)) == len(DEEP)
    assert refusal(*[DEEP[position] for position in order]) == (
        f"chains[0].cert_chain: certificate {number} ({names[below]}) was not issued by the one behind it"
        f" ({names[above]}); the order is leaf, intermediates, root."
    )


def test_what_cannot_be_read_has_a_subject_that_says_so() -> None:
    (held,) = chains_from_host([{"cert_chain": ["no certificate"]}])
    assert [one.subject for one in held.certificates] == ["(unreadable)"]


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError])
def test_a_name_that_cannot_be_read_says_so(error: type[Exception]) -> None:
    class Odd:
        @property
        def subject(self) -> str:
            raise error

    assert certificates._name(Odd(), "subject") == "(unreadable)"


def test_dates_without_a_zone_are_those_of_utc() -> None:
    """As cryptography before 42 gives them."""
    old = SimpleNamespace(not_valid_after=datetime.datetime(2026, 1, 1))  # noqa: DTZ001
    moment = certificates._moment(old, "not_valid_after")
    assert moment == datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
