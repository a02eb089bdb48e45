# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named behaviours of hosts: the settings that a host starts with, and where each is known from.

A new one is an entry of HOST_PROFILES; docs/simulator.md tells how the result of a probe becomes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

MIXED = "mixed"


@dataclass(frozen=True)
class HostProfile:
    """The settings that differ from a fresh host's, and the evidence for them."""

    evidence: str
    settings: Mapping[str, Any] = field(default_factory=dict)


# What the vendor's message catalogue of the 9.0 era tells of the services, whatever the form of the API.
_CATALOGUE: dict[str, Any] = {
    "oauth_only": ["client_profiles", "security_token_issuers"],
    "token_needs_entitlements": True,
    "standardises_certificates": True,
}

HOST_PROFILES: dict[str, HostProfile] = {
    "rest-as-documented": HostProfile(
        evidence="The public REST reference of 7.0 and 7.0 Update 2. Nobody published a capture of a real host.",
    ),
    "esx-7.0": HostProfile(
        evidence="A field report: the vendor SDK's JSON-RPC call was answered with an empty 400. Neither form on 443.",
        settings={"protocols": "none", "other_protocol": "empty_bad_request"},
    ),
    "esx-8.0.2-jsonrpc": HostProfile(
        evidence="A field report quotes an error that can only have come in a JSON-RPC answer. What such a host "
        "answers to REST is not known; the vendor's server runtime stands in. The services: vendor's catalogue.",
        settings={"protocols": "jsonrpc", "other_protocol": "vendor_runtime", **_CATALOGUE},
    ),
    "esx-9.1-jsonrpc": HostProfile(
        evidence='A field report: REST below /api was answered with 400 "Unsupported content type". '
        "The services: vendor's catalogue.",
        settings={"protocols": "jsonrpc", "other_protocol": "unsupported_content_type", **_CATALOGUE},
    ),
}
_IN_A_MIXED_FLEET = ("rest-as-documented", "esx-8.0.2-jsonrpc", "esx-9.1-jsonrpc")
NAMES = (*HOST_PROFILES, MIXED)


def settings_of(profile: str | None, index: int = 0) -> dict[str, Any]:
    """The first settings of the host with this place in its fleet; a mixed fleet takes the profiles in turn.

    Raises:
        KeyError: There is no such profile.
    """
    if profile is None:
        return {}
    name = _IN_A_MIXED_FLEET[index % len(_IN_A_MIXED_FLEET)] if profile == MIXED else profile
    return dict(HOST_PROFILES[name].settings)
