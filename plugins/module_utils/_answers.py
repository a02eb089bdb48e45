# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what came back over the wire into a value or into one error of the family. No I/O.

Sources: the error bodies of the vAPI runtimes, clean form ("api") and older form ("rest"), and the texts that
a host's front proxy (envoy) and its JSON-RPC handler are known to answer with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._libraries import InvalidHeader
from ansible_collections.esx.trust.plugins.module_utils._libraries import Retry
from ansible_collections.esx.trust.plugins.module_utils._operation import Operation

#: What a code alone tells where the body does not name the type. 400 is missing: it stands for too many.
_TYPE_OF_STATUS = {
    401: "UNAUTHENTICATED",
    403: "UNAUTHORIZED",
    404: "NOT_FOUND",
    405: "INVALID_REQUEST",
    409: "CONCURRENT_CHANGE",
    415: "INVALID_REQUEST",
    422: "INVALID_REQUEST",
    429: "SERVICE_UNAVAILABLE",
    500: "INTERNAL_SERVER_ERROR",
    502: "SERVICE_UNAVAILABLE",
    503: "SERVICE_UNAVAILABLE",
    504: "TIMED_OUT",
}
#: The older servers answer NOT_FOUND with this message where the operation itself is unknown.
_UNKNOWN_URL = "com.vmware.vapi.rest.operationsForUrlNotFound"
_LATER = (408, 429, 502, 503, 504)
#: Characters of a host's own words that a message may hold.
_EXCERPT = 200
_MESSAGE = 270
_WEB_PAGE = "a web page"
_BROKEN_JSON = "broken JSON"
_ERROR_TYPE = re.compile(r"[A-Z][A-Z_]{0,63}")
_TYPE_PREFIX = "com.vmware.vapi.std.errors."

_HINTS = {
    "ALREADY_EXISTS": "Somebody else seems to write to this host at the same time; run the task again.",
    "ERROR": "Look into the logs of the host (kmxa.log for key providers, esxtokend.log for issuers and tokens).",
    "INTERNAL_SERVER_ERROR": "Look into the logs of the host (kmxa.log for key providers, esxtokend.log for issuers"
    " and tokens).",
    "INVALID_ARGUMENT": "The host does not accept a value of the options.",
    "UNAUTHORIZED": "Give the account the privilege it needs (IDENTITY_MGMT for token issuers, SECURITY_MGMT for key"
    " providers); in lockdown mode only exception users have any.",
    "OPERATION_NOT_FOUND": "This host's release does not offer it: key providers can be created and read from ESX 7.0"
    " Update 2 on, and the reference has no delete for them.",
    "SERVICE_UNAVAILABLE": "The service is down or starting; try again later.",
    "UNABLE_TO_ALLOCATE_RESOURCE": "The host's licence may not cover this service.",
}
_HINT_NOT_REST = (
    "Check that hostname and port are an ESX host's own, and that its release (7.0 or later) serves this service"
    " over REST."
)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def decode(operation: Operation, answer: Answer, host: str, scrub: Callable[[str], str]) -> Any:
    """The value that `operation` returned, or None where it returns none; of what is not JSON, the bytes.

    host: how to call the host in messages; scrub: takes the secrets out of the host's own words.
    Raises ApiError (judged by its type, never by the HTTP code alone) or UnexpectedAnswer.
    """
    value, is_json = _json(answer.body)
    error = _api_error(operation, answer, value, host, scrub)
    if error is not None:
        raise error
    if not 200 <= answer.status < 300 or (isinstance(value, dict) and "jsonrpc" in value):
        raise _not_the_api(operation, answer, value, is_json, host, scrub)
    # 202 promises work that nobody waits for, 206 a part.
    if answer.status in (202, 206) or not (operation.returns or answer.status in operation.success):
        raise _unexpected(
            operation, answer, f"{host}: {operation.title} was answered with the unusual code {answer.status}."
        )
    if not answer.body.strip():
        if operation.returns:
            raise _unexpected(operation, answer, f"{host}: the answer to {operation.title} is empty.")
        return None
    if operation.media == "xml":
        return _xml(operation, answer, is_json, host, scrub)
    if not is_json:
        what = _describe(operation, answer, scrub)
        raise _unexpected(operation, answer, f"{host}: {operation.title} was answered with {what}.", _HINT_NOT_REST)
    if isinstance(value, dict) and set(value) == {"value"}:
        value = value["value"]  # the older form wraps results
    return value if operation.returns else None


def wrong_shape(operation: Operation, host: str) -> UnexpectedAnswer:
    """The error for JSON that is not what `operation` returns."""
    return UnexpectedAnswer(
        f"{host}: the answer to {operation.title} is JSON, but not of the form that the API documents.",
        _HINT_NOT_REST,
        operation=operation.id,
    )


def _json(body: bytes) -> tuple[Any, bool]:
    try:
        return json.loads(body.decode("utf-8-sig")), True
    except (ValueError, RecursionError):
        return None, False


def _xml(operation: Operation, answer: Answer, is_json: bool, host: str, scrub: Callable[[str], str]) -> bytes:
    """The body, unless it is plainly something else; whoever reads it knows better."""
    what = "JSON" if is_json else _describe(operation, answer, scrub)
    if what in ("JSON", _WEB_PAGE, _BROKEN_JSON):
        raise _unexpected(operation, answer, f"{host}: {operation.title} was answered with {what}.", _HINT_NOT_REST)
    return answer.body


def _unexpected(operation: Operation, answer: Answer, message: str, hint: str = "") -> UnexpectedAnswer:
    """An answer with a success code that is no answer: nobody knows what was done."""
    return UnexpectedAnswer(
        message,
        hint,
        operation=operation.id,
        status=answer.status,
        # A login that is answered so is not ours to repeat: whoever answers gets the password each time.
        retriable=not operation.secret,
        outcome_unknown=True,
    )


