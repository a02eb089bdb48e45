# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one simulated host, and what its services do to it. Plain Python, no I/O."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import ClassVar

from simulator import certificates
from simulator.accounts import Account
from simulator.accounts import Accounts
from simulator.accounts import Principal
from simulator.errors import ApiError
from simulator.errors import message
from simulator.faults import FaultQueue
from simulator.journal import Journal
from simulator.settings import Settings

TRUST = "com.vmware.esx.authentication.trust.security_token_issuers."
PROFILES = "com.vmware.esx.authentication.client_profiles."
ISSUER_EXISTS = TRUST + "issuer_already_exists"


@dataclass
class Provider:
    """A key provider. The API never gives the key back; it is kept for the tests."""

    type: str = "NATIVE"
    key_id: str | None = None
    key_derivation_key: str | None = field(default=None, repr=False)
    available: bool = True
    details: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Issuer:
    """A trusted issuer; `chains` hold canonical PEM certificates, leaf first."""

    issuer: str
    chains: list[list[str]] = field(default_factory=list)


@dataclass
class ClientProfile:
    """What one subject may do; `grants` are kept as the API writes them."""

    type: str = "LOCAL_USER"
    name: str | None = None
    issuer_alias: str | None = None
    domain: str | None = None
    grants: list[dict[str, Any]] = field(default_factory=list)
    privileges: dict[str, list[str]] | None = None

    @property
    def subject(self) -> tuple[str, str | None, str | None, str | None]:
        """The identity of a profile."""
        return self.type, self.name, self.issuer_alias, self.domain

    @property
    def entitlements(self) -> set[str]:
        """The names of what it grants."""
        named = (grant for grant in self.grants if grant.get("resource_type") == "ENTITLEMENT")
        return {grant["entitlement"] for grant in named if "entitlement" in grant}


@dataclass
class Snapshot:
    """A copy of what the services keep."""

    providers: dict[str, Provider]
    issuers: dict[str, Issuer]
    client_profiles: dict[str, ClientProfile]


@dataclass
class Connections:
    """TLS connections of clients."""

    handshakes: int = 0
    """Begun, also those that a client broke off because it did not like the certificate."""
    opened: int = 0
    open_now: int = 0
    peak: int = 0


class Clock:
    """A clock that a test can set forward."""

    def __init__(self, source: Callable[[], float]) -> None:
        self._source = source
        self.advanced = 0.0

    def __call__(self) -> float:
        return self._source() + self.advanced


