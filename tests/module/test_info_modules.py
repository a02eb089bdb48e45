# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_kms_provider_info and esx_token_issuer_info against a simulated host, and what every module tells."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.certificates import chain
from support.constants import KEY_ID

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules


def test_key_providers_with_type_key_id_and_availability(modules: Modules, host: Host) -> None:
    host.put_provider("site-b", type="TRUST_AUTHORITY", available=False)
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    ran = modules.run("esx_kms_provider_info")

    assert not ran.changed

    first, second = ran.result["kms_providers"]

    assert first == {"provider": "site-a", "type": "NATIVE", "key_id": KEY_ID, "available": True, "details": []}
    assert (second["provider"], second["type"], second["key_id"]) == ("site-b", "TRUST_AUTHORITY", None)
    assert second["available"] is False
    assert host.writes == []


def test_key_providers_by_name_and_availability(modules: Modules, host: Host) -> None:
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    host.put_provider("site-b", type="NATIVE", key_id=KEY_ID, available=False)

    def names(**options: Any) -> list[str]:
        return [entry["provider"] for entry in modules.run("esx_kms_provider_info", **options).result["kms_providers"]]

    assert names(provider="site-b") == ["site-b"]
    assert names(available=True) == ["site-a"]
    assert names(available=False) == ["site-b"]
    assert names(provider="site-b", available=True) == []
    assert names(provider="nobody") == []


def test_a_release_that_can_only_list_still_shows_what_it_can(modules: Modules, host: Host) -> None:
    host.settings(provider_get=False)
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    ran = modules.run("esx_kms_provider_info")

    assert ran.result["kms_providers"][0]["provider"] == "site-a"
    assert ran.result["kms_providers"][0]["key_id"] is None
    assert "'site-a'" in ran.warnings


@pytest.mark.parametrize("projection", [True, False])
def test_issuers_can_be_given_to_another_host_as_they_are(modules: Modules, host: Host, projection: bool) -> None:
    host.settings(projection_supported=projection)
    host.put_issuer("b", "https://b", [chain(1, subject="b")])
    host.put_issuer("a", "https://a", [chain(2, subject="a"), chain(1, subject="c")])
    ran = modules.run("esx_token_issuer_info")

    assert not ran.changed

    issuers = ran.result["token_issuers"]

    assert [entry["issuer_alias"] for entry in issuers] == ["a", "b"]
    assert {entry["subject"] for entry in issuers[0]["certificates"]} >= {"CN=a", "CN=c"}

    host.reset()

    for entry in issuers:
        spec = {name: entry[name] for name in ("issuer_alias", "issuer", "signing_cert_chains")}
        assert modules.token_issuer(**spec).result["token_issuer"] == entry

    assert modules.run("esx_token_issuer_info").result["token_issuers"] == issuers


def test_issuers_by_alias_and_issuer(modules: Modules, host: Host) -> None:
    host.put_issuer("a", "https://a", [chain(1)])
    host.put_issuer("b", "https://b", [chain(1)])

    def aliases(**options: Any) -> list[str]:
        issuers = modules.run("esx_token_issuer_info", **options).result["token_issuers"]
        return [entry["issuer_alias"] for entry in issuers]

    assert aliases() == ["a", "b"]
    assert aliases(issuer_alias="a") == ["a"]
    assert aliases(issuer="https://b") == ["b"]
    assert aliases(issuer_alias="a", issuer="https://b") == []


@pytest.mark.parametrize("name", ["esx_kms_provider_info", "esx_token_issuer_info"])
def test_check_mode_reads_as_well(modules: Modules, host: Host, name: str) -> None:
    assert not modules.run(name, check=True, diff=True).failed
    assert host.writes == []
