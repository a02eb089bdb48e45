# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules esx_client_profile and esx_client_profile_info: their options and their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_model
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import DECLARATION
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import SUBJECT_OPTIONS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_reading import list_profiles
from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import PROFILES_OPTION
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import IssuersAndProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.names import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result
from ansible_collections.esx.trust.plugins.module_utils._services.results import writing_result

ARGUMENTS = HOST_CONNECTION.merge(DECLARATION)
INFO_ARGUMENTS = HOST_CONNECTION.merge(Arguments(options=SUBJECT_OPTIONS))


def host_with_profile(desired: DesiredClientProfile, account: Account = UNKNOWN) -> DeclaredHost:
    """The declaration of a host with one client profile. account: the account that is logged in."""
    declared = IssuersAndProfiles(profiles=(desired,), account=account, complete=False)
    return DeclaredHost((declared,), single_resource=True)


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_client_profile: the module's result. Raises TrustError."""
    desired = DesiredClientProfile.from_params(params)
    connection = Connection.from_params(params)
    declared = host_with_profile(desired, Account.of_connection(connection))

    with connect(connection, LOGIN_HINTS, ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, declared, check_mode=check_mode)
        (after,) = client_profile.with_ids([outcome.after], outcome.answers)
        outcome = replace(outcome, after=after)

        label = desired.subject.label
        return client.report(writing_result(RESOURCE, label, connection, outcome, (), client_profile_model.shown))


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """esx_client_profile_info: the module's result. Raises TrustError."""
    connection = Connection.from_params(params)
    wanted = {option: params[option] for option in SUBJECT_OPTIONS if params[option] is not None}
    for option, value in wanted.items():
        check_name(option, value)

    warnings: list[str] = []
    records = []
    with connect(connection, LOGIN_HINTS, INFO_ARGUMENTS.secrets(params)) as client:
        profiles = list_profiles(client)
        if profiles is None:
            warnings.append(f"{connection.name}: the host has no service of client profiles, so it has none to show.")

        for profile in sorted(profiles or (), key=lambda profile: (profile.label, profile.profile or "")):
            if wanted.items() <= profile.subject.options().items():
                records.append(profile.record())

        return client.report(info_result(PROFILES_OPTION, records, connection, warnings))
