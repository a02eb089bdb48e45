# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx.trust.probe: what hosts speak, in a report and on a screen that anybody may see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator import Fault
from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from support.declared import Declared
from support.playbooks import in_worker_alone
from support.search import Search

if TYPE_CHECKING:
    from simulator import Fleet
    from support.playbooks import Playbooks

#: How these tests do the work of modules.
__all__ = ["in_worker_alone"]

PROBE = "esx.trust.probe"
WRITE = ("-e", "esx_probe_write=true")


@pytest.fixture
def declared(playbooks: Playbooks, fleet: Fleet, tmp_path: Path) -> Declared:
    for host in playbooks.hosts:
        host.put_provider("schluessel-berlin", type="NATIVE", key_id=KEY_ID, key_derivation_key=KEY)
        host.put_issuer("kronprinz", ISSUER, [chain(2, subject="geheimrat")])
        host.put_client_profile(type="LOCAL_USER", name="hausmeister", grants=[])

    declared = Declared(playbooks, fleet, tmp_path, playbooks.hosts)
    for name in [name for name in declared.of_all if name.startswith(("esx_kms", "esx_token"))]:
        del declared.of_all[name]

    return declared


def report(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "esx-trust-probe.json").read_text())
    return record


def names_of(declared: Declared) -> dict[str, list[str]]:
    """Everything that must not be in what a person shows to others."""
    hosts = declared.hosts
    return {
        "hosts": [*(host.name for host in hosts), *(host.address for host in hosts)],
        "key provider": ["schluessel-berlin"],
        "alias": ["kronprinz"],
        "issuer": [ISSUER, "vcenter01.example.com"],
        "subject": ["hausmeister", "geheimrat"],
        "account": ["verwalter"],
        "key": [KEY, KEY_ID],
        "password": [hosts[0].password],
        "tokens": [token for host in hosts for token in host.tokens],
        "temporary": ["esx-trust-probe-0", "urn:esx.trust"],
    }


@pytest.mark.parametrize("arguments", [(), ("-vvvv", "--diff", *WRITE)], ids=["plain", "with all words, and writing"])
def test_hosts_of_every_kind(declared: Declared, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    rest, rpc, neither, down, refusing = declared.hosts
    for host in declared.hosts:
        host.put_account("verwalter", host.password)
    declared.of_all["esx_username"] = "verwalter"
    rpc.behave_as("esx-9.1-jsonrpc")
    neither.behave_as("esx-7.0")
    declared.of_one[rpc.name]["esx_validate_certs"] = False  # of which the module warns with the host's name
    declared.down(down)
    declared.of_one[refusing.name]["esx_password"] = "wrong Pässword/1"

    played = declared.run(PROBE, *arguments)

    assert played.code == 2, played.output

    record = report(tmp_path / "play")

    assert [host["outcome"] for host in record["hosts"]] == [
        "ok",
        "ok",
        "speaks neither form",
        "no connection",
        "login refused",
    ]

    assert [host["api"].get("api_protocol") for host in record["hosts"]] == ["rest", "jsonrpc", None, None, "rest"]
    assert record["summary"]["by_protocol"] == {"rest": 2, "jsonrpc": 1}
    assert "2 of 5 hosts took a login." in played.output
    assert refusing.login_attempts == 1

    tried = [host.get("tried", {}).get("same_certificates") for host in record["hosts"]]

    if arguments:
        assert tried == [True, False, None, None, None]  # the second keeps no root

        wrote = [str(request.operation).rpartition(".")[2] for request in rest.writes]
        assert wrote == ["create", "create", "create", "update", "delete", "delete"]
    else:
        assert tried == [None] * 5

    for host in declared.hosts:
        assert set(host.issuers) == {"kronprinz"}
        assert set(host.providers) == {"schluessel-berlin"}
        assert [request for request in host.writes if "kms" in str(request.operation)] == []
        assert host.wait_closed()

    if not arguments:
        assert all(host.writes == [] for host in declared.hosts)

    secrets = {**names_of(declared), "other password": ["wrong Pässword/1"]}
    # The folder of the run is the user's own, and stands on the screen.
    screen = played.output.replace(str(tmp_path), "")

    assert Search().find(secrets, {"report": json.dumps(record, ensure_ascii=False), "screen": screen}) == []


def test_check_mode_writes_nothing(declared: Declared, tmp_path: Path) -> None:
    played = declared.run(PROBE, "--check", *WRITE)
    assert played.code == 0, played.output
    assert report(tmp_path / "play")["summary"]["all_answered"] is True
    assert all(host.writes == [] for host in declared.hosts)
    assert "not in check mode" in played.output


def test_what_is_left_behind_is_no_success(declared: Declared, tmp_path: Path) -> None:
    stubborn = declared.hosts[1]
    stubborn.queue(Fault(kind="status", operation="*issuers.delete", error_type="UNAUTHORIZED", times=None))

    played = declared.run(PROBE, *WRITE, "-e", "esx_hosts=esx01,esx02")

    assert played.code == 2, played.output
    assert "On 1 of 2 hosts the temporary token issuer may still be there." in " ".join(played.output.split())

    record = report(tmp_path / "play")

    assert [host["tried"]["removed"] for host in record["hosts"]] == [True, False]
    assert (record["summary"]["all_answered"], record["summary"]["left_behind"]) == (True, 1)
    assert [len(host.issuers) for host in declared.hosts[:2]] == [1, 2]

    secrets = names_of(declared)
    screen = played.output.replace(str(tmp_path), "").replace("esx_hosts=esx01,esx02", "")

    assert Search().find(secrets, {"report": json.dumps(record, ensure_ascii=False), "screen": screen}) == []


def test_variables_that_cannot_be_read(declared: Declared, tmp_path: Path) -> None:
    declared.of_one["esx02"]["esx_password"] = "{{ nowhere_to_be_found }}"
    declared.of_one["esx04"]["esx_port"] = "vierhundert"
    played = declared.run(PROBE, "-e", "esx_hosts=esx02,esx03,esx04")

    assert played.code == 2, played.output

    outcomes = [host["outcome"] for host in report(tmp_path / "play")["hosts"]]

    assert outcomes == ["variables cannot be read", "ok", "variables refused"]
    assert declared.hosts[1].journal == []
    assert "esx02" not in played.output.replace("esx_hosts=esx02", "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-e", "esx_hosts=nobody"), "No host of the inventory matches nobody (esx_hosts)."),
        (("--limit", "esx01"), "and not with --limit"),
    ],
)
def test_no_host_is_no_success(declared: Declared, arguments: tuple[str, ...], sentence: str) -> None:
    played = declared.run(PROBE, *arguments)
    assert played.code == 2, played.output
    assert sentence in played.output
    assert all(host.journal == [] for host in declared.hosts)
