# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SAML metadata becomes a name and chains, and a hostile document one sentence."""

from __future__ import annotations

import contextlib
import socket
import tracemalloc
from pathlib import Path
from xml.sax.saxutils import escape
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import MAX_DOCUMENT
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import NotSamlMetadata
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import SamlMetadata
from ansible_collections.esx.trust.plugins.module_utils._services.saml_metadata import read_saml_metadata

NAMESPACES = 'xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'


def certificates(*texts: str) -> str:
    return "".join(f"<ds:X509Certificate>{text}</ds:X509Certificate>" for text in texts)


def key(*data: str, use: str = ' use="signing"') -> str:
    parts = "".join(f"<ds:X509Data>{each}</ds:X509Data>" for each in data)
    return f"<KeyDescriptor{use}><ds:KeyInfo>{parts}</ds:KeyInfo></KeyDescriptor>"


def document(*keys: str, entity_id: str = "https://vc/saml", prolog: str = "", more: str = "") -> bytes:
    inner = f"{more}<IDPSSODescriptor>{''.join(keys)}</IDPSSODescriptor>"
    text = f"{prolog}<EntityDescriptor {NAMESPACES} entityID={quoteattr(entity_id)}>{inner}</EntityDescriptor>"
    return text.encode()


def refusal(content: bytes) -> str:
    with pytest.raises(NotSamlMetadata) as caught:
        read_saml_metadata(content)
    return str(caught.value)


def test_one_chain_for_each_x509_data() -> None:
    keys = (
        key(certificates("a", "b")),
        key(certificates("c"), certificates("d", "e"), use=""),
        key(certificates("f"), use=' use="encryption"'),
        key("<ds:X509SKI>none</ds:X509SKI>"),
    )
    read = read_saml_metadata(document(*keys))
    assert read == SamlMetadata("https://vc/saml", (("a", "b"), ("c",), ("d", "e")))


def test_only_what_the_provider_itself_signs_with() -> None:
    service = f"<SPSSODescriptor>{key(certificates('service'))}</SPSSODescriptor>"
    signature = f"<ds:Signature><ds:KeyInfo><ds:X509Data>{certificates('x')}</ds:X509Data></ds:KeyInfo></ds:Signature>"

    assert read_saml_metadata(document(more=service + signature)).cert_chains == ()
    assert read_saml_metadata(document(key(certificates("a")), more=service)).cert_chains == (("a",),)


@pytest.mark.parametrize(
    "content",
    [
        document(key(certificates("a")), prolog='<?xml version="1.0" encoding="UTF-8"?>\n<!-- words -->'),
        b"\xef\xbb\xbf" + document(key(certificates("a"))),
        document(key(certificates("<!-- words -->a"))),
        document(key(certificates("<![CDATA[a]]>"))),
        document(key(certificates("a"))).decode().encode("utf-16"),
    ],
)
def test_every_way_to_write_it(content: bytes) -> None:
    assert read_saml_metadata(content).cert_chains == (("a",),)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))
HOSTILE = {
    "billion laughs": f"<!DOCTYPE l [{LAUGHS}]>",
    "one long entity": f'<!DOCTYPE l [<!ENTITY l9 "{"a" * 100_000}">]>',
    "a file": '<!DOCTYPE l [<!ENTITY l9 SYSTEM "file://{path}">]>',
    "an address": '<!DOCTYPE l [<!ENTITY l9 SYSTEM "http://127.0.0.1:{port}/">]>',
    "an unparsed entity": '<!DOCTYPE l [<!NOTATION n SYSTEM "n"><!ENTITY l9 SYSTEM "file://{path}" NDATA n>]>',
    "a parameter entity": '<!DOCTYPE l [<!ENTITY % p SYSTEM "http://127.0.0.1:{port}/"> %p;]>',
    "a DTD elsewhere": '<!DOCTYPE l SYSTEM "http://127.0.0.1:{port}/">',
    "a public DTD": '<!DOCTYPE l PUBLIC "-//X//Y" "http://127.0.0.1:{port}/">',
    "a DTD of nothing": "<!DOCTYPE l>",
    "an attribute's default": "<!DOCTYPE l [<!ATTLIST EntityDescriptor entityID CDATA 'x'>]>",
}


@pytest.mark.parametrize("prolog", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("body", ["&l9;", "none"])
def test_no_dtd_and_no_entity(prolog: str, body: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("Horse-Battery+1")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        prolog = prolog.replace("{path}", str(secret)).replace("{port}", str(port))
        tracemalloc.start()

        try:
            message = refusal(document(key(certificates(body)), prolog=prolog))
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        with pytest.raises(BlockingIOError):
            listener.accept()

    assert "document type definition" in message
    assert "Horse" not in message
    assert most < 4 * 1024 * 1024


def test_entities_of_xml_itself_are_read() -> None:
    assert read_saml_metadata(document(entity_id="https://vc/?a=1&b=<2>")).entity_id == "https://vc/?a=1&b=<2>"
    assert refusal(document(key(certificates("&nbsp;")))) == "it is no XML"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no XML"),
        (b"<a>", "no XML"),
        (b"<a/><b/>", "no XML"),
        (b'<?xml version="1.0" encoding="no-such-code"?><a/>', "no XML"),
        (b'<?xml version="1.0" encoding="shift_jis"?><a/>', "no XML"),
        (b"<a>\xff</a>", "no XML"),
        (b"<a/>", "no EntityDescriptor"),
        (b"<EntityDescriptor entityID='a'/>", "no EntityDescriptor"),
        (f"<EntityDescriptor {NAMESPACES}/>".encode(), "no entityID"),
        (document(entity_id=""), "no entityID"),
        (document(entity_id=" a"), "no entityID"),
        (document(entity_id="a\u200bb"), "no entityID"),
        pytest.param(b"<a>" * 100_000, "no XML", marks=pytest.mark.not_quick),
        (b"<a>" * 80_000 + b"</a>" * 80_000, "no EntityDescriptor"),
        (document() + b" " * MAX_DOCUMENT, "larger than 1 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_document_that_is_no_metadata_is_refused(content: bytes, words: str) -> None:
    assert words in refusal(content)


@pytest.mark.not_quick
def test_depth_is_no_reason_to_fail() -> None:
    deep = document(key(certificates("a")), more="<x>" * 80_000 + "</x>" * 80_000)
    assert read_saml_metadata(deep).cert_chains == (("a",),)


@given(st.binary(max_size=300) | st.text(alphabet="<>/&;!DOCTYPEab\"' =[]?-", max_size=200).map(str.encode))
def test_anything_is_read_or_refused(content: bytes) -> None:
    for each in (content, document(more=content.decode("latin-1")), document(prolog=content.decode("latin-1"))):
        with contextlib.suppress(NotSamlMetadata):
            assert isinstance(read_saml_metadata(each), SamlMetadata)


WRITABLE = st.characters(exclude_categories=("C", "Z"))


@given(
    entity_id=st.text(WRITABLE, min_size=1, max_size=40),
    chains=st.lists(st.lists(st.text(WRITABLE, min_size=1, max_size=20), min_size=1, max_size=4), max_size=4),
)
def test_whatever_is_written_is_read(entity_id: str, chains: list[list[str]]) -> None:
    keys = [key(certificates(*map(escape, chain))) for chain in chains]
    read = read_saml_metadata(document(*keys, entity_id=entity_id))
    assert (read.entity_id, [list(chain) for chain in read.cert_chains]) == (entity_id, chains)
