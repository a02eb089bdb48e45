# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counters of the hosts are read from the recap, and from nothing else that Ansible says."""

from __future__ import annotations

import pytest

import recap

pytestmark = pytest.mark.of_sources

SAID = """
TASK [Say] *********************************************************************
ok: [esx01] => {"msg": "esx01 : changed=1 failed=1"}

PLAY RECAP *********************************************************************
esx01                      : ok=2    changed=1    unreachable=0    failed=0    skipped=2    rescued=0    ignored=0
a-host-with-a-name-longer-than-the-column.example.com : ok=10   changed=0    unreachable=1    failed=0    skipped=0
esx03                      : ok=0    changed=12   unreachable=0    failed=1    skipped=0    rescued=0    ignored=0

"""


def test_every_counter_of_every_host() -> None:
    found = recap.counters(SAID)

    assert list(found) == ["esx01", "a-host-with-a-name-longer-than-the-column.example.com", "esx03"]
    assert found["esx03"]["changed"] == 12
    assert found["esx01"] == {
        "ok": 2,
        "changed": 1,
        "unreachable": 0,
        "failed": 0,
        "skipped": 2,
        "rescued": 0,
        "ignored": 0,
    }


@pytest.mark.parametrize(
    ("counter", "hosts"),
    [
        ("changed", ["esx01", "esx03"]),
        ("failed", ["esx03"]),
        ("unreachable", ["a-host-with-a-name-longer-than-the-column.example.com"]),
        ("ok", ["esx01", "a-host-with-a-name-longer-than-the-column.example.com"]),
    ],
)
def test_the_hosts_of_a_counter(counter: str, hosts: list[str]) -> None:
    assert recap.hosts(SAID, counter) == hosts


def test_without_a_recap_there_are_no_hosts() -> None:
    assert recap.counters("ERROR! the playbook could not be found") == {}
    assert recap.hosts("", "failed") == []
