# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may try a login when tasks run beside each other, and what the others learn of it."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ansible_collections.esx.trust.plugins.module_utils._module import login_turn
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import LoginKey
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import in_turn
from ansible_collections.esx.trust.plugins.module_utils._services import host_trust
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.look import Look
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.variables import FleetHost
from ansible_collections.esx.trust.plugins.plugin_utils._refused_logins import RefusedLogins
from ansible_collections.esx.trust.plugins.plugin_utils._task_login import login_of
from ansible_collections.esx.trust.plugins.plugin_utils._validated import ValidatedOptions

if TYPE_CHECKING:
    from simulator import Host as EsxHost

TOKEN = LoginKey("0123abcd", basic=False)
BASIC = LoginKey("0123abcd", basic=True)
LOGIN = "com.vmware.esx.authentication.token.create"
SERVICE = "com.vmware.esx.trusted_infrastructure.kms.providers.list"


def failure(code: str, operation: str | None, *, refused: bool = False) -> dict[str, Any]:
    return {"failed": True, "failure": {"code": code, "operation": operation, "login_refused": refused}}


FINE: dict[str, Any] = {"changed": False, "api_protocol": "rest"}
REFUSED = failure("unauthenticated", LOGIN, refused=True)
REFUSED_BY_A_SERVICE = failure("unauthenticated", SERVICE, refused=True)
UNREACHABLE = failure("unreachable", LOGIN)
IN_DOUBT = failure("answer_lost", LOGIN)
IN_DOUBT["failure"]["login_in_doubt"] = True


class Host:
    """Counts who asks, and how many at the same time."""

    def __init__(self, folder: Path, answer: dict[str, Any]) -> None:
        self.folder = folder
        self.answer = answer
        self.asked = 0
        self.peak = 0
        self._now = 0
        self._lock = threading.Lock()

    def task(self, login: LoginKey = TOKEN, meanwhile: Callable[[], object] = lambda: None) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            with self._lock:
                self.asked += 1
                self._now += 1
                self.peak = max(self.peak, self._now)

            meanwhile()
            with self._lock:
                self._now -= 1

            return dict(self.answer)

        return in_turn(login, str(self.folder), "esx01", work)

    def tasks(self, count: int) -> list[dict[str, Any]]:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _number: self.task(), range(count)))


def test_a_refused_login_is_tried_by_one_of_many_tasks(tmp_path: Path) -> None:
    host = Host(tmp_path, REFUSED)
    results = host.tasks(6)

    assert host.asked == 1

    messages = [result["msg"] for result in results if "msg" in result]

    assert len(messages) == 5
    assert all("is not tried again" in text for text in messages)
    assert all(result["failure"]["login_refused"] for result in results)


def test_a_login_of_which_nothing_is_known_is_tried_one_after_the_other(tmp_path: Path) -> None:
    lost = failure("answer_lost", LOGIN)
    host = Host(tmp_path, lost)
    assert host.tasks(6) == [lost] * 6
    assert host.asked == 6
    assert host.peak == 1


def test_a_login_whose_answer_was_lost_is_tried_by_no_other_task(tmp_path: Path) -> None:
    host = Host(tmp_path, IN_DOUBT)
    results = host.tasks(3)

    assert host.asked == 1

    not_tried = [result for result in results if result != IN_DOUBT]

    assert len(not_tried) == 2
    assert all("the answer to this login was lost before" in result["msg"] for result in not_tried)
    assert all(result["failure"]["login_in_doubt"] for result in not_tried)


def test_a_login_that_was_accepted_is_tried_again_after_a_lost_answer(tmp_path: Path) -> None:
    host = Host(tmp_path, FINE)
    host.task()
    host.answer = IN_DOUBT
    host.task()
    host.task()

    assert host.asked == 3


def test_a_task_that_asked_the_host_for_nothing_proves_nothing(tmp_path: Path) -> None:
    host = Host(tmp_path, {"changed": False, "resources": []})
    host.tasks(6)
    assert host.peak == 1


def test_a_login_that_is_refused_in_the_list_of_key_providers_is_not_tried_again(tmp_path: Path) -> None:
    host = Host(tmp_path, {**FINE, "key_providers": REFUSED})
    host.task()

    assert "is not tried again" in host.task()["msg"]
    assert host.asked == 1


def test_a_login_for_a_token_that_was_refused_beside_is_tried_by_no_other_task(tmp_path: Path) -> None:
    logins = {"token": {"works": False, "reason": "refused"}, "basic": {"works": True, "reason": "accepted"}}
    host = Host(tmp_path, {**FINE, "api": {"logins": logins}})
    host.task(BASIC)

    assert "is not tried again" in host.task(TOKEN)["msg"]
    assert host.asked == 1

    together = threading.Barrier(2, timeout=30)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _number: host.task(BASIC, together.wait), range(2)))

    assert [result.get("failed") for result in results] == [None, None]


