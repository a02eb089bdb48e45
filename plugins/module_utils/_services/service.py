# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service is to esx_host_trust: a resource of the engine that has options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import ClassVar
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Resource
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments


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
        return self

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about the declaration itself."""
        return ()
