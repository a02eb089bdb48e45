# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx.trust.audit: changes nothing, sees everything, and its exit code tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from xml.etree import ElementTree

import pytest

from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.declared import Declared
from support.playbooks import in_worker_alone
from support.search import Search

if TYPE_CHECKING:
    from simulator import Host

#: How these tests do the work of modules.
__all__ = ["in_worker_alone"]

AUDIT = "esx.trust.audit"


def converged(*hosts: Host) -> None:
    for host in hosts:
        host.put_provider("site-a", type="NATIVE", key_id=KEY_ID, key_derivation_key=KEY)
        host.put_issuer("vcenter01", ISSUER, [chain(2)])


def facts(folder: Path) -> dict[str, Any]:
    """The report's facts; its other three forms are there and can be read."""
    assert (folder / "esx-trust-audit.html").read_text().lower().startswith("<!doctype html>")

    ElementTree.parse(folder / "esx-trust-audit.junit.xml")

    assert "esx_trust_host_in_sync{" in (folder / "esx-trust-audit.prom").read_text("utf-8")

    record: dict[str, Any] = json.loads((folder / "esx-trust-audit.json").read_text())

    return record


def test_everything_is_as_declared(declared: Declared, tmp_path: Path) -> None:
    converged(*declared.hosts)
    played = declared.run(AUDIT)

    assert played.code == 0, played.output

    # It runs in a folder of the test's, and that is where the report is by default.
    record = facts(tmp_path / "play")

    assert record["summary"]["as_declared"] is True
    assert record["summary"]["hosts"]["ok"] == 5
    assert f"Report: {tmp_path / 'play' / 'esx-trust-audit.html'}" in played.output
    # One task looked at all of them; only those that differ have tasks of their own.
    assert played.recap("esx01")["changed"] == 0
    assert not any(f"[{host.name}]" in played.output for host in declared.hosts[1:])
    assert "WARNING" not in played.output

    # Unless somebody wants to see each host, as AWX does.
    played = declared.run(AUDIT, extra={"esx_trust_each_host": "yes"})

    assert played.code == 0, played.output
    assert all(played.recap(host.name)["ok"] >= 1 for host in declared.hosts)
    assert all(played.recap(host.name)["changed"] == 0 for host in declared.hosts)


def test_hosts_whose_work_is_not_done_in_one_process_are_in_the_report(declared: Declared, tmp_path: Path) -> None:
    converged(*declared.hosts[:3])
    for name in ("esx02", "esx04"):
        declared.of_one[name]["esx_trust_in_worker"] = False
    played = declared.run(AUDIT)

    assert played.code == 2, played.output

    statuses = {host["host"]: host["status"] for host in facts(tmp_path / "play")["hosts"]}

    assert statuses == {"esx01": "ok", "esx02": "ok", "esx03": "ok", "esx04": "missing", "esx05": "missing"}
    # One login is enough for a look; two tasks take two.
    assert [host.login_attempts for host in declared.hosts] == [1, 2, 1, 2, 1]


@pytest.mark.every_core
def test_every_kind_of_deviation_on_a_host_of_its_own(declared: Declared, tmp_path: Path) -> None:
    good, missing, conflict, down, refusing = declared.hosts
    converged(good, conflict)
    missing.put_issuer("vcenter01", ISSUER, [chain(1)])
    conflict.put_provider("site-a", key_id=OTHER_KEY_ID)
    good.put_provider("nobodys", type="NATIVE", key_id=OTHER_KEY_ID, available=False)
    declared.down(down)
    declared.of_one[refusing.name]["esx_password"] = "wrong Pässword/1"
    folder = tmp_path / "reports" / "today"

    played = declared.run(AUDIT, "-vvvv", "--diff", extra={"esx_report_dir": str(folder)})

    assert played.code == 2, played.output

    record = facts(folder)

    assert {host["host"]: host["status"] for host in record["hosts"]} == {
        "esx01": "ok",
        "esx02": "missing",
        "esx03": "conflict",
        "esx04": "unreachable",
        "esx05": "failed",
    }

    (nobodys,) = (resource for resource in record["hosts"][0]["resources"] if resource["id"] == "nobodys")

    assert (nobodys["status"], nobodys["available"]) == ("undeclared", False)
    assert {resource["id"]: resource["status"] for resource in record["hosts"][1]["resources"]} == {
        "site-a": "missing",
        "vcenter01": "differs",
    }
    assert [played.recap(host.name)["failed"] for host in declared.hosts] == [0, 1, 1, 1, 1]
    outcome = f"4 of 5 hosts need attention. {len(record['attention'])} findings. Report: {folder}/esx-trust-audit.html"
    assert outcome in played.output
    # The outcome is the last thing on the screen before Ansible's recap.
    assert "FAILED!" not in played.output.partition(outcome)[2]

    sentence = "Key provider 'site-a' is missing; token issuer 'vcenter01' differs."

    assert f"{sentence} Report: {folder}/esx-trust-audit.html" in played.output
    assert all(host.writes == [] for host in declared.hosts)
    assert refusing.login_attempts == 1

    secrets = {
        "key": [KEY],
        "password": [good.password, "wrong Pässword/1"],
        "tokens": [token for host in declared.hosts for token in host.tokens],
    }

    places = {"output": played.output, **{path.name: path.read_text() for path in folder.iterdir()}}

    assert Search().find(secrets, places) == []


