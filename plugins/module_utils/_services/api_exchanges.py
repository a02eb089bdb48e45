# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes the form of each request and of its answer, which can be published."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import PATH as JSON_RPC_PATH
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import from_wire
from ansible_collections.esx.trust.plugins.module_utils._api.transport import Transport
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import body_word
from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import content_type
from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import error_in
from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import field_paths
from ansible_collections.esx.trust.plugins.module_utils._services.api_token_facts import TokenFacts
from ansible_collections.esx.trust.plugins.module_utils._services.api_token_facts import token_facts

#: The credentials of a request that has none.
NO_CREDENTIALS = "none"
#: The credentials of a request that has an access token.
TOKEN_CARRIERS = ("Authorization Bearer", "securityCtx oauth")

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,47}")
_SCHEMES = ("Basic", "Bearer", "SIGN", "Digest", "Negotiate", "NTLM")
_LOGIN_SERVICES = (".authentication.token", ".cis.session")
_LOGIN_PATHS = ("/authentication/token", "/api/session")


@dataclass(frozen=True)
class Exchange:
    """The form of one request and of its answer. It holds no value that a person has chosen.

    question: why the request was sent.
    login: True for an attempt to log in.
    credentials: the kind of credentials in the request, or "none".
    status: the HTTP status code, None if there was no answer.
    content_type, body, error, headers, challenges, fields: facts about the answer.
    """

    question: str
    api_protocol: str
    method: str
    login: bool
    credentials: str
    status: Optional[int] = None
    content_type: Optional[str] = None
    body: Optional[str] = None
    error: Optional[str] = None
    headers: tuple[str, ...] = ()
    challenges: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    token: Optional[TokenFacts] = field(default=None, repr=False)

    def record(self) -> dict[str, Any]:
        """The record that the modules return."""
        record = {}
        for name, value in asdict(self).items():
            if name != "token":
                record[name] = list(value) if isinstance(value, tuple) else value

        return record


class Recorder:
    """A transport that notes the form of each request and answer.

    transport: sends the requests.
    now: seconds since the epoch.
    exchanges: the notes so far.
    question: why the next requests are sent.
    """

    def __init__(self, transport: Transport, now: float) -> None:
        self._transport = transport
        self._now = now
        self.exchanges: list[Exchange] = []
        self.question = ""

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Optional[bytes] = None,
        timeout: Optional[float] = None,
    ) -> Answer:
        """See Transport. Raises TrustError."""
        try:
            answer = self._transport.send(method, path, headers, body, timeout)
        except TrustError:
            self.exchanges.append(exchange(self.question, method, path, headers, body, None, self._now))
            raise

        self.exchanges.append(exchange(self.question, method, path, headers, body, answer, self._now))
        return answer

    def close(self) -> None:
        """See Transport."""
        self._transport.close()


def exchange(
    question: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: Optional[bytes],
    answer: Optional[Answer],
    now: float,
) -> Exchange:
    """The form of a request and of its answer.

    answer: None if there was no answer.
    now: seconds since the epoch.
    """
    over_json_rpc = path == JSON_RPC_PATH
    if over_json_rpc:
        credentials = _credentials(headers, body)
        at_login = headers.get("vapi-service", "").endswith(_LOGIN_SERVICES)
    else:
        credentials = _credentials(headers, None)
        at_login = path.endswith(_LOGIN_PATHS)

    request = Exchange(
        question=question,
        api_protocol="jsonrpc" if over_json_rpc else "rest",
        method=method,
        login=at_login and credentials != NO_CREDENTIALS,
        credentials=credentials,
    )
    if answer is None:
        return request

    return _with_answer(request, answer, now)


def _with_answer(request: Exchange, answer: Answer, now: float) -> Exchange:
    """The form of a request, with the form of its answer added."""
    headers = {name for name in answer.headers if _HEADER.fullmatch(name)}
    challenge = answer.headers.get("WWW-Authenticate") or ""
    challenges = [scheme for scheme in _SCHEMES if re.search(rf"\b{scheme}\b", challenge)]

    return replace(
        request,
        status=answer.status,
        content_type=content_type(answer.headers.get("Content-Type") or ""),
        body=body_word(answer),
        error=error_in(answer),
        headers=tuple(sorted(headers, key=str.lower)),
        challenges=tuple(challenges),
        fields=field_paths(answer.json) if answer.is_json else (),
        token=token_facts(_token_in(answer), now) if request.login else None,
    )


def _credentials(headers: Mapping[str, str], envelope: Optional[bytes]) -> str:
    """The kind of credentials in a request, without their values. envelope: the body of a JSON-RPC request."""
    if envelope is not None:
        context = json.loads(envelope)["params"]["ctx"].get("securityCtx", {})
        scheme = str(context.get("schemeId", "")).rpartition(".")[2]

        return f"securityCtx {scheme}" if scheme else NO_CREDENTIALS

    if "Authorization" in headers:
        return f"Authorization {headers['Authorization'].partition(' ')[0]}"

    if "vmware-api-session-id" in headers:
        return "vmware-api-session-id"

    return NO_CREDENTIALS


def _token_in(answer: Answer) -> Optional[str]:
    """The token in the answer to a login, in either form of the API, or None."""
    value = answer.json
    if answer.is_json_rpc:
        result = value.get("result")
        value = from_wire(result.get("output")) if isinstance(result, dict) else None

    if isinstance(value, dict) and isinstance(value.get("value"), dict):
        value = value["value"]

    token = value.get("access_token") if isinstance(value, dict) else None
    return token if isinstance(token, str) else None
