# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host may hold in place of certificates: it is kept, and it is no error."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from support.certificates import bundle
from support.certificates import encodings
from support.certificates import private_key_pem
from support.chains import DEEP
from support.chains import PEM
from support.chains import declared
from support.chains import held
from support.chains import of_version

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


@pytest.mark.parametrize(
    "text",
    ["", "no certificate", private_key_pem(), "\ud800", PEM + PEM[:100], of_version(5)],
    ids=["empty", "text", "private key", "half a character", "cut off", "version 5"],
)
def test_what_cannot_be_read_is_kept_as_it_is_and_equals_nothing_else(text: str) -> None:
    (kept,) = held([text])
    assert kept.to_api() == {"cert_chain": [text]}
    assert (kept,) == held([text])
    assert (kept,) != held([text + " "])
    assert (kept,) != declared([PEM])
    assert [certificate.subject for certificate in kept.certificates] == ["(unreadable)"]


@pytest.mark.parametrize("how", sorted(ODDITIES))
@pytest.mark.parametrize("read", [declared, held])
def test_an_odd_certificate_is_read_or_kept_or_refused_without_noise(
    how: str, read: Callable[..., tuple[Chain, ...]]
) -> None:
    try:
        (chain,) = read([odd(how)])
    except InvalidInput:
        assert read is declared
    else:
        assert len(chain.certificates) == 1
        assert chain.certificates[0].subject


def test_what_is_readable_in_half_is_kept_whole_and_once() -> None:
    text = bundle(PEM, PEM.replace("MII", "XXX", 1))
    assert held([text])[0].to_api() == {"cert_chain": [text]}


def test_a_host_may_hold_what_cannot_be_declared() -> None:
    assert held(DEEP[::-1])[0].to_api() == {"cert_chain": DEEP[::-1]}
    assert held([]) == (Chain(()),)


@given(st.lists(st.lists(st.text() | st.sampled_from([PEM, *encodings(PEM).values(), private_key_pem()]))))
def test_nothing_that_a_host_holds_is_an_error(chains: list[list[str]]) -> None:
    kept = held(*chains)
    assert len(kept) == len(chains)
    assert held(*[chain.to_api()["cert_chain"] for chain in kept]) == kept


def test_a_hostile_text_takes_no_time() -> None:
    begin = time.process_time()
    held(["-----BEGIN A-----" * 8000])
    assert time.process_time() - begin < 2
