# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is believed to be the host, and that nobody else gets a byte of HTTP."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator import Fleet
from simulator.certificates import Identity
from simulator.certificates import issue
from wire.checks import assert_one_sentence
from wire.checks import assert_untouched
from wire.checks import front
from wire.checks import served_by
from wire.proxy import FaultProxy
from wire.ways import Cut
from wire.ways import Way

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

#: The longest record that ends a TLS 1.3 handshake (SHA-384); a request with a login is longer.
FINISHED = 5 + 4 + 48 + 1 + 16
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

#: The host speaks the one form of the API, or the other.
both_forms = pytest.mark.usefixtures("form")
versions = pytest.mark.parametrize("version", VERSIONS)


def _of_an_unnamed_intermediate(authority: Identity, address: str) -> Identity:
    """The host does not send what stands between it and the root."""
    return issue("host", issue("intermediate", authority, authority=True), names=(address,))


REFUSED: dict[str, Callable[[Identity, str], Identity]] = {
    "expired": lambda authority, address: issue("host", authority, names=(address,), starts=-30, ends=-1),
    "not yet valid": lambda authority, address: issue("host", authority, names=(address,), starts=2, ends=30),
    "wrong name": lambda authority, address: issue("host", authority, names=("elsewhere.example.com",)),
    "wrong address": lambda authority, address: issue("host", authority, names=("192.0.2.1",)),
    "address as a name": lambda authority, address: issue(address, authority),
    "self-signed": lambda authority, address: issue("host", names=(address,)),
    "unknown CA": lambda authority, address: issue("host", issue("CA", authority=True), names=(address,)),
    "CA of the same name": lambda authority, address: issue(
        "host", issue("Simulated hosts", authority=True), names=(address,)
    ),
    "missing intermediate": _of_an_unnamed_intermediate,
}
refused = pytest.mark.parametrize("flaw", REFUSED)


class Shown:
    """A server that shows some certificate, and a recorder of raw bytes before it."""

    def __init__(self, identity: Identity, inside: FaultProxy, wire: FaultProxy) -> None:
        self.identity = identity
        self._inside = inside
        self._wire = wire

    def assert_no_request(self, host: Host, version: str) -> None:
        assert self._wire.total == 1
        assert self._inside.sent_by_client() == b""

        (link,) = self._wire.links
        data = link.application_data()

        assert data == [] if version == "1.2" else all(length <= FINISHED for length in data)
        assert_untouched(host)


class Servers:
    """Takes servers into use in place of the host, and stops them at the end."""

    def __init__(self, host: Host, modules: Modules, stack: contextlib.ExitStack) -> None:
        self._host = host
        self._modules = modules
        self._stack = stack

    def show(self, identity: Identity, *chain: Identity, newest: str = "1.3") -> Shown:
        inside = self.use(front(self._host, served_by(identity, *chain, newest=VERSIONS[newest])))
        wire = self.use(FaultProxy(self._host.address, inside.port))
        return Shown(identity, inside, wire)

    def use(self, proxy: FaultProxy) -> FaultProxy:
        self._stack.enter_context(proxy)
        self._modules.connection["port"] = proxy.port
        return proxy


@pytest.fixture
def servers(host: Host, modules: Modules) -> Iterator[Servers]:
    with contextlib.ExitStack() as stack:
        yield Servers(host, modules, stack)


@versions
@refused
def test_a_certificate_that_is_not_good_is_refused_before_a_request(
    modules: Modules, host: Host, fleet: Fleet, servers: Servers, flaw: str, version: str
) -> None:
    shown = servers.show(REFUSED[flaw](fleet.authority, host.address), newest=version)
    ran = modules.kms_provider()

    assert_one_sentence(ran, host, code="untrusted")
    assert "ca_path" in ran.message
    assert "thumbprint" in ran.message
    shown.assert_no_request(host, version)


@versions
@refused
def test_the_pin_of_any_certificate_is_enough(
    modules: Modules, host: Host, fleet: Fleet, servers: Servers, flaw: str, version: str
) -> None:
    shown = servers.show(REFUSED[flaw](fleet.authority, host.address), newest=version)
    ran = modules.kms_provider(ca_path=None, thumbprint=shown.identity.fingerprint)

    assert ran.changed
    assert ran.warnings == ""


