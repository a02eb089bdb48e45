# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options: what is understood, what is refused by name, and that nothing secret shows."""

from __future__ import annotations

import base64
import gzip
import math
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import UserPassword
from ansible_collections.esx.trust.plugins.module_utils._api.login import Login
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import MASK
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import MASKS
from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS

PIN = bytes(range(200, 232))
SAML = "<saml2:Assertion ID='_1'>" + "täst " * 40 + "</saml2:Assertion>"
#: With enough noise in it that its Base64 needs several lines.
ZIPPED = gzip.compress(SAML.encode(), compresslevel=0)
DEFAULTS: dict[str, Any] = {name: option.get("default") for name, option in CONNECTION.options.items()}


def connect(**options: Any) -> Connection:
    return Connection.from_params(
        {**DEFAULTS, "hostname": "esx01", "username": "root", "password": "s3cret!", **options}
    )


def refusal(**options: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        connect(**options)
    return caught.value


# Where the host is.


@pytest.mark.parametrize(
    ("hostname", "url"),
    [
        ("esx01", "https://esx01:443"),
        (" esx01.example.com\n", "https://esx01.example.com:443"),
        ("ESX_01.example.com", "https://ESX_01.example.com:443"),
        ("192.0.2.7", "https://192.0.2.7:443"),
        ("2001:db8::7", "https://[2001:db8::7]:443"),
        ("[2001:db8::7]", "https://[2001:db8::7]:443"),
        ("2001:0DB8:0:0::7", "https://[2001:db8::7]:443"),
        ("fe80::7%eth0", "https://[fe80::7%25eth0]:443"),
        ("bücher.example", "https://xn--bcher-kva.example:443"),
    ],
)
def test_a_hostname_may_be_a_name_or_an_address(hostname: str, url: str) -> None:
    assert connect(hostname=hostname).url == url


@pytest.mark.parametrize(
    "hostname",
    [
        "",
        " ",
        "http://esx01",
        "https://",
        "https://esx01:https/",
        "https://root:443/x@esx01",
        "esx01:",
        "esx01:0",
        "esx01:65536",
        "esx01:443/x",
        "esx01/sdk",
        "esx01?x",
        "esx01#x",
        "root@esx01",
        "esx 01",
        "esx01\\evil",
        "esx01\x00",
        "esx01\nHost: evil",
        "[esx01]",
        "[2001:db8::7",
        "[esx01]:443",
        "2001:db8::7::1",
        "a℀b.example",
        "é" * 70 + ".example",
        "e" * 64 + ".example",
        "esx01..example.com",
        ".esx01",
        ".",
        "%65sx01",
        "fe80::7%]@evil.example",
        "fe80::7%eth0/sdk",
        "fe80::7%eth0?x",
        "fe80::7%eth0 x",
    ],
)
def test_what_is_no_hostname_is_refused(hostname: str) -> None:
    assert refusal(hostname=hostname).message.startswith("hostname: ")


@given(st.text() | st.text(alphabet="esx01.-_:/@?#[]% \\").map(lambda rest: "fe80::1%" + rest))
def test_no_hostname_leads_to_anything_but_a_host(hostname: str) -> None:
    try:
        connection = connect(hostname=hostname)
    except InvalidInput:
        return

    parts = urlsplit(connection.url + "/api")

    assert (parts.scheme, parts.username, parts.port, parts.path, parts.query) == (
        "https",
        None,
        connection.port,
        "/api",
        "",
    )

    assert connection.url.isascii()
    assert connection.url.isprintable()
    assert parts.hostname is not None
    assert parts.hostname.replace("%25", "%") == connection.hostname.lower()


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("https://esx1.example.com", "https://esx1.example.com:443"),
        ("https://esx1.example.com/", "https://esx1.example.com:443"),
        ("https://esx1.example.com/ui/#/host", "https://esx1.example.com:443"),
        ("HTTPS://esx1?x#y", "https://esx1:443"),
        (" https://esx1:8443/ui\n", "https://esx1:8443"),
        ("esx1:443", "https://esx1:443"),
        ("esx1:8443", "https://esx1:8443"),
        ("192.0.2.7:8443", "https://192.0.2.7:8443"),
        ("[::1]:443", "https://[::1]:443"),
        ("https://[2001:db8::7]:8443/", "https://[2001:db8::7]:8443"),
        ("https://bücher.example/ui", "https://xn--bcher-kva.example:443"),
    ],
)
def test_a_hostname_may_be_what_people_paste(pasted: str, url: str) -> None:
    assert connect(hostname=pasted).url == url


