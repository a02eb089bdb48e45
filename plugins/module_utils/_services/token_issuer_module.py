# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules esx_token_issuer and esx_token_issuer_info: their options and their results."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_plan
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_model
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import validity_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import ISSUERS_OPTION
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import PROFILES_OPTION
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import IssuersAndProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.names import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result
from ansible_collections.esx.trust.plugins.module_utils._services.results import writing_result
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer import DECLARATION
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_reading import list_issuers

ARGUMENTS = HOST_CONNECTION.merge(DECLARATION)
INFO_ARGUMENTS = HOST_CONNECTION.merge(Arguments(options={"issuer_alias": {"type": "str"}, "issuer": {"type": "str"}}))


def host_with_issuer(desired: DesiredTokenIssuer, account: Account = UNKNOWN) -> DeclaredHost:
    """The declaration of a host with one token issuer. account: the account that is logged in."""
    declared = IssuersAndProfiles(issuers=(desired,), account=account, complete=False)
    return DeclaredHost((declared,), single_resource=True)


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_token_issuer: the module's result. Raises TrustError."""
    desired = DesiredTokenIssuer.from_params(params)
    connection = Connection.from_params(params)
    declared = host_with_issuer(desired, Account.of_connection(connection))
    warnings = validity_warnings(desired.chains, datetime.datetime.now(datetime.timezone.utc))

    with connect(connection, LOGIN_HINTS, ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, declared, check_mode=check_mode)
        alias = desired.issuer_alias
        result = writing_result(RESOURCE, alias, connection, outcome, warnings, token_issuer_model.shown)

        profiles = client_profile_plan.touched(outcome.steps)
        if profiles:
            # The profiles are only in the diff, because the record is that of the issuer.
            before, after = profiles
            result["diff"]["before"][PROFILES_OPTION] = before
            result["diff"]["after"][PROFILES_OPTION] = after

        return client.report(result)


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """esx_token_issuer_info: the module's result. Raises TrustError."""
    connection = Connection.from_params(params)
    wanted_alias = params["issuer_alias"]
    wanted_issuer = params["issuer"]

    for option in ("issuer_alias", "issuer"):
        if params[option] is not None:
            check_name(option, params[option])

    records = []
    warnings = []
    with connect(connection, LOGIN_HINTS, INFO_ARGUMENTS.secrets(params)) as client:
        for issuer in sorted(list_issuers(client), key=lambda issuer: issuer.issuer_alias):
            if wanted_alias not in (None, issuer.issuer_alias) or wanted_issuer not in (None, issuer.issuer):
                continue

            records.append(issuer.record())
            if issuer.marker:
                warnings.append(
                    f"{connection.name}: the alias {issuer.issuer_alias!r} holds the marker of an interrupted renaming:"
                    f" {issuer.marker.describe()}. Run the task that renames it again; it finishes the renaming."
                )

        return client.report(info_result(ISSUERS_OPTION, records, connection, warnings))
