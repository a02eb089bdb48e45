# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which finding of an audit a person hears first, and which hosts share one."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import KINDS
from support.audits import NEW
from support.audits import NOW
from support.audits import OLD
from support.audits import certificate
from support.audits import entry
from support.audits import failed
from support.audits import fleet
from support.audits import issuer
from support.audits import kinds
from support.audits import resource


def test_the_most_urgent_comes_first() -> None:
    ended = entry("esx9999", resource("ok", issuer("ended", certificate("ended", -3))))
    record = build([*fleet(90, 90), ended], NOW)

    assert set(kinds(record)) == set(KINDS) - {"keys_unread"}
    assert kinds(record) == sorted(kinds(record), key=KINDS.index)
    assert kinds(record)[0] == "expired"
    assert record["summary"]["headline"] == "70 of 91 hosts need attention"


def test_unreachable_hosts_are_grouped_by_the_reason() -> None:
    entries = [
        {"host": f"esx{number}", "trust": failed("unreachable", f"esx{number}:8443: no connection ({why}).")}
        for number, why in enumerate(("refused", "timed out", "timed out"))
    ]
    (item,) = build(entries, NOW)["attention"]

    assert item["title"] == "3 hosts could not be reached"
    assert [(detail["text"], detail["hosts"]) for detail in item["details"]] == [
        ("No connection (timed out).", ["esx1", "esx2"]),
        ("No connection (refused).", ["esx0"]),
    ]


def test_what_differs_is_grouped_by_resource_and_by_the_difference() -> None:
    new = issuer("vc", NEW)
    third = certificate("third", 300)
    entries = [
        entry(name, resource("differs", issuer("vc", held), new)) for name, held in zip("abc", (OLD, third, third))
    ]
    record = build(entries, NOW)
    (item,) = record["attention"]

    assert (item["title"], item["hosts"]) == ("Token issuer vc differs on 3 hosts", ["b", "c", "a"])
    assert [detail["hosts"] for detail in item["details"]] == [["b", "c"], ["a"]]
    assert "CN=third" in item["details"][0]["text"]


def test_hosts_with_the_same_words_and_another_difference_stay_apart() -> None:
    """A certificate may be replaced by one with the same subject and the same end."""
    new = issuer("vc", NEW)
    twin = {**OLD, "sha256": "f" * 64}
    record = build(
        [entry(name, resource("differs", issuer("vc", held), new)) for name, held in (("a", OLD), ("b", twin))], NOW
    )
    first, second = record["attention"][0]["details"]

    assert (first["hosts"], second["hosts"]) == (["a"], ["b"])
    assert first["text"] == second["text"]
