# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who installed the release before this one and installs this one over it finds the hosts as they were.

The release is taken from the history of this repository, where a commit has its version for the first time.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import environment
import programs
from support.certificates import chain
from support.constants import KEY
from support.constants import KEY_ID
from support.programs import clean_environment
from support.tools import Tools
from support.tools import made_environment

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host

pytestmark = pytest.mark.xdist_group("package")

BEFORE = "0.2.0"
ISSUER = "https://vcenter01.example.test/openidconnect/vsphere.local"

#: As the guides of that version have it: the declaration in the variables of the group, read by playbooks and role.
DECLARED = {
    "esx_kms_providers": [{"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": "{{ site_a_key }}"}],
    "esx_token_issuers": [
        {
            "issuer_alias": "vcenter01",
            "issuer": ISSUER,
            "signing_cert_chains": [{"cert_chain": ["{{ lookup('ansible.builtin.file', chain_file) }}"]}],
            "chains_mode": "exact",
            "issuer_conflict": "adopt",
        },
        {"issuer_alias": "old-vcenter", "state": "absent"},
    ],
    "esx_purge_token_issuers": True,
}

#: A person's own playbook, with every module that writes, and the role.
OWN = """
- name: Modules
  hosts: esx
  connection: local
  gather_facts: false
  module_defaults:
    group/esx.trust.esx:
      hostname: "{{ esx_hostname }}"
      port: "{{ esx_port }}"
      username: "{{ esx_username }}"
      password: "{{ esx_password }}"
      ca_path: "{{ esx_ca_path }}"
  tasks:
    - name: A key provider
      esx.trust.esx_kms_provider:
        provider: site-a
        key_id: "{{ esx_kms_providers[0].key_id | upper }}"
        key_derivation_key: "{{ site_a_key }}"

    - name: A token issuer
      esx.trust.esx_token_issuer:
        issuer_alias: vcenter01
        issuer: "{{ esx_token_issuers[0].issuer }}"
        signing_cert_chains: "{{ esx_token_issuers[0].signing_cert_chains }}"
        chains_mode: merge

    - name: An issuer that is gone
      esx.trust.esx_token_issuer:
        issuer_alias: old-vcenter
        state: absent

    - name: What the host has
      esx.trust.esx_kms_provider_info:
      register: providers

    - name: What the host trusts
      esx.trust.esx_token_issuer_info:
      register: issuers

    - name: The shape of what is returned
      ansible.builtin.assert:
        that:
          - providers.kms_providers[0].provider == 'site-a'
          - issuers.token_issuers[0].signing_cert_chains[0].cert_chain | length == 2

    - name: The whole host
      esx.trust.esx_host_trust:
        kms_providers: "{{ esx_kms_providers }}"
        token_issuers: "{{ esx_token_issuers }}"
        purge_token_issuers: true

- name: The role
  hosts: esx
  connection: local
  gather_facts: false
  roles:
    - esx.trust.host_trust
"""


class Site:
    """Somebody's inventory, playbook and installed collection."""

    def __init__(self, tools: Tools, folder: Path, fleet: Fleet, hosts: list[Host]) -> None:
        self._tools = tools
        self._folder = folder
        self._hosts = hosts
        folder.mkdir()
        (folder / "chain.pem").write_text("".join(chain(2, subject="ssoserverSign")), "utf-8")

        variables = {
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "chain_file": str(folder / "chain.pem"),
            "esx_ca_path": str(fleet.ca_path),
            "esx_password": hosts[0].password,
            "esx_port": hosts[0].port,
            "esx_username": hosts[0].username,
            "site_a_key": KEY,
            **DECLARED,
        }

        addresses = {host.name: {"esx_hostname": host.address} for host in hosts}
        inventory = {"esx": {"hosts": addresses, "vars": variables}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory), "utf-8")
        (folder / "own.yml").write_text(OWN, "utf-8")

    def install(self, tarball: Path) -> str:
        """Over what is there; returns the version that Ansible then finds."""
        self._run("ansible-galaxy", "collection", "install", "--offline", "--force", tarball)
        listed = json.loads(self._run("ansible-galaxy", "collection", "list", "--format", "json", "esx.trust"))
        ((_place, found),) = listed.items()
        version: str = found["esx.trust"]["version"]

        return version

    @property
    def names(self) -> list[str]:
        return [host.name for host in self._hosts]

    def play(self, playbook: str, *options: str) -> tuple[dict[str, int], int]:
        """How many tasks of each host changed something, and how many writes the hosts got meanwhile."""
        before = self._writes()
        said = self._run("ansible-playbook", "-i", "hosts.yml", playbook, *options)
        recap = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0 ", said, re.MULTILINE)

        assert recap, said

        return {name: int(changed) for name, changed in recap}, self._writes() - before

    def _writes(self) -> int:
        return sum(one.writes for host in self._hosts for one in host.journal)

    def _run(self, *command: object) -> str:
        collections = self._folder / "collections"
        return self._tools.run(
            "install", command, cwd=self._folder, variables={"ANSIBLE_COLLECTIONS_PATH": collections}
        )


