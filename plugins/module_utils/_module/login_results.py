# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from the result of a module whether the host accepted or refused the login."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.login import LOGIN_OPERATIONS
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import BASIC
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import LOGIN_FIRST
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import NOT_ASKED_REASON

#: The codes of failures after which it is unknown whether the host accepts the login.
_UNPROVEN = (
    "unreachable",
    "untrusted",
    "invalid_input",
    "answer_lost",
    "unexpected_answer",
    "unauthenticated",
)
#: The code of failures that result from a comparison of the host with the declaration. The login succeeded before.
_COMPARED = "conflict"


def has_accepted(result: Mapping[str, Any], auth_method: str) -> bool:
    """True if the result proves that the host accepted the password.

    result: the result of a module.
    auth_method: the option of the module.
    """
    if not result.get("failed"):
        # A module that asked the host for nothing has no failure either. It does not know the form of the API. A result
        # of a vCenter never names the form, because a vCenter has only one.
        return "api_protocol" in result or "token_issuers" in result

    failure = result.get("failure") or {}
    code = failure.get("code", "invalid_input")
    if code == _COMPARED:
        return True
    if code in _UNPROVEN or auth_method == BASIC:
        return False

    # A service is called with the token that a login gave, so a failure of a service proves that the login succeeded.
    # A failure of the login itself proves nothing: the host may have been too busy to check the password.
    return failure.get("operation") not in (None, *LOGIN_OPERATIONS)


def refusal_in(result: Mapping[str, Any]) -> Optional[Mapping[str, Any]]:
    """The failure in a result that says that the host refused the login, or None.

    result: the result of a module. In an examination for an audit, it can hold that of the list of key providers, for
        which the login may be needed once more.
    """
    return _failure_with("login_refused", result)


def doubt_in(result: Mapping[str, Any]) -> Optional[Mapping[str, Any]]:
    """The failure in a result that says that the answer to the login was lost, or None. result: see `refusal_in`."""
    return _failure_with("login_in_doubt", result)


def _failure_with(mark: str, result: Mapping[str, Any]) -> Optional[Mapping[str, Any]]:
    """The failure in a result that has this mark, or None."""
    for part in (result, result.get("key_providers") or {}):
        failure: Mapping[str, Any] = part.get("failure") or {}
        if failure.get(mark):
            return failure

    return None


def refused_for_a_token(result: Mapping[str, Any]) -> bool:
    """True if the host refused a login for a token that esx_api_info tried beside the login of its options.

    The module fails only if no login is accepted, so its result may have no failure.

    result: the result of a module.
    """
    logins = (result.get("api") or {}).get("logins") or {}
    reasons = {name: login.get("reason") for name, login in logins.items()}

    # If the first login is that for a token, or if an access token is given, no other login was tried after a refusal.
    was_beside = reasons.get(BASIC) not in (None, NOT_ASKED_REASON)
    return was_beside and reasons.get(LOGIN_FIRST) == "refused"
