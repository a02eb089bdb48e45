# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client: one host's conversation over the API. Knows logins, retries and errors, and no service."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import time
from collections.abc import Iterable
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._answers import decode
from ansible_collections.esx.trust.plugins.module_utils._answers import wrong_shape
from ansible_collections.esx.trust.plugins.module_utils._connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._secrets import Redactor
from ansible_collections.esx.trust.plugins.module_utils._signals import tidying
from ansible_collections.esx.trust.plugins.module_utils._transport import Transport

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

_ACCEPT_XML = "application/samlmetadata+xml, application/xml, text/xml, */*;q=0.1"
#: Error types with which a host says that it does not know a login service.
_NO_SUCH_SERVICE = ("NOT_FOUND", "OPERATION_NOT_FOUND", "INVALID_REQUEST", "UNSUPPORTED")

#: Digests of the logins that were refused in this process. The items of a loop run in one, and five refusals lock an
#: account.
_refused: set[bytes] = set()

#: Seconds before the first repetition; doubled each time, up to the longest.
FIRST_DELAY = 0.5
LONGEST_DELAY = 8.0
#: Seconds a closing request may take: nobody should wait long for a goodbye.
CLOSE_TIMEOUT = 5.0


class Client:
    """Performs operations on one host, over one connection and with one login, made when first needed.

    `connection.retries` is a budget for the whole life of the client, so that the time a run may take has a bound:
    each request and each repetition takes at most the timeout, and a pause of at most the longest delay goes before
    a repetition (or what the host asks for in Retry-After, up to the timeout).

    Use it as a context manager; leaving closes the session and the connection.
    """

    def __init__(self, connection: Connection, secrets: Iterable[Optional[str]] = ()) -> None:
        self._connection = connection
        self._redactor = Redactor({*connection.secrets, *secrets})
        self._transport = Transport(connection, self._redactor.scrub)
        self._authorization: Optional[dict[str, str]] = None
        self._session_open = False
        self._logins_left = 2
        self._login_proven = False
        self._login_doubtful = False
        self._retries_left = connection.retries

    @property
    def host(self) -> str:
        """How messages call the host."""
        return self._connection.name

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()

    def call(
        self,
        operation: Operation,
        path: Optional[Mapping[str, str]] = None,
        query: Iterable[tuple[str, str]] = (),
        body: Optional[Mapping[str, Any]] = None,
    ) -> Any:
        """Perform one operation and return its value.

        A read is repeated, within the budget, where the way or the host failed. A write is repeated only where
        nothing was sent; in doubt the caller has to look, then may `spend_retry` and call again.
        Raises TrustError.
        """
        url_path = operation.url_path(path, query)
        data = None if body is None else json.dumps(body).encode()
        while True:
            try:
                return self._authorized(operation, url_path, data)
            except TrustError as error:
                # A read may also be repeated where the host failed over it.
                failed = isinstance(error, ApiError) and error.outcome_unknown and error.operation == operation.id
                if not (isinstance(error, Unreachable) or (operation.reads and (error.retriable or failed))):
                    raise
                self.spend_retry(error)

    def spend_retry(self, error: TrustError) -> None:
        """Take one repetition from the budget and wait before it; raise `error` if none is left."""
        if self._retries_left <= 0 or (error.retry_after or 0) > self._connection.timeout:
            raise error
        used = self._connection.retries - self._retries_left
        self._retries_left -= 1
        delay = min(FIRST_DELAY * 2**used, LONGEST_DELAY)
        if error.retry_after is not None:
            delay = max(delay, error.retry_after)
        else:
            # Spread the forks of a fleet run.
            delay *= random.uniform(0.5, 1)  # noqa: S311 - no secret hangs on it
        time.sleep(delay)

    def pause(self) -> None:
        """Give the host a moment."""
        time.sleep(FIRST_DELAY)

    def scrub(self, text: str) -> str:
        """Text from the host without the secrets of this run."""
        return self._redactor.scrub(text)

    def scrub_result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """A result with every text in it scrubbed: a host may put anything into what it tells."""
        return {name: self._scrubbed(value) for name, value in result.items()}

    def _scrubbed(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, Mapping):
            return self.scrub_result(value)
        if isinstance(value, (list, tuple)):
            return [self._scrubbed(entry) for entry in value]
        return value

    def wrong_shape(self, operation: Operation) -> UnexpectedAnswer:
        """The error to raise when `operation` returned JSON of another form than documented."""
        return wrong_shape(operation, self.host)

    @tidying()
    def close(self) -> None:
        """End the session, if there is one, and the connection. Never fails."""
        try:
            self._log_out()
        finally:
            self._transport.close()

    def _authorized(self, operation: Operation, url_path: str, data: Optional[bytes]) -> Any:
        """Perform a request with the login, which is renewed when the host no longer accepts it.

        A public operation goes without.
        """
        if operation.public:
            return self._perform(operation, url_path, {}, data)
        if self._authorization is None:
            self._authorization = self._log_in()
        try:
            value = self._perform(operation, url_path, self._authorization, data)
        except Unauthenticated as error:
            # Only a token of ours is renewed. A refused password is never sent again.
            if self._logins_left <= 0 or not self._renewable:
                raise self._explained(error) from error
            self._log_out()
            self._authorization = self._log_in()
            try:
                value = self._perform(operation, url_path, self._authorization, data)
            except Unauthenticated as again:
                raise self._explained(again) from again
        # The login was accepted, so it may be renewed once more when it has expired.
        self._logins_left = max(self._logins_left, 1)
        return value

    def _perform(self, operation: Operation, url_path: str, headers: Mapping[str, str], data: Optional[bytes]) -> Any:
        """Send one request and decode its answer."""
        if not operation.reads:
            headers = {"Content-Type": "application/json", **headers}
        if operation.media == "xml":
            headers = {"Accept": _ACCEPT_XML, **headers}
        login = self._login_digest(headers)
        if login in _refused:
            message = f"{self.host}: this login was refused a moment ago."
            raise Unauthenticated(message, operation=operation.id, error_type="UNAUTHENTICATED")
        try:
            answer = self._transport.send(operation.method, url_path, headers, data)
            value = decode(operation, answer, self.host, self._redactor.scrub)
        except TrustError as error:
            error.operation = operation.id
            # A password that was good before and is refused now lacks a permission.
            if isinstance(error, Unauthenticated) and login is not None and not self._login_proven:
                _refused.add(login)
            proven = self._login_proven or operation.public
            if not proven and error.outcome_unknown and error.status not in (500, 503):
                # What was lost may have been a refusal, and hosts lock an account after five: one more try, no two.
                error.retriable = error.retriable and not self._login_doubtful
                self._login_doubtful = True
            raise
        self._login_proven = self._login_proven or not operation.public
        return value

    def _login_digest(self, headers: Mapping[str, str]) -> Optional[bytes]:
        """What stands for a password on this host, or None if the headers hold none."""
        authorization = headers.get("Authorization", "")
        if not authorization.startswith("Basic "):
            return None
        return hashlib.sha256(f"{self._connection.url} {authorization}".encode()).digest()

    @property
    def _renewable(self) -> bool:
        return self._connection.auth_method != "basic" and not self._connection.access_token

    def _log_in(self) -> dict[str, str]:
        """The headers that carry the login. Sends a password or SAML token at most once unless no answer came."""
        connection = self._connection
        if connection.access_token:
            return {"Authorization": f"Bearer {connection.access_token}"}
        if connection.saml_token:
            credentials = {"Authorization": f'SIGN token="{connection.saml_token}"'}
        else:
            credentials = {"Authorization": f"Basic {connection.basic_credentials}"}
        if connection.auth_method == "basic":
            return credentials
        self._logins_left -= 1
        operation = SESSION_CREATE if connection.auth_method == "session" else TOKEN_CREATE
        value = self._exchange(operation, credentials)
        token = value.get("access_token") if operation is TOKEN_CREATE and isinstance(value, dict) else value
        # A token goes into a header, so it must be fit for one.
        if (
            not isinstance(token, str)
            or not (token.isascii() and token.isprintable())
            or not token.strip() == token > ""
        ):
            raise self.wrong_shape(operation)
        self._redactor.add(token)
        if operation is SESSION_CREATE:
            self._session_open = True
            return {"vmware-api-session-id": token}
        return {"Authorization": f"Bearer {token}"}

    def _log_out(self) -> None:
        """End the session, if there is one. Never fails."""
        if not (self._session_open and self._authorization):
            return
        self._session_open = False
        timeout = min(CLOSE_TIMEOUT, self._connection.timeout)
        # The host ends an idle session by itself, and the work is done or has failed already.
        with contextlib.suppress(TrustError):
            self._transport.send(SESSION_DELETE.method, SESSION_DELETE.path, self._authorization, timeout=timeout)

    def _exchange(self, operation: Operation, credentials: Mapping[str, str]) -> Any:
        """Perform a login operation; repeated, within the budget, while the host has not said no."""
        while True:
            try:
                return self._perform(operation, operation.path, credentials, None)
            except Unauthenticated as error:
                raise self._explained(error) from error
            except TrustError as error:
                if not error.retriable:
                    answered = isinstance(error, (ApiError, UnexpectedAnswer))
                    if error.error_type in _NO_SUCH_SERVICE or (answered and operation is SESSION_CREATE):
                        error.hint = self._no_login_service_hint(operation)
                    raise
                self.spend_retry(error)

    def _no_login_service_hint(self, operation: Operation) -> str:
        if operation is SESSION_CREATE:
            return "ESX hosts have no session service; use auth_method token or basic."
        return "The host does not offer the token service at this address; try auth_method basic."

    def _explained(self, error: Unauthenticated) -> Unauthenticated:
        """The error with what to do about it."""
        connection = self._connection
        if connection.access_token:
            error.hint = "The access_token is expired or not one of this host; get a new one."
        elif error.operation in (TOKEN_CREATE.id, SESSION_CREATE.id) or connection.auth_method == "basic":
            if connection.saml_token:
                error.hint = "The saml_token may be expired, or of an issuer that the host does not trust."
                return error
            error.hint = (
                f"The login of {connection.username!r} was refused and is not tried again, because hosts lock an"
                " account after five refusals. Check the password; in lockdown mode only exception users may log in."
            )
        else:
            error.hint = (
                "The host gave a token and then refused it: the account may lack the entitlement (IDENTITY_MGMT or"
                " SECURITY_MGMT), or the host wants auth_method basic."
            )
        return error
