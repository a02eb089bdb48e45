# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of a fleet are asked, in which order, and what becomes of an examination that goes wrong."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any
from typing import Optional

import pytest

from ansible_collections.esx.trust.plugins.module_utils._signals import Stopped
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import examination
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import reach
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import width
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.examination import Examination

if TYPE_CHECKING:
    from simulator import Host

FINE: dict[str, Any] = {"changed": False, "api_protocol": "rest"}
REFUSED = {"failed": True, "failure": {"code": "unauthenticated", "login_refused": True}}


def forbid(_host: str) -> None:
    """Nothing to remember."""


def params(password: str = "one", **more: Any) -> dict[str, Any]:
    login = {"access_token": None, "saml_token": None, "username": "root", "password": password}
    given = {**login, "auth_method": "token"}
    return {**given, "validate_certs": False, "thumbprint": None, "ca_path": None, **more}


class Asked:
    """Answers for hosts, and who was asked."""

    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self.answers = answers
        self.hosts: list[str] = []
        self.forbidden: list[str] = []

    def ask(self, host: str) -> dict[str, Any]:
        self.hosts.append(host)
        return dict(self.answers.get(host, FINE))

    def results(self, fleet: dict[str, Any], refusals: int = 1) -> dict[str, dict[str, Any]]:
        return Examination(fleet, self.ask, self.forbidden.append, threads=4, refusals=refusals).results()


def test_a_login_is_tried_on_one_host_before_the_others() -> None:
    fleet: dict[str, Any] = {f"esx{number}": params() for number in range(9)}
    asked = Asked({"esx0": REFUSED})
    results = asked.results(fleet)

    assert asked.hosts == ["esx0"]
    assert list(results) == list(fleet)
    assert all("esx0 refused the same login" in results[host]["msg"] for host in asked.forbidden)
    assert asked.forbidden == [f"esx{number}" for number in range(1, 9)]

    # Another password is another login, and so is a host whose options were refused none at all.
    fleet.update(other=params("two"), token=params(access_token="t"), wrong=None)
    asked = Asked({"esx0": REFUSED})
    asked.results(fleet)

    assert sorted(asked.hosts) == ["esx0", "other", "token", "wrong"]


def test_a_host_of_several_may_refuse() -> None:
    fleet = {f"esx{number}": params() for number in range(9)}
    asked = Asked({"esx0": REFUSED, "esx1": REFUSED})
    asked.results(fleet, refusals=3)

    assert asked.hosts[:3] == ["esx0", "esx1", "esx2"]
    assert sorted(asked.hosts) == sorted(fleet)

    asked = Asked(dict.fromkeys(fleet, REFUSED))
    asked.results(fleet, refusals=3)

    assert asked.hosts == ["esx0", "esx1", "esx2"]


LOGIN = "com.vmware.esx.authentication.token.create"
SERVICE = "com.vmware.esx.trusted_infrastructure.kms.providers.get"


def failure(code: str, operation: Optional[str]) -> dict[str, Any]:
    return {"failed": True, "failure": {"code": code, "operation": operation}}


@pytest.mark.parametrize(
    ("auth_method", "first"),
    [
        ("token", failure("api_error", LOGIN)),
        ("token", failure("unauthorized", LOGIN)),
        ("token", failure("error", None)),
        ("session", failure("api_error", "com.vmware.cis.session.create")),
        # Each request carries the password, and any of them may fail before it is looked at.
        ("basic", failure("api_error", SERVICE)),
        ("basic", failure("unauthorized", SERVICE)),
    ],
)
def test_a_host_that_fails_before_it_accepts_a_login_proves_nothing(auth_method: str, first: dict[str, Any]) -> None:
    fleet = {f"esx{number}": params(auth_method=auth_method) for number in range(9)}
    asked = Asked({**dict.fromkeys(fleet, REFUSED), "esx0": first})
    asked.results(fleet)

    assert asked.hosts == ["esx0", "esx1"]


@pytest.mark.parametrize(
    "first", [failure("conflict", None), failure("api_error", SERVICE), failure("unauthorized", SERVICE)]
)
def test_a_host_that_fails_behind_its_login_has_accepted_it(first: dict[str, Any]) -> None:
    fleet = {f"esx{number}": params() for number in range(9)}
    asked = Asked({"esx0": first, "esx1": REFUSED})
    asked.results(fleet)

    assert sorted(asked.hosts) == sorted(fleet)


