# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hints about a login that need knowledge of the services: who grants entitlements, and who takes no password."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.login import LoginHints


class _LoginHints(LoginHints):
    """See `LoginHints` for the methods."""

    @property
    def only_tokens(self) -> str:
        # Source: the vendor's message catalogue.
        return "The services of token issuers and client profiles take only tokens, and no password."

    def no_entitlements(self, connection: Connection) -> str:
        if connection.saml_token:
            return (
                "The saml_token may be right, but no client profile of the host gives its user or a group of the user"
                " an entitlement; give it one (IDENTITY_MGMT or SECURITY_MGMT)."
            )

        return (
            f"The password of {connection.username!r} may be right, but no client profile of the host gives the"
            " account an entitlement; give it one (IDENTITY_MGMT or SECURITY_MGMT)."
        )

    def refused_token(self, connection: Connection) -> str:
        if connection.saml_token:
            return (
                "The host gave a token and then refused it: the user of the saml_token may lack the entitlement"
                " (IDENTITY_MGMT or SECURITY_MGMT)."
            )

        return (
            "The host gave a token and then refused it: the account may lack the entitlement (IDENTITY_MGMT or"
            " SECURITY_MGMT), or the host wants auth_method basic for key providers."
        )


LOGIN_HINTS = _LoginHints()
