# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: what it leaves for others while it runs, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml

from contract.samples import PROVIDERS
from contract.samples import grants
from support.constants import KEY_ID

TESTS = Path(__file__).resolve().parents[1]


def _start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The command, once it is ready: it says so on a pipe."""
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "simulator", "--directory", str(folder), "--ready-fd", str(writer), *words]
    process = subprocess.Popen(command, cwd=TESTS, pass_fds=(writer,), stdout=subprocess.PIPE, text=True)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.readline() == "ready\n", process.communicate()

    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command(number: signal.Signals, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"providers": {"p1": {"key_id": KEY_ID}}}), encoding="utf-8")
    folder = tmp_path / "fleet"
    process = _start(folder, "--hosts", "2", "--state", str(state), "--password", "other", "--json")

    try:
        inventory = yaml.safe_load((folder / "inventory.yml").read_text(encoding="utf-8"))["esx"]
        assert list(inventory["hosts"]) == ["esx01", "esx02"]
        assert "password" not in json.dumps(inventory)

        url = f"https://{inventory['hosts']['esx02']['esx_hostname']}:{inventory['vars']['esx_port']}{PROVIDERS}"

        with requests.Session() as session:
            session.trust_env = False
            session.verify = inventory["vars"]["esx_ca_path"]
            assert session.get(url, auth=("root", "other"), timeout=10).json()[0]["provider"] == "p1"

        assert int((folder / "pid").read_text(encoding="ascii")) == process.pid

        process.send_signal(number)
        output, _nothing = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 0
    assert json.loads(output)["hosts"] == 2
    assert list(folder.iterdir()) == []


def test_stopped_by_its_admin_interface(tmp_path: Path) -> None:
    """And what it says to people: the account, the inventory, and a command to go on with."""
    process = _start(tmp_path / "fleet", "--hosts", "1", "--ipv6", "--vcenters", "1", "--password", "two words")

    try:
        admin_url = (tmp_path / "fleet" / "admin_url").read_text(encoding="ascii").strip()
        with requests.Session() as session:
            session.trust_env = False
            listed = session.get(admin_url + "/hosts", timeout=10).json()

            assert [each["address"] for each in listed][1:] == ["::1", "127.1.0.1"]
            assert session.get(admin_url + "/cpu", timeout=10).json()["cpu_seconds"] > 0

            inventory = yaml.safe_load((tmp_path / "fleet" / "inventory.yml").read_text(encoding="utf-8"))

            assert inventory["vcenter"]["hosts"] == {"vcenter01": {"vcenter_hostname": "127.1.0.1"}}
            assert session.post(admin_url + "/stop", timeout=10).status_code == 202

        output, _nothing = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 0
    assert output.startswith("2 simulated hosts, https://127.0.1.1:")

    for needed in ("root", "two words", "administrator@vsphere.local", f"{tmp_path}/fleet/inventory.yml", admin_url):
        assert needed in output
    commands = [shlex.split(text) for text in re.findall(r"^  ansible-playbook .*\\\n.*$", output, re.MULTILINE)]

    assert [command[-1] for command in commands] == ["esx.trust.probe", "esx.trust.audit"]

    for command in commands:
        assert json.loads(command[command.index("-e") + 1]) == {"esx_password": "two words"}


def test_a_fleet_of_both_forms(tmp_path: Path) -> None:
    """--profile lasts longer than a reset, and a first state may have client profiles."""
    first = {"client_profiles": {"1": {"name": "reader", "grants": grants("READ_ONLY")}}}
    state = tmp_path / "state.json"
    state.write_text(json.dumps(first), encoding="utf-8")
    process = _start(tmp_path / "fleet", "--hosts", "3", "--profile", "mixed", "--state", str(state))

    try:
        admin_url = (tmp_path / "fleet" / "admin_url").read_text(encoding="ascii").strip()
        with requests.Session() as session:
            session.trust_env = False
            assert session.post(admin_url + "/reset", timeout=10).status_code == 204

            protocols = []

            for each in session.get(admin_url + "/hosts", timeout=10).json():
                assert each["client_profiles"] == 1

                path = f"{admin_url}/hosts/{each['address']}"
                protocols.append(session.get(path + "/settings", timeout=10).json()["protocols"])
                kept = session.get(path + "/state", timeout=10).json()

                assert kept["client_profiles"]["1"]["name"] == "reader"
                assert session.put(path + "/state", json=kept, timeout=10).json() == kept

            assert protocols == ["rest", "jsonrpc", "jsonrpc"]
    finally:
        process.kill()
        process.communicate()


def test_a_wrong_state_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text('{"providers": []}', encoding="utf-8")
    command = [sys.executable, "-m", "simulator", "--state", str(state)]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False, timeout=20)

    assert (done.returncode, done.stdout) == (2, "")
    assert "providers" in done.stderr
