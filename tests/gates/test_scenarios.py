# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole stories, as users tell them: molecule's, and the demonstration."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

import environment
import report_picture

if TYPE_CHECKING:
    from support.tools import Tools


@pytest.mark.xdist_group("molecule")
def test_molecule(tools: Tools) -> None:
    """create, converge, idempotence, verify, destroy over a simulated fleet."""
    said = tools.run("dev", ["molecule", "test"], variables={"MOLECULE_EPHEMERAL_DIRECTORY": tools.home / "molecule"})
    for step in ("create", "converge", "idempotence", "verify", "destroy"):
        assert f"default > {step}" in said or f"default ➜ {step}" in said


@pytest.mark.xdist_group("molecule")
def test_demonstration(tools: Tools) -> None:
    """It tells the truth, shows a real diff, and fits on one screen."""
    said = tools.run("run", ["python", environment.ROOT / "tools/demo.py"])
    lines = said.splitlines()

    assert len(lines) <= 34
    assert max(map(len, lines)) <= 80
    assert "nothing was written" in said

    assert [line.strip() for line in lines if line.lstrip().startswith(("+", "-"))][:3] == [
        '-  "kms_providers": {},',
        '+  "kms_providers": {',
        '+    "site-key": {',
    ]

    assert "\033" not in said

    record = json.loads(report_picture.NEW.read_text("utf-8"))

    assert report_picture.found(record) == report_picture.found(report_picture.example()), (
        "the picture in README shows another audit; run: .venv/dev/bin/python tools/report_picture.py --take"
    )

    shown = re.search(
        r"^```text\n(.*?)^```", (environment.ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )

    assert shown
    assert [line for line in shown[1].splitlines() if line not in lines] == []
