# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of hosts as files and requests bring it, and as the admin interface shows it."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import Literal
from typing import Union

from pydantic import Field
from pydantic import ValidationError

from simulator.accounts import ALL_ENTITLEMENTS
from simulator.accounts import Account
from simulator.models import Certificate
from simulator.models import Identifier
from simulator.models import LocalizableMessage
from simulator.models import Model
from simulator.state import ClientProfile
from simulator.state import HostState
from simulator.state import Issuer
from simulator.state import Provider
from simulator.vcenter import VcenterDocument
from simulator.vcenter import VcenterState


class ProviderDocument(Model):
    """The key goes in and never comes out; its digest does."""

    type: str = "NATIVE"
    key_id: str | None = None
    key_derivation_key: str | None = None
    key_derivation_key_sha256: str | None = None
    available: bool = True
    details: list[LocalizableMessage] = Field(default_factory=list)


class IssuerDocument(Model):
    issuer: Identifier
    chains: list[list[Certificate]] = Field(default_factory=list)


class ClientProfileDocument(Model):
    type: Literal["LOCAL_USER", "EXTERNAL_GROUP", "EXTERNAL_USER", "PRIVILEGES"] = "LOCAL_USER"
    name: str | None = None
    issuer_alias: str | None = None
    domain: str | None = None
    grants: list[dict[str, Any]] = Field(default_factory=list)
    privileges: dict[str, list[str]] | None = None


class AccountDocument(Model):
    password: str
    entitlements: list[str] = Field(default_factory=lambda: list(ALL_ENTITLEMENTS))


class StateDocument(Model):
    """A host's state as a file or a request brings it."""

    providers: dict[str, ProviderDocument] = Field(default_factory=dict)
    issuers: dict[str, IssuerDocument] = Field(default_factory=dict)
    client_profiles: dict[str, ClientProfileDocument] = Field(default_factory=dict)
    """By their ids."""
    accounts: dict[str, AccountDocument] = Field(default_factory=dict)
    """Added to the accounts that the host has."""

    def load(self, state: HostState) -> None:
        kept = {_digest(entry.key_derivation_key): entry.key_derivation_key for entry in state.providers.values()}
        state.providers = {}

        for name, document in self.providers.items():
            fields = document.model_dump(exclude={"key_derivation_key_sha256"})
            if document.key_derivation_key is None:
                fields["key_derivation_key"] = kept.get(document.key_derivation_key_sha256)
            state.providers[name] = Provider(**fields)

        state.issuers = {alias: Issuer(entry.issuer, entry.chains) for alias, entry in self.issuers.items()}
        state.client_profiles = {
            identifier: ClientProfile(**entry.model_dump()) for identifier, entry in self.client_profiles.items()
        }
        for name, account in self.accounts.items():
            state.accounts.accounts[name] = Account(account.password, tuple(account.entitlements))


class FirstHost(StateDocument):
    """What a host holds at its start, and how it behaves."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """Those that differ from its profile."""


class FirstVcenter(VcenterDocument):
    """What a vCenter signs with at its start, and how it behaves."""

    settings: dict[str, Any] = Field(default_factory=dict)


class FirstState(FirstHost):
    """The first state of every host; under `hosts`, by its name, that of a host or vCenter with a state of its own."""

    hosts: dict[str, Union[FirstHost, FirstVcenter]] = Field(default_factory=dict)

    def of(self, name: str) -> FirstHost:
        """The first state of the host with this name.

        Raises:
            ValueError: The name is given the state of a vCenter.
        """
        state = self.hosts.get(name, self)
        if isinstance(state, FirstVcenter):
            raise ValueError(f"{name} is a host, and has no signing_cert_chains.")

        return state

    def of_vcenter(self, name: str) -> FirstVcenter | None:
        """The first state of the vCenter with this name; None: it makes its own.

        Raises:
            ValueError: The name is given the state of a host.
        """
        state = self.hosts.get(name)
        if isinstance(state, FirstHost):
            raise ValueError(f"{name} is a vCenter, and needs signing_cert_chains.")

        return state

    def check_names(self, names: Sequence[str]) -> None:
        """Every state has its host.

        Raises:
            ValueError: There is no host of a name that has a state.
        """
        unknown = sorted(set(self.hosts) - set(names))
        if unknown:
            raise ValueError(f"There is no host {unknown[0]}. There are {names[0]} to {names[-1]}.")


def _digest(key: str | None) -> str | None:
    return None if key is None else hashlib.sha256(key.encode()).hexdigest()


def changed(document: dict[str, Any], changes: Any) -> Any:
    """The document with the changes merged in, as a merge patch does it (RFC 7396): null takes an entry away."""
    if not isinstance(changes, dict):
        return changes
    merged = dict(document) if isinstance(document, dict) else {}

    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = changed(merged.get(name, {}), value)

    return merged


def first_state(states: Iterable[HostState]) -> dict[str, Any]:
    """What hosts hold and how they behave now, in the form of a first state; without keys and accounts."""
    hosts = {}

    for state in states:
        settings = state.settings.model_dump(mode="json", exclude_defaults=True)
        hosts[state.name] = {**state_of(state), **({"settings": settings} if settings else {})}

    return {"hosts": hosts}


def problems(error: ValidationError) -> list[str]:
    """What is wrong with a document, a line for each problem; without the values, which may be secrets."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}" for each in found]


def state_of(state: HostState) -> dict[str, Any]:
    """What a host holds; of a key, its digest."""
    if isinstance(state, VcenterState):
        return {"signing_cert_chains": state.signing_cert_chains}
    providers = {}

    for name, provider in state.providers.items():
        fields = copy.deepcopy(vars(provider))
        fields["key_derivation_key_sha256"] = _digest(fields.pop("key_derivation_key"))
        providers[name] = fields

    return {
        "providers": providers,
        "issuers": {alias: vars(issuer) for alias, issuer in state.issuers.items()},
        "client_profiles": {identifier: vars(profile) for identifier, profile in state.client_profiles.items()},
    }