def _api_error(
    operation: Operation, answer: Answer, value: Any, host: str, scrub: Callable[[str], str]
) -> Optional[ApiError]:
    """The vAPI error in `value`, in either form; or None if there is none."""
    if not isinstance(value, dict) or "jsonrpc" in value:
        value = {}
    kind, content = value.get("type"), value.get("value")
    if isinstance(kind, str) and isinstance(content, dict):
        named = kind.rpartition(".")[2].upper() if kind.startswith(_TYPE_PREFIX) else None
    else:
        kind, content, named = None, value, None
    looks_like_one = kind is not None or "error_type" in content or isinstance(content.get("messages"), list)
    if answer.status < 400 and not (looks_like_one and ("error_type" in content or kind is not None)):
        return None
    if not looks_like_one and answer.status not in (401, 403):
        return None
    error_type = _type_name(content.get("error_type") or named or _TYPE_OF_STATUS.get(answer.status), scrub)
    texts, ids = _messages(content.get("messages"))
    if error_type == "NOT_FOUND" and _UNKNOWN_URL in ids:
        error_type = "OPERATION_NOT_FOUND"
    data = content.get("data")
    if isinstance(data, dict):
        texts.extend(f"{name}: {text}" for name, text in data.items() if isinstance(text, str))
    # Scrubbed before it is folded and cut, so that no part of a secret stays.
    # What a login failed over while it worked may name the token, which nobody knows yet.
    said = "" if operation.secret and answer.status >= 500 else _cut(printable(scrub("; ".join(texts))), _MESSAGE)
    shown = f" ({answer.status} {error_type})" if error_type else f" ({answer.status})"
    message = f"{host}: {operation.title} failed{shown}" + (f": {said}" if said else "")
    message += "" if message.endswith((".", "!", "?")) else "."
    family = {"UNAUTHENTICATED": Unauthenticated, "UNAUTHORIZED": Unauthorized}.get(error_type or "", ApiError)
    # Whatever a body says, 401 is a refusal, and a refusal is never tried again.
    family = Unauthenticated if answer.status == 401 else family
    return family(
        message,
        _HINTS.get(error_type or "", ""),
        operation=operation.id,
        status=answer.status,
        error_type=error_type,
        retry_after=_retry_after(answer),
        inferred=not (content.get("error_type") or named),
    )


def _type_name(value: Any, scrub: Callable[[str], str]) -> Optional[str]:
    """The name of an error type in the API's spelling. A hostile host could put anything there."""
    if not isinstance(value, str) or scrub(value) != value:
        return None
    name = value.rpartition(".")[2].upper()
    return name if _ERROR_TYPE.fullmatch(name) else None


def _messages(messages: Any) -> tuple[list[str], list[str]]:
    """The texts (outermost first, at most three) and the ids of a list of localizable messages."""
    entries = [entry for entry in messages if isinstance(entry, dict)] if isinstance(messages, list) else []
    texts = []
    for entry in entries[:3]:
        told = [text for text in (entry.get("localized"), entry.get("default_message")) if isinstance(text, str)]
        texts.extend([text.strip() for text in told if text.strip()][:1])
    return texts, [str(entry.get("id")) for entry in entries]


def _not_the_api(
    operation: Operation, answer: Answer, value: Any, is_json: bool, host: str, scrub: Callable[[str], str]
) -> TrustError:
    later = answer.status in _LATER
    details: dict[str, Any] = {
        "operation": operation.id,
        "status": answer.status,
        "retriable": later,
        "outcome_unknown": answer.status >= 500 or answer.status == 408 or answer.status < 400,
        "retry_after": _retry_after(answer),
    }
    if 300 <= answer.status < 400:
        return UnexpectedAnswer(
            f"{host}: {operation.title} was answered with a redirect ({answer.status}), which is not followed.",
            _HINT_NOT_REST,
            **details,
        )
    text = answer.body[:2048].decode("utf-8", "replace")
    if (isinstance(value, dict) and "jsonrpc" in value) or "Unsupported content type" in text:
        return UnexpectedAnswer(
            f"{host}: answers {operation.title} as a JSON-RPC endpoint and does not serve it over REST.",
            _HINT_NOT_REST,
            **details,
        )
    what = "JSON that is no error of the API" if is_json else _describe(operation, answer, scrub)
    hint = _HINTS["SERVICE_UNAVAILABLE"] if later else _HINT_NOT_REST
    return UnexpectedAnswer(
        f"{host}: {operation.title} was answered with code {answer.status} and {what}.", hint, **details
    )


def _describe(operation: Operation, answer: Answer, scrub: Callable[[str], str]) -> str:
    # Scrubbed before it is cut, so that no half of a secret stays.
    said = printable(scrub(answer.body.decode("utf-8", "replace")))
    if not said:
        return "an empty body"
    if said.startswith("<"):
        return _WEB_PAGE if "<html" in said.lower() else "an XML document"
    if said[0] in "{[":
        return _BROKEN_JSON
    if operation.secret:
        return "a text that is not JSON"
    return f"the text '{_cut(said, _EXCERPT)}'"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def printable(text: str) -> str:
    """One line without anything that steers a terminal."""
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))


def _retry_after(answer: Answer) -> Optional[float]:
    """The seconds that the host asks for, by a number or by a date."""
    value = answer.headers.get("Retry-After")
    if not value:
        return None
    try:
        return float(Retry().parse_retry_after(value))
    except (InvalidHeader, ValueError, OverflowError):
        return None
