# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How names get into URLs."""

from __future__ import annotations

from typing import Optional
from urllib.parse import parse_qsl
from urllib.parse import unquote
from urllib.parse import urlsplit

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import path_element
from ansible_collections.esx.trust.plugins.module_utils._api.rest import url_path
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer

ALL = (*kms_provider.OPERATIONS, *token_issuer.OPERATIONS)


@given(st.text(min_size=1).filter(lambda name: name.strip() and name not in (".", "..")))
@example("a/b")
@example("..%2F..")
@example("{provider}")
@example("a?b#c&d=e")
@example("Schlüssel für Zürich\n")
def test_any_name_is_one_element_of_the_path_and_comes_back_as_it_was(name: str) -> None:
    url = urlsplit("https://esx01" + url_path(kms_provider.GET(provider=name)))
    base, _slash, last = url.path.rpartition("/")

    assert base == kms_provider.LIST.path
    assert unquote(last) == name
    assert (url.query, url.fragment) == ("", "")
    assert url.path.isascii()
    assert url.path.isprintable()


@given(st.lists(st.text()), st.none() | st.booleans())
@example(["a&available=true", "b c+d"], True)
def test_any_query_comes_back_as_it_was(providers: list[str], available: Optional[bool]) -> None:
    call = kms_provider.LIST(filter_spec={"providers": providers, "available": available})
    query = [("providers", name) for name in providers]
    if available is not None:
        query.append(("available", str(available).lower()))

    url = urlsplit("https://esx01" + url_path(call))

    assert url.path == kms_provider.LIST.path
    assert parse_qsl(url.query, keep_blank_values=True) == query
    assert "+" not in url.query


def test_a_path_without_a_query_has_no_question_mark() -> None:
    assert url_path(token_issuer.LIST()) == "/api/esx/authentication/trust/security-token-issuers"


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: str(operation.id))
def test_only_what_gets_may_be_repeated(operation: Operation) -> None:
    assert operation.reads == (operation.id.rpartition(".")[2] in ("list", "get"))
    assert operation.returns == operation.reads


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty."),
        ("..", "'..' cannot be the name of anything in a URL."),
        ("\ud800", "is no valid Unicode text."),
    ],
)
def test_a_name_that_no_url_can_hold_is_refused_by_its_option(name: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        url_path(kms_provider.GET(provider=name))
    assert caught.value.message == f"provider: {reason}"


@given(st.text())
@example(".")
@example("..")
@example("\ud800")
@example("\u3000")
def test_a_checked_name_can_always_be_sent(name: str) -> None:
    try:
        checked = path_element("provider", name)
    except InvalidInput:
        assert not name.strip() or name in (".", "..", "\ud800")

        return

    last = url_path(kms_provider.GET(provider=checked)).rpartition("/")[2]
    assert last not in ("", ".", "..")


@pytest.mark.parametrize("arguments", [{}, {"name": "site-a"}, {"provider": "site-a", "name": "site-a"}])
def test_a_call_with_wrong_arguments_names_those_that_the_operation_takes(
    arguments: dict[str, str],
) -> None:
    with pytest.raises(TypeError) as caught:
        kms_provider.GET(**arguments)
    assert str(caught.value) == (
        f"{kms_provider.GET.id} takes ['provider'] and needs ['provider'], not {sorted(arguments)}"
    )
