# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Chromium, Debian's own, in which the audit report is opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import sync_playwright

from support.debian import debian_program

MINUTES = 60
#: Chromium looks for its maker's hosts unless it is told not to.
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # The first of them may have to install the browser. One worker, so that there is one browser.
            item.add_marker(pytest.mark.timeout(15 * MINUTES))
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Debian's Chromium."""
    return debian_program(tmp_path_factory, "chromium", "chromium", "fonts-dejavu-core")


@pytest.fixture(scope="module")
def browser(program: str) -> Iterator[Browser]:
    """Ends with its module: while it lives, an event loop runs in this thread, which other tests cannot share."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        running.close()
