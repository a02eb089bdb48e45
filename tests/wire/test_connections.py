# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection at a time, and nothing left open on any way out, those of signals included."""

from __future__ import annotations

import errno
import weakref
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api import tls
from ansible_collections.esx.trust.plugins.module_utils._api.https_transport import HttpsTransport
from simulator import Fault
from simulator.certificates import issue
from support.constants import ISSUER
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from wire.checks import front
from wire.checks import open_sockets
from wire.checks import served_by
from wire.checks import wrote
from wire.scenarios import OLD
from wire.scenarios import SCENARIOS
from wire.scenarios import Scenario
from wire.ways import Cut
from wire.ways import Way

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from support.modules import Modules
    from wire.proxy import FaultProxy

pytestmark = pytest.mark.usefixtures("session_service")

PROVIDERS = "com.vmware.esx.trusted_infrastructure.kms.providers"
ISSUERS = "com.vmware.esx.authentication.trust.security_token_issuers"
#: The module decides which of the two it reads with.
READS = f"{PROVIDERS}.[gl]*t"
METHODS = ("token", "basic", "session")
methods = pytest.mark.parametrize("method", METHODS)


def assert_all_closed(proxy: FaultProxy, host: Host) -> None:
    assert proxy.peak == 1
    assert proxy.open_now == 0
    assert host.open_sessions == 0


# Ways out


@methods
def test_after_success_nothing_is_open(
    modules: Modules, proxy: FaultProxy, host: Host, no_collector: None, method: str
) -> None:
    assert modules.kms_provider(auth_method=method).changed
    assert proxy.total == 1
    assert_all_closed(proxy, host)


