# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of an audit: when they end, how often they are counted, and which of them need attention."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.modules.esx_fleet_trust import ARGUMENT_SPEC
from ansible_collections.esx.trust.plugins.plugin_utils._audit.certificates import EXPIRING_DAYS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from support.audits import NEW
from support.audits import NOW
from support.audits import OLD
from support.audits import certificate
from support.audits import entry
from support.audits import issuer
from support.audits import kinds
from support.audits import resource


@pytest.mark.parametrize(
    ("days", "state", "left"),
    [(-400, "expired", -400), (-0.5, "expired", 0), (0.5, "expiring", 0), (90, "expiring", 90), (91, "valid", 91)],
)
def test_the_end_of_a_certificate(days: float, state: str, left: int) -> None:
    record = build([entry("a", resource("ok", issuer("vc", certificate("x", days))))], NOW)
    (expiring,) = record["expiry"]

    assert (expiring["state"], expiring["days_left"]) == (state, left)
    assert record["summary"]["certificates"][state] == 1
    assert kinds(record) == ([] if state == "valid" else [state])
    assert record["summary"]["as_declared"] is True


def test_certificates_are_counted_once_with_their_hosts_and_aliases() -> None:
    root = certificate("root", 3000)

    entries = [
        entry("a", resource("ok", issuer("one", OLD, root)), resource("undeclared", issuer("two", root))),
        entry("b", resource("ok", issuer("one", OLD, root))),
        entry("c", resource("missing", None, issuer("one", OLD, root))),
    ]

    first, second = build(entries, NOW)["expiry"]

    assert (first["sha256"], first["hosts"], first["aliases"], first["declared"]) == (OLD["sha256"], 2, ["one"], True)
    assert (second["sha256"], second["hosts"], second["aliases"]) == (root["sha256"], 2, ["one", "two"])


def test_a_certificate_without_a_date_stands_last() -> None:
    unreadable = {"sha256": "unreadable:00", "subject": "(unreadable)", "not_after": ""}
    record = build([entry("a", resource("ok", issuer("vc", unreadable, OLD)))], NOW)

    assert [expiring["state"] for expiring in record["expiry"]] == ["valid", "unknown"]
    assert record["attention"] == []


def chained(*certificates: dict[str, Any], chain: int = 0) -> list[dict[str, Any]]:
    """The certificates as one chain, the signing certificate first."""
    return [{**facts, "chain": chain, "position": place} for place, facts in enumerate(certificates)]


def test_chains_are_counted_and_end_with_the_first_of_their_certificates() -> None:
    root, soon = certificate("root", 3000), certificate("soon", 30)
    held = issuer("vc", *chained(OLD, root), *chained(NEW, soon, chain=1))
    record = build([entry("a", resource("ok", held)), entry("b", resource("ok", held))], NOW)
    first, second = record["chains"]

    assert (first["sha256"], first["ends_first"], first["state"]) == (NEW["sha256"], soon["sha256"], "expiring")
    assert (second["sha256"], second["ends_first"], second["state"]) == (OLD["sha256"], OLD["sha256"], "valid")
    assert (first["hosts"], first["aliases"], first["days_left"]) == (2, ["vc"], 30)
    assert [member["subject"] for member in second["certificates"]] == ["CN=old", "CN=root"]
    assert record["summary"]["chains"] == {"total": 2, "expired": 0, "expiring": 1, "valid": 1, "unknown": 0}

    (item,) = record["attention"]

    assert (item["kind"], item["hosts"]) == ("expiring", ["a", "b"])
    assert item["details"][0]["text"] == "CN=soon, ends 2026-12-22."


def test_chains_that_end_with_the_same_certificate_are_one_finding() -> None:
    root = certificate("root", 10)
    held = [resource("ok", issuer(name, *chained(certificate(name, 500), root))) for name in ("one", "two")]
    record = build([entry("a", *held)], NOW)

    assert record["summary"]["chains"]["expiring"] == 2

    (item,) = record["attention"]

    assert item["title"] == "A certificate of one and two expires in 10 days"


@pytest.mark.parametrize("status", ["differs", "extra"])
def test_a_certificate_that_a_converge_removes_is_no_finding(status: str) -> None:
    ended = issuer("vc", *chained(certificate("ended", -5)))
    wanted = issuer("vc", *chained(NEW)) if status == "differs" else None
    record = build([entry("a", resource(status, ended, wanted))], NOW)

    assert kinds(record) == [status]
    assert record["chains"] == []
    assert record["summary"]["chains"]["expired"] == 0


def test_a_certificate_that_a_converge_leaves_is_a_finding() -> None:
    """Merge keeps the chain that is there, and another host keeps it too."""
    ended = chained(certificate("ended", -5))
    merged = issuer("vc", *ended, *chained(NEW, chain=1))
    record = build([entry("a", resource("differs", issuer("vc", *ended), merged))], NOW)

    assert kinds(record) == ["expired", "differs"]

    removed = resource("differs", issuer("vc", *ended), issuer("vc", *chained(NEW)))
    record = build([entry("a", removed), entry("b", resource("ok", issuer("vc", *ended)))], NOW)

    assert [item["hosts"] for item in record["attention"]] == [["b"], ["a"]]


def test_a_look_at_a_fleet_takes_the_same_days_as_the_filter() -> None:
    """The module names them itself, because it cannot import what only the control node has."""
    assert ARGUMENT_SPEC["expiring_days"]["default"] == EXPIRING_DAYS


@pytest.mark.parametrize(("expiring_days", "state"), [(0, "valid"), (29, "valid"), (30, "expiring"), (400, "expiring")])
def test_the_days_within_which_an_end_needs_attention(expiring_days: int, state: str) -> None:
    held = resource("ok", issuer("vc", certificate("x", 30)))
    record = build([entry("a", held)], NOW, expiring_days=expiring_days)

    assert (record["expiry"][0]["state"], record["chains"][0]["state"]) == (state, state)
    assert kinds(record) == ([] if state == "valid" else [state])
    assert record["expiring_days"] == expiring_days


def test_a_certificate_that_has_ended_has_expired_whatever_the_days() -> None:
    held = resource("ok", issuer("vc", certificate("x", -1)))
    assert kinds(build([entry("a", held)], NOW, expiring_days=0)) == ["expired"]
