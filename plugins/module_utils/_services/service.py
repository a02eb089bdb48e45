# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of a service of esx_host_trust: a service of the engine that also has options of the module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import ClassVar
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_service import DeclaredService
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.resource_facts import ResourceFacts


class Service(DeclaredService, Protocol):
    """The methods that esx_host_trust needs of a service, besides those that the engine needs."""

    #: What is true of each kind of resource of the service, in the order of `kinds`.
    resources: ClassVar[tuple[ResourceFacts, ...]]
    #: The options of esx_host_trust that list the resources of the service. The records have the same names.
    list_options: ClassVar[tuple[str, ...]]
    #: All options of esx_host_trust that belong to the service.
    arguments: ClassVar[Arguments]

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Service:
        """The declaration in the options of esx_host_trust. It may be empty.

        Raises InvalidInput, which names the option and the entry.
        """

    def logged_in(self, account: Account) -> Service:
        """The same declaration with the account that is logged in, which must not lock itself out."""
        return self

    def ping(self, client: Client) -> None:
        """Ask the host for something that the service offers, to prove that it answers. A service need not do it.

        Raises TrustError.
        """
        return

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the declaration itself, whatever the host holds."""
        return ()
