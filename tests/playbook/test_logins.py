# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A refused password is sent once in a whole run of Ansible, because hosts lock an account after five refusals."""

from __future__ import annotations

from typing import Any

import pytest

from support.constants import KEY
from support.constants import KEY_ID
from support.playbooks import Playbooks

WRONG = "wrong-Password-1"


def provider(**task: Any) -> dict[str, Any]:
    """A task that keeps a key provider."""
    options = {"provider": "{{ item | default('site-a') }}", "key_id": KEY_ID, "key_derivation_key": KEY}
    return {"name": "Keep the provider", "esx.trust.esx_kms_provider": {**options, **task.pop("options", {})}, **task}


#: Each on a host of its own, in one run.
TASKS = {
    "loop": [provider(loop=list("abcdef"))],
    "loop with environment": [provider(loop=list("abcdef"), environment={"SOME": "thing"})],
    "retries": [provider(register="done", until="done is succeeded", retries=6, delay=0)],
    "six tasks": [provider(ignore_errors=True) for _number in range(6)],
    "six tasks of two modules": [
        provider(ignore_errors=True),
        {"name": "Read", "esx.trust.esx_token_issuer_info": {}, "ignore_errors": True},
    ]
    * 3,
}


@pytest.mark.every_core
def test_a_refused_password_is_sent_once(playbooks: Playbooks) -> None:
    tasks = [
        {**task, "when": f"inventory_hostname == '{host.name}'"}
        for host, each in zip(playbooks.hosts, TASKS.values())
        for task in each
    ]
    played = playbooks.play(tasks, variables={"esx_password": WRONG})
    assert {kind: host.failed_logins for kind, host in zip(TASKS, playbooks.hosts)} == dict.fromkeys(TASKS, 1)
    for host in playbooks.hosts:
        said = "\n".join(line for line in played.output.splitlines() if f"[{host.name}]" in line)
        assert "is not tried again" in said, said
    assert WRONG not in played.output
    assert not any(WRONG in text for name, text in played.files.items() if not name.endswith("variables.json"))


def test_a_password_from_the_environment_of_the_task_is_sent_once(playbooks: Playbooks) -> None:

    task = provider(
        loop=list("abcdef"),
        environment={"VMWARE_USER": playbooks.hosts[0].username, "VMWARE_PASSWORD": WRONG},
    )
    task["esx.trust.esx_kms_provider"].update(username="{{ omit }}", password="{{ omit }}")
    playbooks.play([task], "--limit", playbooks.hosts[0].name)
    assert playbooks.hosts[0].failed_logins == 1


def test_another_password_is_tried(playbooks: Playbooks) -> None:
    right = {"password": "{{ right }}"}
    tasks = [provider(ignore_errors=True), provider(options=right)]
    host = playbooks.hosts[0]
    passwords = {"esx_password": WRONG, "right": host.password}
    played = playbooks.play(tasks, "--limit", host.name, variables=passwords)
    assert played.code == 0, played.output
    assert sorted(host.providers) == ["site-a"]
