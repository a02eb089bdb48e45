# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare HTTP client for one simulated host."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol

import pytest
import requests
from hypothesis.configuration import set_hypothesis_home_dir

from simulator.certificates import signing_chain

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
# Hypothesis would otherwise leave a folder in the checkout.
set_hypothesis_home_dir(Path(tempfile.gettempdir(), "hypothesis"))


class Call(Protocol):
    """Sends one request, by default with the account of the host."""

    def __call__(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Return the answer."""


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
