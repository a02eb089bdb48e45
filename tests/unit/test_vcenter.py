# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is pure about reading a vCenter: whom its addresses name, the order of chains, and what is sent with what."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import Optional
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._api.rest import url_path
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from ansible_collections.esx.trust.plugins.module_utils._services import vcenter
from ansible_collections.esx.trust.plugins.module_utils._services import vcenter_module
from ansible_collections.esx.trust.plugins.module_utils._services import vcenter_operations
from ansible_collections.esx.trust.plugins.module_utils._services.certificate_links import leaf_first
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import certificate_records
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from support.certificates import chain
from support.certificates import encodings

PAGE = vcenter_operations.DISCOVERY(sso_domain="vsphere.local")


# Addresses


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("https://vc.example.com/openidconnect/jwks/vsphere.local", "/openidconnect/jwks/vsphere.local"),
        ("http://user:word@10.0.0.1:8443/keys?tenant=a&b=%20#here", "/keys?tenant=a&b=%20"),
        ("//elsewhere/keys", "/keys"),
        ("/keys", "/keys"),
        ("https://vc//elsewhere/keys", "//elsewhere/keys"),
        ("", None),
        ("keys", None),
        ("@elsewhere/keys", None),
        ("https://vc", None),
        ("https://[vc/keys", None),
        ("https://vc/keys and more", None),
        ("https://vc/k\u00e9ys", None),
        ("https://vc/{sso_domain}", None),
        ("https://vc/a\\b", None),
        ("https://vc/" + "a" * 1001, None),
        ("file:///etc/passwd", "/etc/passwd"),
        (None, None),
        (["https://vc/keys"], None),
    ],
)
def test_only_a_path_is_taken_from_an_address(uri: Any, path: Optional[str]) -> None:
    assert vcenter._own_path(uri) == path


@given(st.text(max_size=60) | st.from_regex(r"\A(https?:)?//[^\s]{0,20}[/?#@:\\]{0,4}[^\s]{0,20}\Z"))
def test_no_address_leads_elsewhere(uri: str) -> None:
    path = vcenter._own_path(uri)
    if path is not None:
        prepared = requests.Request("GET", "https://127.1.0.1:8443" + path).prepare()
        assert urlsplit(prepared.url or "").netloc == "127.1.0.1:8443"
        assert prepared.path_url.isascii()


# Chains


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_chain_is_put_in_order(order: tuple[int, ...]) -> None:
    right = chain(4, subject="sorted")
    texts = [encodings(right[number])["base64 der"] for number in order]
    ordered = leaf_first(texts)

    assert [
        certificate.pem for certificate in chains_from_options("a", [{"cert_chain": ordered}])[0].certificates
    ] == right


def test_what_is_no_chain_is_left_alone() -> None:
    first, second = chain(2, subject="one"), chain(2, subject="other")
    for texts in (
        [first[0], second[0]],
        [first[1], second[0]],
        [*first, *second],
        ["AAAA", *first],
        [],
        first,
        first[:1],
    ):
        assert leaf_first(texts) == texts
    # A doubled certificate is not for us to judge.
    assert sorted(leaf_first([first[1], first[1], first[0]])) == sorted([first[1], first[1], first[0]])


def test_a_long_heap_is_not_sorted() -> None:
    right = chain(11, subject="long")
    assert leaf_first(right) == right
    assert leaf_first(right[::-1]) == right[::-1]


def test_the_records_are_those_of_a_token_issuer() -> None:
    first, second = chain(2, subject="one"), chain(1, subject="other")
    record = TokenIssuer("a", "b", chains_from_options("c", [{"cert_chain": first}, {"cert_chain": second}])).record()
    again = chains_from_options("c", record["signing_cert_chains"])

    assert certificate_records(again) == record["certificates"]


# What is sent with what


