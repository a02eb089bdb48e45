# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret gets through the redactor, in any dress and between any neighbours."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote
from urllib.parse import quote_plus

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._secrets import MASK
from ansible_collections.esx.trust.plugins.module_utils._secrets import Redactor

# The mask's own character would let a secret grow together anew out of mask and text.
secrets = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=8).filter(
    lambda text: len(text.strip()) >= 8
)
#: These are masked in plain text where they are words, not inside of words.
short_secrets = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=4, max_size=7
).filter(lambda text: len(text.strip()) >= 4)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"))

#: How programs write a text into another one.
DRESSES: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "url": lambda secret: quote(secret, safe=""),
    "url with slashes": quote,
    "form": quote_plus,
    "url in lower case": lambda secret: "".join(
        character if character in SAFE else "".join(f"%{byte:02x}" for byte in character.encode())
        for character in secret
    ),
    "json": lambda secret: json.dumps(secret)[1:-1],
    "json in utf-8": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "html attribute": html.escape,
    "html text": lambda secret: html.escape(secret, quote=False),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "python": lambda secret: repr(secret)[1:-1],
}
SAFE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~"


def core(secret: str, before: bytes, behind: bytes) -> str:
    """The characters of the Base64 of all three that hang on the secret alone."""
    data = secret.encode()
    encoded = base64.b64encode(before + data + behind).decode()
    first = -(-len(before) * 8 // 6)
    last = (len(before) + len(data)) * 8 // 6
    return encoded[first:last]


@pytest.mark.parametrize("dress", sorted(DRESSES))
@given(secret=secrets, before=texts, behind=texts)
@example(secret="VMware1!/+ä", before="", behind="")
@example(secret="a\"b<c>&'d", before="", behind="")
@example(secret="aaaaaaaa", before="aa", behind="aa")
@example(secret="%41%41%41", before="", behind="")
def test_no_secret_gets_through(dress: str, secret: str, before: str, behind: str) -> None:
    written = DRESSES[dress](secret)
    scrubbed = Redactor([secret]).scrub(before + written + behind)
    assert written not in scrubbed
    assert secret not in scrubbed


@given(secrets, st.binary(max_size=7), st.binary(max_size=7))
def test_no_secret_gets_through_inside_longer_base64(secret: str, before: bytes, behind: bytes) -> None:
    kept = core(secret, before, behind)
    assert len(kept) >= 4
    encoded = base64.b64encode(before + secret.encode() + behind)
    redactor = Redactor([secret])
    assert kept not in redactor.scrub(encoded.decode())
    url_safe = str.maketrans("+/", "-_")
    assert kept.translate(url_safe) not in redactor.scrub(encoded.decode().translate(url_safe))


@given(secrets)
def test_the_header_of_basic_authentication_shows_no_password(password: str) -> None:
    credentials = base64.b64encode(f"root:{password}".encode()).decode()
    assert core(password, b"root:", b"") not in Redactor([password]).scrub(f"Authorization: Basic {credentials}")


@given(st.lists(secrets, min_size=2, max_size=4), texts)
def test_no_secret_gets_through_beside_others(known: list[str], text: str) -> None:
    scrubbed = Redactor(known).scrub(text.join(known))
    assert not [secret for secret in known if secret in scrubbed]


def test_a_secret_inside_another_leaves_no_rest_of_the_longer_one() -> None:
    for known in (["hunter", "hunter2-and-more"], ["hunter2-and-more", "hunter"]):
        assert Redactor(known).scrub("it is hunter2-and-more") == f"it is {MASK}"


def test_a_secret_is_known_with_and_without_the_white_space_around_it() -> None:
    assert Redactor([" s3cret\n"]).scrub("s3cret") == MASK


@given(st.binary(min_size=16, max_size=64))
def test_the_bytes_of_a_key_do_not_get_through_either(raw: bytes) -> None:
    scrubbed = Redactor([base64.b64encode(raw).decode()]).scrub(f"key {raw.hex()} {raw.hex().upper()}")
    # One mask for both where the end of a key and its beginning make a run of it.
    assert scrubbed.replace(MASK, "").split() == ["key"]


def test_what_is_added_later_is_masked_from_then_on() -> None:
    redactor = Redactor()
    assert redactor.scrub("tok-en") == "tok-en"
    redactor.add("tok-en")
    assert redactor.scrub("tok-en") == MASK


@given(st.binary(min_size=8, max_size=40), st.sampled_from([b"", b"B", b"Be", b"Bear"]))
def test_the_end_of_a_base64_text_does_not_give_the_last_bits_away(raw: bytes, before: bytes) -> None:
    token = raw.hex()
    shown = base64.b64encode(before + token.encode()).decode()
    assert Redactor([token]).scrub(shown).endswith(MASK) or not shown.endswith("=")


@given(texts)
def test_without_secrets_text_stays_as_it_is(text: str) -> None:
    assert Redactor([None, ""]).scrub(text) == text


@given(secrets, texts)
def test_innocent_text_stays_as_it_is(secret: str, text: str) -> None:
    # Eight characters that no dress of the secret has a part of.
    marker = "\u2603" * 8
    if "\u2603" not in secret:
        assert Redactor([secret]).scrub(marker + secret + marker) == marker + MASK + marker


@given(st.text(min_size=1) | st.text(st.characters(), min_size=1))
def test_any_text_can_be_a_secret(secret: str) -> None:
    assert isinstance(Redactor([secret]).scrub(secret), str)
