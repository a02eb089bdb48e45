# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations of one resource for the engine, hosts in memory that they meet, and what came of a run."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_providers import KmsProviders
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_module import host_with_issuer
from support.certificates import chain
from support.constants import KEY
from support.constants import KEY_ID
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error

ISSUER = "https://vc/openidconnect/vsphere.local"
OLD, NEW = chain(subject="old"), chain(subject="new")


def provider(**changes: Any) -> DeclaredHost:
    """The key provider nkp, declared present with KEY_ID and KEY."""
    params = {"provider": "nkp", "key_id": KEY_ID, "key_derivation_key": KEY, "state": "present", **changes}
    return DeclaredHost((KmsProviders((DesiredKmsProvider.from_params(params),)),), single_resource=True)


def issuer(**changes: Any) -> DeclaredHost:
    """ISSUER under the alias vc, declared present with the chain NEW."""
    chains = changes.pop("chains", [NEW])
    params = {
        "issuer_alias": "vc",
        "issuer": ISSUER,
        "signing_cert_chains": [{"cert_chain": pems} for pems in chains],
        "chains_mode": "exact",
        "issuer_conflict": "rename",
        "state": "present",
        **changes,
    }
    return host_with_issuer(DesiredTokenIssuer.from_params(params))


def host_with_leftover() -> MemoryHost:
    """A host where declaring `issuer()` takes a marking, a creation and a deletion."""
    host = MemoryHost()
    host.hold_issuer("leftover", ISSUER, [OLD])
    return host


def provider_there() -> MemoryHost:
    host = MemoryHost()
    host.hold_provider("nkp", key_id=KEY_ID)
    return host


def issuer_there() -> MemoryHost:
    host = MemoryHost()
    host.hold_issuer("vc", ISSUER, [OLD])
    return host


def failure(client: ScriptedClient, declaration: DeclaredHost) -> TrustError:
    """The error with which a run ends."""
    with pytest.raises(TrustError) as caught:
        converge(client.as_client(), declaration, check_mode=False)
    return caught.value


def operations(error: TrustError) -> list[tuple[str, str]]:
    """What a failed run says that it did."""
    return [(entry["operation"], entry["id"]) for entry in error.operations]


def busy() -> TrustError:
    return api_error("SERVICE_UNAVAILABLE", 503)


def broken() -> TrustError:
    return api_error("INTERNAL_SERVER_ERROR", 500)


def invalid() -> TrustError:
    return api_error("INVALID_ARGUMENT")


def refused() -> TrustError:
    return Unauthenticated("esx01: refused.", status=401, error_type="UNAUTHENTICATED")
