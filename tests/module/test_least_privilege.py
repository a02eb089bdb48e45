# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account that is not root, to which one client profile grants what it needs, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.certificates import chain
from support.client_profiles import grants
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

CERTIFICATES = chain(1)
PROVIDER = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}
RENAMED: dict[str, Any] = {
    "issuer_alias": "vcenter01",
    "issuer": ISSUER,
    "signing_cert_chains": [{"cert_chain": CERTIFICATES}],
    "issuer_conflict": "rename",
}
READERS = {"external_group_name": "admins", "issuer_alias": "vcenter01", "domain": "d", "entitlements": ["READ_ONLY"]}
WHOLE: dict[str, Any] = {"kms_providers": [PROVIDER], "token_issuers": [RENAMED], "client_profiles": [READERS]}


@pytest.fixture
def automation(modules: Modules, host: Host) -> Modules:
    """Logs in with an account that has no right of its own. The host has to be renamed an issuer and given a key."""
    host.settings(token_needs_entitlements=True, profile_needs_issuer=True)
    host.put_account("automation", "Automation-Pass-1", ())
    host.put_issuer("leftover", ISSUER, [chain(1, subject="old")])
    subject = {"type": "EXTERNAL_GROUP", "name": "admins", "issuer_alias": "leftover", "domain": "d"}
    host.put_client_profile(**subject, grants=grants("READ_ONLY"))
    modules.connection.update(username="automation", password="Automation-Pass-1")

    return modules


def grant(host: Host, *entitlements: str) -> None:
    host.put_client_profile("own", type="LOCAL_USER", name="automation", grants=grants(*entitlements))


def test_both_entitlements_are_enough_for_the_whole(automation: Modules, host: Host) -> None:
    grant(host, "SECURITY_MGMT", "IDENTITY_MGMT")
    checked = automation.run("esx_host_trust", check=True, **WHOLE)

    assert host.writes == []

    ran = automation.run("esx_host_trust", **WHOLE)

    assert not ran.failed, ran.message
    assert ran.result["operations"] == checked.result["operations"]
    assert set(host.issuers) == {"vcenter01"}
    assert set(host.providers) == {"site-a"}

    held = {(profile.name, profile.issuer_alias): profile.entitlements for profile in host.client_profiles.values()}

    assert held == {("admins", "vcenter01"): {"READ_ONLY"}, ("automation", None): {"SECURITY_MGMT", "IDENTITY_MGMT"}}
    assert not automation.run("esx_host_trust", **WHOLE).changed


def test_key_providers_need_security_mgmt_alone(automation: Modules, host: Host) -> None:
    grant(host, "SECURITY_MGMT")
    assert automation.run("esx_host_trust", kms_providers=[PROVIDER]).changed

    writes = len(host.writes)
    refused = automation.run("esx_token_issuer", **RENAMED)

    assert refused.failed
    assert refused.result["failure"].get("login_refused") is not True
    assert len(host.writes) == writes


def test_issuers_and_profiles_need_identity_mgmt_alone(automation: Modules, host: Host) -> None:
    grant(host, "IDENTITY_MGMT")
    assert automation.run("esx_token_issuer", **RENAMED).changed
    assert {profile.issuer_alias for profile in host.client_profiles.values()} == {None, "vcenter01"}

    refused = automation.kms_provider()

    assert refused.failed
    assert "SECURITY_MGMT" in refused.message
    assert host.providers == {}


def test_read_only_is_enough_to_audit_and_writes_nothing(automation: Modules, host: Host) -> None:
    grant(host, "READ_ONLY")
    audit = automation.run("esx_host_trust", check=True, **WHOLE)

    assert not audit.failed, audit.message
    assert {row["status"] for row in audit.result["resources"]} >= {"missing", "undeclared"}

    before = dict(host.issuers)
    ran = automation.run("esx_host_trust", **WHOLE)

    assert ran.failed
    assert not any(record.wrote for record in host.writes)
    assert (set(host.issuers), host.providers) == (set(before), {})


def test_an_account_without_a_profile_gets_a_message_that_names_what_it_lacks(automation: Modules, host: Host) -> None:
    ran = automation.run("esx_host_trust", **WHOLE)
    assert ran.failed
    assert "no client profile of the host gives the account an entitlement" in ran.message
    assert host.failed_logins == 0


def test_the_account_does_not_lock_itself_out(automation: Modules, host: Host) -> None:
    grant(host, "SECURITY_MGMT", "IDENTITY_MGMT")
    for declared in (
        {"client_profiles": [READERS], "purge_client_profiles": True},
        {"client_profiles": [{"local_user_name": "automation", "entitlements": ["SECURITY_MGMT"]}]},
    ):
        for check in (True, False):
            ran = automation.run("esx_host_trust", check=check, **declared)
            assert ran.result["failure"]["code"] == "conflict"

    assert host.writes == []
