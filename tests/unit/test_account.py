# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose login it is: what names and tokens tell, and that nothing odd in them stops a run."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING_FOR_SOME
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from support.credentials import packed_saml

ISSUER = "https://vc/websso/SAML2/Metadata/vsphere.local"
ASSERTION = f"""<saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1">
<saml2:Issuer>{ISSUER}</saml2:Issuer>
<saml2:Subject><saml2:NameID Format="http://schemas.xmlsoap.org/claims/UPN">Ann@VSPHERE.LOCAL</saml2:NameID>
</saml2:Subject>
<saml2:AttributeStatement>
<saml2:Attribute Name="http://rsa.com/schemas/attr-names/2009/01/GroupIdentity">
<saml2:AttributeValue>vsphere.local\\Administrators</saml2:AttributeValue>
<saml2:AttributeValue>vsphere.local\\Users</saml2:AttributeValue>
</saml2:Attribute>
<saml2:Attribute Name="givenName"><saml2:AttributeValue>vsphere.local\\Ann</saml2:AttributeValue></saml2:Attribute>
</saml2:AttributeStatement>
</saml2:Assertion>"""


@pytest.mark.parametrize("document", [ASSERTION, f"<response>{ASSERTION}</response>"])
def test_a_saml_token_names_its_issuer_its_subject_and_the_groups(document: str) -> None:
    ann = Account.of_saml_token(packed_saml(document))
    assert ann.issuer == ISSUER
    assert ann.username is None
    assert ann.is_user("ann", "vsphere.local")
    assert ann.is_member("administrators", "vsphere.local")
    assert ann.is_member("Users", "vsphere.local")
    assert not ann.is_member("Ann", "vsphere.local")
    assert not ann.is_user("Administrators", "vsphere.local")


def test_only_attributes_with_the_name_of_groups_are_groups() -> None:
    """An attribute without a name, or another element with that name, is none."""
    value = "<saml2:AttributeValue>vsphere.local\\Admins</saml2:AttributeValue>"
    other = f"<saml2:Attribute>{value}</saml2:Attribute><other Name='GroupIdentity'>{value}</other>"
    ann = Account.of_saml_token(
        packed_saml(ASSERTION.replace("<saml2:AttributeStatement>", f"<saml2:AttributeStatement>{other}", 1))
    )

    assert not ann.is_member("Admins", "vsphere.local")
    assert ann.is_member("Users", "vsphere.local")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "H4s=",
        "no Base64",
        packed_saml(""),
        packed_saml("<Assertion/>"),
        packed_saml("no XML"),
        packed_saml(ASSERTION)[:40],
        packed_saml(f'<!DOCTYPE x [<!ENTITY a "b">]>{ASSERTION}'),
        packed_saml(f"<!DOCTYPE x>{ASSERTION}"),
        packed_saml('<saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion"/>'),
    ],
    ids=["nothing", "no gzip", "no Base64", "empty", "no assertion", "no XML", "cut", "entities", "DTD", "no names"],
)
def test_a_token_that_cannot_be_read_names_nobody(token: str) -> None:
    assert Account.of_saml_token(token) == UNKNOWN


@given(st.binary(max_size=60), st.booleans())
def test_no_token_is_an_error(document: bytes, compressed: bool) -> None:
    token = base64.b64encode(gzip.compress(document) if compressed else document).decode()
    assert Account.of_saml_token(token) == UNKNOWN


def test_without_the_library_a_token_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MISSING_FOR_SOME, "defusedxml", "not there")
    assert Account.of_saml_token(packed_saml(ASSERTION)) == UNKNOWN


@pytest.mark.parametrize(
    ("username", "users"),
    [
        ("root", set()),
        ("@", set()),
        ("CORP\\", set()),
        ("CORP\\Ann", {("corp", "ann")}),
        ("CORP\\Ann\\Lee", {("corp", "ann\\lee")}),
        ("ann@corp.example", {("corp.example", "ann")}),
        ("ann@home@corp.example", {("corp.example", "ann@home")}),
    ],
)
def test_a_name_with_a_domain_is_of_a_directory(username: str, users: set[Any]) -> None:
    assert Account.of_user(username).users == users
    assert Account.of_user(username).username == username


def test_the_account_is_that_of_the_login_that_is_used() -> None:
    login: dict[str, Any] = {"hostname": "esx01", "username": "root", "password": "x"}
    assert Account.of_connection(Connection(**login)) == Account.of_user("root")
    assert Account.of_connection(Connection(**login, access_token="t0k")) == UNKNOWN
    assert Account.of_connection(Connection("esx01")) == UNKNOWN
    assert Account.of_connection(Connection(**login, saml_token=packed_saml(ASSERTION))).issuer == ISSUER
