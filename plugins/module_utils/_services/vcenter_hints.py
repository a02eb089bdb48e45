# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hints for the errors of a vCenter."""

from __future__ import annotations

from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.login import SESSION_CREATE
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import BROKER_DISCOVERY
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import BROKER_JWKS
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_operations import SIGNING_CERTIFICATE

_CHECK = "Check that hostname and port are those of a vCenter, and that sso_domain is the name of its SSO domain."
_CHECK_BROKER = (
    "Check that hostname and port are those of an identity broker of VCF 9, and that broker_tenant is its tenant."
)


def hint_for_form(operation: Optional[str]) -> str:
    """The hint for an answer of another form."""
    return _CHECK_BROKER if operation in (BROKER_DISCOVERY.id, BROKER_JWKS.id) else _CHECK


def hint_for(error: TrustError, connection: Connection) -> str:
    """The hint for an error of a vCenter. Empty if the hint for hosts is right for a vCenter too."""
    later = error.retriable and (error.status or 0) >= 400
    if later or not isinstance(error, (ApiError, UnexpectedAnswer)):
        return ""

    if error.operation == SESSION_CREATE.id and isinstance(error, Unauthorized):
        return "The vCenter does not let this account log in, or a proxy before it does not let the login through."

    if error.operation == SESSION_CREATE.id and not isinstance(error, Unauthenticated):
        return "Check that hostname and port are those of a vCenter, 7.0 or later; ESX hosts have no session service."

    if error.operation not in (SESSION_CREATE.id, SIGNING_CERTIFICATE.id):
        return hint_for_form(error.operation)

    if isinstance(error, Unauthenticated):
        if connection.access_token or connection.saml_token:
            return ""

        if error.operation == SIGNING_CERTIFICATE.id and connection.auth_method == "session":
            return "The vCenter opened a session and then did not accept it; run the task again."

        return (
            f"The login of {connection.username!r} was refused and is not tried again, because a vCenter locks an"
            " account after five refusals. Check the password, and that the name has its domain, as in"
            " administrator@vsphere.local."
        )

    if isinstance(error, Unauthorized):
        return "Give the account the privilege System.Read on the vCenter, which the role Read-only has."

    if error.status is not None and error.status >= 500:
        return "Look into the logs of the vCenter."

    return (
        "A vCenter offers this from 7.0 Update 3 on. Check that hostname and port are those of a vCenter; use source"
        " oidc or saml for an older one."
    )
