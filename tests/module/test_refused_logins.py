# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which refusal of a password stops which of the tasks that follow in the same run of Ansible."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
from ansible import constants
from ansible.utils.display import Display

from ansible_collections.esx.trust.plugins.module_utils._services import host_examination
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.plugin_utils._validated import ValidatedOptions
from support.actions import Actions
from support.actions import run_action
from support.certificates import chain
from support.constants import KEY
from support.constants import KEY_ID
from support.modules import fault

pytestmark = pytest.mark.not_quick

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from support.modules import Modules

INFO = "esx_token_issuer_info"
NOT_TRIED = "is not tried again"
#: Patterns for the ids of operations.
LOGIN, SERVICES = "*.token.create", "*s.*"


@pytest.fixture
def connection(
    host: Host, fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    return {**Actions(host, fleet, capsys, monkeypatch).connection, "retries": 0}


def task(connection: dict[str, Any], auth_method: str, *, first: bool = False, **more: Any) -> dict[str, Any]:
    """A task of the run, or the first of a new one."""
    return run_action(INFO, {**connection, "auth_method": auth_method, **more}, False, new_run=first)


def requests(host: Host) -> int:
    return len(host.journal)


@pytest.mark.parametrize("settings", [{"basic_on_services": False}, {"oauth_only": ["security_token_issuers"]}])
def test_a_service_that_takes_only_tokens_leaves_the_password_to_a_login(
    host: Host, connection: dict[str, Any], settings: dict[str, Any]
) -> None:
    host.settings(**settings)
    refused = task(connection, "basic", first=True)

    assert refused["failure"]["code"] == "unauthenticated"
    assert "only tokens" in refused["failure"]["hint"]

    done = task(connection, "token")

    assert not done.get("failed"), done["msg"]


def test_a_password_that_a_service_refused_is_not_sent_to_one_again(host: Host, connection: dict[str, Any]) -> None:
    host.settings(basic_on_services=False)
    task(connection, "basic", first=True)
    seen = requests(host)
    again = task(connection, "basic")

    assert NOT_TRIED in again["msg"]
    assert requests(host) == seen


def test_a_wrong_password_is_sent_once_in_each_way_and_no_more(host: Host, connection: dict[str, Any]) -> None:
    for number in range(3):
        task(connection, "basic", first=number == 0, password="wrong-Password-1")
        task(connection, "token", password="wrong-Password-1")

    assert host.failed_logins == 2


@pytest.mark.parametrize(("auth_method", "operation"), [("token", LOGIN), ("basic", SERVICES)])
def test_refusals_whose_answers_are_lost_lock_no_account(
    host: Host, connection: dict[str, Any], auth_method: str, operation: str
) -> None:
    """One task may send the login twice. Later tasks do not send it again."""
    host.queue(fault(kind="lose_answer", operation=operation, times=None))
    wrong: dict[str, Any] = {"password": "wrong-Password-1", "retries": 3}
    results = [task(connection, auth_method, first=number == 0, **wrong) for number in range(3)]

    assert host.failed_logins == 2
    assert not host.locked
    assert [result["failure"]["code"] for result in results] == ["answer_lost"] * 3
    assert all(result["failure"]["login_in_doubt"] for result in results)
    assert [NOT_TRIED in result["msg"] for result in results] == [False, True, True]


def test_a_login_that_was_accepted_before_is_in_no_doubt(host: Host, connection: dict[str, Any]) -> None:
    task(connection, "token", first=True)
    host.queue(fault(kind="lose_answer", operation=LOGIN, times=1))
    lost = task(connection, "token")
    done = task(connection, "token")

    assert lost["failure"]["code"] == "answer_lost"
    assert not done.get("failed"), done["msg"]


def test_an_access_token_whose_answer_was_lost_is_sent_again(host: Host, connection: dict[str, Any]) -> None:
    host.queue(fault(kind="lose_answer", operation=SERVICES, times=1))
    token: dict[str, Any] = {"access_token": host.create_token()}
    lost = task(connection, "token", first=True, **token)
    done = task(connection, "token", **token)

    assert lost["failure"]["code"] == "answer_lost"
    assert "login_in_doubt" not in lost["failure"]
    assert not done.get("failed"), done["msg"]


def test_a_password_that_a_login_refused_goes_to_no_service_either(host: Host, connection: dict[str, Any]) -> None:
    task(connection, "token", first=True, password="wrong-Password-1")
    again = task(connection, "basic", password="wrong-Password-1")

    assert NOT_TRIED in again["msg"]
    assert host.failed_logins == 1


def test_a_login_for_a_token_that_was_refused_beside_stops_only_logins_for_tokens(
    host: Host, connection: dict[str, Any]
) -> None:
    """esx_api_info tries the other logins, too. Its result is no failure if one of them is accepted."""
    host.queue(fault(kind="status", operation=LOGIN, error_type="UNAUTHENTICATED", times=None))
    asked = run_action("esx_api_info", {**connection, "auth_method": "basic"}, False, new_run=True)

    assert not asked.get("failed"), asked["msg"]
    assert asked["api"]["logins"]["token"] == {"works": False, "reason": "refused"}

    seen = requests(host)

    assert NOT_TRIED in task(connection, "token")["msg"]
    assert requests(host) == seen

    done = task(connection, "basic")

    assert not done.get("failed"), done["msg"]


def test_a_refused_access_token_stops_no_login_for_a_token(host: Host, connection: dict[str, Any]) -> None:
    refused = run_action("esx_api_info", {**connection, "access_token": "none-of-this-host"}, False, new_run=True)
    assert refused["api"]["logins"]["token"] == {"works": False, "reason": "refused"}

    done = task(connection, "token")

    assert not done.get("failed"), done["msg"]


@pytest.mark.parametrize("option", ["saml_token", "access_token"])
def test_a_refused_token_says_nothing_about_the_password_beside_it(
    host: Host, connection: dict[str, Any], option: str
) -> None:
    refused = task(connection, "token", first=True, **{option: "PHNhbWwyOkFzc2VydGlvbj5ub25lPC9zYW1sMjpBc3NlcnRpb24+"})
    assert refused["failure"]["code"] == "unauthenticated"

    done = task(connection, "token")

    assert not done.get("failed"), done["msg"]


def test_a_task_keeps_its_result_although_no_refusal_can_be_noted(
    connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, **_options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    warned: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, text, **_options: warned.append(text))
    monkeypatch.setattr(Path, "touch", full)
    refused = task(connection, "token", first=True, password="wrong-Password-1")

    assert refused["failure"]["code"] == "unauthenticated"
    assert "may send a refused password again" in " ".join(warned)


def test_nothing_is_sent_if_tasks_beside_each_other_cannot_know_of_a_refusal(
    host: Host, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_folder = tmp_path / "file"
    no_folder.touch()
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(no_folder))
    done = task(connection, "token", first=True, password="wrong-Password-1")

    assert done["failed"]
    assert "nothing was sent" in done["msg"]
    assert host.journal == []


# A login that the host refuses in the middle of a run: the token has expired, and the password was changed meanwhile.

PROFILE = {"external_group_name": "operators", "issuer_alias": "old", "domain": "example.com"}
DECLARED: dict[str, dict[str, Any]] = {
    "esx_kms_provider": {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY},
    "esx_kms_provider_info": {},
    "esx_token_issuer": {
        "issuer_alias": "new",
        "issuer": "https://vc1.example.com/oidc",
        "signing_cert_chains": [{"cert_chain": chain(1)}],
        "issuer_conflict": "rename",
    },
    "esx_token_issuer_info": {},
    "esx_client_profile": {**PROFILE, "entitlements": ["READ_ONLY"]},
    "esx_client_profile_info": {},
    "esx_host_trust": {"token_issuers": [], "purge_token_issuers": True},
    "esx_api_info": {},
    "esx_api_probe": {},
}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", sorted(DECLARED))
def test_a_login_that_is_refused_later_is_refused_once_and_reported(
    modules: Modules, host: Host, name: str, check: bool
) -> None:
    spoken = host.settings().protocols
    refused_runs = 0

    for good_requests in range(6):
        host.reset()
        host.settings(protocols=spoken)
        host.put_issuer("old", "https://vc1.example.com/oidc", [chain(1)])
        host.put_client_profile(type="EXTERNAL_GROUP", name="viewers", issuer_alias="old", domain="d", grants=[])
        refusal: dict[str, Any] = {"kind": "status", "error_type": "UNAUTHENTICATED", "times": None}
        host.queue(fault(operation=SERVICES, skip=good_requests, **refusal))
        host.queue(fault(operation=LOGIN, skip=1, **refusal))

        ran = modules.run(name, check=check, **DECLARED[name])
        logins = [record for record in host.journal if str(record.operation).endswith("token.create")]

        assert len(logins) <= 2, ran.output

        was_refused = len(logins) == 2

        assert ran.failed == was_refused, ran.output

        if was_refused:
            assert ran.result["failure"]["login_refused"] is True
            refused_runs += 1

    assert refused_runs


def test_a_look_that_is_refused_at_the_key_providers_is_reported(host: Host, connection: dict[str, Any]) -> None:
    declared: dict[str, Any] = {"token_issuers": []}
    refusal: dict[str, Any] = {"kind": "status", "error_type": "UNAUTHENTICATED", "times": None}
    host.queue(fault(operation="*kms.providers.*", **refusal))
    host.queue(fault(operation=LOGIN, skip=1, **refusal))

    validated = ValidatedOptions.of(ARGUMENTS, {**connection, **declared}, "esx_host_trust", shows_invocation=False)
    result = validated.result(host_examination.examine, check_mode=True, diff=True)

    assert result["failed"]
    assert result["failure"]["login_refused"] is True
    assert result["resources"] == []
    assert result["key_providers"]["failure"]["login_refused"] is True
