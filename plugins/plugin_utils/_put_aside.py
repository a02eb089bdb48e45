# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a host aside that is down when it is its turn in a roll-out, so that it does not count in its batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The variable of a task that is true if a host that is down shall be put aside.
PUTS_ASIDE = "host_trust_puts_aside"


def is_down(result: Mapping[str, Any]) -> bool:
    """True if a result of esx_host_trust says that the host gives no answer, and nothing was written to it."""
    failure = result.get("failure")
    is_unreachable = isinstance(failure, Mapping) and failure.get("code") == "unreachable"

    return is_unreachable and not result.get("operations")


def put_aside(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a host that is down, as a skipped task. The playbook makes the host fail at its end."""
    return {**result, "failed": False, "skipped": True}
