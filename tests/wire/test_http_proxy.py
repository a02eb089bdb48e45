# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way through an HTTP proxy: a real one, and everything that calls itself one."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.reach import reachable
from simulator.certificates import issue
from support.constants import KEY
from support.credentials import basic_credentials
from support.debian import debian_program
from support.ports import free_port
from wire.checks import assert_one_sentence
from wire.checks import assert_untouched
from wire.checks import open_sockets
from wire.checks import wrote
from wire.proxy import FaultProxy
from wire.scenarios import CREATES
from wire.ways import Cut
from wire.ways import Way

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from support.modules import Ran
    from wire.checks import Watch

LOOPBACK = "127.0.0.1"
TIMEOUT = 0.3
START_TIMEOUT = 20.0
#: Nothing listens there.
NOBODY = "http://127.0.0.1:9"


# A real proxy


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Debian's tinyproxy, the program alone."""
    return debian_program(tmp_path_factory, "tinyproxy", "tinyproxy-bin", seconds=100)


class TinyProxy:
    """The real proxy, as a child in the foreground."""

    def __init__(self, program: str, folder: Path, allowed: int, *more: str) -> None:
        self._log = folder / "tinyproxy.log"
        self.port = free_port()
        configuration = folder / "tinyproxy.conf"

        lines = [
            f"Port {self.port}",
            f"Listen {LOOPBACK}",
            f"Allow {LOOPBACK}",
            "Timeout 60",
            "MaxClients 20",
            f'LogFile "{self._log}"',
            "LogLevel Connect",
            f"ConnectPort {allowed}",
            *more,
        ]

        configuration.write_text("\n".join(lines) + "\n")

        self._process = subprocess.Popen(
            [program, "-d", "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        try:
            self._await_listening()
        except BaseException:
            self.stop()
            raise

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def requests(self) -> int:
        return self.log.count("CONNECT 127.")

    def _await_listening(self) -> None:
        end = time.monotonic() + START_TIMEOUT
        while True:
            assert self._process.poll() is None, "tinyproxy ended"

            try:
                socket.create_connection((LOOPBACK, self.port), timeout=1).close()
            except ConnectionRefusedError:
                assert time.monotonic() < end, "tinyproxy does not listen"

                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def tiny(program: str, tmp_path: Path, host: Host) -> Iterator[TinyProxy]:
    with contextlib.ExitStack() as stack:
        running = TinyProxy(program, tmp_path, host.port)
        stack.callback(running.stop)
        yield running


@pytest.fixture
def watched(tiny: TinyProxy, modules: Modules) -> Iterator[FaultProxy]:
    """The modules' way to the real proxy leads through one that sees and spoils."""
    with FaultProxy(LOOPBACK, tiny.port) as before:
        modules.connection.update(proxy_host=LOOPBACK, proxy_port=before.port)
        yield before


def assert_proxy_is_named(ran: Ran, port: int) -> None:
    assert f"{LOOPBACK}:{port}" in ran.message, ran.message
    assert "proxy" in ran.message, ran.message


def test_a_real_proxy_carries_the_conversation(modules: Modules, host: Host, tiny: TinyProxy) -> None:
    ran = modules.kms_provider(proxy_host=LOOPBACK, proxy_port=tiny.port)
    assert ran.changed
    assert f"CONNECT {host.address}:{host.port}" in tiny.log
    assert host.connections.opened == 1
    assert wrote(host) == ["create"]


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "127.0.0.1", " 127.0.0.1 "])
def test_the_proxy_may_have_a_name(modules: Modules, host: Host, tiny: TinyProxy, name: str) -> None:
    assert modules.kms_provider(proxy_host=name, proxy_port=tiny.port).changed
    assert "CONNECT" in tiny.log


def test_a_proxy_sees_the_address_and_nothing_else(modules: Modules, host: Host, watched: FaultProxy) -> None:
    assert modules.kms_provider().changed

    (link,) = watched.links
    request = bytes(link.to_host)
    head, _blank, tunnel = request.partition(b"\r\n\r\n")

    assert head.startswith(f"CONNECT {host.address}:{host.port} HTTP/1.".encode())
    assert b"uthorization" not in request
    assert tunnel[:2] == b"\x16\x03"

    login = f"{host.username}:{host.password}"

    for secret in (host.password, login, basic_credentials(host.username, host.password), KEY, *host.tokens):
        assert secret.encode() not in request
        assert secret.encode() not in bytes(link.to_client)

    assert watched.wait_closed()


@pytest.mark.parametrize("method", ["token", "basic", "session"])
def test_one_connection_through_a_proxy_and_none_left_open(
    modules: Modules, host: Host, watched: FaultProxy, method: str
) -> None:
    host.settings(session_service=True)
    assert modules.kms_provider(auth_method=method).changed
    assert watched.total == 1
    assert watched.peak == 1
    assert watched.open_now == 0
    assert host.open_sessions == 0
    assert host.wait_closed()


