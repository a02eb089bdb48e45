# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replies to the questions that are asked of a host, and what they say about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import is_list_of_texts
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import says_no_such_operation
from ansible_collections.esx.trust.plugins.module_utils._api.login import lacks_entitlements
from ansible_collections.esx.trust.plugins.module_utils._api.login import wants_only_tokens
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer


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
#: The reason in the record of a login that was not tried.
NOT_ASKED_REASON = "not_asked"


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
        if is_list_of_texts(texts):
            read.append({"cert_chain": texts})

    return read