@pytest.mark.parametrize(
    "logins",
    [
        {"token": {"works": False, "reason": "refused"}, "basic": {"works": None, "reason": "not_asked"}},
        {"token": {"works": False, "reason": "not_offered"}, "basic": {"works": True, "reason": "accepted"}},
        {"token": {"works": True, "reason": "accepted"}, "basic": {"works": False, "reason": "refused"}},
    ],
    ids=["a given token", "not offered", "accepted"],
)
def test_other_answers_about_tokens_stop_no_login_for_a_token(tmp_path: Path, logins: dict[str, Any]) -> None:
    host = Host(tmp_path, {**FINE, "api": {"logins": logins}})
    host.task(BASIC)
    host.task(TOKEN)

    assert host.asked == 2


def test_a_login_that_was_accepted_is_used_by_all_at_the_same_time(tmp_path: Path) -> None:
    host = Host(tmp_path, FINE)
    host.task()
    together = threading.Barrier(3, timeout=30)

    with ThreadPoolExecutor(3) as pool:
        tasks = [pool.submit(host.task, TOKEN, together.wait) for _number in range(3)]
        assert [task.result() for task in tasks] == [FINE] * 3

    assert host.peak == 3


def test_a_login_that_is_refused_after_it_was_accepted_is_not_tried_again(tmp_path: Path) -> None:
    host = Host(tmp_path, FINE)
    host.task()
    host.answer = REFUSED
    host.task()

    assert "is not tried again" in host.task()["msg"]
    assert host.asked == 2


def test_a_refusal_by_a_service_leaves_one_try_to_a_login_for_a_token(tmp_path: Path) -> None:
    host = Host(tmp_path, REFUSED_BY_A_SERVICE)
    host.task(BASIC)

    assert "is not tried again" in host.task(BASIC)["msg"]

    host.answer = REFUSED
    host.task(TOKEN)

    assert "is not tried again" in host.task(TOKEN)["msg"]
    assert host.asked == 2


def test_a_login_for_a_token_says_nothing_of_what_services_accept(tmp_path: Path) -> None:
    host = Host(tmp_path, FINE)
    host.task(TOKEN)
    host.answer = REFUSED_BY_A_SERVICE
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(host.task, [BASIC] * 3))

    assert host.asked == 2


def test_another_login_has_a_turn_of_its_own(tmp_path: Path) -> None:
    host = Host(tmp_path, REFUSED)
    host.task()
    host.task(LoginKey("other", basic=False))

    assert host.asked == 2


def test_a_task_that_breaks_off_lets_the_next_one_in(tmp_path: Path) -> None:
    host = Host(tmp_path, FINE)

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        host.task(meanwhile=killed)

    assert host.task() == FINE


def test_tasks_that_wait_for_a_silent_host_do_not_ask_it_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(tmp_path, UNREACHABLE)
    waits = threading.Semaphore(0)
    wait_for_lock = login_turn._locked

    def locked(path: Path) -> Any:
        waits.release()
        return wait_for_lock(path)

    monkeypatch.setattr(login_turn, "_locked", locked)

    with ThreadPoolExecutor(5) as pool:
        waiting: list[Any] = []

        def meanwhile() -> None:
            assert waits.acquire(timeout=30)
            waiting.extend(pool.submit(host.task) for _number in range(5))
            for _task in waiting:
                assert waits.acquire(timeout=30)

        assert host.task(meanwhile=meanwhile) == UNREACHABLE

    messages = [task.result()["msg"] for task in waiting]

    assert host.asked == 1
    assert all("did not answer another task" in message for message in messages)

    # A later task asks again, because the host may be back.
    host.answer = FINE

    assert host.task() == FINE
    assert host.asked == 2


def test_only_the_owner_may_read_the_file_and_it_goes_with_a_later_run(tmp_path: Path) -> None:
    host = Host(tmp_path / "new", REFUSED)
    host.task()
    (file,) = host.folder.iterdir()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(host.folder.stat().st_mode) == 0o700

    os.utime(file, (0, 0))
    host.task(LoginKey("other", basic=False))

    assert not file.exists()


def test_a_file_that_is_removed_while_a_task_waits_for_it_is_made_anew(tmp_path: Path) -> None:
    host = Host(tmp_path, REFUSED)
    begun, waits = threading.Event(), threading.Event()

    def removed() -> None:
        begun.set()
        assert waits.wait(30)

        for file in tmp_path.iterdir():
            file.unlink()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(host.task, TOKEN, removed)
        assert begun.wait(30)

        second = pool.submit(host.task)
        waits.set()

        assert first.result() == second.result() == REFUSED

    assert "is not tried again" in host.task()["msg"]