@pytest.fixture(scope="session")
def release_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tarball, built from the commit that made the release."""
    builder = made_environment("install")
    commit = commit_of(BEFORE)

    folder = tmp_path_factory.mktemp("before")
    tree = folder / environment.COLLECTION
    tree.mkdir(parents=True)
    git("archive", "--output", str(folder / "tree.tar"), commit)
    with tarfile.open(folder / "tree.tar") as archive:
        archive.extractall(tree, filter="data")

    command = [builder.bin / "ansible-galaxy", "collection", "build", "--output-path", folder, tree]
    programs.run(command, clean_environment(ANSIBLE_HOME=folder / "home"))

    return folder / f"esx-trust-{BEFORE}.tar.gz"


def commit_of(version: str) -> str:
    """The first commit whose galaxy.yml has this version and whose message names it. Without a history: skipped."""
    try:
        shallow = git("rev-parse", "--is-shallow-repository").strip() == "true"
        commits = git("log", "--reverse", "--format=%H", f"--grep=^{re.escape(version)}$").split()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the release {version} is looked for in the history of git: {error}")

    if shallow and not commits:
        pytest.skip(f"this clone is shallow, so the release {version} is not in its history (git fetch --unshallow)")

    assert commits, f"no commit of the history is the release {version}"

    said = yaml.safe_load(git("show", f"{commits[0]}:galaxy.yml"))

    assert said["version"] == version

    return commits[0]


def git(*arguments: str) -> str:
    command = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=environment.ROOT, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def site(tools: Tools, tmp_path: Path, fleet: Fleet) -> Site:
    hosts = fleet.hosts[:3]
    for host in hosts:
        host.reset()
    # One has an issuer that nobody declared, and one is as it came from the installer.
    hosts[1].put_issuer("old-vcenter", "https://old.example.test/openidconnect/vsphere.local", [chain(1)])
    hosts[1].put_issuer("forgotten", "https://forgotten.example.test/openidconnect/vsphere.local", [chain(1)])

    return Site(tools, tmp_path / "site", fleet, list(hosts))


def test_nothing_changes_when_this_version_is_installed_over_the_last(
    site: Site, release_before: Path, tarball: Path
) -> None:
    """The same inventory and the same playbooks: what the old version made so is so for the new one."""
    assert site.install(release_before) == BEFORE

    changed, writes = site.play("esx.trust.converge")

    assert set(changed) >= set(site.names)
    assert all(changed[name] for name in site.names)
    assert writes > 0

    _changed, writes = site.play("own.yml")

    assert writes == 0

    this_version = yaml.safe_load((environment.ROOT / "galaxy.yml").read_text("utf-8"))["version"]

    assert site.install(tarball) == this_version

    for playbook in ("esx.trust.converge", "own.yml", "esx.trust.audit"):
        changed, writes = site.play(playbook)
        assert set(changed.values()) == {0}, playbook
        assert writes == 0, playbook


def test_what_is_new_works_beside_what_was_declared_before(site: Site, release_before: Path, tarball: Path) -> None:
    """An upgrade half-way through: hosts that the old version had not reached yet are converged by the new one."""
    site.install(release_before)
    site.play("esx.trust.converge", "--limit", site.names[0])
    site.install(tarball)
    changed, writes = site.play("esx.trust.converge")

    assert {name for name, count in changed.items() if count} == set(site.names[1:])
    assert writes > 0

    _changed, writes = site.play("esx.trust.audit")

    assert writes == 0