def test_the_host_is_verified_through_a_proxy(
    modules: Modules, host: Host, watched: FaultProxy, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.pem"
    stranger.write_text(issue("CA", authority=True).pem)
    ran = modules.kms_provider(ca_path=str(stranger))

    assert_one_sentence(ran, host, code="untrusted")

    refused = modules.kms_provider(thumbprint=host.fingerprint[::-1])

    assert_one_sentence(refused, host, code="untrusted")
    assert host.fingerprint in refused.message
    assert_untouched(host)
    assert watched.wait_closed()


def test_a_pin_works_through_a_proxy(modules: Modules, host: Host, watched: FaultProxy) -> None:
    host.renew_certificate(trusted=False, name="elsewhere.example.com")
    try:
        assert modules.kms_provider().result["failure"]["code"] == "untrusted"
        assert_untouched(host)
        assert modules.kms_provider(ca_path=None, thumbprint=host.fingerprint).changed
    finally:
        host.renew_certificate()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"])
def test_variables_do_not_change_the_proxy(
    modules: Modules, host: Host, tiny: TinyProxy, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for each in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, "*" if "no" in name.lower() else NOBODY)

    assert modules.kms_provider(proxy_host=LOOPBACK, proxy_port=tiny.port).changed
    assert tiny.requests == 1
    assert not modules.kms_provider().failed
    assert tiny.requests == 1


def test_a_real_proxy_that_does_not_allow_the_port_is_named(
    modules: Modules, host: Host, program: str, tmp_path: Path
) -> None:
    running = TinyProxy(program, tmp_path, 443)
    try:
        ran = modules.kms_provider(proxy_host=LOOPBACK, proxy_port=running.port, retries=1)
        assert_one_sentence(ran, host, code="unreachable")
        assert_proxy_is_named(ran, running.port)
        assert "403" in ran.message
    finally:
        running.stop()

    assert host.connections.handshakes == 0


def test_whether_a_host_behind_a_real_proxy_answers_is_known_without_a_request(
    host: Host, program: str, tmp_path: Path
) -> None:
    running = TinyProxy(program, tmp_path, host.port)
    connection = Connection(host.address, host.port, proxy=f"http://{LOOPBACK}:{running.port}")

    try:
        assert reachable(connection)
        assert not reachable(replace(connection, port=free_port()))
    finally:
        running.stop()

    assert not reachable(connection)
    assert host.connections.handshakes == 1
    assert host.journal == []


def test_a_real_proxy_that_wants_a_login_is_named(modules: Modules, host: Host, program: str, tmp_path: Path) -> None:
    running = TinyProxy(program, tmp_path, host.port, "BasicAuth somebody secret")
    try:
        ran = modules.kms_provider(proxy_host=LOOPBACK, proxy_port=running.port, retries=1)
        assert_one_sentence(ran, host, code="unreachable")
        assert_proxy_is_named(ran, running.port)
        assert "407" in ran.message
    finally:
        running.stop()

    assert_untouched(host)


def test_a_host_that_a_real_proxy_cannot_reach_is_named(
    modules: Modules, host: Host, program: str, tmp_path: Path
) -> None:
    port = free_port()
    running = TinyProxy(program, tmp_path, port)

    try:
        ran = modules.kms_provider(port=port, proxy_host=LOOPBACK, proxy_port=running.port, retries=1)
        assert_one_sentence(ran, host, code="unreachable")
        assert_proxy_is_named(ran, running.port)
        assert f"{host.address}:{port}" in ran.message
    finally:
        running.stop()


#: So much is said by both before the tunnel is open, in its handshake, and after it.
PLACES = [0, 1, 12, 30, 60, 200, 800, 1600, 2000, 2300]
IN_THE_TUNNEL = 1600


@pytest.mark.parametrize("how", ["close", "reset", "stall"])
@pytest.mark.parametrize("place", PLACES)
def test_a_proxy_that_dies_is_survived_or_named(
    modules: Modules, host: Host, watched: FaultProxy, watch: Watch, place: int, how: Any
) -> None:
    watched.script(Way(Cut("to_client", place, how)))
    ran = modules.kms_provider(retries=1, timeout=TIMEOUT)

    assert CREATES.verdict(modules, host, ran, must_succeed=True) is None

    CREATES.start(host)
    watched.script(otherwise=Way(Cut("to_client", place, how)))
    ran = modules.kms_provider(retries=0, timeout=TIMEOUT)

    if place < IN_THE_TUNNEL or ran.failed:
        assert_one_sentence(ran, host)
        assert_proxy_is_named(ran, watched.port)

    assert watch.within(5 * 3 * TIMEOUT)
    assert watched.peak == 1
    assert host.login_attempts <= 2


# No proxy at all

ANSWERS = {
    "forbidden": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "403"),
    "login wanted": (
        b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
        "407",
    ),
    "no route": (b"HTTP/1.1 503 Service Unavailable\r\n\r\n<html>no route</html>", "503"),
    "bad gateway": (b"HTTP/1.0 502 Bad Gateway\r\n\r\n", "502"),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:9/\r\n\r\n", "302"),
    "empty": (b"", ""),
    "half a line": (b"HTTP/1.1 2", ""),
    "half a head": (b"HTTP/1.1 200 OK\r\nVia: some", ""),
    "garbage": (bytes(range(128, 256)) + b"\r\n\r\n", ""),
    "ssh": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", ""),
    "socks": (b"\x05\x00", ""),
    "tls": (bytes.fromhex("15030300020228"), ""),
    "a long line": (b"HTTP/1.1 200 " + b"x" * 70000 + b"\r\n\r\n", ""),
    "a long header": (b"HTTP/1.1 200 OK\r\nVia: " + b"x" * 70000 + b"\r\n\r\n", ""),
    "many headers": (b"HTTP/1.1 200 OK\r\n" + b"Via: x\r\n" * 5000 + b"\r\n", ""),
    "no number": (b"HTTP/1.1 OK\r\n\r\n", ""),
    "a tunnel to nowhere": (b"HTTP/1.1 200 OK\r\n\r\n", ""),
    "a tunnel to garbage": (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(range(256)), ""),
    "a tunnel to an alert": (b"HTTP/1.1 200 OK\r\n\r\n" + bytes.fromhex("15030300020228"), ""),
}