def test_a_pasted_port_does_not_contradict_a_given_one() -> None:
    assert connect(hostname="esx1:8443", port=8443).port == 8443
    assert connect(hostname="https://esx1/", port=8443).port == 8443

    for port in (443, 9443):
        message = f"hostname: has port 8443 in it, and port is {port}; leave one of them out."
        assert refusal(hostname="esx1:8443", port=port).message == message


@pytest.mark.parametrize(
    "hostname",
    ["https://root:s3cret!@esx01/", "root:s3cret!@esx01", "https://root:s3/cret!@esx01", "https://root:443/s3cret!@x"],
)
def test_a_login_inside_the_hostname_is_not_repeated(hostname: str) -> None:
    error = refusal(hostname=hostname)
    assert "cret!" not in str(error)
    assert hostname in error.secrets


@pytest.mark.parametrize("hostname", ["", " ", "\n"])
def test_an_empty_hostname_is_said_to_be_empty(hostname: str) -> None:
    error = refusal(hostname=hostname)
    assert error.message == "hostname: is empty."
    assert error.secrets == ()


def test_messages_call_a_host_by_its_name_and_by_an_unusual_port() -> None:
    assert connect().name == "esx01"
    assert connect(port=8443).name == "esx01:8443"
    assert connect(hostname="2001:db8::7", port=8443).name == "[2001:db8::7]:8443"


@pytest.mark.parametrize("port", [0, -1, 65536, 10**6])
def test_what_is_no_port_is_refused(port: int) -> None:
    assert refusal(port=port).message.startswith("port: ")
    assert refusal(proxy_host="proxy", proxy_port=port).message.startswith("proxy_port: ")


def test_a_proxy_has_a_host_and_a_port() -> None:
    assert connect(proxy_host="proxy", proxy_port=3128).proxy == "http://proxy:3128"
    assert connect(proxy_host="2001:db8::1", proxy_port=3128).proxy == "http://[2001:db8::1]:3128"
    assert connect().proxy is None


@pytest.mark.parametrize("host", ["http://proxy", "proxy:3128", "user:pw@proxy", "proxy/x"])
def test_what_is_no_proxy_host_is_refused(host: str) -> None:
    assert refusal(proxy_host=host, proxy_port=3128).message.startswith("proxy_host: ")


def test_half_a_proxy_is_refused_and_not_ignored() -> None:
    assert refusal(proxy_host="proxy").message.startswith("proxy_port: ")


# How long and how often.


@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf, 1e300])
def test_what_no_clock_can_wait_for_is_refused(timeout: float) -> None:
    assert refusal(timeout=timeout).message.startswith("timeout: ")


def test_retries_may_be_none_but_not_fewer() -> None:
    assert connect(retries=0).retries == 0
    assert refusal(retries=-1).message.startswith("retries: ")


# How the host proves itself.


@pytest.mark.parametrize(
    "written",
    [
        PIN.hex(),
        PIN.hex().upper(),
        PIN.hex(":"),
        PIN.hex(":").upper(),
        PIN.hex(" "),
        f"SHA256:{PIN.hex(':')}",
        f"sha-256={PIN.hex()}",
        f"  SHA256 {PIN.hex(':').upper()}\n",
        f"sha256 Fingerprint={PIN.hex(':').upper()}",
    ],
)
def test_a_thumbprint_is_understood_as_tools_print_it(written: str) -> None:
    assert connect(thumbprint=written).thumbprint == PIN


@pytest.mark.parametrize(
    "written", ["x", PIN.hex()[:-1], PIN.hex()[:-2], PIN.hex() + "00", PIN[:20].hex(":"), "SHA256:", "g" * 64, "é"]
)
def test_what_is_no_sha_256_is_refused(written: str) -> None:
    assert refusal(thumbprint=written).message.startswith("thumbprint: ")


