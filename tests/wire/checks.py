# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the wire look at, and the TLS servers that they put in front."""

from __future__ import annotations

import contextlib
import pathlib
import ssl
import tempfile
import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any
from unittest import mock

from ansible_collections.esx.trust.plugins.module_utils._api import tls
from support.constants import KEY
from support.modules import Ran
from wire.proxy import FaultProxy

if TYPE_CHECKING:
    from simulator import Host
    from simulator.certificates import Identity


#: Seconds of a delay that lasts until the test opens the gate.
HELD = 55.0


#: The sockets of ours that were made inside of `sockets_noted` and still exist.
_made: weakref.WeakSet[tls.DeadlineSocket] = weakref.WeakSet()


@contextlib.contextmanager
def sockets_noted() -> Iterator[None]:
    """Inside, `open_sockets` knows each socket that is made, without a search among all objects of the process."""
    make = tls.DeadlineSocket.__new__

    def noted(cls: type[tls.DeadlineSocket], *args: Any, **kwargs: Any) -> tls.DeadlineSocket:
        made = make(cls, *args, **kwargs)
        _made.add(made)
        return made

    with mock.patch.object(tls.DeadlineSocket, "__new__", noted):
        yield


def open_sockets() -> list[tls.DeadlineSocket]:
    """Sockets of ours that nobody has closed."""
    return [each for each in _made if each.fileno() != -1]


class Watch:
    """Time that passes; a bound is checked with room for a machine that does other things, too."""

    ROOM = 5.0

    def __init__(self) -> None:
        self._start = time.monotonic()

    def within(self, seconds: float) -> bool:
        return time.monotonic() - self._start < seconds + self.ROOM


def assert_one_sentence(ran: Ran, host: Host, *, code: str | None = None) -> None:
    """A failure that a person understands: which host, what, and no more than that."""
    assert ran.failed
    assert "exception" not in ran.result, ran.output
    assert "Traceback" not in ran.output
    assert host.address in ran.message, ran.message
    assert "\n" not in ran.message
    assert 20 < len(ran.message) < 700, ran.message

    for insides in ("object at 0x", "Max retries", "Pool(", "Errno", "Error(", "_ssl.c"):
        assert insides not in ran.message, ran.message
    for secret in (host.password, KEY):
        assert secret not in ran.output
    if code is not None:
        assert ran.result["failure"]["code"] == code, ran.message


def assert_untouched(host: Host) -> None:
    """Not one HTTP byte arrived."""
    assert host.journal == []
    assert host.login_attempts == 0


def wrote(host: Host) -> list[str]:
    """The writes that changed the host, by the last part of the operation's name."""
    return [str(record.operation).rpartition(".")[2] for record in host.journal if record.wrote]


def issuer_options(alias: str, issuer: str, chains: list[list[str]]) -> dict[str, Any]:
    return {
        "issuer_alias": alias,
        "issuer": issuer,
        "signing_cert_chains": [{"cert_chain": chain} for chain in chains],
    }


def served_by(
    identity: Identity,
    *chain: Identity,
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> ssl.SSLContext:
    """The context of a server that shows this certificate, with what leads to its root."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if newest < ssl.TLSVersion.TLSv1_2:
        # What OpenSSL no longer does of itself.
        context.set_ciphers("ALL:@SECLEVEL=0")

    context.minimum_version = oldest
    context.maximum_version = newest

    # The ssl module reads certificates from files only.
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "identity.pem")
        path.touch(mode=0o600)
        path.write_text(identity.key_pem + identity.pem + "".join(each.pem for each in chain), encoding="ascii")
        context.load_cert_chain(path)

    return context


def unverified() -> ssl.SSLContext:
    """The context of a client that believes everybody: the one from a front to the host behind it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    return context


def front(host: Host, context: ssl.SSLContext) -> FaultProxy:
    """A TLS server in front of the host, which sees what is inside."""
    return FaultProxy(host.address, host.port, terminate=context, upstream=unverified())
