# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts to break, and the module runner of the module tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from faults.runner import Way
from faults.runner import sweeping
from faults.sweep import Sweep
from simulator import Fleet
from support.modules import modules

__all__ = ["modules"]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The simulator's HTTP server logs what clients do to it, which here is the point."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def any_way() -> Iterator[Sweep]:
    """A sweep for tests that say by which way the work is done."""
    with Fleet(hosts=8) as fleet:
        yield Sweep(fleet)


@pytest.fixture(params=Way, ids=lambda way: way.value)
def sweep(request: pytest.FixtureRequest, any_way: Sweep) -> Iterator[Sweep]:
    """Everything holds whichever way the work is done."""
    with sweeping(request.param):
        yield any_way
