# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole declared trust of a host: all services of the registry, in one plan and with one login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.registry import SERVICES
from ansible_collections.esx.trust.plugins.module_utils._services.results import writing_result
from ansible_collections.esx.trust.plugins.module_utils._services.service import Service

RESOURCE = "host_trust"


def _arguments() -> Arguments:
    """The options of esx_host_trust. At least one of the lists of the services must be given."""
    arguments = HOST_CONNECTION
    list_options: list[str] = []
    for service in SERVICES:
        arguments = arguments.merge(service.arguments)
        list_options.extend(service.list_options)

    return arguments.merge(Arguments(options={}, required_one_of=(tuple(list_options),)))


ARGUMENTS = _arguments()


@dataclass(frozen=True)
class HostTrust:
    """The declaration of a host. services: the declaration for each service, in the order of the registry."""

    services: tuple[Service, ...]

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> HostTrust:
        """Check the module's options. Raises InvalidInput, which names the option and the entry."""
        return cls(tuple(service.from_params(params) for service in SERVICES))

    def logged_in(self, account: Account) -> HostTrust:
        """The same declaration with the account that is logged in, which must not lock itself out."""
        return HostTrust(tuple(service.logged_in(account) for service in self.services))

    @property
    def host(self) -> DeclaredHost:
        """The declaration in the form that the engine takes."""
        return DeclaredHost(self.services)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the declaration itself, whatever the host holds."""
        warnings: list[str] = []
        for service in self.services:
            warnings.extend(service.warnings)

        return tuple(warnings)

    def shown(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record of the host in the form that a diff shows."""
        shown: dict[str, Any] = {}
        for service in self.services:
            shown.update(service.shown(record))

        return shown


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_host_trust: the module's result. Raises TrustError."""
    declared = HostTrust.from_params(params)
    connection = Connection.from_params(params)
    with connect(connection, LOGIN_HINTS, ARGUMENTS.secrets(params)) as client:
        return client.report(converged(client, connection, declared, check_mode=check_mode))


def converged(client: Client, connection: Connection, declared: HostTrust, *, check_mode: bool) -> dict[str, Any]:
    """The module's result, made with a client that is already connected.

    check_mode: if true, nothing is written.
    Raises TrustError.
    """
    trust = declared.logged_in(Account.of_connection(connection))
    outcome = converge(client, trust.host, check_mode=check_mode)
    for service in trust.services:
        if client.api_protocol is None:
            # Nothing was declared that the host had to be asked for. Without an answer, nobody knows whether it is
            # there, and whether it accepts the login.
            service.ping(client)

    after = outcome.after
    for service in trust.services:
        after = service.with_ids(after, outcome.answers)

    outcome = replace(outcome, after=after)
    return {**writing_result(RESOURCE, "", connection, outcome, trust.warnings, trust.shown), **outcome.found}
