# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon esxtokend of a host, which offers the services of token issuers and of client profiles."""

from __future__ import annotations

#: The errors that each of its operations can have.
COMMON_ERRORS = ("UNAUTHENTICATED", "ERROR")
#: The hints for its errors, by the type of the error.
HINTS = {
    "ERROR": "Look into the log esxtokend.log of the host.",
    "INTERNAL_SERVER_ERROR": "Look into the log esxtokend.log of the host.",
    "UNAUTHORIZED": "Give the account the entitlement IDENTITY_MGMT; in lockdown mode only exception users have any.",
}
