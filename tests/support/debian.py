# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of Debian that a few tests need, installed where they are missing and may be."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess

import pytest

from support.programs import clean_environment

#: Seconds that one call of apt-get may take.
LONGEST = 600


def debian_program(tmp_path_factory: pytest.TempPathFactory, name: str, *packages: str, seconds: int = LONGEST) -> str:
    """The path of a program that is in the first of the packages; the test is skipped if it cannot be had.

    One worker installs it while the others wait. seconds: how long each call of apt-get may take.
    """
    common = tmp_path_factory.getbasetemp().parent

    with (common / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        verdict = common / f"{name}.verdict"
        if not verdict.exists():
            verdict.write_text(_install(name, packages, seconds))

    reason = verdict.read_text()
    if reason:
        pytest.skip(reason)

    return str(shutil.which(name))


def _install(name: str, packages: tuple[str, ...], seconds: int) -> str:
    """What went wrong, or nothing."""
    if shutil.which(name):
        return ""
    if not shutil.which("apt-get"):
        return f"{name} is not here, and there is no apt-get"
    if os.geteuid() != 0:
        return f"{name} is not here, and only root may install it"

    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        try:
            done = subprocess.run(
                ["apt-get", "-o", "DPkg::Lock::Timeout=300", *command],
                env=clean_environment(DEBIAN_FRONTEND="noninteractive"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return "apt-get did not end in time"

        if done.returncode:
            return f"apt-get {command[0]} failed: {done.stderr.strip()[-200:]}"

    return "" if shutil.which(name) else f"the package {packages[0]} holds no {name}"
