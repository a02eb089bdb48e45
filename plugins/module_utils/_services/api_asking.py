# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks one host questions over one connection, and reads from the replies what can be published."""

from __future__ import annotations

import time
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Optional
from urllib.parse import urlsplit

from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import says_no_such_operation
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Codec
from ansible_collections.esx.trust.plugins.module_utils._api.connect import CODECS
from ansible_collections.esx.trust.plugins.module_utils._api.connect import redactor_for
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.https_transport import HttpsTransport
from ansible_collections.esx.trust.plugins.module_utils._api.login import lacks_entitlements
from ansible_collections.esx.trust.plugins.module_utils._api.login import wants_only_tokens
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._errors import Untrusted
from ansible_collections.esx.trust.plugins.module_utils._services.api_exchanges import Exchange
from ansible_collections.esx.trust.plugins.module_utils._services.api_exchanges import Recorder

#: After so many lost answers, the host is not asked any more.
_MOST_LOST = 2


@dataclass(frozen=True)
class Reply:
    """The reply to a call.

    value: the answer, if the call succeeded.
    error: the error, if the call failed.
    asked: False if the call was not sent.
    """

    value: Any = None
    error: Optional[TrustError] = None
    asked: bool = True

    @property
    def succeeded(self) -> bool:
        """True if the host carried the call out."""
        return self.asked and self.error is None


#: The reply to a call that was not sent.
NOT_ASKED = Reply(asked=False)


def known_by_answer(reply: Reply, lists: bool) -> Optional[bool]:
    """Whether a host has an operation. None if its answer does not show that.

    lists: True for an operation that names no resource, so that no resource can be missing.
    """
    if not reply.asked:
        return None

    error = reply.error
    if error is None or isinstance(error, Unauthorized) or error.error_type == "INVALID_ARGUMENT":
        return True

    if error.error_type == "OPERATION_NOT_FOUND":
        return False

    is_unexpected = isinstance(error, UnexpectedAnswer)
    if error.error_type != "NOT_FOUND" and not (is_unexpected and error.status == 404):
        return None

    if lists:
        # A list names no resource, so it is the operation that was not found.
        return False

    if error.inferred or is_unexpected:
        return None

    return True


def refusal_reason(error: TrustError) -> str:
    """Why a login failed, in one word."""
    if lacks_entitlements(error):
        return "no_entitlements"

    if wants_only_tokens(error):
        return "tokens_only"

    if isinstance(error, (Unauthenticated, Unauthorized)):
        return "refused"

    is_of_other_form = isinstance(error, UnexpectedAnswer) and error.may_try_other_form
    if says_no_such_operation(error) or is_of_other_form:
        return "not_offered"

    return "failed"


class Probe:
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
        self._lost = 0

    def _client(self, connection: Connection, codecs: Sequence[Codec]) -> Client:
        """A client that shares the connection and the recorder."""
        return Client(connection, self.recorder, codecs, self.redactor)

    def ask(self, question: str, client: Client, call: Call) -> Reply:
        """The reply to a call. After two lost answers, no call is sent any more.

        question: why the call is sent, for the recorder.
        """
        if self._lost >= _MOST_LOST:
            return NOT_ASKED

        self.recorder.question = question
        try:
            return Reply(client.call(call))
        except TrustError as error:
            if isinstance(error, (AnswerLost, Unreachable, Untrusted)):
                self._lost += 1

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


def without_host_name(connection: Connection) -> Connection:
    """The connection with another name of the host, so that no warning of the result names the host."""
    return replace(connection, hostname="the host", port=443)


@contextmanager
def probing(connection: Connection, secrets: set[str]) -> Iterator[Probe]:
    """A probe of a host. Its connection is closed at the end, also after an error."""
    probe = Probe(connection, secrets)
    with probe.client:
        yield probe


def connection_names(connection: Connection) -> list[Optional[str]]:
    """The names in the options of a connection: of the host, the user and the proxy."""
    hostname = connection.hostname
    user = connection.username or ""

    is_address = hostname[:1].isdigit()
    return [
        hostname,
        None if is_address else hostname.partition(".")[0],
        user,
        user.partition("@")[0],
        user.rpartition("\\")[2],
        urlsplit(connection.proxy).hostname if connection.proxy else None,
    ]


def host_names(*lists: Reply) -> list[str]:
    """Every name in the lists of a host: providers, aliases, issuers, the hosts in issuers, and subjects."""
    values: list[Any] = []
    for reply in lists:
        entries = reply.value if isinstance(reply.value, list) else []
        for entry in entries:
            if not isinstance(entry, dict):
                continue

            values += [entry.get(name) for name in ("provider", "issuer_alias", "issuer", "client_profile")]

            subject = entry.get("subject")
            if isinstance(subject, dict):
                values += [subject.get(name) for name in ("name", "domain", "issuer_alias")]

    names = [value for value in values if isinstance(value, str)]
    hosts = [host for host in map(_host_of, names) if host]

    return names + hosts


def _host_of(text: str) -> Optional[str]:
    """The host in a URI, or None."""
    try:
        return urlsplit(text).hostname
    except ValueError:
        return None


def entries_with(value: Any, name: str) -> list[dict[str, Any]]:
    """The entries of a list that have a text under this name. Empty if the value is no list."""
    listed = value if isinstance(value, list) else []
    return [entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get(name), str)]


def chains_in(value: Any) -> Optional[list[dict[str, Any]]]:
    """The certificate chains of an issuer in the answer of a host. None if it has none."""
    chains = value.get("signing_cert_chains") if isinstance(value, dict) else None
    if not isinstance(chains, list):
        return None

    read = []
    for chain in chains:
        texts = chain.get("cert_chain") if isinstance(chain, dict) else None
        if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
            read.append({"cert_chain": texts})

    return read