@pytest.mark.parametrize(
    "first",
    [
        # Nothing was declared that the host had to be asked for.
        {"changed": False, "resources": []},
        # The first part of an examination needed no login, or one that ended before the second part.
        {"changed": False, "api_protocol": "rest", "key_providers": REFUSED},
    ],
)
def test_a_host_without_a_failure_may_have_proved_nothing(first: dict[str, Any]) -> None:
    fleet = {f"esx{number}": params() for number in range(9)}
    asked = Asked({**dict.fromkeys(fleet, REFUSED), "esx0": first})
    asked.results(fleet)

    assert asked.hosts[1:] in ([], ["esx1"])


class Silent(Asked):
    """The first host takes a connection and says nothing until all others were asked, or until it is told to speak."""

    def __init__(self, answers: dict[str, dict[str, Any]], others: int) -> None:
        super().__init__(answers)
        self.speak = threading.Event()
        self.others = others

    def ask(self, host: str) -> dict[str, Any]:
        if host == "esx0":
            assert self.speak.wait(30)
        answer = super().ask(host)
        if len(self.hosts) == self.others:
            self.speak.set()

        return answer


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host is doubted at once, and all but the first speak TLS."""
    monkeypatch.setattr(examination, "_HANDSHAKE_AFTER", 0.0)
    monkeypatch.setattr(examination, "_CHECK_INTERVAL", 0.01)
    monkeypatch.setattr(examination, "_is_reachable", lambda given: given["name"] != "esx0")


def named(number: int) -> dict[str, dict[str, Any]]:
    return {f"esx{each}": params(name=f"esx{each}") for each in range(number)}


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("hosts", [2, 9])
def test_the_others_do_not_wait_for_a_host_that_is_silent(hosts: int) -> None:
    asked = Silent({"esx0": failure("unreachable", None)}, others=hosts - 1)
    results = asked.results(named(hosts))

    assert asked.hosts[-1] == "esx0"
    assert sorted(asked.hosts) == sorted(results)
    assert [host for host, result in results.items() if result.get("failed")] == ["esx0"]


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("late", [REFUSED, failure("answer_lost", None), FINE])
def test_a_login_that_is_refused_meanwhile_is_tried_nowhere_else(late: dict[str, Any]) -> None:
    """Whatever the silent host says in the end. If it says no as well, these are the two, and nobody else is asked."""
    asked = Silent({"esx0": late, "esx1": REFUSED}, others=8)
    forbidden = []

    def forbid(host: str) -> None:
        forbidden.append(host)
        asked.speak.set()

    results = Examination(named(9), asked.ask, forbid, threads=4, refusals=1).results()

    assert asked.hosts == ["esx1", "esx0"]
    assert sorted(forbidden) == [f"esx{number}" for number in range(2, 9)]
    assert "esx1 refused the same login" in results["esx8"]["msg"]


@pytest.mark.usefixtures("_impatient")
def test_a_host_that_only_takes_its_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be looking at the password, so the password goes nowhere else before it has answered."""
    doubted = threading.Event()

    def speaks(_given: Any) -> bool:
        doubted.set()
        return True

    monkeypatch.setattr(examination, "_is_reachable", speaks)

    class Slow(Asked):
        def ask(self, host: str) -> dict[str, Any]:
            assert doubted.wait(30)

            return super().ask(host)

    asked = Slow({"esx0": REFUSED})
    asked.results(named(9))

    assert asked.hosts == ["esx0"]


