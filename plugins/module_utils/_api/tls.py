# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS settings of connections, and a TLS socket whose reads have a limit of time and a limit of bytes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import weakref
from functools import cache
from pathlib import Path
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer_body import MAX_RECEIVED
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._libraries import PYTHON_CHECKS_NAMES

#: The ssl module of Python has a name for this flag from 3.10 on.
_PARTIAL_CHAIN = getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)


class TooMuch(OSError):
    """More bytes arrived than an answer of the API can have."""


class _LastSocket(threading.local):
    """The TLS socket that this thread made last.

    If a handshake fails, the libraries give nobody the socket, and it must be closed.
    """

    reference: Optional[weakref.ref[DeadlineSocket]] = None

    def get(self) -> Optional[DeadlineSocket]:
        """The socket, or None if there is none any more."""
        return self.reference() if self.reference else None


last_socket = _LastSocket()


class DeadlineSocket(ssl.SSLSocket):
    """A TLS socket with a limit of time and a limit of bytes for all its reads together.

    A timeout of Python's own sockets limits each single read, so a server could send one byte at a time for ever.
    """

    #: The moment at which reading ends, in seconds of time.monotonic(); None without a limit.
    deadline: Optional[float] = None
    #: How many more bytes may arrive.
    bytes_left = MAX_RECEIVED

    def __new__(cls, *args: Any, **kwargs: Any) -> DeadlineSocket:
        made = super().__new__(cls, *args, **kwargs)
        last_socket.reference = weakref.ref(made)

        return made

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        if self.deadline is not None:
            seconds_left = self.deadline - time.monotonic()
            if seconds_left <= 0:
                raise TimeoutError("timed out")

            self.settimeout(seconds_left)

        received = super().recv_into(*args, **kwargs)

        self.bytes_left -= received
        if self.bytes_left < 0:
            raise TooMuch("too much came")

        return received

    def end(self) -> None:
        """Close the connection now, even if an answer that was read by half still uses the socket."""
        if self.fileno() != -1:
            socket.close(self.detach())


#: Contexts that were made ahead of the need. They trust no authority yet.
_spare: list[ssl.SSLContext] = []


def prepare() -> None:
    """Make the TLS settings that every connection needs, so that the forks of this process have them already.

    Never fails. If something is wrong, the first connection makes the settings again and reports the error.
    """
    with contextlib.suppress(OSError, ValueError):
        tls_context(ca_path=None, verify=True)
        _spare.append(_new_context(ssl.CERT_REQUIRED))


@cache
def tls_context(*, ca_path: Optional[str], verify: bool) -> ssl.SSLContext:
    """The TLS settings of connections.

    ca_path: a file or a folder with the trusted authorities; None for those of the system.
    verify: False if certificates are not checked at all.

    The settings are made once and shared, because it takes longer to read the system's authorities than to call a host.

    Raises InvalidInput for a `ca_path` that cannot be read, and OSError if the TLS configuration of this machine is
    broken.
    """
    if not verify:
        return _new_context(ssl.CERT_NONE)

    try:
        context = _spare.pop()
    except IndexError:
        context = _new_context(ssl.CERT_REQUIRED)

    if not ca_path:
        context.load_default_certs()
        return context

    try:
        _load_authorities(context, Path(ca_path))
    except ssl.SSLError as error:
        raise InvalidInput(f"ca_path: {ca_path} holds no certificates in PEM ({error.reason or error}).") from error
    except OSError as error:
        raise InvalidInput(f"ca_path: {ca_path} cannot be read ({error.strerror}).") from error

    return context


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    """Load the certificates of a file, or those of all files of a folder.

    OpenSSL itself reads only those files of a folder whose names are hashes (`openssl rehash`).

    Raises InvalidInput for a folder without certificates, and OSError for a file that cannot be read.
    """
    if not path.is_dir():
        context.load_verify_locations(cafile=str(path))
        return

    loaded = False
    for file in sorted(path.iterdir()):
        # Other files may lie beside the certificates.
        with contextlib.suppress(ssl.SSLError):
            if file.is_file():
                context.load_verify_locations(cafile=str(file))
                loaded = True

    if not loaded:
        raise InvalidInput(f"ca_path: {path} holds no certificates in PEM (in none of its files).")


def _new_context(requirement: ssl.VerifyMode) -> ssl.SSLContext:
    """TLS settings that depend neither on variables of the environment nor on the version of Python.

    The default settings of urllib3 and of Python obey the variable SSLKEYLOGFILE. From 3.13 on, the default of Python
    refuses authorities without an Authority Key Identifier, such as those of hosts, and it accepts a trusted authority
    that is no root.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = PYTHON_CHECKS_NAMES and requirement == ssl.CERT_REQUIRED
    context.verify_mode = requirement
    context.verify_flags |= _PARTIAL_CHAIN
    context.hostname_checks_common_name = False
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = DeadlineSocket

    return context
