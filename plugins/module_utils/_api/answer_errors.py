# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that are made of answers in both forms of the API: the API's own errors, and answers of other servers.

Sources: the error types and bodies of the vAPI runtimes, and the known texts of a host's front proxy (envoy) and of its
JSON-RPC handler.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.answer import BodyKind
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._libraries import InvalidHeader
from ansible_collections.esx.trust.plugins.module_utils._libraries import Retry
from ansible_collections.esx.trust.plugins.module_utils._text import cut
from ansible_collections.esx.trust.plugins.module_utils._text import printable

ERROR_PREFIX = "com.vmware.vapi.std.errors."
#: The header in which the vendor's runtimes name the type of an error.
_ERROR_HEADER = "vapi-error"
_REFUSAL = "unauthenticated"
#: HTTP codes after which the same request may succeed later.
_LATER = (408, 429, 502, 503, 504)
#: HTTP codes with which a server answers a request that it does not understand.
_NOT_UNDERSTOOD = (400, 404, 405, 415)
#: The types of errors with which a host says that it has no such operation.
_NO_SUCH_OPERATION = ("NOT_FOUND", "OPERATION_NOT_FOUND", "INVALID_REQUEST", "UNSUPPORTED")
#: The most characters that a message quotes of a host's text.
EXCERPT = 200
#: The same for the text of an API error. With our own sentences such a message has at most about 700 characters.
_MESSAGE = 200
#: The first characters of a host's text, which are searched for secrets. A search of megabytes takes seconds.
_SEARCHED = 4096
#: The last characters of a text that was cut there. They are left out, because the cut may have divided a secret, and
#: the search does not find a half of an encoded secret.
_BEFORE_A_CUT = 256
#: The most characters of an error type's name, its prefix included.
_LONGEST_ERROR_TYPE = 128
_ERROR_TYPE = re.compile(r"[A-Z][A-Z_]{0,63}")
#: The beginning of the message ids with which a server refuses a structure because of its name or its fields.
_OTHER_STRUCTURE = "vapi.data.structure."

_HINT_LOGS = "Look into the logs of the host."
_HINT_STRUCTURE = (
    "The host's release defines the request in another way than this collection. Please report it with the result of"
    " esx_api_info, which compares the two."
)
_HINTS = {
    "ALREADY_EXISTS": "Somebody else seems to write to this host at the same time; run the task again.",
    "ERROR": _HINT_LOGS,
    "INTERNAL_SERVER_ERROR": _HINT_LOGS,
    "INVALID_ARGUMENT": "The host does not accept a value of the options.",
    "UNAUTHORIZED": "Give the account the entitlement it needs; in lockdown mode only exception users have it.",
    "OPERATION_NOT_FOUND": "This host's release does not offer this operation.",
    "SERVICE_UNAVAILABLE": "The service is down or starting; try again later.",
    "UNABLE_TO_ALLOCATE_RESOURCE": "The host's licence may not cover this service.",
    "UNEXPECTED_INPUT": _HINT_STRUCTURE,
}
#: The words in messages for a body of each kind. A text is quoted, and JSON has other words in each form of the API.
_WORDS = {
    BodyKind.EMPTY: "an empty body",
    BodyKind.HTML: "a web page",
    BodyKind.XML: "an XML document",
    BodyKind.BROKEN_JSON: "broken JSON",
}
HINT_NOT_THE_API = (
    "Check that hostname and port are those of an ESX host, and that its release (7.0 or later) offers this service."
)


@dataclass(frozen=True)
class Fault:
    """A vAPI error, as a codec reads it from an answer.

    error_type: the type in the API's spelling, or None.
    inferred: the host did not name the type; the HTTP code implies it.
    texts: the host's messages, the outermost first.
    ids: the ids of these messages.
    status: the HTTP code, or None if it says nothing about the error.
    outcome_unknown: True if the host may have carried out the request; None if the HTTP code decides.
    """

    error_type: Optional[str]
    inferred: bool
    texts: Sequence[str]
    ids: Sequence[str] = ()
    status: Optional[int] = None
    outcome_unknown: Optional[bool] = None


@dataclass(frozen=True)
class Received:
    """The answer to a request, with all that an error about it says.

    title: the name of the operation in messages.
    host: the name of the host in messages.
    scrub: masks the secrets in a text.
    """

    operation: Operation
    title: str
    answer: Answer
    host: str
    scrub: Callable[[str], str]


