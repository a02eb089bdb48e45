# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of TLS are made once, and what a certificate says is fit for a message."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api import tls
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.https_transport import HttpsTransport
from ansible_collections.esx.trust.plugins.module_utils._errors import Untrusted
from ansible_collections.esx.trust.plugins.module_utils._libraries import CertificateError
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.reach import reachable


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_the_same_settings_are_made_once_whoever_asks_for_them(closed_port: int) -> None:
    tls.tls_context.cache_clear()
    tls.prepare()

    HttpsTransport(Connection("127.0.0.1"), str)
    unverified = Connection("127.0.0.1", closed_port, validate_certs=False)
    HttpsTransport(unverified, str)

    assert not reachable(unverified)
    assert tls.tls_context.cache_info().currsize == 2


def test_a_certificate_moves_no_cursor() -> None:
    def connect() -> None:
        raise CertificateError("hostname '192.0.2.1' doesn't match '\x1b[2Jevil'")

    transport = HttpsTransport(Connection("192.0.2.1"), str)
    with pytest.raises(Untrusted) as caught:
        transport._open(connect)

    assert str(caught.value).isprintable()
    assert "doesn't match '?[2Jevil'" in caught.value.message
