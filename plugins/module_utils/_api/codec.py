# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A form of the API: how a call becomes a request, and an answer becomes a value or an error."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import Credentials
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation


@dataclass(frozen=True)
class Request:
    """One HTTP request. The headers and the body may hold secrets and stay out of the repr."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Optional[bytes] = field(default=None, repr=False)


class Codec(Protocol):
    """One form of the API. Codecs keep no state."""

    #: The name of the form, as RV(api_protocol) tells it.
    name: str

    def encode(self, call: Call, credentials: Credentials) -> Request:
        """The request for a call. Raises InvalidInput for an argument that no request can carry."""

    def decode(self, operation: Operation, answer: Answer, host: str, scrub: Callable[[str], str]) -> Any:
        """The value that the operation returned, or None where it returns none.

        host: the name of the host in messages. scrub: takes the secrets out of the host's own words.
        Raises ApiError or UnexpectedAnswer.
        """

    def title(self, operation: Operation) -> str:
        """The name of an operation in messages."""
