# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the contract tests call a simulated host."""

from __future__ import annotations

from typing import Any
from typing import Protocol

import requests


class Call(Protocol):
    """Sends one request, by default with the account of the host."""

    def __call__(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Return the answer."""
