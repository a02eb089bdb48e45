# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key providers in an audit: keys that hosts disagree about, and the lists of providers that hosts gave."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from support.audits import KEY
from support.audits import NOW
from support.audits import entry
from support.audits import failed
from support.audits import issuer
from support.audits import kinds
from support.audits import provider
from support.audits import resource


def test_keys_that_differ_between_hosts() -> None:
    replaced, loud = provider("site-a", "second"), {**KEY, "key_id": KEY["key_id"].upper()}
    same = provider("site-b")

    entries = [
        entry("a", resource("ok", KEY), resource("ok", same)),
        entry("b", resource("ok", loud), resource("ok", same)),
        entry("c", listed=[replaced, same, {"provider": "old", "type": None, "key_id": None}]),
    ]

    record = build(entries, NOW)

    assert record["key_disagreements"] == [
        {
            "provider": "site-a",
            "keys": [
                {"key_id": KEY["key_id"], "hosts": ["a", "b"]},
                {"key_id": replaced["key_id"], "hosts": ["c"]},
            ],
        }
    ]

    assert kinds(record)[0] == "key_disagreement"


def test_keys_that_are_only_declared_do_not_disagree() -> None:
    """A provider that is missing is not there with the declared key."""
    entries = [
        entry("a", resource("ok", provider("p", "second"))),
        entry("b", resource("missing", None, provider("p", "first"))),
    ]
    assert build(entries, NOW)["key_disagreements"] == []


def test_providers_that_nobody_declared_and_that_are_not_available() -> None:
    listed = [
        {**KEY, "available": False, "details": ["No key.", 7, None]},
        {**provider("left"), "available": True},
    ]
    record = build([entry("a", resource("ok", KEY), listed=listed)], NOW)
    declared, left = record["hosts"][0]["resources"]

    assert declared["available"] is False
    assert declared["details"] == ["No key.", "7"]
    assert (left["id"], left["status"]) == ("left", "undeclared")
    assert kinds(record) == ["unavailable", "undeclared"]
    assert record["summary"]["as_declared"] is True
    assert record["attention"][0]["details"][0]["text"] == "No key. 7"


def test_a_list_of_providers_that_could_not_be_read() -> None:
    good = entry("a", resource("ok", issuer("vc")))
    good["keys"] = failed("unauthorized", "a: may not list.", "Give it the privilege.")
    dead = {"host": "b", "trust": failed("unreachable", "b: no."), "keys": failed("unreachable", "b: no.")}
    record = build([good, dead], NOW)

    assert kinds(record) == ["unreachable", "keys_unread"]
    assert record["attention"][1]["hosts"] == ["a"]
    assert record["attention"][1]["details"][0]["text"] == "May not list. Give it the privilege."
    assert build([good], NOW)["summary"]["as_declared"] is True


def test_failures_from_which_a_playbook_took_the_mark() -> None:
    forgiven = {"failed": False, "failed_when_result": False}
    entries = [
        {"host": "a", "trust": {**failed("untrusted", "a: no."), **forgiven}},
        {**entry("b"), "keys": {**failed("unauthorized", "b: no."), **forgiven}},
    ]
    assert kinds(build(entries, NOW)) == ["failed", "keys_unread"]
