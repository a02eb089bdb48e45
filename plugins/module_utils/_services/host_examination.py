# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit's view of a host: what is declared, compared with what is there, and every key provider that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import HostTrust
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import converged


def examine(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """The result of esx_host_trust in check mode, and RV(key_providers), the result of esx_kms_provider_info.

    Both are read under one login. Raises TrustError; key providers that cannot be listed are no such error, the failure
    stands in their place.
    """
    declared = HostTrust.declared(params)
    connection = Connection.from_params(params)
    with connect(connection, ARGUMENTS.secrets(params)) as client:
        try:
            done = converged(client, connection, declared, check_mode=True)
        except TrustError as error:
            if "resources" in error.returned:
                error.returned["key_providers"] = _key_providers(client)
            raise
        done["key_providers"] = _key_providers(client)
        return client.report(done)


def _key_providers(client: Client) -> dict[str, Any]:
    warnings: list[str] = []
    try:
        listed: dict[str, Any] = {"changed": False, "kms_providers": kms_provider.list_providers(client, warnings)}
    except TrustError as error:
        return {"failed": True, "changed": False, "msg": str(error), "failure": error.failure()}
    return {**listed, "warnings": warnings} if warnings else listed
