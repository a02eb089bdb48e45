# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of client profiles, as a host takes and tells them."""

from __future__ import annotations


def grants(*entitlements: str) -> list[dict[str, str]]:
    """The grants of a client profile."""
    return [{"resource_type": "ENTITLEMENT", "entitlement": entitlement} for entitlement in entitlements]