class HostState:
    """Everything a host remembers."""

    kind: ClassVar[str] = "esx"
    """Which operations it has; see routing.OPERATIONS."""
    settings_type: ClassVar[type[Settings]] = Settings

    def __init__(
        self,
        address: str,
        name: str,
        username: str,
        password: str,
        clock: Callable[[], float],
        initial: Callable[[HostState], None] | None = None,
        first_settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.address = address
        self.name = name
        self.username = username
        self.password = password
        self._clock_source = clock
        self._initial = initial
        self._first_settings = dict(first_settings or {})
        self.connections = Connections()
        self.reset()

    @property
    def place(self) -> str:
        """The address and the name, for which its certificate is good."""
        return f"{self.address} {self.name}"

    def reset(self) -> None:
        """As at the start; only the connections that are still open stay counted."""
        self.clock = Clock(self._clock_source)
        self.settings = self.settings_type.model_validate(self._first_settings)
        self.late: list[Any] = []
        """Requests on which the host acts late; see delivery.Late."""
        self.accounts = Accounts(self.clock, {self.username: Account(self.password)})
        self.providers: dict[str, Provider] = {}
        self.issuers: dict[str, Issuer] = {}
        self.client_profiles: dict[str, ClientProfile] = {}
        self.journal = Journal()
        self.faults = FaultQueue()
        open_now = self.connections.open_now
        self.connections = Connections(0, 0, open_now, open_now)
        if self._initial is not None:
            self._initial(self)

    # Changes by the service itself.

    def create_provider(self, name: str, key_id: str, key_derivation_key: str) -> None:
        if name in self.providers:
            raise ApiError("ALREADY_EXISTS", message(f"The provider '{name}' already exists.", "provider_exists"))
        self.providers[name] = Provider("NATIVE", key_id, key_derivation_key)

    def provider(self, name: str) -> Provider:
        if name not in self.providers:
            raise ApiError("NOT_FOUND", message("There is no such provider.", "provider_not_found"))
        return self.providers[name]

    def create_issuer(self, alias: str, issuer: str, chains: list[list[str]]) -> None:
        holder = self.alias_of(issuer)

        if holder is not None:
            words = f"The issuer '{issuer}' is already saved as '{holder}'."
            raise ApiError(
                "ALREADY_EXISTS",
                message(words, ISSUER_EXISTS, params={"issuerAlias": holder}),
                data={"issuer": issuer, "issuer_alias": holder} if self.settings.already_exists_data else None,
                data_structure=ISSUER_EXISTS + "_info",
            )

        if alias in self.issuers:
            raise ApiError("ALREADY_EXISTS", message(f"The alias '{alias}' is already in use.", "alias_exists"))
        self.issuers[alias] = Issuer(issuer, chains)

    def issuer(self, alias: str) -> Issuer:
        if alias not in self.issuers:
            raise ApiError("NOT_FOUND", message("There is no such security token issuer.", "issuer_not_found"))
        return self.issuers[alias]

    def delete_issuer(self, alias: str) -> None:
        """Also deletes the client profiles that name the alias, on hosts that do so."""
        self.issuer(alias)
        del self.issuers[alias]

        if self.settings.profiles_cascade:
            self.client_profiles = {
                identifier: profile
                for identifier, profile in self.client_profiles.items()
                if profile.issuer_alias != alias
            }

    def create_client_profile(self, profile: ClientProfile) -> str:
        """The id of the new profile."""
        if any(each.subject == profile.subject for each in self.client_profiles.values()):
            raise ApiError("ALREADY_EXISTS", message("A client profile of this subject exists.", "profile_exists"))
        identifier = str(uuid.uuid4())
        self.client_profiles[identifier] = profile

        return identifier

    def client_profile(self, identifier: str) -> ClientProfile:
        if identifier not in self.client_profiles:
            words = f"There is no client profile '{identifier}'."
            raise ApiError("NOT_FOUND", message(words, PROFILES + "not_found", params={"profile": identifier}))

        return self.client_profiles[identifier]

    def entitlements(self, principal: Principal) -> set[str]:
        """What somebody may do: his account's own, and what client profiles grant."""
        granted = set(principal.entitlements)
        for profile in self.client_profiles.values():
            if _is_of(profile, principal):
                granted |= profile.entitlements

        return granted

    def update_issuer(self, alias: str, issuer: str | None, chains: list[list[str]] | None) -> None:
        record = self.issuer(alias)
        if issuer is not None and self.alias_of(issuer) not in (None, alias):
            raise ApiError("INVALID_ARGUMENT", message("Another alias holds this issuer.", "issuer_taken"))
        if issuer is not None:
            record.issuer = issuer
        if chains is not None:
            record.chains = chains

    def alias_of(self, issuer: str) -> str | None:
        return next((alias for alias, record in self.issuers.items() if record.issuer == issuer), None)

    # Changes from outside: a test that sets the scene, or "another client".

    def put_provider(self, name: str, **fields: Any) -> None:
        """Creates the provider, or changes the given fields of it."""
        current = self.providers.get(name, Provider())
        self.providers[name] = Provider(**{**vars(current), **fields})

    def put_issuer(self, alias: str, issuer: str | None = None, chains: list[list[str]] | None = None) -> None:
        """Creates the issuer, or changes the given fields of it."""
        current = self.issuers.get(alias) or Issuer(issuer or alias)
        canonical = None if chains is None else [[certificates.canonical(text) for text in chain] for chain in chains]
        self.issuers[alias] = Issuer(
            current.issuer if issuer is None else issuer, current.chains if canonical is None else canonical
        )

    def put_client_profile(self, identifier: str | None = None, **fields: Any) -> str:
        """Creates the client profile, or changes the given fields of it; its id."""
        known = identifier or str(uuid.uuid4())
        current = self.client_profiles.get(known, ClientProfile())
        self.client_profiles[known] = ClientProfile(**{**vars(current), **fields})

        return known

    def apply(self, changes: list[dict[str, Any]]) -> None:
        """Changes by another client; see faults.Change."""
        for change in changes:
            fields = {key: value for key, value in change.items() if key != "change" and value is not None}
            if change["change"] == "put_provider":
                self.put_provider(fields.pop("provider"), **fields)
            elif change["change"] == "delete_provider":
                self.providers.pop(fields["provider"], None)
            elif change["change"] == "put_issuer":
                self.put_issuer(fields["issuer_alias"], fields.get("issuer"), fields.get("chains"))
            elif change["change"] == "put_client_profile":
                self.put_client_profile(fields.pop("client_profile", None), **fields)
            elif change["change"] == "delete_client_profile":
                self.client_profiles.pop(fields["client_profile"], None)
            else:
                self.issuers.pop(fields["issuer_alias"], None)

    def snapshot(self) -> Snapshot:
        return copy.deepcopy(Snapshot(self.providers, self.issuers, self.client_profiles))


def _is_of(profile: ClientProfile, principal: Principal) -> bool:
    """The profile's subject is somebody, or a group of his."""
    if profile.type == "LOCAL_USER":
        return principal.issuer_alias is None and profile.name == principal.name
    if (profile.issuer_alias, profile.domain) != (principal.issuer_alias, principal.domain):
        return False
    if profile.type == "EXTERNAL_USER":
        return profile.name == principal.name

    return profile.type == "EXTERNAL_GROUP" and profile.name in principal.groups
