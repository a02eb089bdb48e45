# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client: one host's conversation over the API. It knows no service, and leaves the form of the API to a codec."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from collections.abc import Sequence
from types import TracebackType
from typing import Any
from typing import Optional
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.answer import HINT_NOT_THE_API
from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.answer import wrong_shape
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Codec
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import AccessToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import Credentials
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import NoCredentials
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SessionId
from ansible_collections.esx.trust.plugins.module_utils._api.login import SESSION_DELETE
from ansible_collections.esx.trust.plugins.module_utils._api.login import Login
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.retries import Retries
from ansible_collections.esx.trust.plugins.module_utils._api.secrets import Redactor
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._signals import tidying

#: Seconds a closing request may take: nobody should wait long for a goodbye.
CLOSE_TIMEOUT = 5.0


class Wire(Protocol):
    """The way to one host: sends requests, one at a time, and reads their whole answers. See Transport."""

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Optional[bytes] = None,
        timeout: Optional[float] = None,
    ) -> Answer:
        """Send one request and read its answer. Raises TrustError."""

    def close(self) -> None:
        """Close the connection."""


class Client:
    """Performs operations on one host, over one connection and with one login, made when first needed.

    connection: the options of the connection. wire: the way to the host.
    codecs: the forms of the API that the host may speak, the likeliest first; the first answer decides.
    redactor: knows the secrets of this run.

    `connection.retries` is a budget for the whole life of the client.
    Use it as a context manager; leaving closes the session and the connection.
    """

    def __init__(self, connection: Connection, wire: Wire, codecs: Sequence[Codec], redactor: Redactor) -> None:
        self._connection = connection
        self._wire = wire
        self._codec, *self._other_codecs = codecs
        self._redactor = redactor
        self._retries = Retries(connection.retries, connection.timeout)
        self._login = Login(connection)
        #: The credentials of the login that was made.
        self._credentials: Optional[Credentials] = None
        #: The host answered in the form of the codec.
        self._form_is_known = False
        #: The answer that made the client try the other form.
        self._first_answer: Optional[UnexpectedAnswer] = None
        #: The ids of the operations that the host has answered with a value.
        self._answered: set[str] = set()

    @property
    def host(self) -> str:
        """The name of the host in messages."""
        return self._connection.name

    @property
    def api_protocol(self) -> Optional[str]:
        """The form of the API that the host speaks, or None while no answer told it."""
        return self._codec.name if self._form_is_known else None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        if isinstance(error, TrustError) and self.api_protocol:
            error.returned.setdefault("api_protocol", self.api_protocol)
        self.close()

    def call(self, call: Call) -> Any:
        """Perform a call and return its value.

        A read is repeated, within the budget, where the way or the host failed. A write is repeated only where
        nothing was sent; in doubt the caller has to look, then may `spend_retry` and call again.
        Raises TrustError.
        """
        operation = call.operation
        while True:
            try:
                return self._authorized(call)
            except TrustError as error:
                host_failed = isinstance(error, ApiError) and error.outcome_unknown and error.operation == operation.id
                repeatable = operation.reads and (error.retriable or host_failed)
                if not (isinstance(error, Unreachable) or repeatable):
                    raise
                self.spend_retry(error)

    def has_answered(self, operation: Operation) -> bool:
        """True if the host has answered this operation with a value before, so that it offers it."""
        return operation.id in self._answered

    def spend_retry(self, error: TrustError) -> None:
        """Take one repetition from the budget and wait before it; raise `error` if none is left."""
        self._retries.spend(error)

    def scrub(self, text: str) -> str:
        """Text from the host without the secrets of this run."""
        return self._redactor.scrub(text)

    def report(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a run: scrubbed, and with the form of the API that the host speaks."""
        form = {"api_protocol": self.api_protocol} if self.api_protocol else {}
        return self.scrub_result({**result, **form})

    def scrub_result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """A result with every text in it scrubbed: a host may put anything into what it tells."""
        return self._redactor.scrub_result(result)

    def wrong_shape(self, operation: Operation) -> UnexpectedAnswer:
        """The error to raise when `operation` returned a value of another form than documented."""
        return wrong_shape(operation, self._codec.title(operation), self.host)

    @tidying()
    def close(self) -> None:
        """End the session, if there is one, and the connection. Never fails."""
        try:
            self._log_out()
        finally:
            self._wire.close()

    def _authorized(self, call: Call) -> Any:
        """Perform a call with the login, which is renewed when the host no longer accepts it.

        A public operation goes without.
        """
        if call.operation.public:
            return self._perform(call, NoCredentials())
        if self._credentials is None:
            self._credentials = self._log_in()

        try:
            value = self._perform(call, self._credentials)
        except Unauthenticated as error:
            # Only a token of ours is renewed. A refused password is never sent again.
            if not self._login.renewable:
                raise self._login.explain(error) from error
            self._log_out()
            self._credentials = self._log_in()
            try:
                value = self._perform(call, self._credentials)
            except Unauthenticated as again:
                raise self._login.explain(again) from again

        self._login.accepted()
        return value

    def _perform(self, call: Call, credentials: Credentials) -> Any:
        """Send one request and decode its answer; ask in the other form where the host shows that it speaks that."""
        try:
            return self._perform_once(call, credentials)
        except UnexpectedAnswer as error:
            if self._form_is_known or not error.other_form or not self._other_codecs:
                raise
            if self._first_answer is not None:
                # Neither form: the first answer tells more about who is there.
                self._first_answer.hint = f"It did not answer over JSON-RPC either. {HINT_NOT_THE_API}"
                raise self._first_answer from error
            self._first_answer = error
            self._codec = self._other_codecs[0]

        return self._perform(call, credentials)

    def _perform_once(self, call: Call, credentials: Credentials) -> Any:
        operation = call.operation
        request = self._codec.encode(call, credentials)
        headers = dict(request.headers)
        if self._other_codecs and not self._form_is_known:
            # A JSON-RPC endpoint tells what it is only to a request that says it is JSON, also to one without a body.
            headers["Content-Type"] = "application/json"

        try:
            answer = self._wire.send(request.method, request.path, headers, request.body)
            value = self._codec.decode(operation, answer, self.host, self._redactor.scrub)
        except TrustError as error:
            error.operation = operation.id
            if (isinstance(error, ApiError) and not error.inferred) or error.own_form:
                self._form_is_known = True
            if not operation.public:
                # Nobody looked at the login, and it goes out once more in the other form.
                unseen = error.other_form and bool(self._other_codecs) and not self._first_answer
                self._login.failed(error, credentials, unseen)
            raise

        self._form_is_known = True
        self._answered.add(operation.id)
        if not operation.public:
            self._login.proven = True
        return value

    def _log_in(self) -> Credentials:
        """The credentials of a login. Sends a password or SAML token at most once unless no answer came."""
        operation = self._login.operation
        if operation is None:
            return self._login.given

        self._login.begin()
        value = self._exchange(operation)
        credentials = self._login.credentials_from(operation, value)
        if credentials is None:
            raise self.wrong_shape(operation)

        if isinstance(credentials, AccessToken):
            self._redactor.add(credentials.token)
        elif isinstance(credentials, SessionId):
            self._redactor.add(credentials.id)
        return credentials

    def _exchange(self, operation: Operation) -> Any:
        """Perform a login operation; repeated, within the budget, while the host has not said no."""
        while True:
            try:
                return self._perform(operation(), self._login.given)
            except Unauthenticated as error:
                raise self._login.explain(error) from error
            except TrustError as error:
                if not error.retriable:
                    self._login.explain_missing_service(operation, error)
                    raise
                self.spend_retry(error)

    def _log_out(self) -> None:
        """End the session, if there is one. Never fails."""
        credentials, self._credentials = self._credentials, None
        if not isinstance(credentials, SessionId):
            return
        timeout = min(CLOSE_TIMEOUT, self._connection.timeout)
        # The host ends an idle session by itself, and the work is done or has failed already.
        with contextlib.suppress(TrustError):
            request = self._codec.encode(SESSION_DELETE(), credentials)
            self._wire.send(request.method, request.path, request.headers, request.body, timeout=timeout)
