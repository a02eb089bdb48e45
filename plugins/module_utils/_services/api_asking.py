# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks one host questions over one connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Codec
from ansible_collections.esx.trust.plugins.module_utils._api.connect import CODECS
from ansible_collections.esx.trust.plugins.module_utils._api.connect import redactor_for
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.https_transport import HttpsTransport
from ansible_collections.esx.trust.plugins.module_utils._api.login import is_refused_login
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._errors import Untrusted
from ansible_collections.esx.trust.plugins.module_utils._services.api_exchanges import Exchange
from ansible_collections.esx.trust.plugins.module_utils._services.api_exchanges import Recorder
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import NOT_ASKED
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import Reply
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS

#: After so many lost answers, the host is not asked any more.
_MOST_LOST = 2


class Asker:
    """Asks one host over one connection.

    connection: the options of the connection.
    secrets: the values that must not be printed.
    client: makes the login that the options ask for.
    recorder: notes the form of each request and answer.
    """

    def __init__(self, connection: Connection, secrets: set[str]) -> None:
        self.connection = connection
        self.redactor = redactor_for(connection, secrets)
        self.recorder = Recorder(HttpsTransport(connection, self.redactor.scrub), time.time())
        self.client = self._client(connection, CODECS[connection.api_protocol])
        #: The refusal of the login that the options ask for, if the host refused it.
        self.refusal: Optional[TrustError] = None
        #: A service refused a request that carried the password.
        self._password_is_refused = False
        self._lost = 0

    def _client(self, connection: Connection, codecs: Sequence[Codec]) -> Client:
        """A client that shares the connection and the recorder."""
        return Client(connection, self.recorder, codecs, self.redactor, LOGIN_HINTS)

    def ask(self, question: str, client: Client, call: Call) -> Reply:
        """The reply to a call. After two lost answers, no call is sent any more.

        After a refusal, no further request carries the password, because a host may count each of them.

        question: why the call is sent, for the recorder.
        """
        login_is_refused = client is self.client and self.refusal is not None
        carries_password = client.repeats_password and not call.operation.public
        password_is_refused = carries_password and self._password_is_refused
        if login_is_refused or password_is_refused or self._lost >= _MOST_LOST:
            return NOT_ASKED

        self.recorder.question = question
        try:
            return Reply(client.call(call))
        except TrustError as error:
            if isinstance(error, (AnswerLost, Unreachable, Untrusted)):
                self._lost += 1

            if client is self.client and is_refused_login(error):
                self.refusal = error
            if carries_password and isinstance(error, Unauthenticated):
                self._password_is_refused = True

            return Reply(error=error)

    @property
    def codec(self) -> Codec:
        """The form of the API that the host has. If that is not known, the form in which it was asked first."""
        codecs = CODECS[self.client.api_protocol or self.connection.api_protocol]
        return codecs[0]

    def other_login(self, auth_method: str) -> Client:
        """A client that logs in with the same password in another way."""
        connection = replace(self.connection, auth_method=auth_method, retries=0)
        return self._client(connection, (self.codec,))

    def client_without_login(self, codec: Codec) -> Client:
        """A client for questions without credentials. It repeats no request."""
        connection = replace(self.connection, retries=0)
        return self._client(connection, (codec,))

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """The forms of all requests and answers so far."""
        return self.recorder.exchanges


@contextmanager
def asking(connection: Connection, secrets: set[str]) -> Iterator[Asker]:
    """The asker of a host. Its connection is closed at the end, also after an error."""
    asker = Asker(connection, secrets)
    with asker.client:
        yield asker