@pytest.mark.parametrize("empty", [None, ""])
def test_no_thumbprint_pins_nothing(empty: Any) -> None:
    assert connect(thumbprint=empty).thumbprint is None


# How we prove ourselves.


@pytest.mark.parametrize(
    ("missing", "options"),
    [
        ("username", {"username": None}),
        ("username", {"username": ""}),
        ("password", {"password": None}),
        ("password", {"password": ""}),
        ("username", {"username": None, "password": None}),
    ],
)
def test_a_login_needs_a_name_and_a_password(missing: str, options: dict[str, Any]) -> None:
    assert refusal(**options).message.startswith(f"{missing}: ")


@pytest.mark.parametrize("token", ["access_token", "saml_token"])
def test_a_token_needs_neither_name_nor_password(token: str) -> None:
    assert getattr(connect(username=None, password=None, **{token: "abc"}), token) == "abc"


@pytest.mark.parametrize("name", ["username", "password", "access_token"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"], ids=ascii)
def test_a_line_break_at_the_end_of_a_login_is_reported_before_it_is_sent(name: str, end: str) -> None:
    error = refusal(**{name: f"Tr0ub4dor{end}"})
    assert error.message.startswith(f"{name}: ends with a line break")
    assert "Tr0ub4dor" not in str(error)


@pytest.mark.parametrize("name", ["username", "password"])
@pytest.mark.parametrize("character", ["\n", "\t", "\0", "\x1f", "\x7f"], ids=ascii)
def test_no_control_character_is_in_a_login(name: str, character: str) -> None:
    for text in (f"Tr0ub{character}4dor", f"{character}Tr0ub4dor"):
        error = refusal(**{name: text})
        assert error.message.startswith(f"{name}: has a line break, a tab or another control character")
        assert "4dor" not in str(error)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("username", "{}"),
        ("username", "{}@vsphere.local"),
        ("password", "{}"),
        ("password", "before-{}-after"),
        ("access_token", "{}"),
        ("access_token", "eyJ.{}.sig"),
        ("saml_token", "{}"),
        ("saml_token", "<saml2:Assertion>{}</saml2:Assertion>"),
        ("hostname", "{}"),
        ("hostname", "{}.example.com"),
        ("proxy_host", "{}"),
    ],
)
def test_a_mask_in_the_place_of_a_login_is_reported_before_it_is_sent(name: str, written: str, mask: str) -> None:
    more = {"proxy_port": 3128} if name == "proxy_host" else {}
    error = refusal(**{name: written.format(mask), **more})
    assert error.message.startswith(f"{name}: holds a mask")


def test_a_mask_inside_of_an_encoded_token_is_found() -> None:
    token = base64.b64encode(f"<saml2:Assertion>{MASK}</saml2:Assertion>".encode()).decode()
    assert refusal(saml_token=token).message.startswith("saml_token: holds a mask")


def test_asterisks_are_part_of_a_password() -> None:
    assert connect(password="s3cret*******").password == "s3cret*******"


def test_a_masked_password_that_is_not_sent_is_not_judged() -> None:
    assert connect(password=MASK, access_token="abc").access_token == "abc"


def test_blanks_are_part_of_a_password_and_not_of_a_name() -> None:
    assert connect(password=" s3cret! ").password == " s3cret! "
    assert refusal(username="root ").message.startswith("username: has blanks at an end")


def test_a_password_that_is_not_sent_is_not_judged() -> None:
    assert connect(password="s3cret!\n", access_token="abc").access_token == "abc"


def test_a_name_with_a_colon_is_refused_only_where_it_would_be_sent() -> None:
    assert refusal(username="a:b").message.startswith("username: ")
    assert connect(username="a:b", access_token="abc").access_token == "abc"


def test_basic_authentication_carries_no_saml_token() -> None:
    assert refusal(auth_method="basic", saml_token="abc").message.startswith("saml_token: ")
    assert connect(auth_method="basic", saml_token="abc", access_token="abc").access_token == "abc"


@pytest.mark.parametrize("token", ["a b", "a\nb", "ä", "a\x00", "\ud800", "a\n"], ids=ascii)
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    error = refusal(access_token=token)
    assert error.message.startswith("access_token: ")
    assert token not in str(error)


