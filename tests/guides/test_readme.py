# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README tells people to do with hosts of their own is done to the letter, with simulated hosts in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import environment
import recap
from guides.desk import Desk
from support import reading
from support.reading import Command
from support.reading import File

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Vcenter

README = environment.ROOT / "README.md"
PARTS = ("The first run on hosts of your own", "In a playbook of your own")

#: Commands that are not run, to the letter, and why.
NOT_RUN = {
    "ansible-galaxy collection install vmware.vmware": "needs a server",
    "pip install pyvmomi": "needs a server",
}


@pytest.fixture
def in_place_of(fleet: Fleet, vcenter: Vcenter) -> dict[str, dict[str, str]]:
    """All that is replaced, by file. Nobody answers at the addresses of README, and the vCenter knows its own name."""
    for host in fleet.hosts:
        assert host.wait_closed()
        host.reset()

    vcenter.settings(public_name="vcenter01.example.com")
    first, second = fleet.hosts[:2]
    ca = "/etc/pki/vmca.pem"
    address_of_vcenter = f"{vcenter.address}\n        port: {vcenter.port}"

    return {
        "hosts.yml": {
            "esx01.example.com:": f"esx01.example.com: {{esx_hostname: {first.address}, esx_port: {first.port}}}",
            "esx02.example.com:": f"esx02.example.com: {{esx_hostname: {second.address}, esx_port: {second.port}}}",
        },
        "group_vars/esx/trust.yml": {ca: str(fleet.ca_path)},
        "group_vars/esx/secrets.yml": {"the password of root": first.password},
        "read-vcenter.yml": {"vcenter01.example.com\n": f"{address_of_vcenter}\n", ca: str(fleet.ca_path)},
        "site.yml": {
            "{{ inventory_hostname }}": "{{ esx_hostname }}",
            "username: root": f"username: root\n      port: {first.port}",
            ca: str(fleet.ca_path),
        },
    }


def with_replacements(file: File, replacements: dict[str, str]) -> File:
    text = file.text
    for old, new in replacements.items():
        assert text.count(old) == 1, f"{file.where}: {old!r} is not once in {file.name}"
        text = text.replace(old, new)

    return replace(file, text=text)


def test_the_first_run_on_hosts_of_your_own(
    desk: Desk, fleet: Fleet, vcenter: Vcenter, in_place_of: dict[str, dict[str, str]]
) -> None:
    """Each host then holds the key and the issuer, and the playbook of one's own finds nothing to change."""
    steps = reading.read_part(README, *PARTS)
    assert set(in_place_of) <= {step.name for step in steps if isinstance(step, File)}
    assert set(NOT_RUN) <= {step.text for step in steps if isinstance(step, Command)}

    said: dict[str, str] = {}
    for step in steps:
        if isinstance(step, Command):
            if step.text not in NOT_RUN:
                said[step.text] = desk.do(step)
            continue

        desk.write(with_replacements(step, in_place_of.get(step.name, {})))

    for host in fleet.hosts[:2]:
        assert list(host.providers) == ["site-a"]
        assert host.issuers["vcenter01"].issuer == vcenter.issuer

    last = list(said)[-1]

    assert last.endswith(" site.yml")
    assert [counters["changed"] for counters in recap.counters(said[last]).values()] == [0, 0], said[last]