@pytest.fixture
def fake(modules: Modules) -> Iterator[FaultProxy]:
    with FaultProxy(LOOPBACK, None) as running:
        modules.connection.update(proxy_host=LOOPBACK, proxy_port=running.port)
        yield running


@pytest.mark.parametrize("then", ["close", "reset", "stall"])
@pytest.mark.parametrize("kind", ANSWERS)
def test_what_is_no_proxy_is_named(
    modules: Modules, host: Host, fake: FaultProxy, watch: Watch, no_collector: None, kind: str, then: Any
) -> None:
    answer, named = ANSWERS[kind]
    fake.script(otherwise=Way(instead=answer, then=then))
    ran = modules.kms_provider(retries=1, timeout=TIMEOUT)

    assert_one_sentence(ran, host, code="unreachable")
    assert_proxy_is_named(ran, fake.port)
    assert then == "reset" or named in ran.message
    assert watch.within(2 * 3 * TIMEOUT)
    assert fake.total == 2
    assert fake.peak == 1
    assert host.password.encode() not in fake.sent_by_client()
    assert b"uthorization" not in fake.sent_by_client()
    assert host.connections.handshakes == 0
    assert open_sockets() == []


def test_a_proxy_that_says_nothing_is_named(modules: Modules, host: Host, fake: FaultProxy, watch: Watch) -> None:
    fake.script(otherwise=Way(silent=True))
    ran = modules.kms_provider(retries=1, timeout=TIMEOUT)

    assert_one_sentence(ran, host, code="unreachable")
    assert_proxy_is_named(ran, fake.port)
    assert watch.within(2 * 3 * TIMEOUT)


def test_a_proxy_that_refuses_connections_is_named(modules: Modules, host: Host, fake: FaultProxy) -> None:
    fake.refuse()
    ran = modules.kms_provider(retries=1)

    assert_one_sentence(ran, host, code="unreachable")
    assert_proxy_is_named(ran, fake.port)
    assert "refused" in ran.message


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nVia: " + b"x" * 160, b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 30, b"x" * 180],
    ids=["a header", "headers", "a line"],
)
def test_a_proxy_that_drips_is_given_up(
    modules: Modules, host: Host, fake: FaultProxy, watch: Watch, answer: bytes
) -> None:
    fake.script(otherwise=Way(instead=answer, piece=1, latency=0.05))
    assert not reachable(Connection(host.address, host.port, proxy=f"http://{LOOPBACK}:{fake.port}", timeout=TIMEOUT))

    ran = modules.kms_provider(retries=0, timeout=TIMEOUT)

    assert_one_sentence(ran, host, code="unreachable")
    assert_proxy_is_named(ran, fake.port)
    assert "timed out" in ran.message
    assert watch.within(4 * TIMEOUT)


def test_a_tunnel_that_drips_is_given_up(modules: Modules, host: Host, watched: FaultProxy, watch: Watch) -> None:
    watched.script(otherwise=Way(piece=1, latency=0.05))
    ran = modules.kms_provider(retries=0, timeout=TIMEOUT)

    assert_one_sentence(ran, host, code="unreachable")
    assert_proxy_is_named(ran, watched.port)
    assert watch.within(3 * TIMEOUT)
    assert_untouched(host)
