# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules esx_kms_provider and esx_kms_provider_info: their options and their results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import DECLARATION
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_reading import list_providers
from ansible_collections.esx.trust.plugins.module_utils._services.kms_providers import LIST_OPTION
from ansible_collections.esx.trust.plugins.module_utils._services.kms_providers import KmsProviders
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.names import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result
from ansible_collections.esx.trust.plugins.module_utils._services.results import writing_result

ARGUMENTS = HOST_CONNECTION.merge(DECLARATION)
INFO_ARGUMENTS = HOST_CONNECTION.merge(Arguments(options={"provider": {"type": "str"}, "available": {"type": "bool"}}))


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_kms_provider: the module's result. Raises TrustError."""
    desired = DesiredKmsProvider.from_params(params)
    host = DeclaredHost((KmsProviders((desired,)),), single_resource=True)

    connection = Connection.from_params(params)
    with connect(connection, LOGIN_HINTS, ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, host, check_mode=check_mode)
        return client.report(writing_result(RESOURCE, desired.provider, connection, outcome, ()))


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """esx_kms_provider_info: the module's result. Raises TrustError."""
    connection = Connection.from_params(params)
    name = params["provider"]
    if name is not None:
        name = check_name("provider", name)

    with connect(connection, LOGIN_HINTS, INFO_ARGUMENTS.secrets(params)) as client:
        records, warnings = list_providers(client, name=name, available=params["available"])
        return client.report(info_result(LIST_OPTION, records, connection, warnings))
