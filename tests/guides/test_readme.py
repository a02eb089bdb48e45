# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README tells people to do with hosts of their own is done to the letter, with simulated hosts in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import environment
from guides.desk import Desk
from support import reading
from support.reading import Command
from support.reading import File
from support.reading import Step

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


def replaced(step: Step, in_place_of: dict[str, dict[str, str]]) -> Step:
    if not isinstance(step, File):
        return step

    text = step.text
    for old, new in in_place_of.get(step.name, {}).items():
        assert text.count(old) == 1, f"{step.where}: {old!r} is not once in {step.name}"
        text = text.replace(old, new)

    return replace(step, text=text)


def test_the_first_run_on_hosts_of_your_own(
    desk: Desk, fleet: Fleet, vcenter: Vcenter, in_place_of: dict[str, dict[str, str]]
) -> None:
    """Each host then holds the key and the issuer, and the playbook of one's own agrees with the declaration."""
    steps = reading.read_part(README, *PARTS)
    assert set(in_place_of) <= {step.name for step in steps if isinstance(step, File)}
    assert set(NOT_RUN) <= {step.text for step in steps if isinstance(step, Command)}

    key = ""
    for step in steps:
        if isinstance(step, File) and step.name == "group_vars/esx/secrets.yml":
            in_place_of[step.name]["the key, in Base64"] = key

        if isinstance(step, File):
            desk.write(replaced(step, in_place_of))
        elif step.text not in NOT_RUN:
            said = desk.do(step)
            if step.text.startswith("openssl rand "):
                key = said.strip()

    for host in fleet.hosts[:2]:
        assert list(host.providers) == ["site-a"]
        assert host.issuers["vcenter01"].issuer == vcenter.issuer
