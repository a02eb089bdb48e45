# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations of a whole host, hosts in memory that they meet, and what is planned for them."""

from __future__ import annotations

from typing import Any
from typing import Optional

from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._engine.converge import Outcome
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import HostTrust
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import IssuersAndProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_providers import KmsProviders
from ansible_collections.esx.trust.plugins.module_utils._services.registry import SERVICES
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_reading import list_issuers
from support.certificates import chain
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.memory import MemoryHost
from support.memory import ScriptedClient

OLD, NEW = chain(subject="old"), chain(subject="new")
DEEP = chain(2, subject="deep")
ALIASES, NAMES = ["a", "b", "c", "d"], ["https://w", "https://x", "https://y", "https://z"]
CHAINS = [OLD, NEW, DEEP]
#: The option with which an issuer moves to its declared alias.
RENAME = {"issuer_conflict": "rename"}


def provider(name: str, **changes: Any) -> dict[str, Any]:
    return {"provider": name, "key_id": KEY_ID, "key_derivation_key": KEY, "state": "present", **changes}


def issuer(alias: str, name: Optional[str], *chains: list[str], **changes: Any) -> dict[str, Any]:
    return {
        "issuer_alias": alias,
        "issuer": name,
        "signing_cert_chains": [{"cert_chain": each} for each in chains or (OLD,)],
        "chains_mode": "exact",
        "issuer_conflict": "fail",
        "state": "present",
        **changes,
    }


def absent(alias: str, name: Optional[str] = None) -> dict[str, Any]:
    return issuer(alias, name, state="absent")


def group(name: str, alias: str, *entitlements: str) -> dict[str, Any]:
    """The declaration of a client profile."""
    return {
        "local_user_name": None,
        "external_group_name": name,
        "external_user_name": None,
        "issuer_alias": alias,
        "domain": "d",
        "entitlements": list(entitlements),
        "entitlements_mode": "exact",
        "state": "present",
    }


def _nothing_declared() -> dict[str, Any]:
    params: dict[str, Any] = {}
    for service in SERVICES:
        for name, option in service.arguments.options.items():
            params[name] = option.get("default")

    return params


#: The options of esx_host_trust with which nothing is declared.
NOTHING_DECLARED = _nothing_declared()


def desired(
    providers: Optional[list[dict[str, Any]]] = None,
    issuers: Optional[list[dict[str, Any]]] = None,
    purge: bool = False,
    profiles: Optional[list[dict[str, Any]]] = None,
) -> HostTrust:
    params = {
        **NOTHING_DECLARED,
        "kms_providers": providers,
        "token_issuers": issuers,
        "purge_token_issuers": purge,
        "client_profiles": profiles,
    }
    return HostTrust.from_params(params)


def planned(host: MemoryHost, wanted: HostTrust) -> Plan:
    return wanted.host.plan(wanted.host.observe(ScriptedClient(host).as_client()))


def issuers_of(wanted: HostTrust) -> IssuersAndProfiles:
    """What is declared of issuers and client profiles."""
    (declared,) = (service for service in wanted.services if isinstance(service, IssuersAndProfiles))
    return declared


def providers_of(wanted: HostTrust) -> tuple[DesiredKmsProvider, ...]:
    (declared,) = (service for service in wanted.services if isinstance(service, KmsProviders))
    return declared.desired


def host_with(*issuers: tuple[str, str, list[str]], providers: Optional[dict[str, str]] = None) -> MemoryHost:
    host = MemoryHost()
    for alias, name, pems in issuers:
        host.hold_issuer(alias, name, [pems])
    for name, key_id in (providers or {}).items():
        host.hold_provider(name, key_id=key_id)

    return host


def run(client: ScriptedClient, wanted: HostTrust, check_mode: bool = False) -> Outcome:
    return converge(client.as_client(), wanted.host, check_mode=check_mode)


def statuses(plan: Plan) -> dict[str, str]:
    return {part["id"]: part["status"] for part in plan.found["resources"]}


def trusted(host: MemoryHost) -> dict[str, str]:
    return {alias: spec["issuer"] for alias, spec in host.issuers.items()}


def observe_issuers(host: MemoryHost) -> tuple[TokenIssuer, ...]:
    """The issuers as the collection reads them."""
    return list_issuers(ScriptedClient(host).as_client())


@st.composite
def holdings(draw: st.DrawFn) -> MemoryHost:
    aliases = draw(st.lists(st.sampled_from(ALIASES), unique=True))
    names = draw(st.permutations(NAMES))
    host = MemoryHost()
    for alias, name in zip(aliases, names):
        host.hold_issuer(alias, name, draw(st.lists(st.sampled_from(CHAINS), min_size=1, max_size=2)))
    for name in draw(st.lists(st.sampled_from(ALIASES), unique=True)):
        host.hold_provider(name, key_id=draw(st.sampled_from([KEY_ID, KEY_ID, OTHER_KEY_ID])))

    return host


@st.composite
def declarations(draw: st.DrawFn) -> HostTrust:
    aliases = draw(st.lists(st.sampled_from(ALIASES), unique=True))
    names = draw(st.permutations(NAMES))
    issuers = []

    for alias, name in zip(aliases, names):
        if draw(st.booleans()):
            chains = draw(st.lists(st.sampled_from(CHAINS), min_size=1, max_size=2))
            chains_mode = draw(st.sampled_from(["exact", "merge"]))
            issuer_conflict = draw(st.sampled_from(["fail", "adopt", "rename"]))
            issuers.append(issuer(alias, name, *chains, chains_mode=chains_mode, issuer_conflict=issuer_conflict))
        else:
            issuers.append(absent(alias, draw(st.sampled_from([None, None, name]))))

    providers = []

    for name in draw(st.lists(st.sampled_from(ALIASES), unique=True)):
        providers.append(provider(name, state=draw(st.sampled_from(["present", "absent"]))))

    return desired(providers, issuers, draw(st.booleans()))