class Wire:
    """Stands in for the transport: answers each path from its list, the last entry for ever, and keeps the headers."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {}
        self.sent: list[tuple[str, dict[str, str]]] = []

    def send(self, method: str, path: str, headers: Mapping[str, str], body: Any = None, timeout: Any = None) -> Answer:
        self.sent.append((path, dict(headers)))
        script = self.answers.get(path, [Answer(404, {}, b"")])
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, TrustError):
            raise answer

        assert isinstance(answer, Answer)

        return answer

    def close(self) -> None:
        """There is nothing to close."""


SESSION = "/api/session"
SIGNING = vcenter_operations.SIGNING_CERTIFICATE.path
DISCOVERY = url_path(PAGE)
METADATA = url_path(vcenter_operations.SAML_METADATA(sso_domain="vsphere.local"))


def answer_of(value: Any, status: int = 200) -> Answer:
    return Answer(status, {}, json.dumps(value).encode())


def params(**given: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in vcenter_module.INFO_ARGUMENTS.options.items()}
    return {**defaults, "hostname": "vc.example.com", "username": "u", "password": "Horse-Battery+1", **given}


@contextlib.contextmanager
def vcenter_over(wire: Wire, **options: Any) -> Iterator[vcenter.Vcenter]:
    """Reads what the wire answers. options: those of the connection."""
    connection = Connection.from_params(params(**options))
    with Client(connection, wire, (REST,), Redactor(connection.secrets), LOGIN_HINTS) as client:
        yield vcenter.Vcenter(client, connection, "vsphere.local", "CUSTOMER")


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    scripted = Wire()
    monkeypatch.setattr(time, "sleep", lambda seconds: None)

    scripted.answers = {
        SESSION: [answer_of("the-session", 201)],
        SIGNING: [answer_of({"signing_cert_chains": [{"cert_chain": chain(1)}]})],
        DISCOVERY: [answer_of({"issuer": "https://vc/oidc"})],
    }

    return scripted


@pytest.mark.parametrize(
    ("hostname", "port", "base"),
    [
        ("vc.example.com", 443, "https://vc.example.com"),
        ("VC.example.com", 8443, "https://VC.example.com:8443"),
        ("::1", 443, "https://[::1]"),
        ("::1", 9443, "https://[::1]:9443"),
        ("10.0.0.1", 4430, "https://10.0.0.1:4430"),
    ],
)
def test_the_usual_names(wire: Wire, hostname: str, port: int, base: str) -> None:
    wire.answers[DISCOVERY] = [Answer(404, {}, b"")]
    with vcenter_over(wire, hostname=hostname, port=port) as asked:
        issuers = asked.managed()

    assert [issuer.issuer for issuer in issuers] == [
        f"{base}/openidconnect/vsphere.local",
        f"{base}/websso/SAML2/Metadata/vsphere.local",
    ]
    assert len(asked.warnings) == 2


def test_the_login_stays_away_from_public_pages(wire: Wire) -> None:
    with vcenter_over(wire) as asked:
        asked.managed()

    headers = dict(wire.sent)

    assert headers[SIGNING] == {"vmware-api-session-id": "the-session"}
    assert headers[DISCOVERY] == {}
    assert headers[METADATA].keys() == {"Accept"}

    closing = {"Content-Type": "application/json", "vmware-api-session-id": "the-session"}

    assert wire.sent[-1] == (SESSION, closing)


def test_a_public_page_says_nothing_of_a_login(wire: Wire) -> None:
    """What was lost may have been a refusal, however many pages were read before it: one more try, no two."""
    wire.answers[SESSION] = [AnswerLost("lost")]
    connection = Connection.from_params(params(auth_method="session"))

    with Client(connection, wire, (REST,), Redactor(), LOGIN_HINTS) as client:
        client.call(PAGE)
        with pytest.raises(AnswerLost):
            client.call(vcenter_operations.SIGNING_CERTIFICATE())
        assert [path for path, _headers in wire.sent].count(SESSION) == 2

    wire.answers[DISCOVERY] = [AnswerLost("lost")]

    with Client(connection, wire, (REST,), Redactor(), LOGIN_HINTS) as client:
        with pytest.raises(AnswerLost):
            client.call(PAGE)
        assert [path for path, _headers in wire.sent].count(DISCOVERY) == 1 + 4


def test_a_refused_page_is_no_refused_login(wire: Wire) -> None:
    wire.answers[DISCOVERY] = [Answer(401, {}, b""), answer_of({"issuer": "https://vc/oidc"})]
    connection = Connection.from_params(params(auth_method="basic"))

    with Client(connection, wire, (REST,), Redactor(), LOGIN_HINTS) as client:
        with pytest.raises(Unauthenticated):
            client.call(PAGE)
        assert client.call(PAGE) == {"issuer": "https://vc/oidc"}
        assert client.call(vcenter_operations.SIGNING_CERTIFICATE())

    assert [path for path, _headers in wire.sent] == [DISCOVERY, DISCOVERY, SIGNING]


def test_keys_of_rsa(wire: Wire) -> None:
    jwks = {
        "keys": [{"kty": "RSA", "alg": "RS256", "n": "AQ", "e": "AQAB", "x5c": [encodings(chain(1)[0])["base64 der"]]}]
    }
    wire.answers[DISCOVERY] = [answer_of({"issuer": "https://vc/oidc", "jwks_uri": "https://else/keys"})]
    wire.answers["/keys"] = [answer_of(jwks)]
    with vcenter_over(wire) as asked:
        (issuer,) = asked.oidc()

    assert issuer.record()["signing_cert_chains"] == [{"cert_chain": chain(1)}]
    assert wire.sent == [(DISCOVERY, {}), ("/keys", {})]


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(chain(1)),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "active_cert_chain",
                        "signing_cert_chains",
                        "cert_chain",
                        "keys",
                        "kty",
                        "use",
                        "x5c",
                        "issuer",
                        "jwks_uri",
                    ]
                )
                | st.text(max_size=4),
                inner | st.sampled_from(["RSA", "EC", "oct", "sig", "https://a/b"]),
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_becomes_a_result_or_one_error(value: Any) -> None:
    """Whatever a vCenter says where, the run ends with chains or with an error of the family."""
    scripted = Wire()
    scripted.answers = {
        SESSION: [answer_of("s", 201)],
        SIGNING: [answer_of(value)],
        DISCOVERY: [answer_of(value)],
        "/b": [answer_of(value)],
    }

    with vcenter_over(scripted) as asked:
        for read in (asked.managed, asked.oidc):
            with contextlib.suppress(UnexpectedAnswer):
                assert all(issuer.record()["signing_cert_chains"] for issuer in read())


# Options


def test_no_login_is_asked_for_where_none_is_needed() -> None:
    bare = params(username=None, password=None)
    with pytest.raises(InvalidInput, match="username: is needed"):
        Connection.from_params(bare)
    connection = Connection.from_params({**bare, "username": "a:b", "access_token": "\u00e9"}, public=True)

    assert (connection.username, connection.password, connection.access_token) == (None, None, None)


# Answers that are not JSON

XML = vcenter_operations.SAML_METADATA


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b'{"a": 1}', "JSON"),
        (b"[", "broken JSON"),
        (b"null", "JSON"),
    ],
)
def test_plainly_no_xml(body: bytes, kind: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=f"was answered with {kind}[.]"):
        REST.decode(XML, Answer(200, {}, body), "vc", str)


@pytest.mark.parametrize("body", [b"<a/>", b"\xef\xbb\xbf<a/>", "<a/>".encode("utf-16"), b"neither"])
def test_what_may_be_xml_is_for_its_reader(body: bytes) -> None:
    assert REST.decode(XML, Answer(200, {"Content-Type": "application/json"}, body), "vc", str) == body


def test_errors_in_place_of_xml() -> None:
    with pytest.raises(UnexpectedAnswer, match="is empty"):
        REST.decode(XML, Answer(200, {}, b" "), "vc", str)
    with pytest.raises(UnexpectedAnswer, match="a redirect"):
        REST.decode(XML, Answer(302, {}, b""), "vc", str)
    with pytest.raises(UnexpectedAnswer, match="code 404 and an XML document"):
        REST.decode(XML, Answer(404, {}, b"<a/>"), "vc", str)
    with pytest.raises(TrustError, match="500 INTERNAL_SERVER_ERROR"):
        REST.decode(XML, answer_of({"error_type": "INTERNAL_SERVER_ERROR", "messages": []}, 500), "vc", str)
