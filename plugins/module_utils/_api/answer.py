# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both forms of the API have in common in their answers: errors, and answers from elsewhere.

Sources: the error types and bodies of the vAPI runtimes, and the texts that a host's front proxy (envoy) and its
JSON-RPC handler are known to answer with.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._libraries import InvalidHeader
from ansible_collections.esx.trust.plugins.module_utils._libraries import Retry
from ansible_collections.esx.trust.plugins.module_utils._text import cut
from ansible_collections.esx.trust.plugins.module_utils._text import printable

ERROR_PREFIX = "com.vmware.vapi.std.errors."
#: HTTP codes that say that the same request may succeed later.
_LATER = (408, 429, 502, 503, 504)
#: Codes with which a server answers a request that it does not understand.
_NOT_UNDERSTOOD = (400, 404, 405, 415)
#: Characters of a host's own words that a message may hold.
EXCERPT = 200
#: What the collection adds behind them makes a message longer, up to about 700 characters in all.
_MESSAGE = 200
#: Characters of a host's own words that are looked at. To search megabytes for secrets takes seconds.
_LOOKED_AT = 4096
#: Characters before such a cut that nobody sees: a short secret, whatever it is dressed in, may have been cut there.
_AT_THE_CUT = 256
#: Characters of the longest name of an error type, its prefix included.
_LONGEST_ERROR_TYPE = 128
_ERROR_TYPE = re.compile(r"[A-Z][A-Z_]{0,63}")

_WEB_PAGE = "a web page"
_BROKEN_JSON = "broken JSON"

_HINT_LOGS = "Look into the logs of the host."
_HINTS = {
    "ALREADY_EXISTS": "Somebody else seems to write to this host at the same time; run the task again.",
    "ERROR": _HINT_LOGS,
    "INTERNAL_SERVER_ERROR": _HINT_LOGS,
    "INVALID_ARGUMENT": "The host does not accept a value of the options.",
    "UNAUTHORIZED": "Give the account the privilege it needs; in lockdown mode only exception users have any.",
    "OPERATION_NOT_FOUND": "This host's release does not offer this operation.",
    "SERVICE_UNAVAILABLE": "The service is down or starting; try again later.",
    "UNABLE_TO_ALLOCATE_RESOURCE": "The host's licence may not cover this service.",
}
HINT_NOT_THE_API = (
    "Check that hostname and port are an ESX host's own, and that its release (7.0 or later) serves this service."
)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Fault:
    """A vAPI error, as a codec reads it from an answer.

    error_type: in the API's spelling, or None. inferred: the type was concluded from the HTTP code alone.
    texts: the host's own words, outermost first. status: the HTTP code where it tells something, or None.
    outcome_unknown: the host may have carried out the request; None if the HTTP code decides.
    """

    error_type: Optional[str]
    inferred: bool
    texts: Sequence[str]
    ids: Sequence[str] = ()
    status: Optional[int] = None
    outcome_unknown: Optional[bool] = None


def api_error(
    operation: Operation, title: str, fault: Fault, answer: Answer, host: str, scrub: Callable[[str], str]
) -> ApiError:
    """The error of the family for a vAPI error."""
    known = " ".join(str(part) for part in (fault.status, fault.error_type) if part is not None)
    message = f"{host}: {title} failed" + (f" ({known})" if known else "")

    # An error during a login may quote the token, which nobody knows yet.
    quotable = not (operation.secret and _failed_inside(fault))
    words = excerpt("; ".join(fault.texts), _MESSAGE, scrub) if quotable else ""
    message += f": {words}" if words else ""
    message += "" if message.endswith((".", "!", "?")) else "."

    family = ApiError
    if fault.error_type == "UNAUTHENTICATED" or answer.status == 401:
        # Whatever a body says, 401 is a refusal, and a refusal is never tried again.
        family = Unauthenticated
    elif fault.error_type == "UNAUTHORIZED":
        family = Unauthorized

    error: ApiError = family(
        message,
        operation.hints.get(fault.error_type or "") or _HINTS.get(fault.error_type or "", ""),
        operation=operation.id,
        status=fault.status,
        error_type=fault.error_type,
        retry_after=retry_after(answer),
        inferred=fault.inferred,
        outcome_unknown=fault.outcome_unknown,
    )
    error.message_ids = tuple(fault.ids)
    return error


def _failed_inside(fault: Fault) -> bool:
    """True if the host broke off while it worked on the request."""
    return (fault.status or 0) >= 500 or bool(fault.outcome_unknown)