@versions
@refused
@pytest.mark.parametrize("validate_certs", [True, False])
def test_another_pin_is_refused_before_a_request(
    modules: Modules, host: Host, fleet: Fleet, servers: Servers, flaw: str, version: str, validate_certs: bool
) -> None:
    shown = servers.show(REFUSED[flaw](fleet.authority, host.address), newest=version)
    ran = modules.kms_provider(thumbprint=host.fingerprint, validate_certs=validate_certs)

    assert_one_sentence(ran, host, code="untrusted")
    assert shown.identity.fingerprint in ran.message
    assert "thumbprint" in ran.message
    shown.assert_no_request(host, version)


@refused
def test_without_validation_any_certificate_is_good_and_a_warning_says_so(
    modules: Modules, host: Host, fleet: Fleet, servers: Servers, flaw: str
) -> None:
    servers.show(REFUSED[flaw](fleet.authority, host.address))
    ran = modules.kms_provider(validate_certs=False)

    assert ran.changed
    assert "validate_certs" in ran.warnings


@both_forms
def test_the_pin_is_of_the_host_and_not_of_its_ca(modules: Modules, host: Host, fleet: Fleet, servers: Servers) -> None:
    servers.show(issue("host", fleet.authority, names=(host.address,)), fleet.authority)
    ran = modules.kms_provider(thumbprint=fleet.authority.fingerprint)

    assert_one_sentence(ran, host, code="untrusted")
    assert_untouched(host)


@both_forms
def test_a_good_certificate_with_another_pin_is_refused(modules: Modules, host: Host, fleet: Fleet) -> None:
    ran = modules.kms_provider(thumbprint=fleet.authority.fingerprint)
    assert host.fingerprint in ran.message
    assert_untouched(host)


@both_forms
@versions
def test_a_chain_that_the_host_sends_is_followed_to_the_root(
    modules: Modules, host: Host, fleet: Fleet, servers: Servers, version: str
) -> None:
    upper = issue("upper", fleet.authority, authority=True)
    lower = issue("lower", upper, authority=True)
    servers.show(issue("host", lower, names=(host.address,)), lower, upper, newest=version)

    assert modules.kms_provider().changed


def test_a_self_signed_certificate_can_be_its_own_ca(
    modules: Modules, host: Host, servers: Servers, tmp_path: Path
) -> None:
    identity = issue("host", names=(host.address,))
    servers.show(identity)
    (tmp_path / "host.pem").write_text(identity.pem)

    assert modules.kms_provider(ca_path=str(tmp_path / "host.pem")).changed


def test_a_self_signed_certificate_in_ca_path_is_good_for_its_own_name_only(
    modules: Modules, host: Host, servers: Servers, tmp_path: Path
) -> None:
    identity = issue("host", names=("elsewhere.example.com",))
    shown = servers.show(identity)
    (tmp_path / "host.pem").write_text(identity.pem)
    ran = modules.kms_provider(ca_path=str(tmp_path / "host.pem"))

    assert_one_sentence(ran, host, code="untrusted")
    shown.assert_no_request(host, "1.3")


def test_one_of_many_cas_is_enough(modules: Modules, host: Host, fleet: Fleet, tmp_path: Path) -> None:
    others = [issue(f"CA {number}", authority=True).pem for number in range(20)]
    (tmp_path / "many.pem").write_text("".join([*others, fleet.authority.pem, *others]))
    assert modules.kms_provider(ca_path=str(tmp_path / "many.pem")).changed


@both_forms
def test_each_connection_of_a_run_is_verified(modules: Modules, host: Host, servers: Servers, fleet: Fleet) -> None:
    identity = issue("host", names=(host.address,))
    wire = servers.use(FaultProxy(host.address, host.port))
    modules.kms_provider(provider="another")
    before = len(host.journal)
    # The connection breaks after the login, and who answers the next one is somebody else.
    handshake = wire.links[0].records["to_client"].starts[-5]
    wire.script(
        Way(Cut("to_client", handshake + 100)), Way(elsewhere=servers.use(front(host, served_by(identity))).port)
    )
    modules.connection["port"] = wire.port
    ran = modules.kms_provider(retries=1)

    assert_one_sentence(ran, host, code="untrusted")
    assert len(host.journal) == before + 1


