# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job templates as AWX runs them: sliced, with its credentials, and without a secret in what a job leaves."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

import checkout
from awx import guide
from awx.jobs import CALL
from awx.jobs import Awx
from awx.jobs import Credential
from awx.jobs import Job
from awx.jobs import Project
from support.certificates import chain
from support.constants import KEY
from support.tools import made_environment

if TYPE_CHECKING:
    from awx.code import Inside
    from simulator import Fleet
    from simulator import Host
    from support.search import Search
    from support.tools import Tools

pytestmark = [pytest.mark.xdist_group("awx jobs"), pytest.mark.timeout(600)]  # many programs start

PASSWORD = "Horse-Battery+1 ✓"
KEY_ID: str = guide.declaration()["esx_kms_providers"][0]["key_id"]
SLICES = 2


@pytest.fixture
def jobs_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs"
    folder.mkdir()
    return folder


@pytest.fixture
def awx(tools: Tools, inside: Inside, jobs_folder: Path, project: Path) -> Awx:
    """Its project is the one that the guide makes."""
    return Awx(tools, inside, jobs_folder, Project(project))


@pytest.fixture
def hosts(fleet: Fleet) -> Iterator[list[Host]]:
    for host in fleet.hosts:
        host.reset()
        host.put_account(host.username, PASSWORD)

    yield fleet.hosts[:4]
    fleet.reset()


@pytest.fixture
def declared() -> dict[str, Any]:
    """What the guide tells people to declare."""
    declaration = guide.declaration()
    for issuer in declaration["esx_token_issuers"]:
        issuer["signing_cert_chains"] = [{"cert_chain": chain(2)}]
    return declaration


@pytest.fixture
def credentials(fleet: Fleet, credential_types: Any) -> list[Credential]:
    """Both of the collection's own types."""
    account = {
        "username": "root",
        "password": PASSWORD,
        "port": str(fleet.port),
        "ca_certificate": Path(fleet.ca_path).read_text("ascii"),
    }
    key = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}
    return [Credential(credential_types["ESX host"], account), Credential(credential_types["ESX native key"], key)]


class JobTemplates:
    """The job templates of the pattern, with an inventory of hosts.

    credentials: those of the templates. The first is the login.
    """

    def __init__(self, awx: Awx, hosts: list[Host], credentials: list[Credential], pattern: dict[str, Any]) -> None:
        self._awx = awx
        self._hosts = hosts
        self._credentials = credentials
        self._templates = pattern["aap_resources"]["controller_job_templates"]

    def launch(
        self,
        playbook: str,
        declared: dict[str, Any],
        *,
        hosts: list[Host] | None = None,
        credentials: list[Credential] | None = None,
        answers: dict[str, Any] | None = None,
        **how: Any,
    ) -> list[Job]:
        """Run the template of a playbook.

        hosts, credentials: by default all.
        answers: the answers to the survey that a person has changed.
        how: see `Awx.launch`.
        """
        inventory = {host.name: {"esx_hostname": host.address} for host in hosts or self._hosts}
        survey = {**self._defaults(playbook), **(answers or {})}

        return self._awx.launch(playbook, inventory, declared, credentials or self._credentials, survey, **how)

    def _defaults(self, playbook: str) -> dict[str, Any]:
        """The answers that AWX passes on if a person changes nothing in the survey."""
        (template,) = [template for template in self._templates if template["playbook"] == playbook]
        questions = template["survey"]["spec"]

        return {question["variable"]: question["default"] for question in questions if "default" in question}


@pytest.fixture
def templates(
    awx: Awx,
    hosts: list[Host],
    credentials: list[Credential],
    pattern: dict[str, Any],
) -> JobTemplates:
    return JobTemplates(awx, hosts, credentials, pattern)


def changed(job: Job) -> dict[str, int]:
    return dict(job.stats["changed"])


def test_a_sliced_converge(
    templates: JobTemplates,
    hosts: list[Host],
    declared: dict[str, Any],
    handed_out: list[str],
    search: Search,
) -> None:
    first = templates.launch("converge.yml", declared, slices=SLICES, verbosity=4)

    assert [job.code for job in first] == [0] * SLICES, first[0].output
    assert [sorted(changed(job)) for job in first] == [job.hosts for job in first]
    assert {name for job in first for name in job.hosts} == {host.name for host in hosts}
    assert all(len(host.writes) == 2 for host in hosts)
    assert all(host.providers["site-a"].key_derivation_key == KEY for host in hosts)

    again = templates.launch("converge.yml", declared, slices=SLICES)

    assert [job.code for job in again] == [0] * SLICES, again[0].output
    assert not any(changed(job) for job in again)
    assert all(len(host.writes) == 2 for host in hosts)

    assert len(handed_out) >= 2 * len(hosts)

    places = {name: text for job in (*first, *again) for name, text in job.places.items()}
    calls = {name: places.pop(name) for name in list(places) if name.endswith(f": {CALL}")}

    assert len([name for name in places if name.endswith(".json")]) > 20
    assert not search.find({"password": [PASSWORD], "key": [KEY], "tokens": handed_out}, places)
    # The one place that knows the environment has the password in it; the key is not even there.
    assert len(calls) == 2 * SLICES
    assert search.find({"password": [PASSWORD]}, calls)
    assert not search.find({"key": [KEY], "tokens": handed_out}, calls)