def test_of_a_host_that_is_as_declared_nothing_is_kept_in_memory(
    modules: Modules, proxy: FaultProxy, no_collector: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Circles of references would keep the transports of a whole fleet in memory, with the secrets."""
    assert modules.kms_provider().changed

    made: list[weakref.ref[HttpsTransport]] = []
    create = HttpsTransport.__init__

    def watched(self: HttpsTransport, *args: Any) -> None:
        made.append(weakref.ref(self))
        create(self, *args)

    monkeypatch.setattr(HttpsTransport, "__init__", watched)

    assert not modules.kms_provider().changed
    assert [reference() for reference in made] == [None]


@methods
def test_after_a_conflict_nothing_is_open(
    modules: Modules, proxy: FaultProxy, host: Host, no_collector: None, method: str
) -> None:
    host.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    assert modules.kms_provider(auth_method=method).result["failure"]["code"] == "conflict"
    assert proxy.total == 1
    assert_all_closed(proxy, host)


FAILURES = {
    "refused": Fault(kind="status", operation=READS, error_type="INVALID_ARGUMENT", times=None),
    "unauthorized": Fault(kind="status", operation=READS, error_type="UNAUTHORIZED", times=None),
    "unauthenticated": Fault(kind="status", operation=READS, error_type="UNAUTHENTICATED", times=None),
    "down": Fault(kind="status", operation=READS, error_type="SERVICE_UNAVAILABLE", times=None),
    "not the API": Fault(kind="answer", operation=READS, ready="html", times=None),
    "too large": Fault(kind="answer", operation=READS, ready="huge", bytes=20_000_000, times=None),
    "reset": Fault(kind="reset_before", operation=READS, times=None),
    "closed": Fault(kind="reset_before", operation=READS, abort="close", times=None),
    "broken off": Fault(kind="cut_answer", operation=READS, bytes=3, times=None),
    "too late": Fault(kind="delay", operation=READS, seconds=30, times=None),
}


@methods
@pytest.mark.parametrize("failure", FAILURES)
def test_after_a_failure_nothing_is_open(
    modules: Modules, proxy: FaultProxy, host: Host, no_collector: None, method: str, failure: str
) -> None:
    host.queue(FAILURES[failure])
    timeout = 0.4 if failure == "too late" else 30
    ran = modules.kms_provider(auth_method=method, retries=1, timeout=timeout)

    assert ran.failed
    assert proxy.total <= 3
    assert_all_closed(proxy, host)


@methods
def test_after_a_refused_login_nothing_is_open(
    modules: Modules, proxy: FaultProxy, host: Host, no_collector: None, method: str
) -> None:
    assert modules.kms_provider(auth_method=method, password="wrong").failed
    assert host.login_attempts == 1
    assert proxy.total == 1
    assert_all_closed(proxy, host)


@methods
def test_after_an_expired_login_nothing_is_open(
    modules: Modules, proxy: FaultProxy, host: Host, no_collector: None, method: str
) -> None:
    host.queue(Fault(kind="expire_tokens", operation=f"{PROVIDERS}.create"))
    assert modules.kms_provider(auth_method=method).changed
    assert wrote(host) == ["create"]
    assert_all_closed(proxy, host)


def test_a_host_that_cannot_close_a_session_delays_nobody(modules: Modules, proxy: FaultProxy, host: Host) -> None:
    host.queue(Fault(kind="status", operation="com.vmware.cis.session.delete", error_type="ERROR", times=None))
    assert modules.kms_provider(auth_method="session").changed
    assert proxy.wait_closed()


def test_an_info_module_closes_too(modules: Modules, proxy: FaultProxy, host: Host, no_collector: None) -> None:
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    host.put_issuer("vcenter01", ISSUER, OLD)

    for name in ("esx_kms_provider_info", "esx_token_issuer_info"):
        proxy.script()
        assert not modules.run(name, auth_method="session").failed
        assert proxy.total == 1
        assert_all_closed(proxy, host)


@methods
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_an_interrupt_at_any_read_leaves_nothing_open(
    modules: Modules,
    proxy: FaultProxy,
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    no_collector: None,
    scenario: Scenario,
    method: str,
) -> None:
    """As by Ctrl-C, before and after each piece that comes from the host."""
    real = tls.DeadlineSocket.recv_into
    left = 0
    late = False

    def recv_into(sock: Any, *arguments: Any, **keywords: Any) -> int:
        nonlocal left
        left -= 1
        if left == 0 and not late:
            raise KeyboardInterrupt
        count = real(sock, *arguments, **keywords)
        if left == 0:
            raise KeyboardInterrupt

        return count

    def at_most(sessions: int) -> bool:
        return host.open_sessions <= sessions

    monkeypatch.setattr(tls.DeadlineSocket, "recv_into", recv_into)
    interrupts = 0

    for late in (False, True):  # noqa: B007 - read above
        for number in range(1, 40):
            scenario.start(host)
            host.settings(session_service=True)
            proxy.script()
            left = number

            try:
                ran = scenario.run(modules, auth_method=method)
            except KeyboardInterrupt:
                interrupts += 1
            else:
                assert left > 0
                assert ran.changed

                break

            assert proxy.peak == 1
            assert proxy.open_now == 0

            # The name of a session whose answer was not read is not known.
            # And a goodbye that was interrupted arrives all the same, a moment later.
            unknown = 1 if number == 1 else 0

            assert host.wait_until(partial(at_most, unknown)), number
            assert wrote(host) in ([], [scenario.write])

            left = 0
            again = scenario.run(modules, auth_method=method)

            assert not again.failed
            assert wrote(host) == [scenario.write]
        else:
            pytest.fail("the run does not end")

    assert interrupts >= 4


# Reuse


def test_a_host_that_takes_one_request_a_connection(
    modules: Modules, host: Host, fleet: Fleet, no_collector: None, form: str
) -> None:
    """It does not say so, and closes the connection while the next request is on its way."""
    declared = []
    for number in range(6):
        chains = [{"cert_chain": OLD[0]}]
        declared.append(
            {"issuer_alias": f"alias{number}", "issuer": f"{ISSUER}/{number}", "signing_cert_chains": chains}
        )

    with front(host, served_by(issue("front", fleet.authority, names=(host.address,)))) as running:
        running.script(otherwise=Way(one_request=True))
        modules.connection["port"] = running.port
        ran = modules.run("esx_host_trust", token_issuers=declared, retries=1)

        assert not ran.failed, ran.message
        assert wrote(host) == ["create"] * 6
        assert host.login_attempts == 1
        assert running.peak == 1
        assert running.open_now == 0


# Sockets


@pytest.mark.parametrize("abort", ["close", "reset"])
def test_a_socket_of_a_handshake_that_never_began_is_closed(
    modules: Modules, proxy: FaultProxy, host: Host, no_collector: None, abort: Any
) -> None:
    """Python forgets the socket that it made where the other side has gone before."""
    for _each in range(20):
        proxy.script(otherwise=Way(Cut("to_host", 0, abort)))
        assert modules.kms_provider(retries=1).failed
        assert open_sockets() == []


def test_a_socket_that_python_forgets_is_closed(
    modules: Modules, host: Host, no_collector: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_self: Any) -> Any:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(tls.DeadlineSocket, "getpeername", gone, raising=False)

    assert modules.kms_provider(retries=0).result["failure"]["code"] == "unreachable"
    assert open_sockets() == []