def test_an_audit_reports_its_run_and_what_changed_since_the_one_before(declared: Declared, tmp_path: Path) -> None:
    converged(*declared.hosts)
    report = tmp_path / "play" / "esx-trust-audit.json"

    assert declared.run(AUDIT).code == 0

    first = facts(tmp_path / "play")

    assert first["changes"] is None
    assert first["run"]["seconds"] >= 0
    assert first["run"]["inventory"]
    assert all(Path(source).exists() for source in first["run"]["inventory"])
    assert first["run"]["collection_version"]
    assert first["run"]["core_version"]

    declared.hosts[1].put_issuer("vcenter01", ISSUER, [chain(1)])
    played = declared.run(AUDIT)
    second = facts(tmp_path / "play")

    assert (second["changes"]["since"], second["changes"]["deviating"]) == (first["generated_at"], ["esx02"])

    (finding,) = (item for item in second["attention"] if item["kind"] == "differs")

    assert finding["next_step"]["command"].endswith(" --limit esx02")
    assert "WARNING" not in played.output

    report.write_text('{"hosts": [{{ 6 * 7 }}')
    played = declared.run(AUDIT)

    assert played.code == 2, played.output
    assert facts(tmp_path / "play")["changes"] is None
    assert "WARNING" not in played.output


def test_what_the_command_line_says_does_not_matter(declared: Declared, tmp_path: Path) -> None:
    """Neither check mode, nor tags, nor a limit; and a host whose variables cannot be read is one of the findings."""
    converged(*declared.hosts)
    declared.of_one["esx03"]["esx_password"] = "{{ nowhere_to_be_found }}"
    played = declared.run(AUDIT, "--check", "--tags", "nothing", "--limit", "esx02,esx03")

    assert played.code == 2, played.output

    record = facts(tmp_path / "play")

    assert {host["host"]: host["status"] for host in record["hosts"]} == {"esx02": "ok", "esx03": "failed"}
    assert "nowhere_to_be_found" in record["hosts"][1]["message"]


def test_no_host_is_no_success(declared: Declared) -> None:
    played = declared.run(AUDIT, "-e", "esx_hosts=esxi")
    assert played.code == 2
    assert "No host of the inventory matches esxi (esx_hosts)." in played.output


@pytest.mark.parametrize(
    ("given", "days"), [({}, 90), ({"esx_expiring_days": None}, 90), ({"esx_expiring_days": 0}, 0)], ids=str
)
def test_the_days_before_an_end_that_need_attention(
    declared: Declared, tmp_path: Path, given: dict[str, Any], days: int
) -> None:
    converged(*declared.hosts)
    played = declared.run(AUDIT, "-e", json.dumps(given))

    assert played.code == 0, played.output
    assert facts(tmp_path / "play")["expiring_days"] == days


def test_a_value_that_is_no_number_of_days_is_refused(declared: Declared) -> None:
    played = declared.run(AUDIT, "-e", "esx_expiring_days=-1")
    assert played.code == 2
    assert "expiring_days: is less than 0." in played.output
    assert all(host.journal == [] for host in declared.hosts)
