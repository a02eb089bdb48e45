# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of a codec, which turns a call into a request, and an answer into a value or an error."""

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
    """One HTTP request. The repr leaves out the headers and the body, because they may hold secrets."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Optional[bytes] = field(default=None, repr=False)


class Codec(Protocol):
    """One form of the API. A codec keeps no state."""

    #: The name of the form, which is the value of RV(api_protocol).
    name: str

    def encode(self, call: Call, credentials: Credentials) -> Request:
        """The request for a call. Raises InvalidInput if a request cannot carry an argument."""

    def decode(
        self,
        operation: Operation,
        answer: Answer,
        host: str,
        scrub: Callable[[str], str],
    ) -> Any:
        """The value that the operation returned, or None if it returns no value.

        host: the name of the host in messages.
        scrub: masks the secrets in a text of the host.

        Raises ApiError or UnexpectedAnswer.
        """

    def title(self, operation: Operation) -> str:
        """The name of an operation in messages."""