def test_a_full_disk_takes_no_result_and_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    host = Host(tmp_path, REFUSED)
    monkeypatch.setattr(os, "write", full)
    result = host.task()
    monkeypatch.undo()

    assert result["failure"] == REFUSED["failure"]
    assert "No space left on device" in result["warnings"][0]
    assert "beside this one may send a refused password again" in result["warnings"][0]


def test_a_file_that_is_damaged_meanwhile_takes_no_result(tmp_path: Path) -> None:
    host = Host(tmp_path, REFUSED)

    def damage() -> None:
        (file,) = tmp_path.iterdir()
        file.write_bytes(b"\xff\n")

    assert host.task(meanwhile=damage) == REFUSED
    assert "is not tried again" in host.task()["msg"]


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings of this process."""
    texts: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, text, **_options: texts.append(text))

    return texts


def test_a_refusal_that_cannot_be_kept_is_warned_of(
    warned: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "gone"))
    refused = RefusedLogins()
    refused.remember_answer_in(TOKEN, REFUSED)

    assert refused.objection(TOKEN, "esx01") is not None
    assert f"{tmp_path}/gone (No such file or directory)" in warned[0]


def test_nothing_is_sent_if_nobody_can_know_what_was_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "gone"))
    with pytest.raises(AnsibleActionFail, match=r"gone \(No such file or directory\); nothing was sent"):
        RefusedLogins().share(TOKEN)

    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / ("x" * 300)))
    with pytest.raises(AnsibleActionFail, match="File name too long"):
        RefusedLogins().objection(TOKEN, "esx01")
    with pytest.raises(AnsibleActionFail, match="File name too long"):
        RefusedLogins().is_shared(TOKEN)


def test_a_look_reports_what_the_host_said_although_nothing_can_be_kept(
    warned: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: EsxHost
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "gone"))
    look = Look(key_providers=False, threads=1, refusals=1, remote_tmp=str(tmp_path))
    given = [FleetHost("esx01", refused_options(host))]
    looked = look.at(given)["esx01"]

    assert looked is not None
    assert looked["trust"]["failure"]["login_refused"]
    assert len(warned) == 1

    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / ("x" * 300)))
    look = Look(key_providers=False, threads=1, refusals=1, remote_tmp=str(tmp_path))
    looked = look.at(given)["esx01"]

    assert looked is not None
    assert "File name too long" in looked["trust"]["msg"]
    assert "bug" not in looked["trust"]["msg"]
    assert host.login_attempts == 1


def refused_options(host: EsxHost) -> dict[str, Any]:
    """Options of esx_host_trust with a password that the host refuses, and an empty declaration."""
    return {
        "hostname": host.address,
        "port": host.port,
        "username": "root",
        "password": "wrong-Password-1",
        "validate_certs": False,
        "kms_providers": [],
    }


def test_a_refusal_is_kept_for_an_empty_declaration_too(host: EsxHost, tmp_path: Path) -> None:
    args = refused_options(host)
    validated = ValidatedOptions.of(host_trust.ARGUMENTS, args, "esx_host_trust", shows_invocation=False)
    done = in_turn(
        TOKEN,
        str(tmp_path),
        "esx01",
        lambda: validated.result(host_trust.run, check_mode=True, diff=False),
    )

    assert done["failure"]["login_refused"]

    (file,) = tmp_path.iterdir()

    assert file.read_text("ascii") == f"refused {TOKEN.digest}\n"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_without_a_memory_nothing_is_sent(tmp_path: Path, kind: str) -> None:
    host = Host(tmp_path / "folder", FINE)

    if kind == "file":
        host.folder.touch()
    else:
        host.folder.mkdir()
        (host.folder / "esx-trust-login-0123abcd").symlink_to(tmp_path / "elsewhere")

    result = host.task()

    assert result["failure"]["code"] == "invalid_input"
    assert "cannot be noted" in result["msg"]
    assert "nothing was sent" in result["msg"]
    assert host.asked == 0


def test_a_look_at_a_fleet_knows_the_login_that_was_refused_to_a_task_in_the_background(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: EsxHost
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))

    args = refused_options(host)
    login = login_of(host_trust.ARGUMENTS, args, {})
    RefusedLogins().share(login)
    (tmp_path / f"esx-trust-login-{login.digest}").write_text(f"refused {login.digest}\n", "ascii")

    look = Look(key_providers=False, threads=1, refusals=1, remote_tmp=str(tmp_path))
    looked = look.at([FleetHost("esx01", args)])["esx01"]

    assert looked is not None
    assert "is not tried again" in looked["trust"]["msg"]
    assert host.journal == []