def api_error(received: Received, fault: Fault) -> ApiError:
    """The error to raise for a vAPI error."""
    operation = received.operation
    answer = received.answer

    error_class = ApiError
    if fault.error_type == "UNAUTHENTICATED" or answer.status == 401:
        # The code 401 is a refusal, whatever the body says, and a refused login is never sent again.
        error_class = Unauthenticated
    elif fault.error_type == "UNAUTHORIZED" or (answer.status == 403 and operation.secret):
        # A login that is answered with 403 is never sent again either.
        error_class = Unauthorized

    error_type = fault.error_type or ""
    hint = operation.hints.get(error_type) or _HINTS.get(error_type, "")
    if _names_other_structure(fault.ids):
        # The type is INVALID_ARGUMENT then, although no option is wrong.
        hint = _HINT_STRUCTURE

    return error_class(
        _message(received, fault),
        hint,
        operation=operation.id,
        status=fault.status,
        error_type=fault.error_type,
        retry_after=retry_after(answer),
        inferred=fault.inferred,
        outcome_unknown=fault.outcome_unknown,
        message_ids=tuple(fault.ids),
    )


def _message(received: Received, fault: Fault) -> str:
    """The sentence for a vAPI error: the code, the type, and the beginning of the host's own messages."""
    message = f"{received.host}: {received.title} failed"

    known = [str(part) for part in (fault.status, fault.error_type) if part is not None]
    if known:
        message += f" ({' '.join(known)})"

    # An error inside of a login may quote the new token, which `scrub` does not know.
    may_quote_a_token = received.operation.secret and _failed_inside(fault)
    if not may_quote_a_token:
        words = excerpt("; ".join(fault.texts), _MESSAGE, received.scrub)
        if words:
            message += f": {words}"

    if not message.endswith((".", "!", "?")):
        message += "."

    return message


def _failed_inside(fault: Fault) -> bool:
    """True if the host failed while it worked on the request."""
    status = fault.status or 0
    return status >= 500 or bool(fault.outcome_unknown)


def error_type_name(value: Any, scrub: Callable[[str], str]) -> Optional[str]:
    """The name of an error type in the API's spelling.

    value: the type as the answer names it, with or without a prefix.

    Returns None for a value that is no such name: a hostile host can write anything there, a secret too.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_ERROR_TYPE:
        return None

    if scrub(value) != value:
        return None

    name = value.rpartition(".")[2].upper()
    return name if _ERROR_TYPE.fullmatch(name) else None


def message_texts(messages: Any) -> list[str]:
    """The texts of the first three of a list of localizable messages, the outermost first.

    If a structure was refused, the innermost message is the first, because only that one tells the expected structure.
    """
    entries = _entries(messages)
    if _names_other_structure(message_ids(messages)):
        entries.reverse()

    texts = []
    for entry in entries[:3]:
        for text in (entry.get("localized"), entry.get("default_message")):
            if isinstance(text, str) and text.strip():
                texts.append(text.strip())
                break

    return texts


def message_ids(messages: Any) -> list[str]:
    """The ids of a list of localizable messages."""
    return [str(entry.get("id")) for entry in _entries(messages)]


def _entries(messages: Any) -> list[dict[str, Any]]:
    """The messages that have the documented form, which is a dictionary."""
    if not isinstance(messages, list):
        return []

    return [entry for entry in messages if isinstance(entry, dict)]


def data_texts(data: Any) -> list[str]:
    """The texts in the `data` of an error, each behind the name of its field."""
    if not isinstance(data, dict):
        return []

    return [f"{name}: {text}" for name, text in data.items() if isinstance(text, str)]


def unexpected(
    received: Received,
    message: str,
    hint: str = "",
    *,
    may_try_other_form: bool = False,
) -> UnexpectedAnswer:
    """The error for an answer that says success and does not have the form of the operation's answer.

    message: the whole sentence, which begins with the host.
    may_try_other_form: True if the server may speak the other form of the API.

    The host may have carried out the request.
    """
    operation = received.operation

    return UnexpectedAnswer(
        message,
        hint,
        operation=operation.id,
        status=received.answer.status,
        # A login is not repeated after such an answer, because an unknown server would get the password again.
        retriable=not operation.secret,
        outcome_unknown=True,
        may_try_other_form=may_try_other_form,
    )


def unexpected_body(
    received: Received,
    body: str,
    *,
    may_try_other_form: bool = False,
) -> UnexpectedAnswer:
    """The error for an answer that says success and whose body is of another kind.

    body: a description of the body.
    may_try_other_form: True if the server may speak the other form of the API.
    """
    return unexpected(
        received,
        f"{received.host}: {received.title} was answered with {body}.",
        HINT_NOT_THE_API,
        may_try_other_form=may_try_other_form,
    )


def wrong_shape(operation: Operation, title: str, host: str) -> UnexpectedAnswer:
    """The error for JSON that does not have the documented form of the operation's result."""
    return UnexpectedAnswer(
        f"{host}: the answer to {title} is JSON, but not of the form that the API documents.",
        HINT_NOT_THE_API,
        operation=operation.id,
    )


