# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The family of errors of this collection. Each error says what happened on which host, and what to do.

An error says what its layer knows. A layer above that knows more may reword it.
"""

from __future__ import annotations

import copy
from typing import Any
from typing import Optional

#: What to do after an error that left it open whether the host was changed.
HINT_RUN_AGAIN = "Run the task again; it looks at the host first."


class TrustError(Exception):
    """The base of all errors of this collection.

    message: what happened, in one sentence that names the host if the error is about a host.
    hint: what to do, in one sentence, or empty.
    operation: the id of the API's operation that failed, or None.
    status: the HTTP code of the answer, or None.
    error_type: the type of the error in the API's spelling, or None.
    retry_after: the seconds for which the host asks to wait, or None.
    inferred: the host did not name the type; the HTTP code implies it.
    secrets: values that must be masked in everything that is printed about this error.

    The other attributes tell the layers above what they may do after the error.
    """

    code = "error"
    #: The same request may succeed if it is sent again.
    retriable = False
    #: The host may have carried out the request, although no answer says so.
    outcome_unknown = False
    #: The server may speak the other form of the API, and it did not look at the credentials.
    may_try_other_form = False
    #: The answer has the same form of the API as the request.
    confirms_form = False
    #: The answer has the other form of the API, so the server is known to speak it.
    names_other_form = False

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
        self.inferred = inferred
        self.secrets = secrets

        #: The resources that the run deleted to replace them and could not put back, in the API's own form.
        self.not_restored: list[dict[str, Any]] = []
        #: The operations that the run completed before it failed, as `Step.describe` gives them.
        self.operations: list[dict[str, str]] = []
        #: Return values that this failure has besides the common ones.
        self.returned: dict[str, Any] = {}
        #: The host refused the login itself in this run, and not a token that it had given.
        self.login_refused = False
        #: The answer to a login was lost, and it may have been a refusal.
        self.login_in_doubt = False

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def reword(self, *, message: Optional[str] = None, hint: Optional[str] = None) -> None:
        """Replace the message or the hint. A layer that knows more than the layer below it calls this method.

        None leaves the text as it is.
        """
        if message is not None:
            self.message = message

        if hint is not None:
            self.hint = hint

    def failure(self) -> dict[str, Any]:
        """The error as a dictionary, which modules return as RV(failure)."""
        fields: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "operation": self.operation,
            "status": self.status,
            "error_type": self.error_type,
        }
        if self.not_restored:
            fields["not_restored"] = self.not_restored

        if self.login_refused:
            fields["login_refused"] = True

        if self.login_in_doubt:
            fields["login_in_doubt"] = True

        return fields

    def result(self) -> dict[str, Any]:
        """The result of a module that ended with this error."""
        return {
            **self.returned,
            "failed": True,
            "msg": str(self),
            "failure": self.failure(),
            "operations": self.operations,
            "changed": bool(self.operations),
        }


class InvalidInput(TrustError):
    """The value of an option was refused before anything was sent."""

    code = "invalid_input"


class Conflict(TrustError):
    """The state of the host contradicts the declaration, and a change would do damage."""

    code = "conflict"


class ChangedMeanwhile(TrustError):
    """The state of the host has changed since the step was planned. The step was not sent; the run looks again."""

    code = "conflict"
    retriable = True


class Unreachable(TrustError):
    """The connection could not be opened; nothing was sent."""

    code = "unreachable"
    retriable = True


class Untrusted(TrustError):
    """The host did not prove its identity; nothing was sent."""

    code = "untrusted"


class AnswerLost(TrustError):
    """The request was sent, and the connection broke before the whole answer arrived."""

    code = "answer_lost"
    retriable = True
    outcome_unknown = True


class UnexpectedAnswer(TrustError):
    """The answer does not come from the API: it is a web page, another protocol, or broken JSON."""

    code = "unexpected_answer"

    def __init__(
        self,
        *args: Any,
        retriable: bool = False,
        outcome_unknown: bool = False,
        may_try_other_form: bool = False,
        confirms_form: bool = False,
        names_other_form: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.retriable = retriable
        self.outcome_unknown = outcome_unknown
        self.may_try_other_form = may_try_other_form
        self.confirms_form = confirms_form
        self.names_other_form = names_other_form


class ApiError(TrustError):
    """The host answered with an error of the API.

    outcome_unknown: True if the host may have carried out the request; None if the HTTP code decides.
    message_ids: the ids of the messages in the host's error, the outermost first.

    The error type says more than the HTTP code, because one code stands for several types.
    """

    code = "api_error"

    def __init__(
        self,
        *args: Any,
        outcome_unknown: Optional[bool] = None,
        message_ids: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.message_ids = message_ids

        # With these types a host says that the request may succeed later.
        self.retriable = self.error_type in (
            "SERVICE_UNAVAILABLE",
            "TIMED_OUT",
            "RESOURCE_BUSY",
            "CONCURRENT_CHANGE",
        )

        if outcome_unknown is None:
            outcome_unknown = _may_have_worked(self.status or 0)

        self.outcome_unknown = outcome_unknown

    def again(self) -> ApiError:
        """The same error for a further request, which is not sent because of it."""
        error = copy.copy(self)

        # What belongs to the first request alone.
        error.retry_after = None
        error.not_restored = []
        error.operations = []
        error.returned = {}

        return error


def _may_have_worked(status: int) -> bool:
    """True if the host may have carried out a request that it answered with an error and this HTTP code.

    From 500 on the host failed while it worked. Below 400 the code says success and the body says failure.
    0 stands for no code.
    """
    return status >= 500 or 0 < status < 400


class Unauthenticated(ApiError):
    """The host refused a login or a token. The same password is never sent again."""

    code = "unauthenticated"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.retriable = False
        self.outcome_unknown = False

    def failure(self) -> dict[str, Any]:
        """The error as a dictionary, with `login_refused` besides the fields of every error."""
        return {**super().failure(), "login_refused": self.login_refused}


class Unauthorized(ApiError):
    """The host knows the account, and the account lacks the right to do this."""

    code = "unauthorized"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.retriable = False
