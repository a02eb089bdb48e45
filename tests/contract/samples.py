# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the contract tests send."""

from __future__ import annotations

from typing import Any

from support.client_profiles import grants
from support.constants import KEY
from support.constants import KEY_ID

PROVIDERS = "/api/esx/trusted-infrastructure/kms/providers"
ISSUERS = "/api/esx/authentication/trust/security-token-issuers"
PROFILES = "/api/esx/authentication/client-profiles"
TOKEN = "/api/esx/authentication/token"


def provider(name: str = "p1", **changes: Any) -> dict[str, Any]:
    """The body that creates a provider."""
    return {"provider": name, "native_spec": {"key_id": KEY_ID, "key_derivation_key": KEY, **changes}}


def issuer(chain: list[str], alias: str = "vc", **changes: Any) -> dict[str, Any]:
    """The body that creates an issuer."""
    chains = [{"cert_chain": chain}]
    return {"issuer_alias": alias, "issuer": "https://vc.example.test/", "signing_cert_chains": chains, **changes}


def profile(name: str = "reader", *entitlements: str) -> dict[str, Any]:
    """The body that creates the client profile of a local user."""
    return {"local_user_name": name, "grants": grants(*(entitlements or ("READ_ONLY",)))}
