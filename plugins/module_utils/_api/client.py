# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client: calls the API of one host.

It knows no service of the API, and it leaves the form of requests and answers to a codec.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from collections.abc import Sequence
from types import TracebackType
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import HINT_NOT_THE_API
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import wrong_shape
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Codec
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import AccessToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import Credentials
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import NoCredentials
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SessionId
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import UserPassword
from ansible_collections.esx.trust.plugins.module_utils._api.login import SESSION_DELETE
from ansible_collections.esx.trust.plugins.module_utils._api.login import Login
from ansible_collections.esx.trust.plugins.module_utils._api.login import LoginHints
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.retries import Retries
from ansible_collections.esx.trust.plugins.module_utils._api.transport import Transport
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from ansible_collections.esx.trust.plugins.module_utils._signals import tidying

#: The most seconds for the request that ends a session: the work is done, so nobody should wait long for it.
CLOSE_TIMEOUT = 5.0


class Client:
    """Performs operations on one host, over one connection and with one login.

    connection: the options of the connection. Its `retries` are a budget for the whole life of the client.
    transport: the way to the host.
    codecs: the forms of the API that the host may speak, the likeliest first. The first answer decides.
    redactor: masks the secrets of this run.
    hints: what to do about refused logins.

    The first operation that needs a login logs in. The client is a context manager; its end closes the session and the
    connection.
    """

    def __init__(
        self,
        connection: Connection,
        transport: Transport,
        codecs: Sequence[Codec],
        redactor: Redactor,
        hints: LoginHints,
    ) -> None:
        self._connection = connection
        self._transport = transport
        self._codec, *self._other_codecs = codecs
        self._redactor = redactor
        self._retries = Retries(connection.retries, connection.timeout)
        self._login = Login(connection, hints)
        #: The credentials that the login gave, or None before a login.
        self._credentials: Optional[Credentials] = None
        #: The refusal of a login. This client sends no further login after it, and no request that carries the
        #: password.
        self._refusal: Optional[ApiError] = None
        #: The host answered in the form of the current codec.
        self._form_is_known = False
        #: The answer after which the client turned to the other form.
        self._first_answer: Optional[UnexpectedAnswer] = None
        #: The ids of the operations that the host has answered with a value.
        self._answered: set[str] = set()

    @property
    def host(self) -> str:
        """The name of the host in messages."""
        return self._connection.name

    @property
    def api_protocol(self) -> Optional[str]:
        """The form of the API that the host speaks, `rest` or `jsonrpc`; None while no answer has shown it."""
        return self._codec.name if self._form_is_known else None

    @property
    def repeats_password(self) -> bool:
        """True if every request of this client carries the password, so that each may be a refused login."""
        return self._login.operation is None and isinstance(self._login.given, UserPassword)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if isinstance(error, TrustError):
            # What the error returns, such as the operations so far, may quote the token that the login gave.
            error.secrets = (*error.secrets, *self._redactor.secrets)

            if self.api_protocol:
                error.returned.setdefault("api_protocol", self.api_protocol)

        self.close()

    def call(self, call: Call) -> Any:
        """Perform a call and return its value.

        A read is repeated, within the budget, if the connection or the host failed. A write is not repeated, even if it
        was not sent, because somebody else may change the host during the pause. The caller has to look at the host;
        then it may `spend_retry` and call again.

        Raises TrustError.
        """
        operation = call.operation

        while True:
            try:
                return self._authorized(call)
            except TrustError as error:
                # The login has repetitions of its own, so its errors do not count here.
                host_failed = isinstance(error, ApiError) and error.outcome_unknown and error.operation == operation.id
                may_be_repeated = operation.reads and (error.retriable or host_failed)
                if not may_be_repeated:
                    raise

                self.spend_retry(error)

    def has_answered(self, operation: Operation) -> bool:
        """True if the host has answered this operation with a value before, so that it offers it."""
        return operation.id in self._answered

    @property
    def retries_spent(self) -> int:
        """How many repetitions were taken from the budget. The client waited before each of them."""
        return self._retries.spent

    def spend_retry(self, error: TrustError) -> None:
        """Take one repetition from the budget and wait before it. Raises `error` if none is left."""
        self._retries.spend(error)

    def scrub(self, text: str) -> str:
        """The text with the secrets of this run masked."""
        return self._redactor.scrub(text)

    def report(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a run, with its secrets masked and with the form of the API that the host speaks."""
        complete = dict(result)
        if self.api_protocol:
            complete["api_protocol"] = self.api_protocol

        return self.scrub_result(complete)

    def scrub_result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """The result with the secrets of this run masked in every text, because a host may quote a secret anywhere."""
        return self._redactor.scrub_result(result)

    def wrong_shape(self, operation: Operation) -> UnexpectedAnswer:
        """The error to raise if the value that `operation` returned does not have the documented form."""
        return wrong_shape(operation, self._codec.title(operation), self.host)

    @tidying()
    def close(self) -> None:
        """Close the session, if there is one, and the connection. Never fails."""
        try:
            self._log_out()
        finally:
            self._transport.close()

    def _authorized(self, call: Call) -> Any:
        """Perform a call with the credentials of the login. A public operation is sent without credentials.

        If the host no longer accepts the token or session that the login gave, the client logs in again. If that login
        had to wait, a write is not sent again, see `call`. After a refusal of the login nothing is sent: the refusal is
        raised for each further operation.
        """
        if call.operation.public:
            return self._perform(call, NoCredentials())
        if self._refusal is not None:
            raise self._refusal.again()
        if self._credentials is None:
            self._credentials = self._log_in()

        try:
            value = self._perform(call, self._credentials)
        except Unauthenticated as error:
            # Only a token or a session that a login gave is renewed. A refused password is never sent again.
            if not self._login.renewable:
                refusal = self._login.explain(error)
                if self.repeats_password and refusal.login_refused:
                    self._refusal = refusal.again()

                raise refusal from error

            self._log_out()
            spent_before = self._retries.spent
            self._credentials = self._log_in()

            login_waited = self._retries.spent > spent_before
            if login_waited and not call.operation.reads:
                raise Unreachable(
                    f"{self.host}: the write was not sent again, because the new login took a while.",
                    HINT_RUN_AGAIN,
                    operation=call.operation.id,
                ) from error

            try:
                value = self._perform(call, self._credentials)
            except Unauthenticated as again:
                raise self._login.explain(again) from again

        self._login.accepted()
        return value

    def _perform(self, call: Call, credentials: Credentials) -> Any:
        """Send a call and decode its answer; send it in the other form if the host shows that it speaks that form."""
        try:
            return self._perform_once(call, credentials)
        except UnexpectedAnswer as error:
            if self._form_is_known or not error.may_try_other_form or not self._other_codecs:
                raise

            if self._first_answer is not None and self._first_answer.names_other_form and error.retriable:
                # The server speaks this form, as its first answer shows, and is only busy.
                raise

            if self._first_answer is not None:
                # The host speaks neither form. Its first answer says more about the server than the second one.
                self._first_answer.reword(hint=f"It did not answer over JSON-RPC either. {HINT_NOT_THE_API}")
                raise self._first_answer from error

            self._first_answer = error
            self._codec = self._other_codecs[0]

        return self._perform(call, credentials)

    def _perform_once(self, call: Call, credentials: Credentials) -> Any:
        """Send a call in the current form of the API and decode its answer.

        Records whether the answer accepted the login.
        """
        operation = call.operation
        request = self._codec.encode(call, credentials)
        headers = dict(request.headers)
        if self._other_codecs and not self._form_is_known:
            # A JSON-RPC endpoint answers in JSON-RPC only if this header is there, also for a request without a body.
            headers["Content-Type"] = "application/json"

        try:
            answer = self._transport.send(request.method, request.path, headers, request.body)
            value = self._codec.decode(operation, answer, self.host, self._redactor.scrub)
        except TrustError as error:
            error.operation = operation.id
            self._note_failure(operation, credentials, error)
            raise

        self._form_is_known = True
        self._answered.add(operation.id)
        if not operation.public:
            self._login.proven = True

        return value

    def _note_failure(
        self,
        operation: Operation,
        credentials: Credentials,
        error: TrustError,
    ) -> None:
        """Record what a failed call shows of the host's form of the API and of the login."""
        named_by_the_host = isinstance(error, ApiError) and not error.inferred
        if named_by_the_host or error.confirms_form:
            self._form_is_known = True

        if operation.public:
            return

        # The host judges the token first. An expired token may then be replaced later in the run.
        token_was_accepted = named_by_the_host and not error.outcome_unknown and not isinstance(error, Unauthenticated)
        if token_was_accepted and isinstance(credentials, (AccessToken, SessionId)):
            self._login.accepted()

        # In this case the host did not look at the login, which is sent once more in the other form.
        unseen = error.may_try_other_form and bool(self._other_codecs) and not self._first_answer
        self._login.failed(error, credentials, unseen)

    def _log_in(self) -> Credentials:
        """Log in and return the credentials for all further requests.

        A password or a SAML token is sent only once, unless no answer came. After a refusal it is never sent again.
        """
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
        """Perform a login operation and return its value.

        It is repeated, within the budget, as long as the host has not refused the login.
        """
        while True:
            try:
                return self._perform(operation(), self._login.given)
            except Unauthenticated as error:
                refusal = self._login.explain(error)
                self._refusal = refusal.again()
                raise refusal from error
            except TrustError as error:
                if not error.retriable:
                    self._login.explain_missing_service(operation, error)
                    if isinstance(error, Unauthorized):
                        self._refusal = error.again()

                    raise

                self.spend_retry(error)

    def _log_out(self) -> None:
        """Close the session, if there is one. Never fails."""
        credentials = self._credentials
        self._credentials = None
        if not isinstance(credentials, SessionId):
            return

        timeout = min(CLOSE_TIMEOUT, self._connection.timeout)

        # An error does no harm: the host closes an idle session by itself, and the work is over already.
        with contextlib.suppress(TrustError):
            request = self._codec.encode(SESSION_DELETE(), credentials)
            self._transport.send(
                request.method,
                request.path,
                request.headers,
                request.body,
                timeout=timeout,
            )
