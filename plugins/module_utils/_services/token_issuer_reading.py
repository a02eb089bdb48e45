# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the trusted security token issuers of an ESX host."""

from __future__ import annotations

from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import is_list_of_texts
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import ChangedMeanwhile
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.listed_resources import read_listed
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer import GET
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer import LIST
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer


def list_issuers(client: Client) -> tuple[TokenIssuer, ...]:
    """All issuers with their chains. This is one request if the host knows the FULL projection. Raises TrustError."""
    issuers = []
    for entry in _list(client):
        alias = entry["issuer_alias"]
        is_full = entry.get("signing_cert_chains") is not None and entry.get("issuer") is not None
        issuer = _read(client, LIST, alias, entry) if is_full else _get(client, alias)
        if issuer is not None:
            issuers.append(issuer)

    return tuple(issuers)


def check_unchanged(client: Client, expected: TokenIssuer) -> None:
    """Raise ChangedMeanwhile if the alias no longer holds the expected issuer; raise TrustError if that cannot be read.

    The chains are not compared, because a host may save them in another form than they were written in.
    """
    now = _get(client, expected.issuer_alias)
    if now is None or now.issuer != expected.issuer:
        raise _lost_issuer(client, expected)


def check_arrived(client: Client, marked: TokenIssuer) -> None:
    """Raise ChangedMeanwhile unless the alias still holds this marker, and another alias holds the issuer itself.

    The marker may be the last copy of the issuer's chains, if a host confirms a creation and does not carry it out.
    Raise TrustError if that cannot be read.
    """
    held = {issuer.issuer_alias: issuer.issuer for issuer in list_issuers(client)}
    if held.get(marked.issuer_alias) != marked.issuer:
        raise _lost_issuer(client, marked)

    if marked.true_issuer not in held.values():
        raise ChangedMeanwhile(
            f"{client.host}: the host confirmed that it wrote the issuer {marked.true_issuer!r}, and does not list it.",
            HINT_RUN_AGAIN,
        )


def _lost_issuer(client: Client, expected: TokenIssuer) -> ChangedMeanwhile:
    """The error for an alias that no longer holds the issuer that is expected."""
    return ChangedMeanwhile(
        f"{client.host}: the alias {expected.issuer_alias!r} has lost its issuer since the last look.",
        HINT_RUN_AGAIN,
    )


def _list(client: Client) -> list[dict[str, Any]]:
    """The entries of the host's list, each with an alias. Raises TrustError."""
    entries = client.call(LIST(projection="FULL"))
    if not isinstance(entries, list):
        raise client.wrong_shape(LIST)

    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("issuer_alias"), str):
            raise client.wrong_shape(LIST)

    return entries


def _get(client: Client, alias: str) -> Optional[TokenIssuer]:
    """A listed issuer with its chains. None if it was deleted meanwhile. Raises TrustError."""

    def is_listed() -> bool:
        return alias in [entry["issuer_alias"] for entry in _list(client)]

    def read(value: Any) -> TokenIssuer:
        return _read(client, GET, alias, value)

    return read_listed(client, GET(issuer_alias=alias), LIST, is_listed, read)


def _read(client: Client, operation: Operation, alias: str, value: Any) -> TokenIssuer:
    """The issuer in an answer. Raises TrustError if the answer has another form."""
    chains = value.get("signing_cert_chains") if isinstance(value, dict) else None
    if not isinstance(chains, list) or not isinstance(value.get("issuer"), str):
        raise client.wrong_shape(operation)

    for chain in chains:
        texts = chain.get("cert_chain") if isinstance(chain, dict) else None
        if not is_list_of_texts(texts):
            raise client.wrong_shape(operation)

    return TokenIssuer(issuer_alias=alias, issuer=value["issuer"], chains=chains_from_host(chains))
