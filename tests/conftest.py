# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the collection under its import name, a clean environment, and simulated hosts."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import hypothesis.configuration
import pytest

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from simulator import Vcenter

TESTS = Path(__file__).resolve().parent
for folder in (TESTS.parent / "tools", TESTS):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from environment import VENVS  # noqa: E402 - found by the path above
from environment import link_collection  # noqa: E402 - found by the path above

sys.path.insert(0, str(link_collection()))
importlib.invalidate_caches()

# What the checks of tests/support compare is shown when they fail.
pytest.register_assert_rewrite("support", "faults.declarations", "faults.machine", "wire.checks")

hypothesis.configuration.set_hypothesis_home_dir(VENVS / "hypothesis")
hypothesis.settings.register_profile("shared machine", deadline=None)  # other gates run beside
hypothesis.settings.load_profile("shared machine")
# For `make unit`, which people run after each change: a tenth of the examples, and different ones each time.
hypothesis.settings.register_profile("quick", deadline=None, max_examples=10)
# For `make test`: the same commit gives the same answer. `make matrix` draws other examples.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
# For the tests that run in another environment after they ran in dev, with the same examples and more of them.
hypothesis.settings.register_profile("elsewhere", deadline=None, derandomize=True, database=None, max_examples=20)
# For tools/mutants.py: a mutant is to die by its own fault, every time, and nobody reads the smallest example.
hypothesis.settings.register_profile(
    "mutants",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=40,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    from support import cores

    cores.add_options(parser)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what looks at the requests of REST where the host speaks JSON-RPC, and what other cores cover."""
    from support import cores

    cores.leave_out(config, items)
    cores.deselect(config, items, _of_rest_over_jsonrpc)


def _of_rest_over_jsonrpc(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    way = call.params.get("modules") if call else None
    return way == "jsonrpc" and item.get_closest_marker("of_rest") is not None


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own VMWARE_HOST and the like may reach a test."""
    for name in list(os.environ):
        if name.startswith("VMWARE_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    """Eight simulated hosts and a vCenter that live as long as this worker."""
    from simulator import Fleet

    with Fleet(hosts=8, vcenters=1) as running:
        yield running


@pytest.fixture
def vcenter(fleet: Fleet) -> Vcenter:
    """The simulated vCenter in its first state."""
    (each,) = fleet.vcenters
    assert each.wait_closed()

    each.reset()

    return each


@pytest.fixture(scope="session")
def _turns(fleet: Fleet) -> Iterator[Host]:
    return itertools.cycle(fleet.hosts)


@pytest.fixture
def host(_turns: Iterator[Host]) -> Host:
    """A host in its first state. Tests take turns, so that what one leaves behind does not meet the next."""
    each = next(_turns)
    each.reset()
    return each
