# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login to one host: which credentials a request carries, when a token is renewed, and what a refusal means.

Sources: com.vmware.esx.authentication.token (ESX hosts) and com.vmware.cis.session (vCenter).
"""

from __future__ import annotations

from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import AccessToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import Credentials
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SamlToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SessionId
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import UserPassword
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer

TOKEN_CREATE = Operation(
    id="com.vmware.esx.authentication.token.create",
    method="POST",
    path="/api/esx/authentication/token",
    success=(201,),
    errors=("UNAUTHENTICATED",),
    returns=True,
    secret=True,
)
# The session service is vCenter's; hosts are not known to have it.
SESSION_CREATE = Operation(
    id="com.vmware.cis.session.create",
    method="POST",
    path="/api/session",
    success=(201,),
    errors=("UNAUTHENTICATED", "SERVICE_UNAVAILABLE"),
    returns=True,
    secret=True,
)
SESSION_DELETE = Operation(
    id="com.vmware.cis.session.delete",
    method="DELETE",
    path="/api/session",
    success=(204,),
    errors=("UNAUTHENTICATED", "SERVICE_UNAVAILABLE"),
)

#: The ids of the operations that a password is sent to for a token or a session.
LOGIN_OPERATIONS = (TOKEN_CREATE.id, SESSION_CREATE.id)

#: Error types with which a host says that it does not know a login service.
_NO_SUCH_SERVICE = ("NOT_FOUND", "OPERATION_NOT_FOUND", "INVALID_REQUEST", "UNSUPPORTED")
#: The ends of message ids with which esxtokend tells why it refuses (the vendor's message catalogue).
_NO_ENTITLEMENTS = "token.no_entitlements"
_BAD_SCHEME = "bad_authn_scheme"
#: From the same catalogue.
_ONLY_TOKENS = "The services of token issuers and client profiles take only tokens, and no password."


class Login:
    """What a client knows about its login."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._logins_left = 2
        #: The host accepted the credentials once.
        self.proven = False
        #: An answer that may have been a refusal was lost.
        self._doubtful = False

    @property
    def operation(self) -> Optional[Operation]:
        """The operation that gives a token or opens a session; None where requests carry the given credentials."""
        if self._connection.access_token or self._connection.auth_method == "basic":
            return None
        return SESSION_CREATE if self._connection.auth_method == "session" else TOKEN_CREATE

    @property
    def given(self) -> Credentials:
        """The credentials that the options give."""
        connection = self._connection
        if connection.access_token:
            return AccessToken(connection.access_token)
        if connection.saml_token:
            return SamlToken(connection.saml_token)
        return UserPassword(connection.username or "", connection.password or "")

    def begin(self) -> None:
        """Count one use of the login operation."""
        self._logins_left -= 1

    @property
    def renewable(self) -> bool:
        """True if a token that was refused may be replaced by a new one. A refused password is never sent again."""
        return self._logins_left > 0 and self.operation is not None

    def accepted(self) -> None:
        """Note that a request of a service succeeded; its token may be renewed once more when it has expired."""
        self._logins_left = max(self._logins_left, 1)

    def failed(self, error: TrustError, credentials: Credentials, unseen: bool = False) -> None:
        """Note a failed request that carried `credentials`; forbid its repetition where that could lock the account."""
        if isinstance(error, Unauthenticated):
            # A password that was good before and is refused now lacks a permission.
            at_login = error.operation in LOGIN_OPERATIONS
            if isinstance(credentials, UserPassword):
                error.login_refused = at_login or not self.proven
            return
        if self.proven or not error.outcome_unknown or unseen:
            return
        said_by_the_host = error.status in (500, 503) or (isinstance(error, ApiError) and not error.status)
        if said_by_the_host:
            return

        # The lost answer may have been a refusal, and hosts lock an account after five: one more try, no two.
        error.retriable = error.retriable and not self._doubtful
        self._doubtful = True

    def credentials_from(self, operation: Operation, value: Any) -> Optional[Credentials]:
        """The credentials that a login operation returned, or None if its answer has another form."""
        token = value.get("access_token") if operation is TOKEN_CREATE and isinstance(value, dict) else value
        if not isinstance(token, str) or not _fits_in_a_header(token):
            return None
        return SessionId(token) if operation is SESSION_CREATE else AccessToken(token)

    def explain(self, error: Unauthenticated) -> Unauthenticated:
        """The error with a hint about this login."""
        connection = self._connection
        at_login = error.operation in LOGIN_OPERATIONS

        if _has_id(error, _NO_ENTITLEMENTS):
            error.login_refused = False
            error.hint = (
                f"The password of {connection.username!r} may be right, but no client profile of the host gives the"
                " account an entitlement; give it one (IDENTITY_MGMT or SECURITY_MGMT)."
            )
        elif _has_id(error, _BAD_SCHEME):
            error.login_refused = False
            error.hint = "The service takes only tokens; use auth_method token."
        elif connection.access_token:
            error.hint = "The access_token is expired or not one of this host; get a new one."
        elif at_login or connection.auth_method == "basic":
            if connection.saml_token:
                error.hint = "The saml_token may be expired, or of an issuer that the host does not trust."
                return error
            error.hint = (
                f"The login of {connection.username!r} was refused and is not tried again, because hosts lock an"
                " account after five refusals. Check the password; in lockdown mode only exception users may log in,"
                " whom the vCenter shows in the host's Security Profile."
            )
            if not at_login:
                error.hint += f" {_ONLY_TOKENS}"
        else:
            error.hint = (
                "The host gave a token and then refused it: the account may lack the entitlement (IDENTITY_MGMT or"
                " SECURITY_MGMT), or the host wants auth_method basic."
            )
        return error

    def explain_missing_service(self, operation: Operation, error: TrustError) -> None:
        """Put a hint on the error of a host that does not know a login operation."""
        answered = isinstance(error, (ApiError, UnexpectedAnswer))
        if operation is SESSION_CREATE and answered:
            error.hint = "ESX hosts have no session service; use auth_method token or basic."
        elif error.error_type in _NO_SUCH_SERVICE:
            error.hint = (
                f"The host does not offer the token service at this address; try auth_method basic. {_ONLY_TOKENS}"
            )


def _has_id(error: ApiError, end: str) -> bool:
    return any(each.endswith(end) for each in error.message_ids)


def _fits_in_a_header(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable() and token.strip() == token
