# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: what it leaves for others while it runs, and how it ends."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml

import simulator_process
from contract.samples import PROVIDERS
from environment import ROOT
from support.client_profiles import grants
from support.constants import KEY_ID
from support.programs import clean_environment
from support.programs import run_program
from support.tools import made_environment

TESTS = Path(__file__).resolve().parents[1]


def _start(folder: Path, *options: object) -> subprocess.Popen[str]:
    return simulator_process.start("--directory", folder, *options, stdout=subprocess.PIPE)


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


def test_files_of_the_current_folder_are_not_run(tmp_path: Path) -> None:
    """People start the simulated hosts in a folder of their own, which may hold files with the names of modules."""
    made_environment("run")
    (tmp_path / "secrets.py").write_text("raise SystemExit('secrets.py was run')\n", "utf-8")

    program = [sys.executable, str(ROOT / "tools/simulate.py"), "--help"]
    ended = run_program(program, tmp_path, clean_environment())

    assert ended.code == 0, ended.output
    assert "--vcenters" in ended.output


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


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)

    assert process.returncode == 0


def test_an_inventory_stays_valid(tmp_path: Path) -> None:
    """--keep: ports, authority and certificates are those of the start before, a renewed certificate included."""
    folder = tmp_path / "fleet"
    words = ("--hosts", "2", "--vcenters", "1", "--keep")
    hosts: list[dict[str, tuple[int, str]]] = []
    files: list[dict[str, str]] = []
    renewed = ""

    with requests.Session() as session:
        session.trust_env = False
        for more in ((), ("--hosts", "3")):
            process = _start(folder, *words, *more)
            try:
                admin_url = (folder / "admin_url").read_text(encoding="ascii").strip()
                listed = session.get(admin_url + "/hosts", timeout=10).json()
                hosts.append({each["name"]: (each["port"], each["fingerprint"]) for each in listed})
                if not more:
                    renewed = session.post(admin_url + "/hosts/esx02/certificate", timeout=10).json()["fingerprint"]
                _end(process)
            finally:
                process.kill()
                process.communicate()

            left = {path.name: path for path in folder.iterdir()}

            assert set(left) == {"admin_url", "ca.pem", "identities.json", "inventory.yml"}
            assert left["identities.json"].stat().st_mode & 0o777 == 0o600
            files.append({name: left[name].read_text("utf-8") for name in ("admin_url", "ca.pem")})

    first, second = hosts
    port, _fingerprint = first["esx02"]

    assert first != second
    assert {**first, "esx02": (port, renewed)} == {name: second[name] for name in first}
    assert list(second) == ["esx01", "esx02", "esx03", "vcenter01"]
    assert files[0] == files[1]


def test_names_that_change_their_places(tmp_path: Path) -> None:
    """A certificate names an address, too, so a host does not keep that of another address."""
    folder, names = tmp_path / "fleet", tmp_path / "names"

    for order in ("esx-a\nesx-b\n", "esx-b\nesx-a\n"):
        names.write_text(order, encoding="utf-8")
        process = _start(folder, "--names", str(names), "--keep")

        try:
            esx = yaml.safe_load((folder / "inventory.yml").read_text(encoding="utf-8"))["esx"]
            with requests.Session() as session:
                session.trust_env = False
                for each in esx["hosts"].values():
                    url = f"https://{each['esx_hostname']}:{each['esx_port']}{PROVIDERS}"
                    answer = session.get(url, auth=("root", "VMware1!"), verify=each["esx_ca_path"], timeout=10)
                    assert answer.status_code == 200
            _end(process)
        finally:
            process.kill()
            process.communicate()


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.1.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _refused("--port", str(port))

    assert (done.returncode, done.stdout) == (1, "")
    assert f"Port {port} is not free on 127.0.1.1." in done.stderr


def test_the_names_of_real_hosts(tmp_path: Path) -> None:
    """Each has its variables itself, because those of a host count for more than those of a group."""
    names = tmp_path / "names"
    names.write_text("  esx01.example.com\n\nesx02.example.com\n", encoding="utf-8")
    first = {"settings": {"latency": 0.5}, "hosts": {"esx02.example.com": {"providers": {"p": {"key_id": KEY_ID}}}}}
    state = tmp_path / "state.json"
    state.write_text(json.dumps(first), encoding="utf-8")
    process = _start(tmp_path / "fleet", "--names", str(names), "--state", str(state))

    try:
        inventory = yaml.safe_load((tmp_path / "fleet/inventory.yml").read_text(encoding="utf-8"))["esx"]
        with requests.Session() as session:
            session.trust_env = False
            admin_url = (tmp_path / "fleet/admin_url").read_text(encoding="ascii").strip()
            kept = session.get(admin_url + "/state", timeout=10).json()["hosts"]
    finally:
        process.kill()
        process.communicate()

    assert list(inventory["hosts"]) == ["esx01.example.com", "esx02.example.com"]

    for variables in inventory["hosts"].values():
        assert set(variables) == {"esx_hostname", "esx_port", "esx_username", "esx_ca_path"}
    assert set(inventory["vars"]) == {"ansible_connection", "ansible_python_interpreter"}
    assert kept["esx01.example.com"]["settings"] == {"latency": 0.5}
    assert list(kept["esx02.example.com"]["providers"]) == ["p"], "its own state, in place of the others' one"
    assert "settings" not in kept["esx02.example.com"]


def _refused(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", *words]
    return subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False, timeout=20)


@pytest.mark.parametrize(
    ("option", "content", "complaint"),
    [
        ("--state", '{"providers": []}', "providers"),
        ("--state", '{"hosts": {"esx99": {}}}', "There is no host esx99. There are esx01 to esx03."),
        ("--state", '{"hosts": {"esx01": {"signing_cert_chains": []}}}', "signing_cert_chains"),
        ("--state", '{"hosts": {"vcenter01": {}}}', "vcenter01 is a vCenter"),
        ("--state", '{"settings": {"lattency": 1}}', "lattency"),
        ("--names", "esx01\nesx01\n", "no two have the same"),
        ("--names", "\n", "every host has a name"),
        ("--names", "hosts (3):\n", "'hosts (3):' is not the name of a host"),
    ],
)
def test_a_wrong_file_is_refused(option: str, content: str, complaint: str, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text(content, encoding="utf-8")
    vcenters = ("--vcenters", "1") if "vcenter01" in content else ()
    done = _refused(option, str(given), *vcenters)

    assert (done.returncode, done.stdout) == (2, "")
    assert str(given) in done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert "input_value" not in done.stderr, "the value may be a secret"


@pytest.mark.parametrize("content", ["{}", "{", "[]", '{"authority": "x", "port": 1, "admin_port": 1, "hosts": {}}'])
def test_identities_that_are_none(content: str, tmp_path: Path) -> None:
    """The file is not changed, so that its owner can look at it."""
    identities = tmp_path / "identities.json"
    identities.write_text(content, encoding="utf-8")
    done = _refused("--keep", "--directory", str(tmp_path))

    assert (done.returncode, done.stdout) == (2, "")
    assert str(identities) in done.stderr
    assert identities.read_text(encoding="utf-8") == content


def test_keep_needs_a_directory() -> None:
    assert "--keep: needs --directory" in _refused("--keep").stderr
