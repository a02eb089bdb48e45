# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of a transport, which sends the requests of a client to one host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer


class Transport(Protocol):
    """The way to one host. It sends one request at a time and reads the whole answer. See HttpsTransport."""

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Optional[bytes] = None,
        timeout: Optional[float] = None,
    ) -> Answer:
        """Send one request and read its answer. Raises TrustError."""

    def close(self) -> None:
        """Close the connection."""
