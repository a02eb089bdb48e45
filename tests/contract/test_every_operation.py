# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operation that the collection declares, in success and in error: over REST, over JSON-RPC, and at the vendor's
own server. A new declaration fails here until it has a sample.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.registry import RESOURCES
from contract.samples import issuer
from contract.samples import profile
from contract.samples import provider
from simulator.certificates import signing_chain
from support.client_profiles import grants

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host

REST, JSON_RPC, VENDOR = "rest", "jsonrpc", "vendor's server"
CHAIN, OTHER_CHAIN = signing_chain("sts", 2), signing_chain("new sts")
DECLARED = {operation.id: operation for facts in RESOURCES for operation in facts.operations}


@dataclass(frozen=True)
class Sample:
    """One operation. first: a write that it needs, whose answer `call` gets. refused: what meets `error_type`."""

    call: Callable[[Any], Call]
    first: Call | None = None
    refused: Call | None = None
    error_type: str = "UNAUTHENTICATED"


PROVIDER = kms_provider.CREATE(spec=provider("p1"))
ISSUER = token_issuer.CREATE(spec=issuer(CHAIN, "vc"))
PROFILE = client_profile.CREATE(spec=profile("reader"))
CHAINS = {"signing_cert_chains": [{"cert_chain": OTHER_CHAIN}]}
GRANTS = {"grants": grants("OBSERVABILITY")}
SAMPLES = {
    # A list refuses nothing but a token.
    kms_provider.LIST.id: Sample(lambda _: kms_provider.LIST(), PROVIDER),
    kms_provider.CREATE.id: Sample(lambda _: PROVIDER, None, PROVIDER, "ALREADY_EXISTS"),
    kms_provider.GET.id: Sample(
        lambda _: kms_provider.GET(provider="p1"), PROVIDER, kms_provider.GET(provider="no"), "NOT_FOUND"
    ),
    kms_provider.DELETE.id: Sample(
        lambda _: kms_provider.DELETE(provider="p1"), PROVIDER, kms_provider.DELETE(provider="no"), "NOT_FOUND"
    ),
    token_issuer.LIST.id: Sample(lambda _: token_issuer.LIST(projection="FULL"), ISSUER),
    token_issuer.CREATE.id: Sample(lambda _: ISSUER, None, ISSUER, "ALREADY_EXISTS"),
    token_issuer.GET.id: Sample(
        lambda _: token_issuer.GET(issuer_alias="vc"), ISSUER, token_issuer.GET(issuer_alias="no"), "NOT_FOUND"
    ),
    token_issuer.UPDATE.id: Sample(
        lambda _: token_issuer.UPDATE(issuer_alias="vc", spec=CHAINS),
        ISSUER,
        token_issuer.UPDATE(issuer_alias="no", spec=CHAINS),
        "NOT_FOUND",
    ),
    token_issuer.DELETE.id: Sample(
        lambda _: token_issuer.DELETE(issuer_alias="vc"), ISSUER, token_issuer.DELETE(issuer_alias="no"), "NOT_FOUND"
    ),
    client_profile.LIST.id: Sample(lambda _: client_profile.LIST(projection="FULL"), PROFILE),
    client_profile.CREATE.id: Sample(lambda _: PROFILE, None, PROFILE, "ALREADY_EXISTS"),
    client_profile.GET.id: Sample(
        lambda made: client_profile.GET(profile=made), PROFILE, client_profile.GET(profile="no"), "NOT_FOUND"
    ),
    client_profile.UPDATE.id: Sample(
        lambda made: client_profile.UPDATE(profile=made, spec=GRANTS),
        PROFILE,
        client_profile.UPDATE(profile="no", spec=GRANTS),
        "NOT_FOUND",
    ),
    client_profile.DELETE.id: Sample(
        lambda made: client_profile.DELETE(profile=made), PROFILE, client_profile.DELETE(profile="no"), "NOT_FOUND"
    ),
}


class Place:
    """Somebody who serves the operations, and clients that speak one form with him."""

    def __init__(self, name: str, stack: ExitStack, **connection: Any) -> None:
        self.name = name
        self._stack = stack
        self._connection = connection

    def client(self, **options: Any) -> Client:
        form = REST if self.name == REST else JSON_RPC
        given = {**self._connection, "retries": 0, "api_protocol": form, **options}
        return self._stack.enter_context(connect(Connection(**given), LOGIN_HINTS))


@pytest.fixture(params=[REST, JSON_RPC, VENDOR])
def place(request: pytest.FixtureRequest, fleet: Fleet, host: Host) -> Iterator[Place]:
    there: Any = host
    ca_path = fleet.ca_path

    if request.param == VENDOR:
        there = request.getfixturevalue("vendor_host")
        ca_path = there.ca_path
    else:
        host.settings(protocols=request.param, provider_delete="supported")

    with ExitStack() as stack:
        yield Place(
            request.param,
            stack,
            hostname=there.address,
            port=there.port,
            username=there.username,
            password=there.password,
            ca_path=ca_path,
        )


def refusal(client: Client, call: Call) -> ApiError:
    with pytest.raises(ApiError) as caught:
        client.call(call)
    assert caught.value.operation in (call.operation.id, TOKEN_CREATE.id)

    return caught.value


def test_every_declared_operation_has_a_sample() -> None:
    assert SAMPLES.keys() == DECLARED.keys()


@pytest.mark.parametrize("identifier", SAMPLES)
def test_an_operation_answers_with_what_it_declares(place: Place, identifier: str) -> None:
    sample, client = SAMPLES[identifier], place.client()
    made = client.call(sample.first) if sample.first else None
    call = sample.call(made)

    if place.name == VENDOR and identifier == kms_provider.DELETE.id:
        # The reference has no such operation, and neither has a server that is made from it.
        assert refusal(client, call).error_type == "OPERATION_NOT_FOUND"

        return

    value = client.call(call)

    assert call.operation.id == identifier
    assert (value is not None) == DECLARED[identifier].returns
    assert client.api_protocol == (REST if place.name == REST else JSON_RPC)


@pytest.mark.parametrize("identifier", SAMPLES)
def test_an_operation_is_refused_with_the_error_of_its_type(place: Place, identifier: str) -> None:
    sample = SAMPLES[identifier]
    if sample.refused is None:
        client, call = place.client(access_token="no-token-of-this-host"), sample.call(None)
    else:
        client, call = place.client(), sample.refused

    if sample.error_type == "ALREADY_EXISTS":
        client.call(call)
    undocumented = place.name == VENDOR and identifier == kms_provider.DELETE.id

    error = refusal(client, call)

    assert error.error_type == ("OPERATION_NOT_FOUND" if undocumented else sample.error_type)
    assert error.outcome_unknown is False


def test_a_token_is_created(place: Place) -> None:
    client = place.client()
    assert client.call(kms_provider.LIST()) == []
    assert client.api_protocol == (REST if place.name == REST else JSON_RPC)


def test_a_token_is_refused(place: Place) -> None:
    error = refusal(place.client(password="wrong-Password-1"), kms_provider.LIST())
    assert isinstance(error, Unauthenticated)
    assert (error.operation, error.login_refused) == (TOKEN_CREATE.id, True)
