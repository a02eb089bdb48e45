# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A refused password is sent once in a whole run of Ansible, because hosts lock an account after five refusals."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import pytest

from simulator import Fault
from simulator import Host
from support.constants import KEY
from support.constants import KEY_ID
from support.playbooks import Playbooks

WRONG = "wrong-Password-1"


def provider(**task: Any) -> dict[str, Any]:
    """A task that keeps a key provider."""
    options = {"provider": "{{ item | default('site-a') }}", "key_id": KEY_ID, "key_derivation_key": KEY}
    return {"name": "Keep the provider", "esx.trust.esx_kms_provider": {**options, **task.pop("options", {})}, **task}


def each_on_a_host_of_its_own(kinds: Mapping[str, list[dict[str, Any]]], hosts: Iterable[Host]) -> list[dict[str, Any]]:
    """The tasks of all kinds in one list. The tasks of the first kind run for the first host alone, and so on."""
    tasks = []
    for host, of_a_kind in zip(hosts, kinds.values()):
        tasks += [{**task, "when": f"inventory_hostname == '{host.name}'"} for task in of_a_kind]

    return tasks


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
    tasks = each_on_a_host_of_its_own(TASKS, playbooks.hosts)

    played = playbooks.play(tasks, variables={"esx_password": WRONG})

    assert {kind: host.failed_logins for kind, host in zip(TASKS, playbooks.hosts)} == dict.fromkeys(TASKS, 1)

    for host in playbooks.hosts:
        lines = "\n".join(line for line in played.output.splitlines() if f"[{host.name}]" in line)
        assert "is not tried again" in lines, lines

    assert WRONG not in played.output
    assert not any(WRONG in text for name, text in played.files.items() if not name.endswith("variables.json"))


def in_background(**task: Any) -> dict[str, Any]:
    """A task in processes of their own, one for each item."""
    return provider(**{"loop": ["a", "b"], "async": 120, "ignore_errors": True, **task})


#: Tasks with async, each kind on a host of its own.
BACKGROUND = {
    "the run goes on beside them": [
        in_background(poll=0, register="jobs"),
        provider(ignore_errors=True, environment={"SOME": "thing"}),
        provider(ignore_errors=True),
        {
            "name": "Wait",
            "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
            "loop": "{{ jobs.results }}",
            "loop_control": {"loop_var": "job"},
            "register": "ended",
            "until": "ended is finished",
            "retries": 100,
            "delay": 1,
            "ignore_errors": True,
        },
    ],
    "the run waits for them": [in_background(poll=1)],
}


@pytest.mark.every_core
@pytest.mark.parametrize("in_worker", [True], ids=["in the worker"], indirect=True)
def test_a_refused_password_is_sent_once_by_tasks_beside_each_other(playbooks: Playbooks) -> None:
    tasks = each_on_a_host_of_its_own(BACKGROUND, playbooks.hosts)

    jobs = playbooks.folder / "jobs"
    played = playbooks.play(tasks, variables={"esx_password": WRONG, "ansible_async_dir": str(jobs)})
    counted = {kind: host.failed_logins for kind, host in zip(BACKGROUND, playbooks.hosts)}

    assert counted == dict.fromkeys(BACKGROUND, 1)
    assert played.output.count("is not tried again") >= 4, played.output
    assert "could not find job" not in played.output

    # Ansible removes the packed modules a moment after the end; what we leave is a line for each host.
    kept = [text for name, text in played.files.items() if "esx-trust-login-" in name]

    assert [text.split()[0] for text in kept] == ["refused", "refused"]
    assert WRONG not in "".join(kept)


#: Kinds of tasks that run for several names of one host at the same time.
BESIDE_EACH_OTHER = {
    "a module": provider(),
    "a module with environment": provider(environment={"SOME": "thing"}),
    "two modules": {"name": "Read", "esx.trust.esx_token_issuer_info": {}},
}


@pytest.mark.every_core
@pytest.mark.parametrize("task", BESIDE_EACH_OTHER.values(), ids=BESIDE_EACH_OTHER.keys())
def test_a_refused_password_is_sent_once_to_a_host_of_many_names(playbooks: Playbooks, task: dict[str, Any]) -> None:
    """Virtual machines of the inventory, for instance, whose tasks work on the one ESX host that they run on."""
    host = playbooks.hosts[0]
    host.queue(Fault(kind="delay_answer", seconds=0.3, times=None))
    played = playbooks.play([task], variables={"esx_password": WRONG, "esx_address": host.address})

    failures = [line for line in played.output.splitlines() if line.startswith("fatal: ")]
    not_sent = [line for line in failures if "was refused before in this run" in line]

    assert host.failed_logins == 1
    assert len(failures) == len(playbooks.hosts)
    assert len(not_sent) == len(playbooks.hosts) - 1


@pytest.mark.parametrize("in_worker", [True], ids=["in the worker"], indirect=True)
def test_an_accepted_password_makes_nobody_wait(playbooks: Playbooks) -> None:
    host = playbooks.hosts[0]
    played = playbooks.play([provider()], variables={"esx_address": host.address})

    assert played.code == 0, played.output
    assert host.login_attempts == len(playbooks.hosts)
    assert sorted(host.providers) == ["site-a"]


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
