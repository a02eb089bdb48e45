# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole declared trust of a host: what the services of the registry declare, in one plan and with one login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.host import Host
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.registry import SERVICES
from ansible_collections.esx.trust.plugins.module_utils._services.results import result
from ansible_collections.esx.trust.plugins.module_utils._services.service import Service

RESOURCE = "host_trust"


def _arguments() -> Arguments:
    arguments = HOST_CONNECTION
    for service in SERVICES:
        arguments = arguments.merge(service.arguments)
    lists = tuple(option for service in SERVICES for option in service.lists)
    return arguments.merge(Arguments(options={}, required_one_of=(lists,)))


ARGUMENTS = _arguments()


@dataclass(frozen=True)
class HostTrust:
    """What is declared of a host, service by service."""

    services: tuple[Service, ...]

    @classmethod
    def declared(cls, params: Mapping[str, Any]) -> HostTrust:
        """Check the module's options. Raises InvalidInput, which names the option and the entry."""
        return cls(tuple(service.declared(params) for service in SERVICES))

    def logged_in(self, account: Account) -> HostTrust:
        """The same where this account is logged in."""
        return HostTrust(tuple(service.logged_in(account) for service in self.services))

    @property
    def host(self) -> Host:
        """The same for the engine."""
        return Host(self.services)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about the declaration itself."""
        return tuple(warning for service in self.services for warning in service.warnings)

    def shown(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record for a diff."""
        return {name: value for service in self.services for name, value in service.shown(record).items()}


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_host_trust: the module's result. Raises TrustError."""
    declared = HostTrust.declared(params)
    connection = Connection.from_params(params)
    with connect(connection, ARGUMENTS.secrets(params)) as client:
        return client.report(converged(client, connection, declared, check_mode))


def converged(client: Client, connection: Connection, declared: HostTrust, check_mode: bool) -> dict[str, Any]:
    """The module's result, over a connection that is open. Raises TrustError."""
    trust = declared.logged_in(Account.of_connection(connection))
    outcome = converge(client, trust.host, check_mode)
    done = result(RESOURCE, "", connection, outcome, trust.warnings, trust.shown)
    for service in trust.services:
        service.tell_ids(done[RESOURCE], outcome.answers)
    return {**done, **outcome.found}
