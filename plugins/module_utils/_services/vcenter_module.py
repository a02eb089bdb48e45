# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module vcenter_token_issuer_info: its options and its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._api.rest import path_element
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.names import check_name
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter import Vcenter
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter import need_parser

#: The name of the return value with the records.
_RECORDS = "token_issuers"
_NO_TOKENS = (
    "auth_method: token works with ESX hosts only, because a vCenter has no token service; use session or basic."
)
_IMPOSTOR = "put certificates of its own in place of the vCenter's"

INFO_ARGUMENTS = CONNECTION.merge(
    Arguments(
        options={
            # It has no fall-back: VMWARE_AUTH_METHOD is set for hosts, and a vCenter does not have their usual method.
            "auth_method": {
                "type": "str",
                "choices": ["session", "basic", "token"],
                "default": "session",
            },
            "source": {
                "type": "str",
                "choices": ["certificate_management", "oidc", "saml", "broker"],
                "default": "certificate_management",
            },
            "sso_domain": {"type": "str", "default": "vsphere.local"},
            "broker_tenant": {"type": "str", "default": "CUSTOMER"},
        }
    )
)


def needs_login(source: Optional[str]) -> bool:
    """True if a source is read with a login. The others are published for everybody.

    source: the option, or None for its default.
    """
    return source in (None, "certificate_management")


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """vcenter_token_issuer_info: the module's result. Raises TrustError."""
    source = params["source"]
    managed = needs_login(source)
    if managed and params["auth_method"] == "token":
        raise InvalidInput(_NO_TOKENS)

    if source == "saml":
        need_parser()

    sso_domain = path_element("sso_domain", check_name("sso_domain", params["sso_domain"]))
    broker_tenant = path_element("broker_tenant", check_name("broker_tenant", params["broker_tenant"]))

    connection = Connection.from_params(params, public=not managed)
    with connect(connection, LOGIN_HINTS, INFO_ARGUMENTS.secrets(params), codecs=(REST,)) as client:
        vcenter = Vcenter(client, connection, sso_domain, broker_tenant)
        read = {
            "certificate_management": vcenter.managed,
            "oidc": vcenter.oidc,
            "saml": vcenter.saml,
            "broker": vcenter.broker,
        }

        records = [issuer.record() for issuer in read[source]()]
        danger = f"read the login, and {_IMPOSTOR}" if managed else _IMPOSTOR
        result = info_result(_RECORDS, records, connection, vcenter.warnings, danger)

        return client.scrub_result(result)
