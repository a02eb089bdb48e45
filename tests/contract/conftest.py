# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare HTTP client for one simulated host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any

import pytest
import requests

from simulator.certificates import signing_chain

if TYPE_CHECKING:
    from contract.vendor_server import VendorHost
    from simulator import Fleet
    from simulator import Host
from contract.calls import Call


@pytest.fixture
def call(fleet: Fleet, host: Host) -> Iterator[Call]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = fleet.ca_path

        def send(method: str, path: str, **arguments: Any) -> requests.Response:
            arguments.setdefault("auth", (host.username, host.password))
            arguments.setdefault("timeout", 10)
            arguments.setdefault("allow_redirects", False)

            return session.request(method, host.url + path, **arguments)

        yield send


@pytest.fixture(scope="session")
def chain() -> list[str]:
    """A leaf and its authority."""
    return signing_chain("sts", 2)


@pytest.fixture(scope="session")
def other_chain() -> list[str]:
    return signing_chain("new sts")


@pytest.fixture(scope="session")
def _vendor_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorHost]:
    """The vendor's server, as long as this worker lives."""
    for module in ("vmware.vapi.bindings.skeleton", "com.vmware.vapi.std_client", "werkzeug", "lxml"):
        pytest.importorskip(module, reason="the vendor's server, or what it needs, is not installed")
    from contract.vendor_server import vendor_server

    with vendor_server(tmp_path_factory.mktemp("vendor")) as running:
        yield running


@pytest.fixture
def vendor_host(_vendor_server: VendorHost) -> VendorHost:
    """A host that nobody here wrote: the vendor's own server, in its first state. It speaks JSON-RPC only."""
    _vendor_server.reset()
    return _vendor_server
