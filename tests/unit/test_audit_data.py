# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of an audit: what passes, what does not, and what is known of the run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import Run
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from support.audits import KEY
from support.audits import NEW
from support.audits import NOW
from support.audits import OLD
from support.audits import entry
from support.audits import failed
from support.audits import fleet
from support.audits import issuer
from support.audits import kinds
from support.audits import only_host
from support.audits import resource


def test_everything_as_declared() -> None:
    record = build([entry("a", resource("ok", KEY), resource("ok", issuer("vc"))), entry("b")], NOW)
    assert record["summary"]["as_declared"] is True
    assert record["summary"]["headline"] == "Everything is as declared on 2 hosts"
    assert record["attention"] == []
    assert record["summary"]["hosts"]["ok"] == record["summary"]["hosts"]["total"] == 2
    assert record["version"] == 2
    assert record["generated_at"] == NOW


@pytest.mark.parametrize(
    ("deciding", "passes"),
    [
        (resource("ok", KEY), True),
        (resource("undeclared", issuer("vc")), True),
        (resource("missing", None, KEY), False),
        (resource("differs", issuer("vc", OLD), issuer("vc", NEW)), False),
        (resource("extra", issuer("vc")), False),
        (resource("conflict", KEY, message="another key."), False),
        ({**resource("ok", KEY), "status": "a word from the future"}, False),
    ],
    ids=lambda value: value["status"] if isinstance(value, dict) else "",
)
def test_one_resource_decides(deciding: dict[str, Any], passes: bool) -> None:
    record = build([entry("a", resource("ok", issuer("other")), deciding)], NOW)
    assert record["summary"]["as_declared"] is passes
    assert any(item["deviation"] for item in record["attention"]) is not passes

    if not passes:
        assert record["summary"]["headline"] == "1 of 1 host needs attention"


@pytest.mark.parametrize(
    ("trust", "status", "message"),
    [
        (None, "not_examined", "There is no result. Audit this host again."),
        ({}, "not_examined", "There is no result. Audit this host again."),
        ("what?", "not_examined", "There is no result. Audit this host again."),
        ({"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}, "not_examined", "Cond"),
        ({"censored": "the output has been hidden", "changed": False}, "not_examined", "the output has been hidden"),
        ({"changed": False, "msg": "something else"}, "not_examined", "something else"),
        ({"failed": True, "msg": "no failure given"}, "failed", "No failure given"),
        ({"failed": True}, "failed", "It failed and did not say why. Run it again with -vvv to see more."),
        ({"unreachable": True, "msg": "ssh said no", "changed": False}, "unreachable", "ssh said no"),
        (failed("unreachable", "esx01: no connection (refused)."), "unreachable", "No connection (refused)."),
        (failed("answer_lost", "esx01:8443: the answer was lost."), "unreachable", "The answer was lost."),
        (failed("untrusted", "10.0.0.7: its certificate is another one."), "failed", "Its certificate is another"),
        (failed("unauthenticated", "[2001:db8::7]:444: refused."), "failed", "Refused."),
        (failed("invalid_input", "token_issuers[0].issuer: is empty."), "failed", "token_issuers[0].issuer: is empty."),
        (failed("conflict", "esx01: another key."), "conflict", "Another key."),
    ],
)
def test_hosts_that_were_not_read(trust: Any, status: str, message: str) -> None:
    record = build([{"host": "esx01", "trust": trust}, entry("b", resource("ok", KEY))], NOW)
    (host, _other) = record["hosts"]

    assert host["status"] == status
    assert host["message"].startswith(message)
    assert record["summary"]["as_declared"] is False
    assert record["summary"]["hosts"][status] == 1
    assert kinds(record) == [status]
    assert record["attention"][0]["hosts"] == ["esx01"]


def test_the_code_and_the_hint_of_a_failure_are_kept() -> None:
    host = only_host(trust=failed("unreachable", "esx01: no connection.", "Is it up?"))
    assert (host["code"], host["hint"]) == ("unreachable", "Is it up?")


def test_an_audit_that_met_no_host_does_not_pass() -> None:
    record = build([], NOW)
    assert record["summary"]["as_declared"] is False
    assert record["summary"]["headline"] == "No host was examined"


def test_nothing_declared_is_not_called_as_declared() -> None:
    assert build([entry("a", resource("undeclared", issuer("vc")))], NOW)["summary"]["headline"] == (
        "Nothing is declared for 1 host"
    )


def test_what_is_known_of_the_run() -> None:
    run = Run("2026-11-22T02:58:00Z", "ops", ["hosts.yml", "lab.yml"], "lab", "1.0.0", "2.19.4")

    assert build([], NOW, run)["run"] == {
        "started_at": "2026-11-22T02:58:00Z",
        "seconds": 120,
        "user": "ops",
        "inventory": ["hosts.yml", "lab.yml"],
        "esx_hosts": "lab",
        "collection_version": "1.0.0",
        "core_version": "2.19.4",
    }

    unknown = build([], NOW)["run"]

    assert (unknown["seconds"], unknown["started_at"], unknown["inventory"]) == (None, None, [])
    assert build([], NOW, Run(inventory="hosts.yml"))["run"]["inventory"] == ["hosts.yml"]


def test_a_host_has_the_warnings_of_its_modules() -> None:
    results = entry("a")
    results["trust"]["warnings"] = ["both", "trust"]
    results["keys"]["warnings"] = ["both", "keys"]
    (host,) = build([results], NOW)["hosts"]

    assert host["warnings"] == ["both", "trust", "keys"]


@given(st.integers(1, 60), st.integers(0, 60))
def test_counts_agree(size: int, wrong: int) -> None:
    entries = fleet(size, min(size, wrong))
    record = build(entries, NOW)
    counts = record["summary"]["hosts"]

    assert counts.pop("total") == size == sum(counts.values())

    for status, number in counts.items():
        assert number == sum(host["status"] == status for host in record["hosts"])
    resources = record["summary"]["resources"]

    assert resources.pop("total") == sum(resources.values()) == sum(len(host["resources"]) for host in record["hosts"])

    given_to = [len((each.get("trust") or {}).get("resources", [])) for each in entries]

    assert sum(given_to) == sum(len(host["resources"]) for host in record["hosts"])
