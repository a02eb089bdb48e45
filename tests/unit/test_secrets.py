# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret gets through the redactor, in any encoding and between any neighbours."""

from __future__ import annotations

import base64
import html
import json
import textwrap
import time
from collections.abc import Callable
from collections.abc import Collection
from urllib.parse import quote
from urllib.parse import quote_plus

import pytest
from hypothesis import assume
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._module.perform import scrubbed
from ansible_collections.esx.trust.plugins.module_utils._secrets.known_secrets import SHORTEST_SECRET
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import MASK
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import MASKS
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import is_masked
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Masked
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from support.credentials import basic_credentials

# The mask's own character would let a secret grow together anew out of mask and text.
secrets = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=8).filter(
    lambda text: len(text.strip()) >= 8
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"))

#: How programs write a text into another one.
ENCODINGS: dict[str, Callable[[str], str]] = {
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


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
@given(secret=secrets, before=texts, behind=texts)
@example(secret="VMware1!/+ä", before="", behind="")
@example(secret="a\"b<c>&'d", before="", behind="")
@example(secret="aaaaaaaa", before="aa", behind="aa")
@example(secret="%41%41%41", before="", behind="")
def test_no_secret_gets_through(encoding: str, secret: str, before: str, behind: str) -> None:
    written = ENCODINGS[encoding](secret)
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
    credentials = basic_credentials("root", password)
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


@given(st.binary(min_size=16, max_size=64).filter(lambda raw: b":" not in raw and b"<" not in raw))
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
    # Eight characters that no encoding of the secret has a part of.
    marker = "\u2603" * 8
    if "\u2603" not in secret:
        assert Redactor([secret]).scrub(marker + secret + marker) == marker + MASK + marker


@given(st.text(min_size=1) | st.text(st.characters(), min_size=1))
def test_any_text_can_be_a_secret(secret: str) -> None:
    scrubbed = Redactor([secret]).scrub(secret)

    if len(secret.strip()) >= SHORTEST_SECRET:
        assert scrubbed.strip() == MASK
    else:
        assert scrubbed == secret


def every(form: str) -> Callable[[str], str]:
    """Each byte in the same form."""
    return lambda text: "".join(form.format(byte) for byte in text.encode())


#: Encodings that hosts use. A host may also encode an encoded text again.
ENCODERS: dict[str, Callable[[str], str]] = {
    **{name: encoding for name, encoding in ENCODINGS.items() if name != "python"},
    "json with slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/").replace("&", "\\u0026"),
    "json in capitals": lambda text: "".join(f"\\u{ord(each):04X}" for each in text),
    "html names": lambda text: html.escape(text).replace("&#x27;", "&apos;").replace("/", "&sol;"),
    "html decimal": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "html hexadecimal": lambda text: "".join(f"&#x{ord(each):x};" for each in text),
    "html with zeros": lambda text: "".join(f"&#{ord(each):010};" for each in text),
    "html hexadecimal with zeros": lambda text: "".join(f"&#x{ord(each):08X};" for each in text),
    "url, everything": every("%{:02x}"),
    "url of old scripts": lambda text: "".join(f"%u{ord(each):04X}" for each in text),
    "hexadecimal": every("{:02x}"),
    "hexadecimal with colons": every("{:02X}:"),
    "hexadecimal with blanks": every("{:02x} "),
    "hexadecimal of C": every("0x{:02x}, "),
    "escaped bytes": every("\\x{:02x}"),
    "numbers": lambda text: ", ".join(str(byte) for byte in text.encode()),
    "numbers in a sentence": lambda text: "..." + ", ".join(str(byte) for byte in text.encode()) + ".",
    "numbers in quotation marks": lambda text: json.dumps([str(byte) for byte in text.encode()])[2:-2],
    "numbers in lines": lambda text: ",\n    ".join(str(byte) for byte in text.encode()),
    "numbers with a sign": lambda text: ",".join(str(byte - 256 if byte > 127 else byte) for byte in text.encode()),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64url without padding": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 in lines": lambda text: "\r\n".join(textwrap.wrap(base64.b64encode(text.encode()).decode(), 20)),
}
CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+&'\"<>%\\ !$äß✓"
keys = st.binary(min_size=32, max_size=32).filter(lambda raw: len(set(raw)) >= 28)
#: Of characters enough that no run of one stands in another by chance.
long_secrets = st.one_of(
    keys.map(lambda raw: base64.b64encode(raw).decode()),
    st.text(CHARACTERS, min_size=12, max_size=48),
).filter(lambda text: text.strip() == text and len(set(text)) >= 8)


@pytest.mark.parametrize("inner", sorted(ENCODERS))
@given(secret=long_secrets, outer=st.sampled_from(sorted(ENCODERS)))
@example(secret="q1w2e3r4/5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c=", outer="plain")
@example(secret="Pass&word<>'\"/12", outer="html names")
@example(secret="Pass&word<>'\"/12", outer="base64 in lines")
def test_no_encoding_of_another_shows_a_secret(inner: str, secret: str, outer: str) -> None:
    encoded = ENCODERS[outer](ENCODERS[inner](secret))
    left = Redactor([secret]).scrub(f"\u2603 {encoded} \u2603").replace(MASK, "").strip("\u2603 ")
    # Separators behind the last digits may stay, in two lines if the encoding has lines; nothing of the secret does.
    assert len(left.replace("\r\n", "")) <= len(ENCODERS[outer](",: 0x")), left


def test_a_number_of_thousands_of_digits_is_no_traceback() -> None:
    for endless in (f"&#{'0' * 5000}65;", f"&#x{'0' * 5000}41;", f"&#{'9' * 5000};"):
        assert Redactor(["Geheimnis-von-heute"]).scrub(endless) == endless


@given(raw=keys, start=st.integers(0, 20), length=st.integers(12, 32))
@example(raw=b"<" + bytes(29) + b"\1\2", start=0, length=32)  # begins as a SAML token does
def test_a_key_that_is_cut_is_not_shown_either(raw: bytes, start: int, length: int) -> None:
    key = base64.b64encode(raw).decode()
    part = key[start : start + length]

    for shown in (part, part.replace("+", "-").replace("/", "_"), part.replace("/", "\\/"), quote(part, safe="")):
        left = Redactor([key]).scrub(f"\u2603 {shown} \u2603").replace(MASK, "").strip("\u2603 ")
        # A digit at an end may hold a few bits of a byte that is cut.
        assert len(left) <= len(quote("//", safe=""))

    some = raw[start * 6 // 8 + 1 : (start + length) * 6 // 8]

    if len(some) >= 8:
        numbers = ", ".join(str(byte) for byte in some)
        characters = json.dumps(some.decode("latin-1"))[1:-1]
        for shown in (some.hex(), some.hex(":"), some.hex(" ").upper(), numbers, characters):
            assert shown not in Redactor([key]).scrub(f"\u2603 {shown} \u2603")


#: What PEM writes around a certificate.
PEM_LINES = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")


def holds_a_part_of_pem(secret: str) -> bool:
    """True for a secret that has twelve characters of the lines around a certificate in it: it is masked there."""
    parts = {line[start : start + 12] for line in PEM_LINES for start in range(len(line) - 11)}
    return any(part in secret for part in parts)


@given(
    secret=st.text(CHARACTERS, min_size=12, max_size=48).filter(lambda text: text.isascii() and text.strip() == text),
    # Bytes that no text has, so that nothing of the secret is in them.
    content=st.lists(st.integers(128, 255), min_size=3, max_size=400).map(bytes),
)
def test_certificates_ids_and_fingerprints_stay_as_they_are(secret: str, content: bytes) -> None:
    assume(not holds_a_part_of_pem(secret))
    body = base64.encodebytes(content).decode()

    result = {
        "cert_chain": f"{PEM_LINES[0]}\n{body}{PEM_LINES[1]}\n",
        "fingerprint": content.hex(":").upper(),
        "key_id": content.hex(),
    }

    assert Redactor([secret, "short1"]).scrub_result(result) == result


@given(word=st.text("abcXYZ019", min_size=4, max_size=7), neighbour=st.text("defUVW234", min_size=1, max_size=9))
def test_a_short_secret_is_masked_where_it_is_a_word(word: str, neighbour: str) -> None:
    redactor = Redactor([word])
    assert redactor.scrub(f"sent {word}, no more") == f"sent {MASK}, no more"

    credentials = basic_credentials("root", word)

    assert core(word, b"root:", b"") not in redactor.scrub(credentials)
    assert redactor.scrub(f"so {neighbour}{word}{neighbour} is") == f"so {neighbour}{word}{neighbour} is"


@pytest.mark.parametrize("text", ["", " ", "a", "abc", "\n"])
def test_a_very_short_text_is_no_secret(text: str) -> None:
    assert Redactor([text]).scrub("a: abc is empty; \n") == "a: abc is empty; \n"


def test_a_short_secret_damages_no_name_that_a_module_takes_back() -> None:
    issuer = "https://vcenter.vmware.example/oidc"
    result = {"token_issuers": [{"issuer": issuer, "issuer_alias": "vmware-1"}], "msg": f"vmware has {issuer}"}
    scrubbed = Redactor(["vmware"]).scrub_result(result)

    assert scrubbed["token_issuers"] == result["token_issuers"]
    assert scrubbed["msg"] == f"{MASK} has https://vcenter.{MASK}.example/oidc"

    for encoded in ("vmware", "%76mware", base64.b64encode(b"vmware").decode()):
        assert Redactor(["vmware"]).scrub_result({"issuer": encoded}) == {"issuer": MASK}


def test_a_long_secret_is_masked_in_names_and_in_keys() -> None:
    scrubbed = Redactor(["Sekrit-Password-1234"]).scrub_result(
        {"provider": "x-Sekrit-Password-1234", "a Sekrit-Password": [{"n": 1}]}
    )
    assert scrubbed == {"provider": f"x-{MASK}", f"a {MASK}": [{"n": 1}]}


@pytest.mark.parametrize("password", ["failed", "changed", "create", "operation"])
def test_a_password_that_is_a_word_of_ours_changes_no_outcome(password: str) -> None:
    result = {"failed": True, "changed": False, "operations": [{"operation": "create"}]}
    assert Redactor([password]).scrub_result(result) == result


@pytest.mark.parametrize("password", ["merge", "present", "rename", "token", "exact"])
def test_a_password_that_is_a_choice_of_an_option_hides_no_option(password: str) -> None:
    issuer = {"chains_mode": "merge", "issuer_conflict": "rename", "state": "present"}
    profile = {"entitlements_mode": "exact", "state": "present"}
    options = {"auth_method": "token", "token_issuers": [issuer], "client_profiles": [profile], "username": password}
    result = {"invocation": {"module_args": options}}

    shown = scrubbed(ARGUMENTS, result, [{"password": password}])

    assert shown["invocation"]["module_args"] == {**options, "username": MASK}


def test_numbers_that_are_a_secret_are_masked() -> None:
    assert Redactor(["12345678"]).scrub_result({"port": 12345678, "ok": True}) == {"port": MASK, "ok": True}


def test_a_token_may_name_its_issuer_and_its_certificate() -> None:
    certificate = base64.b64encode(bytes(range(200))).decode()
    token = f"<A><Issuer>https://vc.example.com/sts</Issuer><X509>{certificate}</X509><S>geheim, ganz</S></A>"
    result = {"issuer": "https://vc.example.com/sts", "cert_chain": [textwrap.fill(certificate, 64)]}

    assert Redactor([token]).scrub_result(result) == result
    assert MASK in Redactor([token]).scrub_result({"issuer": f"said {token[:60]}"})["issuer"]


def test_masks_are_recognised() -> None:
    assert all(is_masked(f"a {mask}b") for mask in MASKS)
    assert not is_masked("a*b $REDACT VALUE")


def cost(redactor: Redactor, text: str) -> float:
    """Seconds of this process, the least of a few: whatever else the machine does makes it only longer."""
    taken = []
    for _number in range(5):
        begin = time.process_time()
        redactor.scrub(text)
        taken.append(time.process_time() - begin)

    return min(taken)


def token(length: int) -> str:
    """A token in XML, of pieces that come back everywhere in it, and numbers that do not."""
    return "".join(f'<saml2:Attribute Name="{number}">' for number in range(length // 30))


@pytest.mark.not_quick
def test_a_longer_secret_takes_no_longer_to_look_for() -> None:
    # Of pieces of the secret, none of which is long enough to be masked.
    text = "<saml2:. Attribu. " * 1000
    short, long = Redactor([token(1_000)]), Redactor([token(32_000)])

    assert long.scrub(text) == text
    assert cost(long, text) < 6 * cost(short, text)


@pytest.mark.not_quick
@pytest.mark.parametrize(
    "piece",
    [
        "\\",
        "\\x5c%5c&#92;",
        "&#x61;%61\\x61",
        "%2561",
        "YWFh",
        "6161",
        "97, ",
        "a" * 8,
        "Geheimnis",
        "Geheimnis-von-hi",
    ],
)
def test_a_hostile_text_of_four_times_the_length_takes_about_four_times_as_long(piece: str) -> None:
    redactor = Redactor(["Geheimnis-von-heute", "a" * 8])
    long = (piece * 16_384)[:16_384]
    short = long[:4_096]

    # Sixteen times would be the square.
    assert cost(redactor, long) < 10 * cost(redactor, short)


@pytest.mark.not_quick
def test_escapes_over_escapes_cost_no_more_than_a_few_looks_at_the_text() -> None:
    redactor = Redactor(["Geheimnis-von-heute"])
    hostile = ("\\x5c%5c&#92;" * 65_536)[:65_536]
    escaped = ("\\x61bcdefghijkl" * 65_536)[:65_536]

    assert cost(redactor, hostile) < 9 * cost(redactor, escaped)


# A result is masked once


def a_result(text: str) -> dict[str, object]:
    return {"msg": f"The host said {text}.", "changed": False}


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[Redactor]:
    """Every redactor that searches a result, in order."""
    seen: list[Redactor] = []
    search = Redactor.scrub_result

    def watched(self: Redactor, result: dict[str, object], options_with_choices: Collection[str] = ()) -> Masked:
        seen.append(self)
        return search(self, result, options_with_choices)

    monkeypatch.setattr(Redactor, "scrub_result", watched)

    return seen


def test_a_result_in_which_all_secrets_are_masked_is_not_searched_again(searches: list[Redactor]) -> None:
    options = {"password": "Secret-of-a-host"}
    masked = Redactor(["Secret-of-a-host", "a-token-of-a-login"]).scrub_result(a_result("Secret-of-a-host"))

    assert scrubbed(ARGUMENTS, masked, [options]) == a_result(MASK)
    assert len(searches) == 1


def test_a_result_is_searched_again_for_a_secret_that_was_not_masked_in_it(searches: list[Redactor]) -> None:
    options = {"password": "Secret-of-a-host"}
    masked = Redactor(["a-token-of-a-login"]).scrub_result(a_result("Secret-of-a-host"))

    assert scrubbed(ARGUMENTS, masked, [options]) == a_result(MASK)
    assert len(searches) == 2


def test_a_copy_of_a_masked_result_is_searched_again() -> None:
    options = {"password": "Secret-of-a-host"}
    masked = Redactor(["Secret-of-a-host"]).scrub_result(a_result("nothing"))
    longer = {**masked, "invocation": {"module_args": {"ca_path": "Secret-of-a-host"}}}

    assert scrubbed(ARGUMENTS, longer, [options])["invocation"] == {"module_args": {"ca_path": MASK}}
