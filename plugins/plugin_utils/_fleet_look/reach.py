# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks whether a host answers. No request is sent, and so no login either."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.client import HTTPException
from http.client import HTTPSConnection
from urllib.parse import urlsplit

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.tls import tls_context


def reachable(connection: Connection) -> bool:
    """True if a TLS handshake with the host succeeds within the timeout. Its certificate is not verified."""
    proxy = urlsplit(connection.proxy) if connection.proxy else None
    http = HTTPSConnection(
        (proxy.hostname or "") if proxy else connection.hostname,
        proxy.port if proxy else connection.port,
        timeout=connection.timeout,
        context=tls_context(ca_path=None, verify=False),
    )

    if proxy:
        host, _colon, port = urlsplit(connection.url).netloc.rpartition(":")
        http.set_tunnel(host, int(port))

    # The timeout of the socket is for one read only, and a host may answer byte by byte.
    limit = threading.Timer(connection.timeout, _end, [http])
    limit.daemon = True
    limit.start()

    try:
        http.connect()
        return True
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        limit.cancel()
        http.close()


def _end(http: HTTPSConnection) -> None:
    """End a handshake that takes too long."""
    # The socket may already be closed.
    with contextlib.suppress(OSError, AttributeError):
        http.sock.shutdown(socket.SHUT_RDWR)
