# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should do about each finding of an audit: a sentence, and a command that means the right hosts."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import Run
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import KINDS
from environment import ROOT
from support.audits import KEY
from support.audits import NOW
from support.audits import certificate
from support.audits import entry
from support.audits import failed
from support.audits import fleet
from support.audits import issuer
from support.audits import kinds
from support.audits import provider
from support.audits import resource


def commands(entries: list[dict[str, Any]], **run: Any) -> list[str]:
    return [item["next_step"]["command"] for item in build(entries, NOW, Run(**run))["attention"]]


def test_every_finding_has_a_next_step() -> None:
    unread = {**entry("z"), "keys": failed("unauthorized", "z: may not list.")}
    record = build([*fleet(90, 90), unread, entry("y", resource("ok", issuer("e", certificate("e", -3))))], NOW)

    assert set(kinds(record)) == set(KINDS)

    for item in record["attention"]:
        assert item["next_step"]["sentence"].endswith(".")

        words = shlex.split(item["next_step"]["command"])

        assert words[0] == "ansible-playbook"
        assert (ROOT / "playbooks" / f"{words[1].rpartition('.')[2]}.yml").exists()

        if item["kind"] in ("missing", "differs", "extra"):
            assert words[1:] == ["esx.trust.converge", "--limit", ",".join(item["hosts"])]


def test_the_command_names_the_inventory_and_the_hosts() -> None:
    entries = [entry("a", resource("missing", None, KEY)), entry("b")]
    (command,) = commands(entries, inventory=["my hosts.yml"], esx_hosts="lab:&site")

    assert shlex.split(command) == [
        *("ansible-playbook", "esx.trust.converge", "-i", "my hosts.yml"),
        *("-e", '{"esx_hosts": "lab:&site"}', "--limit", "a"),
    ]

    (everywhere,) = commands(entries[:1], esx_hosts="esx")

    assert everywhere == "ansible-playbook esx.trust.converge"


@pytest.mark.parametrize("name", ["*", "!b", "a,b", "a:b", "~a.*", "@a", "all", "a b", "$(id)", "a;id", "a[0]", "-e"])
def test_a_name_that_means_other_hosts_is_in_no_command(name: str) -> None:
    assert commands([entry(name, resource("missing", None, KEY)), entry("b")]) == [""]


def test_only_the_hosts_with_another_key_are_audited_again() -> None:
    replaced = provider("site-a", "second")
    entries = [entry("a", resource("ok", KEY)), entry("b", resource("ok", KEY)), entry("c", listed=[replaced])]
    record = build(entries, NOW)

    assert kinds(record) == ["key_disagreement", "undeclared"]
    assert record["attention"][0]["next_step"]["command"] == "ansible-playbook esx.trust.audit --limit c"