def test_a_sliced_audit(
    templates: JobTemplates,
    hosts: list[Host],
    declared: dict[str, Any],
    credentials: list[Credential],
    handed_out: list[str],
    search: Search,
    tmp_path: Path,
) -> None:
    """Each slice reports on its own hosts, in a folder of its own, and tells AWX in short. It needs no key."""
    (converged,) = templates.launch("converge.yml", declared)

    assert converged.code == 0, converged.output

    (bad, *_others) = hosts
    bad.delete_issuer("vcenter01")
    before = [len(host.writes) for host in hosts]
    jobs = templates.launch(
        "audit.yml",
        declared,
        credentials=credentials[:1],
        answers={"esx_report_root": str(tmp_path / "reports")},
        slices=SLICES,
        verbosity=4,
    )

    assert {job.code != 0 for job in jobs if bad.name in job.hosts} == {True}, jobs[0].output
    assert {job.code == 0 for job in jobs if bad.name not in job.hosts} == {True}, jobs[-1].output
    assert [len(host.writes) for host in hosts] == before

    for job in jobs:
        report = tmp_path / "reports" / f"job-{job.ident}" / "esx-trust-audit.json"
        facts = json.loads(report.read_text("utf-8"))

        assert sorted(each["host"] for each in facts["hosts"]) == job.hosts
        assert job.stats["artifact_data"]["esx_trust_audit"] == facts["summary"]
        assert not changed(job)

    places = {name: text for job in jobs for name, text in job.places.items() if not name.endswith(f": {CALL}")}
    places |= {str(each): each.read_text("utf-8") for each in (tmp_path / "reports").glob("*/*")}

    assert not search.find({"password": [PASSWORD], "key": [KEY], "tokens": handed_out}, places)


def test_the_credential_that_awx_has_for_vcenters(
    templates: JobTemplates, fleet: Fleet, hosts: list[Host], declared: dict[str, Any]
) -> None:
    """Its VMWARE_HOST, which is meant for a vCenter, is another host here, which must not be asked for anything."""
    vcenter = fleet.hosts[-1]
    credential = Credential("vmware", {"host": vcenter.address, "username": "root", "password": PASSWORD})

    declared = {
        **declared,
        "esx_kms_providers": [],
        "esx_port": fleet.port,
        "esx_ca_path": fleet.ca_path,
        "esx_validate_certs": True,
    }

    (job,) = templates.launch("converge.yml", declared, credentials=[credential])

    assert job.code == 0, job.output
    assert sorted(changed(job)) == sorted(host.name for host in hosts)
    assert vcenter.journal == []
    assert job.safe_env["VMWARE_HOST"] == vcenter.address


def test_what_awx_says_of_certificates_does_not_count(
    templates: JobTemplates, fleet: Fleet, hosts: list[Host], declared: dict[str, Any]
) -> None:
    """AWX's own setting, given with that credential, is not to check them. The inventory can forbid that."""
    host = hosts[0]
    credential = Credential("vmware", {"host": "vcenter", "username": "root", "password": PASSWORD})
    declared = {**declared, "esx_kms_providers": [], "esx_port": fleet.port, "esx_validate_certs": True}
    (job,) = templates.launch(
        "converge.yml",
        declared,
        hosts=[host],
        credentials=[credential],
        environment={"VMWARE_VALIDATE_CERTS": "False"},
    )

    assert job.code == 2, job.output
    assert host.login_attempts == 0
    assert host.writes == []


def test_a_rotation_in_two_jobs(
    templates: JobTemplates, hosts: list[Host], declared: dict[str, Any], credentials: list[Credential]
) -> None:
    """The declaration says which of the two a job is. No key is needed."""
    (issuer,) = declared["esx_token_issuers"]
    new, old = chain(2), chain(3)
    for host in hosts:
        host.put_issuer("vcenter01", issuer["issuer"], [old])
    held = []

    for chains_mode in ("merge", "exact"):
        declared = {**declared, "esx_token_issuers": [{**issuer, "chains_mode": chains_mode}]}
        (job,) = templates.launch("rotate_signing_certs.yml", declared, credentials=credentials[:1])

        assert job.code == 0, job.output

        held.append([len(host.issuers["vcenter01"].chains) for host in hosts])

    assert held == [[2] * len(hosts), [1] * len(hosts)]
    assert all(len(host.issuers["vcenter01"].chains[0]) == len(new) for host in hosts)
    assert not any(host.providers for host in hosts)


@pytest.fixture
def whole_collection(tmp_path: Path, pattern: dict[str, Any]) -> Project:
    """The project that a pattern loader makes: the unpacked tarball. The collection is installed in another place."""
    tarball = checkout.build(tmp_path, made_environment("awx").bin / "ansible-galaxy")
    files = tmp_path / "whole"
    with tarfile.open(tarball) as archive:
        archive.extractall(files, filter="data")

    return Project(files, f"extensions/patterns/{pattern['name']}/playbooks")


def test_the_jobs_of_a_pattern_loader(
    tools: Tools,
    inside: Inside,
    jobs_folder: Path,
    whole_collection: Project,
    hosts: list[Host],
    credentials: list[Credential],
    declared: dict[str, Any],
    pattern: dict[str, Any],
) -> None:
    """Each playbook of the pattern finds the collection's playbook in the project, and the files that it uses."""
    awx = Awx(tools, inside, jobs_folder, whole_collection)
    templates = JobTemplates(awx, hosts[:2], credentials, pattern)

    for playbook in ("converge.yml", "audit.yml", "rotate_signing_certs.yml"):
        (job,) = templates.launch(playbook, declared)

        assert job.code == 0, job.output

        paths = {str(event["event_data"].get("task_path", "")) for event in job.events}
        own = job.folder.resolve() / "project" / "playbooks" / playbook

        assert any(path.startswith(f"{own}:") for path in paths), paths

    assert all(len(host.writes) == 2 for host in hosts[:2])
