# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real `main()` of a module against a simulated host, over real TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import cores
from support.constants import KEY_ID
from support.modules import modules

if TYPE_CHECKING:
    from simulator import Host

#: Shared fixtures, for the tests here.
__all__ = ["modules"]

OLDER_DIALECT = "rest"


@pytest.fixture(params=["api", pytest.param(OLDER_DIALECT, marks=pytest.mark.not_quick)])
def dialect(host: Host, request: pytest.FixtureRequest) -> str:
    """The form in which a host writes its errors over REST."""
    host.settings(dialect=request.param)
    return str(request.param)


@pytest.fixture
def held_provider(host: Host) -> None:
    """The host holds the key provider that a run declares of itself."""
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """JSON-RPC has one form of errors, and the action reads none itself: the older dialect is for the module alone."""
    cores.deselect(config, items, _reads_no_dialect)


def _reads_no_dialect(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    if call is None or call.params.get("dialect") != OLDER_DIALECT:
        return False

    return call.params.get("modules") in ("action", "jsonrpc")
