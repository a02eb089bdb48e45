# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out which error of the operating system, of TLS or of HTTP led to an error of the libraries."""

from __future__ import annotations

import ssl
from http.client import HTTPException
from http.client import IncompleteRead

from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._libraries import HTTPError
from ansible_collections.esx.trust.plugins.module_utils._libraries import requests
from ansible_collections.esx.trust.plugins.module_utils._text import cut
from ansible_collections.esx.trust.plugins.module_utils._text import printable

#: The most characters of the words that a library or a proxy gives for a cause.
_LONGEST_WORDS = 200
#: The exceptions that the libraries raise for an answer that is no HTTP. They document the first three. The others
#: come from numbers that are malformed, and from connections that were closed after a half of an answer.
NO_HTTP = (
    HTTPException,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and all errors that led to it.

    An error refers to its cause by `__cause__`, by `__context__`, by an attribute `reason`, or by its arguments.
    """
    chain: list[BaseException] = []
    waiting = [error]

    while waiting:
        current = waiting.pop(0)
        if current in chain:
            continue

        chain.append(current)
        references = (
            current.__cause__,
            current.__context__,
            getattr(current, "reason", None),
            *current.args,
        )

        for cause in references:
            if isinstance(cause, BaseException) and not isinstance(cause, TrustError):
                waiting.append(cause)

    return chain


def has_cause(error: BaseException, kind: type[BaseException]) -> bool:
    """True if the error, or an error that led to it, is of this kind."""
    return any(isinstance(cause, kind) for cause in _causes(error))


def reason(error: BaseException) -> str:
    """The root cause of an error of the libraries, in few words."""
    cause = _root_cause(error)

    if isinstance(cause, TimeoutError):
        return "timed out"

    if isinstance(cause, ssl.SSLError):
        words = (cause.reason or "connection closed").replace("_", " ").lower()
        return f"TLS: {words}"

    if any(_broke_off(each) for each in _causes(error)):
        return "the connection ended too early"
    if isinstance(cause, NO_HTTP) and not isinstance(cause, OSError):
        return "the answer is not HTTP"
    if isinstance(cause, OSError) and cause.strerror:
        return safe_words(cause.strerror)

    return safe_words(str(cause)) or type(cause).__name__


def safe_words(text: str) -> str:
    """The words of a library in one short line. They can hold those of a proxy, or the names in a certificate."""
    return cut(printable(text), _LONGEST_WORDS)


def _broke_off(cause: BaseException) -> bool:
    """True if the cause is an answer that ended too early."""
    # urllib3 raises a subclass, too, for a length of a chunk that is no number. It keeps that text in `length`.
    return isinstance(cause, IncompleteRead) and not getattr(cause, "length", b"")


def _root_cause(error: BaseException) -> BaseException:
    """The first error of the operating system, of TLS or of HTTP that led to the error; else the deepest error."""
    chain = _causes(error)
    wrappers = (requests.RequestException, HTTPError)

    for cause in chain:
        if isinstance(cause, (OSError, HTTPException)) and not isinstance(cause, wrappers):
            return cause

    return chain[-1]
