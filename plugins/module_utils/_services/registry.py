# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services there are, and in which order a host is written: added in this order, removed in reverse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import ClassVar
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Resource
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import IssuersAndProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import KmsProviders


class Service(Resource, Protocol):
    """What esx_host_trust asks of a service besides what the engine asks."""

    #: The options of esx_host_trust that list its resources; records stand under the same names.
    lists: ClassVar[tuple[str, ...]]
    #: Its options of esx_host_trust.
    arguments: ClassVar[Arguments]

    @classmethod
    def declared(cls, params: Mapping[str, Any]) -> Service:
        """What the options of esx_host_trust declare of it, which may be nothing. Raises InvalidInput."""

    def logged_in(self, account: Account) -> Service:
        """The same where this account is logged in, so that nothing is planned that locks it out."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about the declaration itself."""


SERVICES: tuple[type[Service], ...] = (KmsProviders, IssuersAndProfiles)