def not_the_api(
    received: Received,
    hint: str = HINT_NOT_THE_API,
    may_try_other_form: Optional[bool] = None,
) -> UnexpectedAnswer:
    """The error for an answer that no server of the API gives.

    hint: what to do if the server says neither that it failed nor that the request may succeed later.
    may_try_other_form: True if the server may speak the other form of the API. By default, the answer decides.
    """
    answer = received.answer
    host = received.host
    title = received.title
    details = _details(received)

    if 300 <= answer.status < 400:
        message = f"{host}: {title} was answered with a redirect ({answer.status}), which is not followed."
        details["may_try_other_form"] = bool(may_try_other_form)
        return UnexpectedAnswer(message, hint, **details)

    if may_try_other_form is None:
        may_try_other_form = answer.status in _NOT_UNDERSTOOD and answer.kind is not BodyKind.HTML

    if details["retriable"]:
        hint = _HINTS["SERVICE_UNAVAILABLE"]
    elif answer.status >= 500:
        hint = HINT_NOT_THE_API

    body = describe(received, "JSON that is no error of the API")
    message = f"{host}: {title} was answered with code {answer.status} and {body}."

    return UnexpectedAnswer(message, hint, may_try_other_form=may_try_other_form, **details)


def not_this_form(
    received: Received,
    message: str,
    hint: str,
    may_try_other_form: bool,
) -> UnexpectedAnswer:
    """The error for an answer of a server that speaks the other form of the API.

    may_try_other_form: True if the server did not look at the credentials.
    """
    return UnexpectedAnswer(
        message,
        hint,
        may_try_other_form=may_try_other_form,
        names_other_form=True,
        **_details(received),
    )


def _details(received: Received) -> dict[str, Any]:
    """The attributes of the error for an answer that is none of the API."""
    answer = received.answer

    return {
        "operation": received.operation.id,
        "status": answer.status,
        "retriable": answer.status in _LATER,
        "outcome_unknown": answer.status >= 500 or answer.status == 408 or answer.status < 400,
        "retry_after": retry_after(answer),
    }


def describe(received: Received, json_words: str) -> str:
    """A few words that describe a body.

    json_words: the words for a body that is JSON.
    """
    answer = received.answer
    if answer.is_json:
        return json_words

    if answer.kind is not BodyKind.TEXT:
        return _WORDS[answer.kind]

    if received.operation.secret:
        return "a text that is not JSON"

    return f"the text '{excerpt(answer.text, EXCERPT, received.scrub)}'"


def excerpt(text: str, most: int, scrub: Callable[[str], str]) -> str:
    """The first `most` characters of a host's text, in one line and without secrets."""
    return cut(_readable(text, scrub), most)


def _readable(text: str, scrub: Callable[[str], str]) -> str:
    """The beginning of a text, in one line and without secrets."""
    text = text.removeprefix("\ufeff").lstrip()

    beginning = scrub(text[:_SEARCHED])
    if len(text) > _SEARCHED:
        beginning = beginning[:-_BEFORE_A_CUT]

    # `printable` changes the text, so it comes after the search for secrets.
    return printable(beginning)


def header_says_refused(answer: Answer) -> bool:
    """True if a header of the answer names the refusal of a login. Both forms of the API have this header."""
    return _REFUSAL in str(answer.headers.get(_ERROR_HEADER, "")).lower()


def body_says_refused(operation: Operation, answer: Answer) -> bool:
    """True if the JSON of an answer names the refusal of a login, at any place in it.

    In doubt this is a refusal, because a refused password must never be sent again. Of a write, only an answer in the
    form of JSON-RPC counts: the word alone may be a part of any name or sentence, and after a new login the write would
    be sent again without a look.
    """
    is_write = not operation.reads and not operation.secret
    if is_write and not answer.is_json_rpc:
        return False

    return _REFUSAL in json.dumps(answer.json).lower()


def refuses_structure(error: TrustError) -> bool:
    """True if the server refused a structure of the request because of its name or its fields, and not of a value."""
    return isinstance(error, ApiError) and _names_other_structure(error.message_ids)


def _names_other_structure(ids: Sequence[str]) -> bool:
    """True if one of these message ids says that a structure has another name or other fields than expected."""
    return any(message_id.startswith(_OTHER_STRUCTURE) for message_id in ids)


def says_no_such_operation(error: TrustError) -> bool:
    """True if the type of the error can mean that the host has no such operation.

    For an operation that names a resource, it can also mean that there is no such resource.
    """
    return error.error_type in _NO_SUCH_OPERATION


def retry_after(answer: Answer) -> Optional[float]:
    """The seconds for which the host asks to wait, or None if it does not ask.

    The header Retry-After holds a number of seconds or a date.
    """
    value = answer.headers.get("Retry-After")
    if not value:
        return None

    try:
        return float(Retry().parse_retry_after(value))
    except (InvalidHeader, ValueError, OverflowError):
        return None
