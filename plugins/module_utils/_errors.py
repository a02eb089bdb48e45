# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors: what happened on which host, and what to do about it."""

from __future__ import annotations

from typing import Any
from typing import Optional


class TrustError(Exception):
    """Base of all errors of this collection.

    message: what happened, one sentence, with the host's name where a host is concerned.
    hint: what to do, one sentence, or empty.
    The attributes below tell the layers above what may follow.
    """

    code = "error"
    #: The same request may succeed if it is sent again.
    retriable = False
    #: The host may have carried out the request although it did not say so.
    outcome_unknown = False
    #: The server may speak another form of the API, and did not look at the credentials.
    other_form = False
    #: The answer is of the form of the API in which it was asked.
    own_form = False

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        operation: Optional[str] = None,
        status: Optional[int] = None,
        error_type: Optional[str] = None,
        retry_after: Optional[float] = None,
        inferred: bool = False,
        secrets: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.operation = operation
        self.status = status
        self.error_type = error_type
        self.retry_after = retry_after
        #: The type was not named by the host but concluded from the HTTP code.
        self.inferred = inferred
        #: What was deleted to be replaced and could not be put back, in the API's own form.
        self.not_restored: list[dict[str, Any]] = []
        #: Operations that the run had completed before it failed, as `Step.describe` gives them.
        self.operations: list[dict[str, str]] = []
        #: Return values that a failure has besides the common ones.
        self.returned: dict[str, Any] = {}
        #: Values that must be masked in everything that is printed about this error.
        self.secrets = secrets

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def failure(self) -> dict[str, Any]:
        """The structured form that modules return as RV(failure)."""
        lost = {"not_restored": self.not_restored} if self.not_restored else {}
        return {
            **lost,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "operation": self.operation,
            "status": self.status,
            "error_type": self.error_type,
        }


class InvalidInput(TrustError):
    """An option has a value that is refused before anything is sent."""

    code = "invalid_input"


class Conflict(TrustError):
    """What the host holds contradicts what is declared, and going on would do damage."""

    code = "conflict"


class Overtaken(TrustError):
    """The host no longer holds what a step was planned for, so the step was not sent. The host is looked at again."""

    code = "conflict"
    retriable = True


class Unreachable(TrustError):
    """No connection came about; nothing was sent."""

    code = "unreachable"
    retriable = True


class Untrusted(TrustError):
    """The host did not prove that it is the one that is meant; nothing was sent."""

    code = "untrusted"


class AnswerLost(TrustError):
    """The request was sent, and the connection broke before the whole answer was here."""

    code = "answer_lost"
    retriable = True
    outcome_unknown = True


class UnexpectedAnswer(TrustError):
    """An answer that the API does not give: a web page, another protocol, broken JSON."""

    code = "unexpected_answer"

    def __init__(
        self,
        *args: Any,
        retriable: bool = False,
        outcome_unknown: bool = False,
        other_form: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.retriable = retriable
        self.outcome_unknown = outcome_unknown
        self.other_form = other_form


class ApiError(TrustError):
    """The API's own error. Judged by RV(failure.error_type); the HTTP code alone says too little."""

    code = "api_error"

    def __init__(self, *args: Any, outcome_unknown: Optional[bool] = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: The ids of the messages in the host's error, outermost first.
        self.message_ids: tuple[str, ...] = ()
        # The types with which a host says "later".
        self.retriable = self.error_type in (
            "SERVICE_UNAVAILABLE",
            "TIMED_OUT",
            "RESOURCE_BUSY",
            "CONCURRENT_CHANGE",
        )
        # Where it failed while it worked, or calls an error what the code calls a success, the work may be done.
        status = self.status or 0
        by_code = status >= 500 or 0 < status < 400
        self.outcome_unknown = by_code if outcome_unknown is None else outcome_unknown


class Unauthenticated(ApiError):
    """A login or a token was refused. Never tried again with the same password."""

    code = "unauthenticated"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.retriable = self.outcome_unknown = False
        #: The login itself was refused, and not a token that a login gave.
        self.login_refused = False

    def failure(self) -> dict[str, Any]:
        """See TrustError."""
        return {**super().failure(), "login_refused": self.login_refused}


class Unauthorized(ApiError):
    """The account is known and may not do this."""

    code = "unauthorized"
