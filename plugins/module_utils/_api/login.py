# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login to one host: the credentials of its requests, the renewal of tokens, and the meaning of a refusal.

Sources: com.vmware.esx.authentication.token (ESX hosts) and com.vmware.cis.session (vCenter).
"""

from __future__ import annotations

from typing import Any
from typing import Optional
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import says_no_such_operation
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
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
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
# vCenter has the session service. No ESX host is known to have it.
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

#: The ids of the operations that take a password and give a token or a session.
LOGIN_OPERATIONS = (TOKEN_CREATE.id, SESSION_CREATE.id)

#: The ends of the message ids with which the service esxtokend gives its reason for a refusal. Source: the vendor's
#: message catalogue.
_NO_ENTITLEMENTS = "token.no_entitlements"
_BAD_SCHEME = "bad_authn_scheme"


class LoginHints(Protocol):
    """The hints about a login that need knowledge of the services. The layer of the services has them."""

    @property
    def only_tokens(self) -> str:
        """A sentence that says which services take no password."""

    def no_entitlements(self, connection: Connection) -> str:
        """What to do if the host knows the account and grants it nothing."""

    def refused_token(self, connection: Connection) -> str:
        """What to do if a service refuses the token that the host has just given."""


class Login:
    """The knowledge of a client about its login."""

    def __init__(self, connection: Connection, hints: LoginHints) -> None:
        self._connection = connection
        self._hints = hints
        #: How many times the client may still log in: at the beginning, and once to renew a token.
        self._logins_left = 2
        #: The host has accepted the credentials.
        self.proven = False
        #: An answer was lost that may have been a refusal.
        self._doubtful = False

    @property
    def operation(self) -> Optional[Operation]:
        """The operation that gives a token or opens a session.

        None if every request carries the credentials of the options.
        """
        connection = self._connection
        if connection.access_token or connection.auth_method == "basic":
            return None

        if connection.auth_method == "session":
            return SESSION_CREATE

        return TOKEN_CREATE

    @property
    def given(self) -> Credentials:
        """The credentials of the options."""
        connection = self._connection
        if connection.access_token:
            return AccessToken(connection.access_token)
        if connection.saml_token:
            return SamlToken(connection.saml_token)

        return UserPassword(connection.username or "", connection.password or "")

    def begin(self) -> None:
        """Count one login."""
        self._logins_left -= 1

    @property
    def renewable(self) -> bool:
        """True if the client may replace a refused token by a new one. A refused password is never sent again."""
        return self._logins_left > 0 and self.operation is not None

    def accepted(self) -> None:
        """Note that a request succeeded. The client may then renew the token once more when it has expired."""
        self._logins_left = max(self._logins_left, 1)

    def failed(
        self,
        error: TrustError,
        credentials: Credentials,
        unseen: bool = False,
    ) -> None:
        """Note a failed request, and forbid its repetition if that could lock the account.

        error: the error of the request. It is changed.
        credentials: the credentials of the request.
        unseen: True if the host did not look at the credentials.
        """
        if isinstance(error, Unauthenticated):
            if isinstance(credentials, UserPassword):
                # If the host accepted this password before and refuses it now, the account lacks a permission.
                at_login = error.operation in LOGIN_OPERATIONS
                error.login_refused = at_login or not self.proven

            return

        if isinstance(error, Unauthorized) and error.operation in LOGIN_OPERATIONS:
            # A host may answer so for a locked account, so no other task may send the password again.
            error.login_refused = isinstance(credentials, UserPassword) and not lacks_entitlements(error)

        if self.proven:
            return

        if not unseen and _may_hide_a_refusal(error):
            # Hosts lock an account after five refusals. So the request may be repeated once, and not twice.
            error.retriable = error.retriable and not self._doubtful
            self._doubtful = True

        # A lost answer stays in doubt, whatever error the repetition has. No other task may send the login in this run.
        error.login_in_doubt = self._doubtful and isinstance(credentials, UserPassword)

    def credentials_from(self, operation: Operation, value: Any) -> Optional[Credentials]:
        """The credentials in the value that a login operation returned, or None if they cannot be found there."""
        token = value
        if operation is TOKEN_CREATE and isinstance(value, dict):
            token = value.get("access_token")

        if not isinstance(token, str) or not _fits_in_a_header(token):
            return None

        if operation is SESSION_CREATE:
            return SessionId(token)

        return AccessToken(token)

    def explain(self, error: Unauthenticated) -> Unauthenticated:
        """The error of a refusal, with a hint that is true for this login."""
        if lacks_entitlements(error) or wants_only_tokens(error):
            error.login_refused = False

        error.reword(hint=self._hint_of_refusal(error))
        return error

    def _hint_of_refusal(self, error: Unauthenticated) -> str:
        """What to do after a refusal."""
        connection = self._connection

        if lacks_entitlements(error):
            return self._hints.no_entitlements(connection)

        if wants_only_tokens(error):
            return "The service takes only tokens; use auth_method token."

        if connection.access_token:
            return "The access_token is expired, or another host gave it; get a new one."

        at_login = error.operation in LOGIN_OPERATIONS
        sends_login = at_login or connection.auth_method == "basic"
        if not sends_login:
            return self._hints.refused_token(connection)

        if connection.saml_token:
            return "The saml_token may be expired, or of an issuer that the host does not trust."

        hint = (
            f"The login of {connection.username!r} was refused and is not tried again, because hosts lock an"
            " account after five refusals. Check the password; in lockdown mode only exception users may log in,"
            " whom the vCenter shows in the host's Security Profile."
        )

        return hint if at_login else f"{hint} {self._hints.only_tokens}"

    def explain_missing_service(self, operation: Operation, error: TrustError) -> None:
        """Give the error a hint if it means that the host has no such login operation."""
        if isinstance(error, Unauthorized):
            # A service that forbids a login exists.
            return

        host_answered = isinstance(error, (ApiError, UnexpectedAnswer))
        if operation is SESSION_CREATE and host_answered:
            error.reword(hint="ESX hosts have no session service; use auth_method token or basic.")
        elif says_no_such_operation(error) and self._connection.saml_token:
            error.reword(
                hint=("The host does not offer the token service at this address. No other service takes a saml_token.")
            )
        elif says_no_such_operation(error):
            error.reword(
                hint=(
                    "The host does not offer the token service at this address; try auth_method basic."
                    f" {self._hints.only_tokens}"
                )
            )


def is_refused_login(error: TrustError) -> bool:
    """True if the host refused the login itself, so that no further operation of the client can succeed."""
    is_refusal = isinstance(error, (Unauthenticated, Unauthorized))
    return error.login_refused or (is_refusal and is_of_login(error))


def is_of_login(error: TrustError) -> bool:
    """True if the error is about the login, so that the operation that needed the login was not carried out."""
    return error.operation in LOGIN_OPERATIONS


def _may_hide_a_refusal(error: TrustError) -> bool:
    """True if the answer to a login was lost, so that it may have been a refusal."""
    # These are answers of the host itself, and they are no refusals.
    is_answer_of_the_host = error.status in (500, 503) or (isinstance(error, ApiError) and not error.status)
    return error.outcome_unknown and not is_answer_of_the_host


def lacks_entitlements(error: TrustError) -> bool:
    """True if the host refused a login because the account has no entitlement."""
    return _has_id(error, _NO_ENTITLEMENTS)


def wants_only_tokens(error: TrustError) -> bool:
    """True if the service refused a password because it takes only tokens."""
    return _has_id(error, _BAD_SCHEME)


def _has_id(error: TrustError, end: str) -> bool:
    """True if the error holds a message whose id ends with `end`."""
    if not isinstance(error, ApiError):
        return False

    return any(message_id.endswith(end) for message_id in error.message_ids)


def _fits_in_a_header(token: str) -> bool:
    """True for a text that a header of HTTP can carry: printable ASCII without blanks at its ends."""
    return bool(token) and token.isascii() and token.isprintable() and token.strip() == token
