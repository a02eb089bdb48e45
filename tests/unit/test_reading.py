# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever JSON a host returns is a record of the form that the API documents or one clear error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import cast

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import url_path
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider_reading
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_reading
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from support.certificates import chain
from support.examples import examples
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error

PEM = chain()[0]
ISSUER = "https://vc/openidconnect/vsphere.local"


class Canned(ScriptedClient):
    """Answers each operation by a function of its path parameters; builds the URL as the real client does."""

    def __init__(self, answers: dict[Operation, Callable[[Any], Any]]) -> None:
        super().__init__(MemoryHost())
        self._answers = answers

    def _send(self, call: Call) -> Any:
        url_path(call)
        self.calls.append(call.operation.name)
        return self._answers[call.operation](call.arguments)


def issuers(listed: Any, got: Any = None) -> tuple[TokenIssuer, ...]:
    answers = {token_issuer.LIST: lambda path: listed, token_issuer.GET: lambda path: got}
    return token_issuer_reading.list_issuers(Canned(answers).as_client())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([PEM, "\ud800", "NATIVE"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "issuer_alias",
                    "issuer",
                    "signing_cert_chains",
                    "cert_chain",
                    "provider",
                    "type",
                    "native_info",
                    "key_id",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
entries = st.fixed_dictionaries(
    {},
    optional={
        "issuer_alias": st.text() | st.sampled_from(["\ud800", "..", ".", "", "a/b"]) | json_values,
        "issuer": st.text() | json_values,
        "signing_cert_chains": st.lists(st.fixed_dictionaries({"cert_chain": st.lists(st.text())})) | json_values,
    },
)


def test_a_full_listing_takes_one_request() -> None:
    listed = [{"issuer_alias": "a", "issuer": ISSUER, "signing_cert_chains": [{"cert_chain": [PEM]}], "newer": 1}]
    client = Canned({token_issuer.LIST: lambda path: listed})
    (issuer,) = token_issuer_reading.list_issuers(client.as_client())

    assert (issuer.issuer_alias, issuer.issuer, client.calls) == ("a", ISSUER, ["list"])
    assert issuer.chains[0].to_api() == {"cert_chain": [PEM]}


@pytest.mark.parametrize("brief", [{}, {"issuer": ISSUER}, {"issuer": ISSUER, "signing_cert_chains": None}])
def test_a_brief_listing_is_completed_by_alias(brief: dict[str, Any]) -> None:
    known = {"a/b": ISSUER, "c": "https://other"}

    def get(path: Any) -> Any:
        return {"issuer": known[path["issuer_alias"]], "signing_cert_chains": []}

    listed = [{"issuer_alias": alias, **brief} for alias in known]
    read_issuers = token_issuer_reading.list_issuers(
        Canned({token_issuer.LIST: lambda path: listed, token_issuer.GET: get}).as_client()
    )

    assert {issuer.issuer_alias: issuer.issuer for issuer in read_issuers} == known


def test_what_is_deleted_between_listing_and_reading_is_not_there() -> None:
    def get(_path: Any) -> Any:
        raise api_error("NOT_FOUND", 404)

    lists: list[list[dict[str, str]]] = [[{"issuer_alias": "a"}], []]
    client = Canned({token_issuer.LIST: lambda path: lists.pop(0), token_issuer.GET: get})

    assert token_issuer_reading.list_issuers(client.as_client()) == ()


@pytest.mark.parametrize("alias", ["\ud800", "..", ".", ""], ids=["surrogate", "two dots", "dot", "empty"])
def test_an_alias_that_cannot_stand_in_a_path_is_reported_and_not_asked_for(alias: str) -> None:
    with pytest.raises(TrustError):
        issuers([{"issuer_alias": alias}], {"issuer": ISSUER, "signing_cert_chains": []})


@settings(max_examples=examples(300))
@given(json_values | st.lists(entries, max_size=3), entries | json_values)
@example([{"issuer_alias": "a", "issuer": ISSUER, "signing_cert_chains": [{"cert_chain": [5]}]}], None)
@example([{"issuer_alias": "\ud800"}], None)
def test_any_listing_is_read_or_an_error(listed: Any, got: Any) -> None:
    try:
        read_issuers = issuers(listed, got)
    except TrustError as error:
        assert isinstance(error, UnexpectedAnswer)  # noqa: PT017 - no error is as good

        return

    assert len(read_issuers) == len(listed)

    for issuer in read_issuers:
        assert issuer.record()["issuer_alias"] == issuer.issuer_alias


@settings(max_examples=examples(300))
@given(
    json_values
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["NATIVE", "TRUST_AUTHORITY"]) | json_values},
        optional={"native_info": st.fixed_dictionaries({"key_id": st.text() | json_values}) | json_values},
    )
)
def test_any_provider_is_read_or_an_error(value: Any) -> None:
    client = Canned({kms_provider.GET: lambda path: value})
    try:
        provider = kms_provider_reading.get(cast(Client, client), "nkp")
    except UnexpectedAnswer:
        return

    assert provider is not None
    assert provider.type == value["type"]
    assert set(provider.record()) == {"provider", "type", "key_id"}


def test_a_provider_that_is_not_found_is_none_and_other_errors_are_errors() -> None:
    def answering(error: TrustError) -> Any:
        def get(_path: Any) -> Any:
            raise error

        return kms_provider_reading.find(Canned({kms_provider.GET: get}).as_client(), "nkp")

    assert answering(api_error("NOT_FOUND", 404)) is None

    for error in (api_error("OPERATION_NOT_FOUND", 404), UnexpectedAnswer("page", status=400)):
        with pytest.raises(TrustError):
            answering(error)


@pytest.mark.parametrize("listed", [True, False])
def test_where_the_code_alone_says_not_found_the_list_decides(listed: bool) -> None:
    def get(_path: Any) -> Any:
        raise UnexpectedAnswer("page", status=404)

    entries = [{"provider": "nkp", "available": True}] if listed else []
    client = Canned({kms_provider.GET: get, kms_provider.LIST: lambda path: entries}).as_client()

    if listed:
        with pytest.raises(UnexpectedAnswer):
            kms_provider_reading.find(client, "nkp")
    else:
        assert kms_provider_reading.find(client, "nkp") is None