def test_an_examination_ends_with_the_process_that_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job runner kills Ansible, and its worker is told nothing."""
    monkeypatch.setattr(examination, "_CHECK_INTERVAL", 0.01)
    monkeypatch.setattr(examination, "_STOP_TIMEOUT", 0.01)
    # On a busy machine the hosts that wait for the first one are looked at meanwhile.
    monkeypatch.setattr(examination, "_is_reachable", lambda given: False)
    release = threading.Event()

    def ask(_host: str) -> dict[str, Any]:
        monkeypatch.setattr(os, "getppid", lambda: 1)
        release.wait(30)
        return FINE

    try:
        with pytest.raises(Stopped):
            Examination(named(9), ask, forbid, threads=2, refusals=1).results()
    finally:
        release.set()


UNREACHABLE = failure("unreachable", None)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def at(port: int, **more: Any) -> dict[str, Any]:
    options = {"hostname": "127.0.0.1", "port": port, "timeout": 0.2, "retries": 0}
    return params(**{**options, "proxy_host": None, "proxy_port": None, **more})


@pytest.mark.parametrize("through_a_proxy", [False, True])
def test_a_host_that_answers_is_asked_before_all_that_are_silent(
    silent: int, host: Host, through_a_proxy: bool
) -> None:
    proxy = {"proxy_host": "127.0.0.1", "proxy_port": silent} if through_a_proxy else {}
    fleet = {f"esx{number}": at(silent, **proxy) for number in range(9)}
    fleet["esx9"] = at(host.port, hostname=host.address, timeout=30)
    asked = Asked(dict.fromkeys((f"esx{number}" for number in range(9)), UNREACHABLE))
    results = asked.results(fleet)

    assert asked.hosts[:2] == ["esx0", "esx9"]
    assert sorted(asked.hosts) == sorted(fleet) == sorted(results)
    assert host.journal == []


def test_silent_hosts_are_asked_beside_each_other_if_no_other_is_left(silent: int, host: Host) -> None:
    together = threading.Barrier(4, timeout=30)
    asked = []

    def ask(name: str) -> dict[str, Any]:
        asked.append(name)
        if name in ("esx0", "good"):
            return failure("api_error", LOGIN) if name == "good" else UNREACHABLE
        together.wait()

        return UNREACHABLE

    fleet = {f"esx{number}": at(silent) for number in range(5)}
    fleet["good"] = at(host.port, hostname=host.address, timeout=30)
    Examination(fleet, ask, forbid, threads=4, refusals=1).results()

    assert asked[:2] == ["esx0", "good"]
    assert len(asked) == 6


def test_a_login_that_is_refused_while_hosts_are_sought_is_tried_on_none_of_them(silent: int, host: Host) -> None:
    fleet = {f"esx{number}": at(silent) for number in range(5)}
    fleet["good"] = at(host.port, hostname=host.address, timeout=30)
    asked = Asked({"esx0": UNREACHABLE, "good": REFUSED})
    results = asked.results(fleet)

    assert asked.hosts == ["esx0", "good"]
    assert sorted(asked.forbidden) == ["esx1", "esx2", "esx3", "esx4"]
    assert all("good refused the same login" in results[host]["msg"] for host in asked.forbidden)


@pytest.mark.parametrize("refusals", [1, 2, 3])
def test_a_refused_login_is_not_tried_on_silent_hosts(monkeypatch: pytest.MonkeyPatch, refusals: int) -> None:
    """They may wake up, and then they would get it."""
    monkeypatch.setattr(examination, "_is_reachable", lambda given: given["name"] in ("esx1", "esx2"))
    asked = Asked({"esx0": UNREACHABLE, **dict.fromkeys((f"esx{number}" for number in range(1, 20)), REFUSED)})
    results = asked.results(named(20), refusals=refusals)

    assert asked.hosts == ["esx0", "esx1", "esx2"][: refusals + 1]
    assert sorted(results) == sorted(named(20))
    assert "refused the same login" in results["esx19"]["msg"]


def test_silent_hosts_that_wake_up_and_refuse_stop_those_that_have_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "_is_reachable", lambda given: False)
    given_up = threading.Event()
    forbidden = []

    class Waking(Asked):
        def ask(self, host: str) -> dict[str, Any]:
            if len(self.hosts) >= 5:
                assert given_up.wait(30)
            return super().ask(host)

    def forbid(host: str) -> None:
        forbidden.append(host)
        given_up.set()

    asked = Waking({"esx0": UNREACHABLE, **dict.fromkeys((f"esx{number}" for number in range(1, 200)), REFUSED)})
    results = Examination(named(200), asked.ask, forbid, threads=4, refusals=1).results()

    assert len(results) == 200
    assert sorted([*asked.hosts, *forbidden]) == sorted(results)
    assert len(asked.hosts) < 20


def test_tls_that_does_not_work_here_is_reported_for_each_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any, **_more: Any) -> Any:
        raise ssl.SSLError("no TLS here")

    monkeypatch.setattr(reach, "tls_context", broken)
    fleet = {f"esx{number}": at(1) for number in range(5)}
    results = Asked(dict.fromkeys(fleet, UNREACHABLE)).results(fleet)

    assert results == dict.fromkeys(fleet, UNREACHABLE)


def test_a_mistake_of_ours_costs_one_host_its_result() -> None:
    def ask(host: str) -> dict[str, Any]:
        if host == "esx1":
            raise KeyError("a secret")
        return FINE

    fleet = {f"esx{number}": params(str(number)) for number in range(3)}
    results = Examination(fleet, ask, forbid, threads=2, refusals=1).results()

    assert [result.get("failed", False) for result in results.values()] == [False, True, False]
    assert "KeyError" in results["esx1"]["msg"]
    assert "a secret" not in results["esx1"]["msg"]


@pytest.fixture
def _interrupts() -> Iterator[None]:
    """What is started in the background ignores SIGINT; here it does what it does in the foreground."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts")
