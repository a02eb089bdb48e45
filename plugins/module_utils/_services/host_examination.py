# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines a host for an audit: compares it with the declaration, and lists all its key providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider_reading
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import HostTrust
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import converged
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS


def examine(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """The result of esx_host_trust in check mode, with the result of esx_kms_provider_info in `key_providers`.

    Both are read with one login. If the key providers cannot be listed, `key_providers` holds the failure.

    params: the options of esx_host_trust.
    Raises TrustError, also if the host refused the login only when the key providers were listed. Its `returned` also
    has `key_providers` if the host could be compared.
    """
    declared = HostTrust.from_params(params)
    connection = Connection.from_params(params)
    with connect(connection, LOGIN_HINTS, ARGUMENTS.secrets(params)) as client:
        try:
            done = converged(client, connection, declared, check_mode=True)
        except TrustError as error:
            if "resources" in error.returned:
                error.returned["key_providers"], failure = _key_providers(client)
                # The next task must not send a refused password again.
                error.login_refused = error.login_refused or (failure is not None and failure.login_refused)

            raise

        done["key_providers"], failure = _key_providers(client)
        if failure is not None and failure.login_refused:
            compared = {name: done[name] for name in ("resources", "key_providers")}
            failure.returned = client.scrub_result(compared)
            raise failure

        return client.report(done)


def _key_providers(client: Client) -> tuple[dict[str, Any], Optional[TrustError]]:
    """The result of esx_kms_provider_info, and the error if it failed. It does not raise TrustError."""
    try:
        records, warnings = kms_provider_reading.list_providers(client)
    except TrustError as error:
        return error.result(), error

    result: dict[str, Any] = {"changed": False, "kms_providers": records}
    if warnings:
        result["warnings"] = warnings

    return result, None
