# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every result of every module tells the form of the API that the host speaks, however the form was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.modules import fault

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

DECLARED_ISSUER = {"issuer_alias": "vcenter01", "issuer": ISSUER}
CHAINS = [{"cert_chain": chain(1)}]
PROVIDER = {"provider": "site-a", "key_id": KEY_ID}
#: Modules that ask a host, with options by which they have nothing to do.
MODULES: dict[str, dict[str, Any]] = {
    "esx_kms_provider": PROVIDER,
    "esx_kms_provider_info": {},
    "esx_token_issuer": {**DECLARED_ISSUER, "signing_cert_chains": CHAINS},
    "esx_token_issuer_info": {},
    "esx_client_profile": {"local_user_name": "nobody", "state": "absent"},
    "esx_client_profile_info": {},
    "esx_host_trust": {
        "kms_providers": [PROVIDER],
        "token_issuers": [{**DECLARED_ISSUER, "signing_cert_chains": CHAINS}],
    },
    "esx_api_info": {},
    "esx_api_probe": {},
}


def spoken(host: Host) -> str:
    return "rest" if host.settings().protocols == "rest" else "jsonrpc"


@pytest.fixture(autouse=True)
def _as_declared(host: Host) -> None:
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    host.put_issuer(DECLARED_ISSUER["issuer_alias"], DECLARED_ISSUER["issuer"], [CHAINS[0]["cert_chain"]])


@pytest.mark.parametrize("name", MODULES)
def test_a_result_names_it(modules: Modules, host: Host, name: str) -> None:
    ran = modules.run(name, check=True, **MODULES[name])
    assert not ran.failed, ran.message
    assert ran.result["api_protocol"] == spoken(host)


@pytest.mark.parametrize("name", MODULES)
def test_a_refused_login_names_it(modules: Modules, host: Host, name: str) -> None:
    ran = modules.run(name, password="wrong-Password-1", **MODULES[name])
    assert ran.failed
    assert ran.result["api_protocol"] == spoken(host)
    assert ran.result["failure"]["login_refused"] is True
    assert host.login_attempts == 1


def test_a_conflict_names_it(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(key_id=OTHER_KEY_ID)
    assert ran.result["failure"]["code"] == "conflict"
    assert "login_refused" not in ran.result["failure"]
    assert ran.result["api_protocol"] == spoken(host)


def test_a_right_that_is_not_there_is_no_refused_login(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="status", operation="*.providers.*", error_type="UNAUTHORIZED", times=None))
    ran = modules.kms_provider()

    assert ran.result["failure"]["code"] == "unauthorized"
    assert "login_refused" not in ran.result["failure"]
    assert ran.result["api_protocol"] == spoken(host)


def test_a_lost_answer_behind_the_login_names_it(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="lose_answer", operation="*.providers.*", times=None))
    ran = modules.kms_provider(retries=0)

    assert ran.result["failure"]["code"] == "answer_lost"
    assert ran.result["api_protocol"] == spoken(host)


def test_without_an_answer_it_is_not_named(modules: Modules) -> None:
    ran = modules.kms_provider(port=1, retries=0)
    assert ran.failed
    assert "api_protocol" not in ran.result


@pytest.mark.parametrize("blank", ["", " "])
def test_blank_is_not_given(modules: Modules, host: Host, blank: str) -> None:
    ran = modules.kms_provider(api_protocol=blank)
    assert not ran.failed, ran.message
    assert ran.result["api_protocol"] == spoken(host)


@pytest.mark.parametrize("value", ["jsonrpc", "rest", ""])
def test_the_environment_stands_in_for_the_option(
    modules: Modules, host: Host, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    host.settings(protocols="both")
    monkeypatch.setenv("VMWARE_API_PROTOCOL", value)
    ran = modules.kms_provider()

    assert not ran.failed, ran.message
    assert ran.result["api_protocol"] == (value or "rest")


def test_the_environment_may_not_say_anything_else(
    modules: Modules, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMWARE_API_PROTOCOL", "soap")
    ran = modules.kms_provider()

    assert ran.failed
    assert "soap" in ran.message
    assert host.journal == []
