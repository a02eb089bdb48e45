# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebook starts an audit when Alertmanager says that the last one is old, and only then."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
import yaml

from interpreters import clean_path
from support.constants import KEY_ID
from support.ports import free_port
from support.tools import Tools
from support.tools import made_environment

if TYPE_CHECKING:
    from simulator import Fleet

#: What Alertmanager sends, as far as the rulebook reads it.
DUE = {"version": "4", "status": "firing", "commonLabels": {"alertname": "EsxTrustAuditIsOld"}, "alerts": []}
OTHER = {**DUE, "commonLabels": {"alertname": "EsxTrustHostDiffers"}}
OVER = {**DUE, "status": "resolved"}


def test_an_alert_starts_one_audit(tools: Tools, tmp_path: Path, fleet: Fleet) -> None:
    venv = made_environment("eda")
    if not shutil.which("java", path=clean_path()):
        pytest.skip("ansible-rulebook needs Java, which is not on this machine")

    host = fleet.hosts[0]
    host.reset()
    host.put_provider("site-a", key_id=KEY_ID)

    variables = {
        "esx_ca_path": str(fleet.ca_path),
        "esx_port": host.port,
        "esx_username": host.username,
        "esx_kms_providers": [{"provider": "site-a", "key_id": KEY_ID}],
    }

    inventory = {"esx": {"hosts": {host.name: {"esx_hostname": host.address}}, "vars": variables}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), "utf-8")
    port = free_port()
    (tmp_path / "rulebook.yml").write_text(yaml.safe_dump({"webhook_port": port, "report_dir": str(tmp_path)}), "utf-8")

    command = ["ansible-rulebook", "-i", "hosts.yml", "-r", "esx.trust.audit_that_is_due", "--vars", "rulebook.yml"]
    # In parallel, so that a second audit would begin before the first one ends.
    command += ["--execution-strategy", "parallel"]
    said = tmp_path / "said.txt"

    with said.open("w") as output:
        program = subprocess.Popen(
            [str(venv.bin / command[0]), *command[1:]],
            cwd=tmp_path,
            env=tools.variables(venv, VMWARE_PASSWORD=host.password, PYTHONUNBUFFERED="1"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    try:
        url = f"http://127.0.0.1:{port}/endpoint"
        when(lambda: answers(url, OTHER), program)
        for alert in (OVER, DUE, DUE):
            assert answers(url, alert)
        when(lambda: "PLAY RECAP" in said.read_text("utf-8"), program)
    finally:
        program.terminate()
        program.wait(60)
        print(said.read_text("utf-8"))

    report = json.loads((tmp_path / "esx-trust-audit.json").read_text("utf-8"))

    assert [(one["host"], one["status"]) for one in report["hosts"]] == [(host.name, "ok")]
    assert said.read_text("utf-8").count("PLAY [Audit]") == 1
    assert host.password not in said.read_text("utf-8")


def answers(url: str, alert: object) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.post(url, json=alert, timeout=10).ok
    except requests.ConnectionError:
        return False


def when(so: object, program: subprocess.Popen[bytes]) -> None:
    """Wait until something is so, while the program runs."""
    assert callable(so)

    deadline = time.monotonic() + 240

    while not so():
        assert program.poll() is None, "ansible-rulebook has ended"
        assert time.monotonic() < deadline

        time.sleep(0.1)
