# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole stories, as users tell them: molecule's, and the demonstration."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import environment
import report_picture
from support import terminal
from support.programs import run_program
from support.tools import made_environment

if TYPE_CHECKING:
    from support.tools import Tools

#: The last line of the demonstration when it leaves the hosts up.
LAST_OF_KEPT = "Without --check, the last command writes.\n"


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

    seconds = re.compile(r"\(\d+\.\d s\)")

    assert shown
    assert seconds.sub("(… s)", shown[1]) in seconds.sub("(… s)", said)


@pytest.mark.xdist_group("molecule")
def test_demonstration_that_stays(tools: Tools) -> None:
    """In a terminal it has colours, and what it says at the end can be typed as it stands."""
    variables = tools.variables(made_environment("run"))
    del variables["NO_COLOR"]

    with terminal.Program("make demo KEEP=1", environment.ROOT, variables) as program:
        assert program.read(lambda: LAST_OF_KEPT in program.output, seconds=300), program.output

        shown = program.output

        assert "\033[1m$ ansible-playbook esx.trust.audit" in shown
        assert re.search(r'^\033\[31m *- .*"kms_providers": \{\},\033\[0m$', shown, re.MULTILINE)
        assert re.search(r'^\033\[32m *\+ .*"site-key": \{\033\[0m$', shown, re.MULTILINE)

        account, _middle, printed = shown.partition("In another terminal")
        commands = re.findall(r"^  (\S.*)$", printed, re.MULTILINE)
        folder = Path(commands[0].removeprefix("cd "))
        inventory = json.loads((folder / "inventory.json").read_text("utf-8"))
        password = re.search(r"^  password    (.*)$", account, re.MULTILINE)

        assert password
        assert password[1] == inventory["esx"]["vars"]["esx_password"]

        # As they are pasted, in a shell that has no settings of this test.
        shell = {"HOME": str(tools.home), "PATH": "/usr/bin:/bin"}
        typed = run_program(["bash", "-c", "\n".join(commands)], tools.home, shell).output
        audited, _middle, planned = typed.partition("PLAY [Plan]")

        assert "2 of 8 hosts need attention. 4 findings." in audited, typed
        assert "Key provider 'site-key' is missing; token issuer 'vcenter' is missing;" in audited, typed
        assert "1 host (esx01): create key provider site-key." in planned, typed
        assert re.search(r'^ *"\+ +\\"kms_providers\\": \{",$', planned, re.MULTILINE), typed
        assert "1 to be changed, 6 as declared, 1 down (esx07)." in planned, typed

        program.type("\x03")
        program.read(lambda: False)

        assert "Traceback" not in program.output, program.output

    assert not folder.exists()
