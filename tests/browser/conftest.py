# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Chromium, Debian's own, in which the audit report is opened."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import sync_playwright

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


def _install() -> str:
    """Debian's Chromium; what went wrong, or nothing."""
    if shutil.which("chromium"):
        return ""
    if not shutil.which("apt-get"):
        return "chromium is not here, and there is no apt-get"
    if os.geteuid() != 0:
        return "chromium is not here, and only root may install it"
    for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]):
        done = subprocess.run(
            ["apt-get", "-o", "DPkg::Lock::Timeout=300", *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=10 * MINUTES,
        )
        if done.returncode:
            return f"apt-get {command[0]} failed: {done.stderr.strip()[-200:]}"
    return "" if shutil.which("chromium") else "the package chromium holds no chromium"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Installed by one worker while the others wait."""
    common = tmp_path_factory.getbasetemp().parent
    with (common / "chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        verdict = common / "chromium.verdict"
        if not verdict.exists():
            try:
                reason = _install()
            except subprocess.TimeoutExpired:
                reason = "apt-get did not end in time"
            verdict.write_text(reason)
    if verdict.read_text():
        pytest.skip(verdict.read_text())
    return str(shutil.which("chromium"))


@pytest.fixture(scope="module")
def browser(program: str) -> Iterator[Browser]:
    """Ends with its module: while it lives, an event loop runs in this thread, which other tests cannot share."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        running.close()
