# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in the form of JSON-RPC."""

from __future__ import annotations

from typing import Any


def structure(name: str, **fields: Any) -> dict[str, Any]:
    return {"STRUCTURE": {name: fields}}
