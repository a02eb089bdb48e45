# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one simulated host, and what its two services do to it. Plain Python, no I/O."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import ClassVar

from simulator import certificates
from simulator.accounts import Account
from simulator.accounts import Accounts
from simulator.errors import ApiError
from simulator.errors import message
from simulator.faults import FaultQueue
from simulator.journal import Journal
from simulator.settings import Settings

ISSUER_EXISTS = "com.vmware.esx.authentication.trust.security_token_issuers.issuer_already_exists"


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
    ) -> None:
        self.address = address
        self.name = name
        self.username = username
        self.password = password
        self._clock_source = clock
        self._initial = initial
        self.connections = Connections()
        self.reset()

    def reset(self) -> None:
        """As at the start; only the connections that are still open stay counted."""
        self.clock = Clock(self._clock_source)
        self.settings = self.settings_type()
        self.late: list[Any] = []
        """Requests on which the host acts late; see delivery.Late."""
        self.accounts = Accounts(self.clock, {self.username: Account(self.password)})
        self.providers: dict[str, Provider] = {}
        self.issuers: dict[str, Issuer] = {}
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
            raise ApiError(
                "ALREADY_EXISTS",
                message(f"The issuer '{issuer}' is already saved as '{holder}'.", ISSUER_EXISTS),
                data={"issuer": issuer, "issuer_alias": holder},
            )
        if alias in self.issuers:
            raise ApiError("ALREADY_EXISTS", message(f"The alias '{alias}' is already in use.", "alias_exists"))
        self.issuers[alias] = Issuer(issuer, chains)

    def issuer(self, alias: str) -> Issuer:
        if alias not in self.issuers:
            raise ApiError("NOT_FOUND", message("There is no such security token issuer.", "issuer_not_found"))
        return self.issuers[alias]

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
            else:
                self.issuers.pop(fields["issuer_alias"], None)

    def snapshot(self) -> tuple[dict[str, Provider], dict[str, Issuer]]:
        return copy.deepcopy((self.providers, self.issuers))