def error_type_name(value: Any, scrub: Callable[[str], str]) -> Optional[str]:
    """The name of an error type in the API's spelling, or None. A hostile host could put anything there."""
    if not isinstance(value, str) or len(value) > _LONGEST_ERROR_TYPE or scrub(value) != value:
        return None
    name = value.rpartition(".")[2].upper()
    return name if _ERROR_TYPE.fullmatch(name) else None


def message_texts(messages: Any) -> list[str]:
    """The texts of a list of localizable messages: outermost first, at most three."""
    texts = []
    for entry in _entries(messages)[:3]:
        for text in (entry.get("localized"), entry.get("default_message")):
            if isinstance(text, str) and text.strip():
                texts.append(text.strip())
                break
    return texts


def message_ids(messages: Any) -> list[str]:
    """The ids of a list of localizable messages."""
    return [str(entry.get("id")) for entry in _entries(messages)]


def _entries(messages: Any) -> list[dict[str, Any]]:
    entries = messages if isinstance(messages, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]


def data_texts(data: Any) -> list[str]:
    """The texts in the `data` of an error, each with its name."""
    fields = data.items() if isinstance(data, dict) else ()
    return [f"{name}: {text}" for name, text in fields if isinstance(text, str)]


def unexpected(operation: Operation, answer: Answer, message: str, hint: str = "") -> UnexpectedAnswer:
    """The error for an answer that says success and is not the answer of the operation: nobody knows what was done."""
    return UnexpectedAnswer(
        message,
        hint,
        operation=operation.id,
        status=answer.status,
        # A login is not repeated after such an answer: whoever gives it gets the password each time.
        retriable=not operation.secret,
        outcome_unknown=True,
    )


def wrong_shape(operation: Operation, title: str, host: str) -> UnexpectedAnswer:
    """The error for JSON that is not what `operation` is documented to return."""
    return UnexpectedAnswer(
        f"{host}: the answer to {title} is JSON, but not of the form that the API documents.",
        HINT_NOT_THE_API,
        operation=operation.id,
    )


def not_the_api(
    operation: Operation, title: str, answer: Answer, is_json: bool, host: str, scrub: Callable[[str], str]
) -> UnexpectedAnswer:
    """The error for an answer that no server of the API gives. is_json: whether its body is JSON."""
    later = answer.status in _LATER
    details: dict[str, Any] = {
        "operation": operation.id,
        "status": answer.status,
        "retriable": later,
        "outcome_unknown": answer.status >= 500 or answer.status == 408 or answer.status < 400,
        "retry_after": retry_after(answer),
    }

    if 300 <= answer.status < 400:
        message = f"{host}: {title} was answered with a redirect ({answer.status}), which is not followed."
        return UnexpectedAnswer(message, HINT_NOT_THE_API, **details)

    what = "JSON that is no error of the API" if is_json else describe(operation, answer, scrub)
    hint = _HINTS["SERVICE_UNAVAILABLE"] if later else HINT_NOT_THE_API
    return UnexpectedAnswer(
        f"{host}: {title} was answered with code {answer.status} and {what}.",
        hint,
        other_form=answer.status in _NOT_UNDERSTOOD and what != _WEB_PAGE,
        **details,
    )


def describe(operation: Operation, answer: Answer, scrub: Callable[[str], str]) -> str:
    """A few words for a body that is not JSON."""
    said = _readable(answer.body.decode("utf-8", "replace"), scrub)
    if not said:
        return "an empty body"
    if said.startswith("<"):
        return _WEB_PAGE if "<html" in said.lower() else "an XML document"
    if said[0] in "{[":
        return _BROKEN_JSON
    if operation.secret:
        return "a text that is not JSON"
    return f"the text '{cut(said, EXCERPT)}'"


def excerpt(text: str, most: int, scrub: Callable[[str], str]) -> str:
    """At most `most` characters of a host's own words, in one line and without secrets."""
    return cut(_readable(text, scrub), most)


def _readable(text: str, scrub: Callable[[str], str]) -> str:
    """The beginning of a text in one line and without secrets."""
    text = text.lstrip()
    looked_at = scrub(text[:_LOOKED_AT])
    if len(text) > _LOOKED_AT:
        looked_at = looked_at[:-_AT_THE_CUT]

    # Folded only now, so that no part of a secret stays.
    return printable(looked_at)


def is_plainly_not_xml(what: str) -> bool:
    """True if `describe` says that a body cannot be the XML that was asked for."""
    return what in (_WEB_PAGE, _BROKEN_JSON)


def retry_after(answer: Answer) -> Optional[float]:
    """The seconds for which the host asks to wait, given as a number or as a date; None if it does not ask."""
    value = answer.headers.get("Retry-After")
    if not value:
        return None
    try:
        return float(Retry().parse_retry_after(value))
    except (InvalidHeader, ValueError, OverflowError):
        return None