def test_a_signal_ends_it_and_no_further_host_is_asked() -> None:
    begun: list[str] = []
    release = threading.Event()

    def ask(host: str) -> dict[str, Any]:
        begun.append(host)
        os.kill(os.getpid(), signal.SIGINT)
        release.wait(1)

        return FINE

    fleet = {f"esx{number}": params(str(number)) for number in range(50)}
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        Examination(fleet, ask, forbid, threads=1, refusals=1).results()
    release.set()

    assert begun == ["esx0"]
    assert signal.getsignal(signal.SIGINT) is before

    for thread in threading.enumerate():
        if thread.name.startswith("esx-trust-look"):
            thread.join(5)
            assert not thread.is_alive()


class Simultaneous:
    """Answers for hosts, and the most of them that were asked at a time."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def ask(self, _host: str) -> dict[str, Any]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

        with self._lock:
            self._now -= 1

        return FINE


def test_few_hosts_are_examined_at_a_time_while_this_process_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "process_time", time.monotonic)
    monkeypatch.setattr(width, "INTERVAL", 0.0)
    simultaneous = Simultaneous()
    results = Examination(named(200), simultaneous.ask, forbid, threads=50, refusals=1).results()

    assert len(results) == 200
    assert 1 <= simultaneous.most <= 4


def test_few_hosts_are_examined_at_a_time_while_each_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "process_time", lambda: 0.0)
    examined = width.Width(50)

    for ended, hosts in ((40, 4), (11, 4), (9, 8), (21, 8), (0, 16)):
        for _host in range(ended):
            examined.note_end()

        # A host that is not slow ends more than twice in this time, so ten or more of four hosts end.
        clock[0] += 0.25
        examined.grow_if_idle()
        assert examined.hosts == hosts


def test_as_many_hosts_as_allowed_are_examined_at_a_time_while_this_process_waits_for_them() -> None:
    # Without a host that comes to this barrier last, no examination would end.
    together = threading.Barrier(50, timeout=30)

    def ask(host: str) -> dict[str, Any]:
        if host != "esx0":
            together.wait()

        return FINE

    results = Examination(named(101), ask, forbid, threads=50, refusals=1).results()

    assert results == dict.fromkeys(named(101), FINE)


@pytest.mark.parametrize("most", [1, 2, 50])
def test_the_width_doubles_up_to_the_most_hosts(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "process_time", lambda: 0.0)
    examined = width.Width(most)
    found = [examined.hosts]

    for _time in range(6):
        examined.grow_if_idle()
        assert examined.hosts == found[-1]

        clock[0] += 2 * width.INTERVAL
        examined.grow_if_idle()
        found.append(examined.hosts)

    assert found == [min(most, hosts) for hosts in (4, 8, 16, 32, 64, 128, 256)]
    assert not examined.may_grow


def test_the_filters_of_warnings_are_as_they_were() -> None:
    def ask(_host: str) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
        return FINE

    before = list(warnings.filters)
    Examination({f"esx{n}": params(str(n)) for n in range(200)}, ask, forbid, threads=20, refusals=1).results()

    assert list(warnings.filters) == before
