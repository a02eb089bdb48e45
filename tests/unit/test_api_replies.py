# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the reply to a question says about the host."""

from __future__ import annotations

from typing import Optional

import pytest

from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import NOT_ASKED
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import Reply
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import known_by_answer
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import refusal_reason


def api_error(error_type: Optional[str], status: int = 400, *, inferred: bool = False) -> ApiError:
    return ApiError("no", status=status, error_type=error_type, inferred=inferred)


@pytest.mark.parametrize(
    ("reply", "lists", "gets"),
    [
        (NOT_ASKED, None, None),
        (Reply([]), True, True),
        (Reply(error=Unauthorized("no", error_type="UNAUTHORIZED")), True, True),
        (Reply(error=Unauthenticated("no", error_type="UNAUTHENTICATED")), None, None),
        (Reply(error=api_error("INVALID_ARGUMENT")), True, True),
        (Reply(error=api_error("OPERATION_NOT_FOUND", 404)), False, False),
        (Reply(error=api_error("NOT_FOUND", 404)), False, True),
        (Reply(error=api_error("NOT_FOUND", 404, inferred=True)), False, None),
        (Reply(error=UnexpectedAnswer("no", status=404)), False, None),
        (Reply(error=UnexpectedAnswer("no", status=503)), None, None),
        (Reply(error=api_error("SERVICE_UNAVAILABLE", 503)), None, None),
    ],
)
def test_what_an_answer_shows_of_an_operation(reply: Reply, lists: Optional[bool], gets: Optional[bool]) -> None:
    assert known_by_answer(reply, lists=True) is lists
    assert known_by_answer(reply, lists=False) is gets


def unauthenticated(*ids: str) -> Unauthenticated:
    return Unauthenticated("no", error_type="UNAUTHENTICATED", message_ids=ids)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (unauthenticated(), "refused"),
        (unauthenticated("com.vmware.esx.authentication.token.no_entitlements"), "no_entitlements"),
        (unauthenticated("com.vmware.esx.authentication.bad_authn_scheme"), "tokens_only"),
        (api_error("OPERATION_NOT_FOUND", 404), "not_offered"),
        (UnexpectedAnswer("no", status=400, may_try_other_form=True), "not_offered"),
        (UnexpectedAnswer("no", status=503), "failed"),
    ],
)
def test_why_a_login_failed(error: TrustError, reason: str) -> None:
    assert refusal_reason(error) == reason
