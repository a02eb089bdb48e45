# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests run on which ansible-core, and which of them run once more in another environment.

A test that starts Ansible is parametrized over all claimed cores. It runs on one of them, which its name decides, so
that each core gets a fair share. A test with the marker `every_core` protects a promise that a core can break
(masking, templates, vaults, refused logins): it runs on each core of the run. `--cores all` and `make matrix` leave
nothing out.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from collections.abc import Sequence

import pytest

import environment

MODULE_TESTS = environment.ROOT / "tests" / "module"


def add_options(parser: pytest.Parser) -> None:
    """The options of the command line by which a run is made larger or smaller."""
    parser.addoption(
        "--cores",
        choices=("some", "all"),
        default="all" if os.environ.get("ESX_TRUST_MATRIX") else "some",
        help="some: the oldest ansible-core, 2.19 and the newest; all (as in make matrix): each test on every core",
    )
    parser.addoption(
        "--elsewhere",
        action="store_true",
        help="the same tests run in the environment dev: leave out what another ansible-core or library cannot break",
    )
    parser.addoption(
        "--share",
        metavar="NUMBER/ALL",
        help="of the module tests by the action and of the slow ones, only this share, by name (1/3: the first third)",
    )


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that run on another core, or in another environment."""
    deselect(config, items, lambda item: not _runs(config, item))


def deselect(config: pytest.Config, items: list[pytest.Item], unwanted: Callable[[pytest.Item], bool]) -> None:
    """Take the unwanted tests out of the list, and tell pytest."""
    left_out = [item for item in items if unwanted(item)]

    if left_out:
        config.hook.pytest_deselected(items=left_out)
        unwanted_items = set(left_out)
        items[:] = [item for item in items if item not in unwanted_items]


def _runs(config: pytest.Config, item: pytest.Item) -> bool:
    core = _core(item)
    if core is None:
        left_out = config.getoption("--elsewhere") and (_of_dev_alone(item) or _over_jsonrpc(item))
        return not left_out and _in_share(item, config.getoption("--share"))

    everywhere = config.getoption("--cores") == "all"
    cores = environment.CORES if everywhere else environment.TEST_CORES
    # The hand-over to a module is the same on every core, and slow: the oldest and the newest core are enough.
    if _as_a_module(item):
        cores = (cores[0], cores[-1])
    if everywhere or item.get_closest_marker("every_core"):
        return core in cores

    return core == _by_name(_name(item).replace(core, ""), cores)


def _core(item: pytest.Item) -> str | None:
    """The ansible-core on which this test runs, if it is parametrized over them."""
    call = getattr(item, "callspec", None)
    chosen = (call.params.get(name) for name in ("core", "playbooks")) if call else ()
    return next((core for core in chosen if core in environment.CORES), None)


def _as_a_module(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    return call is not None and call.params.get("in_worker") is False


def _of_dev_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("of_sources") is not None


def _over_jsonrpc(item: pytest.Item) -> bool:
    """A module test of the other form of the API. Both forms go through the same library, by the same way."""
    call = getattr(item, "callspec", None)
    return call is not None and call.params.get("modules") == "jsonrpc" and MODULE_TESTS in item.path.parents


def _in_share(item: pytest.Item, share: str | None) -> bool:
    """The tests of the action, and slow ones, run in another environment as well. A part of the work is done there."""
    of_modules = MODULE_TESTS in item.path.parents
    may_be_shared = item.get_closest_marker("other_way") or item.get_closest_marker("not_quick")
    if share is None or not of_modules or not may_be_shared or _over_jsonrpc(item):
        return True

    newest = environment.TEST_CORES[-1]
    if not environment.ENVIRONMENTS[newest].python.exists():
        # The environment that does the other part of the work is missing.
        return True

    number, _slash, everything = share.partition("/")
    return _number(_name(item)) % int(everything) == int(number) - 1


def _name(item: pytest.Item) -> str:
    """The name of a test without its group, which pytest-xdist appends."""
    groups = {str(mark.args[0]) for mark in item.iter_markers("xdist_group")}
    return item.nodeid.removesuffix("@" + "_".join(sorted(groups)))


def _by_name(name: str, choices: Sequence[str]) -> str:
    return choices[_number(name) % len(choices)]


def _number(name: str) -> int:
    """The same number for the same name, in every process."""
    return zlib.crc32(name.encode())