@pytest.mark.parametrize("newest", ["1.0", "1.1"])
def test_tls_that_is_too_old_is_refused(
    modules: Modules, host: Host, fleet: Fleet, servers: Servers, newest: str
) -> None:
    identity = issue("host", fleet.authority, names=(host.address,))
    version = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1}[newest]
    inside = servers.use(front(host, served_by(identity, oldest=version, newest=version)))

    for options in ({}, {"validate_certs": False}, {"thumbprint": identity.fingerprint}):
        ran = modules.kms_provider(retries=0, **options)
        assert_one_sentence(ran, host, code="unreachable")
        assert inside.sent_by_client() == b""
        assert_untouched(host)


# IPv6

ipv6 = pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="this machine has no IPv6")


@pytest.fixture(scope="module")
def six() -> Iterator[Fleet]:
    with Fleet(hosts=0, ipv6=True) as running:
        yield running


@ipv6
@pytest.mark.parametrize("spelling", ["::1", "[::1]", "0:0:0:0:0:0:0:1", "0000::0001"])
def test_ipv6_is_verified(modules: Modules, host: Host, six: Fleet, spelling: str) -> None:
    (only,) = six.hosts
    only.reset()

    with FaultProxy("::1", only.port) as proxy:
        where: dict[str, Any] = {"hostname": spelling, "port": proxy.port}
        ran = modules.kms_provider(**where)  # another fleet's CA

        assert ran.result["failure"]["code"] == "untrusted"
        assert f"[::1]:{proxy.port}" in ran.message
        assert_untouched(only)
        assert all(length <= FINISHED for link in proxy.links for length in link.application_data())
        assert modules.kms_provider(**where, ca_path=six.ca_path).changed
        assert not modules.kms_provider(**where, ca_path=None, thumbprint=only.fingerprint).failed

        refused = modules.kms_provider(**where, ca_path=six.ca_path, thumbprint=host.fingerprint)

        assert only.fingerprint in refused.message
        assert proxy.peak == 1


@ipv6
def test_an_ipv6_address_that_the_certificate_does_not_name_is_refused(modules: Modules, six: Fleet) -> None:
    (only,) = six.hosts
    only.reset()
    only.renew_certificate(name="2001:db8::1")

    try:
        ran = modules.kms_provider(hostname="::1", port=only.port, ca_path=six.ca_path)
        assert ran.result["failure"]["code"] == "untrusted"
        assert_untouched(only)
    finally:
        only.renew_certificate()


def test_a_folder_needs_no_hashed_names(modules: Modules, host: Host, fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "ours.crt").write_text(fleet.authority.pem)
    (tmp_path / "other.pem").write_text(issue("CA", authority=True).pem)
    (tmp_path / "README").write_text("The CAs of this site.")
    (tmp_path / "server.key").write_text(issue("host").key_pem)
    (tmp_path / "nowhere.pem").symlink_to(tmp_path / "nothing")
    (tmp_path / "old").mkdir()

    assert modules.kms_provider(ca_path=str(tmp_path)).changed


@pytest.mark.parametrize("text", [None, "The CAs of this site."])
def test_a_folder_without_a_certificate_is_refused(
    modules: Modules, host: Host, tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "README").write_text(text)
    ran = modules.kms_provider(ca_path=str(tmp_path))

    assert ran.result["failure"]["code"] == "invalid_input"
    assert f"ca_path: {tmp_path} holds no certificates" in ran.message
    assert_untouched(host)


@refused
def test_the_hint_does_not_ask_for_what_was_done(
    modules: Modules, host: Host, fleet: Fleet, servers: Servers, flaw: str
) -> None:
    servers.show(REFUSED[flaw](fleet.authority, host.address))
    ran = modules.kms_provider()

    assert "Name the CA" not in ran.message
    assert f"ca_path ({fleet.ca_path}) is not enough" in ran.message
    assert "Name the CA" in modules.kms_provider(ca_path=None).message


def test_an_authority_that_is_no_root_is_enough(
    modules: Modules, host: Host, fleet: Fleet, servers: Servers, tmp_path: Path
) -> None:
    lower = issue("lower", fleet.authority, authority=True)
    servers.show(issue("host", lower, names=(host.address,)))
    (tmp_path / "lower.pem").write_text(lower.pem)

    assert modules.kms_provider(ca_path=str(tmp_path)).changed
