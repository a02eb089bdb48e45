# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests over REST: what stands in the URL, the headers and the body. And refusals in the older form."""

from __future__ import annotations

import json

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.credentials import NoCredentials
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import STRING
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType
from ansible_collections.esx.trust.plugins.module_utils._api.operation import PATH
from ansible_collections.esx.trust.plugins.module_utils._api.operation import QUERY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._api.rest import url_path
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from support.answers import READ
from support.answers import WRITE
from support.answers import answer
from support.answers import error_of
from support.answers import older

FILTERS = tuple(Parameter(name, OptionalType(STRING), QUERY) for name in ("first", "second"))
FILTERED = Operation(
    id="com.example.things.list",
    method="GET",
    path="/api/things/{name}",
    success=(200,),
    errors=(),
    parameters=(*FILTERS, Parameter("name", STRING, PATH)),
)


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ({}, "/api/things/a"),
        ({"second": "b c"}, "/api/things/a?second=b%20c"),
        ({"first": "1", "second": "2"}, "/api/things/a?first=1&second=2"),
    ],
)
def test_a_url_has_the_arguments_that_are_given(arguments: dict[str, str], url: str) -> None:
    assert url_path(FILTERED(name="a", **arguments)) == url


def test_a_body_has_no_unset_fields_at_any_depth() -> None:
    spec = {"name": None, "entries": [{"name": "a", "more": None}, "b"], "inner": {"unset": None}}
    body = REST.encode(WRITE(spec=spec), NoCredentials()).body
    assert json.loads(body or b"") == {"entries": [{"name": "a"}, "b"], "inner": {}}


def test_only_a_read_of_a_document_in_xml_asks_for_xml() -> None:
    document = Operation("com.example.document.get", "GET", "/saml", success=(200,), errors=(), media="xml")
    accepted = REST.encode(document(), NoCredentials()).headers["Accept"].split(", ")

    assert accepted[:3] == ["application/samlmetadata+xml", "application/xml", "text/xml"]
    assert "Accept" not in REST.encode(READ(), NoCredentials()).headers


def test_a_refusal_in_the_older_form_stays_a_refusal_whatever_type_stands_inside() -> None:
    body = older("UNAUTHENTICATED", "No.")
    body["value"]["error_type"] = "INTERNAL_SERVER_ERROR"
    error = error_of(answer(400, body))

    assert isinstance(error, Unauthenticated)
    assert error.error_type == "UNAUTHENTICATED"