@example("root", "from-latin-1-\udcff")
@example("\udcff", "s3cret!")
@given(st.text(st.characters(exclude_characters=":"), min_size=1), st.text(st.characters(), min_size=1))
def test_any_name_and_password_are_sent_as_they_are_or_refused(username: str, password: str) -> None:
    try:
        connection = connect(username=username, password=password)
    except InvalidInput as error:
        assert error.message.partition(":")[0] in ("username", "password")  # noqa: PT017 - no error is as good

        return

    given = Login(connection, LOGIN_HINTS).given

    assert isinstance(given, UserPassword)
    assert base64.b64decode(given.basic).decode() == f"{username}:{password}"
    assert {password, given.basic} <= set(connection.secrets)


@pytest.mark.parametrize(
    "written",
    [
        SAML,
        f"\n  {SAML}\n",
        base64.b64encode(SAML.encode()).decode(),
        base64.b64encode(ZIPPED).decode(),
        base64.encodebytes(SAML.encode()).decode(),
        base64.encodebytes(ZIPPED).decode(),
    ],
    ids=["xml", "xml in white space", "base64", "base64 of gzip", "base64 in lines", "base64 of gzip in lines"],
)
def test_a_saml_token_is_sent_as_base64_of_gzip_however_it_comes(written: str) -> None:
    sent = connect(saml_token=written).saml_token or ""
    assert gzip.decompress(base64.b64decode(sent, validate=True)).decode() == SAML


def test_a_saml_token_is_not_decoded_if_it_has_characters_that_are_not_in_base64() -> None:
    """Without them it would be another text, which nobody has given."""
    written = base64.b64encode(SAML.encode()).decode()
    changed = f"{written[:8]}-_-_{written[8:]}"

    assert connect(saml_token=changed).saml_token == changed


def test_the_same_saml_token_always_looks_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also at another time, which gzip puts into its header unless it is told otherwise."""
    first = connect(saml_token=SAML).saml_token
    monkeypatch.setattr(time, "time", lambda: 86_400.0)

    assert connect(saml_token=SAML).saml_token == first


@example("<saml>\udcff</saml>")
@given(st.text(st.characters(), min_size=1) | st.text(alphabet='ab\n\r "<>', min_size=1))
def test_any_saml_token_is_fit_for_its_header_or_refused(token: str) -> None:
    try:
        connection = connect(saml_token=token)
    except InvalidInput as error:
        assert error.message.startswith("saml_token: ")  # noqa: PT017 - no error is as good

        return

    sent = connection.saml_token or ""

    assert sent.isascii()
    assert sent.isprintable()
    assert '"' not in sent
    assert connection.secrets


# That nothing secret shows.


@given(
    st.fixed_dictionaries(
        {
            "password": st.text(min_size=8),
            "access_token": st.none() | st.text(min_size=8),
            "saml_token": st.none() | st.text(min_size=8),
        },
        optional={
            "hostname": st.text(max_size=3),
            "username": st.none() | st.text(max_size=3),
            "port": st.integers(-1, 2),
            "thumbprint": st.text(max_size=3),
            "auth_method": st.sampled_from(["basic", "token", "session"]),
            "timeout": st.floats(),
            "proxy_host": st.text(max_size=3),
            "proxy_port": st.integers(-1, 2),
        },
    )
)
def test_no_secret_is_in_a_repr_or_in_a_refusal(options: dict[str, Any]) -> None:
    secrets = [options["password"], options["access_token"], options["saml_token"]]

    try:
        connection = connect(**options)
    except InvalidInput as error:
        shown = str(error)
        assert error.message.partition(":")[0] in DEFAULTS  # noqa: PT017 - no error is as good
    else:
        shown = repr(connection) + connection.name + connection.url
        # What was given is known from the options, and what is sent in its place from the connection.
        assert set(filter(None, secrets)) <= CONNECTION.secrets(options)
        assert {connection.password, connection.access_token, connection.saml_token} <= {*connection.secrets, None}

    # Eight equal characters may stand in a message by chance, and others in the name of a field.
    unmistakable = [secret for secret in secrets if secret and len(set(secret)) > 2 and secret not in repr(connect())]

    assert not [secret for secret in unmistakable if secret in shown]
