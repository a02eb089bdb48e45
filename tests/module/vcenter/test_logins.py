# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How vcenter_token_issuer_info logs in, what it says where it may not, and which vCenters it cannot ask."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.action.vcenter_token_issuer_info import ActionModule
from support.actions import run_action
from support.modules import Modules
from support.modules import fault
from support.vcenters import MODULE
from support.vcenters import NEW
from support.vcenters import OLD
from support.vcenters import SIGNING
from support.vcenters import SOURCES
from support.vcenters import chains
from support.vcenters import connection

if TYPE_CHECKING:
    from simulator import Host
    from simulator import Vcenter


def test_a_refused_login_is_tried_once(modules: Modules, vcenter: Vcenter) -> None:
    ran = modules.run(MODULE, password="wrong")
    assert ran.result["failure"]["code"] == "unauthenticated"
    assert ran.result["failure"]["login_refused"]
    assert "administrator@vsphere.local" in ran.result["failure"]["hint"]
    assert (vcenter.login_attempts, len(vcenter.journal)) == (1, 1)


def test_a_source_that_needs_no_login_is_read_after_a_refused_login(modules: Modules, vcenter: Vcenter) -> None:
    options = {**modules.connection, "password": "wrong-Password-1"}
    refused = run_action(MODULE, options, False)

    assert refused["failure"]["login_refused"]

    for source in SOURCES[1:]:
        done = run_action(MODULE, {**options, "source": source}, False, new_run=False)
        assert not done.get("failed"), done["msg"]

    again = run_action(MODULE, {**options, "source": SOURCES[0]}, False, new_run=False)

    assert "is not tried again" in again["msg"]
    assert vcenter.login_attempts == 1


@pytest.mark.parametrize("source", ["oidc", "saml", "broker"])
def test_a_source_that_needs_no_login_does_not_mark_the_login_as_accepted(modules: Modules, source: str) -> None:
    """A task in the background that sends no password takes no turn with the tasks that send it."""
    action = ActionModule(None, None, None, None, None, None)
    assert not action.sends_password({**modules.connection, "source": source})
    assert action.sends_password(modules.connection)
    assert not action.sends_password({**modules.connection, "access_token": "t"})


def test_an_expired_session_is_opened_anew_and_closed(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.queue(fault(kind="expire_tokens", operation=SIGNING))
    assert chains(modules.run(MODULE)) == [OLD]
    assert vcenter.login_attempts == 2
    assert vcenter.open_sessions == 0


def test_tokens_that_are_refused(modules: Modules, vcenter: Vcenter) -> None:
    ran = modules.run(MODULE, access_token="unknown")
    assert "The access_token is expired" in ran.message

    vcenter.queue(fault(kind="status", operation=SIGNING, status=401, times=None))
    ran = modules.run(MODULE)

    assert ran.result["failure"]["code"] == "unauthenticated"
    assert "opened a session and then did not accept it" in ran.message
    assert vcenter.login_attempts == 2
    assert vcenter.open_sessions == 0


def test_a_missing_privilege(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.put_account(vcenter.username, vcenter.password, entitlements=())
    ran = modules.run(MODULE)

    assert ran.result["failure"]["code"] == "unauthorized"
    assert "System.Read" in ran.message
    assert vcenter.open_sessions == 0


BROKEN = {
    "failing": {"kind": "status", "status": 500},
    "no such thing": {"kind": "status", "status": 404},
    "web page": {"kind": "status", "ready": "html"},
    "truncated": {"kind": "answer", "ready": "truncated_json"},
    "other shape": {"kind": "answer", "ready": "wrong_shape_chains"},
    "list": {"kind": "answer", "ready": "wrong_shape_list"},
    "no chain": {"kind": "answer", "body": {"signing_cert_chains": []}},
    "empty chain": {"kind": "answer", "body": {"active_cert_chain": {"cert_chain": []}, "signing_cert_chains": []}},
    "no certificate": {"kind": "answer", "body": {"signing_cert_chains": [{"cert_chain": ["AAAA"]}]}},
    "no chain at all": {"kind": "answer", "body": {"signing_cert_chains": [{"cert_chain": [OLD[0], NEW[0]]}]}},
    "lost": {"kind": "lose_answer"},
    "redirect": {"kind": "redirect", "location": "https://127.0.1.1/"},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_session_is_closed_whatever_happens(modules: Modules, vcenter: Vcenter, broken: dict[str, Any]) -> None:
    vcenter.queue(fault(operation=SIGNING, times=None, **broken))
    ran = modules.run(MODULE)

    assert ran.failed
    assert ran.message.startswith(f"{vcenter.address}:{vcenter.port}: ")
    assert "ESX host" not in ran.message
    assert vcenter.open_sessions == 0


def test_a_vcenter_before_7_0_u3(modules: Modules, vcenter: Vcenter) -> None:
    vcenter.settings(signing_certificate_service=False)
    ran = modules.run(MODULE)

    assert "7.0 Update 3" in ran.message
    assert "oidc or saml" in ran.message


def test_an_esx_host_is_no_vcenter(modules: Modules, vcenter: Vcenter, host: Host) -> None:
    of_the_host = connection(host)
    ran = modules.run(MODULE, **of_the_host)

    assert "ESX hosts have no session service" in ran.message

    for source in ("oidc", "saml"):
        assert "those of a vCenter" in modules.run(MODULE, source=source, **of_the_host).message


def test_the_token_service_is_of_hosts(modules: Modules, vcenter: Vcenter, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = modules.run(MODULE, auth_method="token")
    assert ran.result["failure"]["code"] == "invalid_input"
    assert ran.message == (
        "auth_method: token works with ESX hosts only, because a vCenter has no token service; use session or basic."
    )
    assert vcenter.journal == []

    monkeypatch.setenv("VMWARE_AUTH_METHOD", "token")

    assert chains(modules.run(MODULE)) == [OLD]


@pytest.mark.parametrize("sso_domain", ["..", "a\nb"])
@pytest.mark.parametrize("source", SOURCES)
def test_no_domain(modules: Modules, vcenter: Vcenter, sso_domain: str, source: str) -> None:
    ran = modules.run(MODULE, sso_domain=sso_domain, source=source)
    assert ran.message.startswith("sso_domain: ")
    assert vcenter.journal == []


def test_an_unverified_vcenter_is_warned_of(modules: Modules) -> None:
    assert "in place of the vCenter's" in modules.run(MODULE, ca_path=None, validate_certs=False).warnings

    warned = modules.run(MODULE, ca_path=None, validate_certs=False, source="oidc").warnings

    assert "in place of the vCenter's" in warned
    assert "login" not in warned


def test_a_pinned_vcenter(modules: Modules, vcenter: Vcenter) -> None:
    assert chains(modules.run(MODULE, ca_path=None, thumbprint=vcenter.fingerprint)) == [OLD]

    for source in SOURCES:
        ran = modules.run(MODULE, ca_path=None, thumbprint="00" * 32, source=source)
        assert ran.result["failure"]["code"] == "untrusted"
