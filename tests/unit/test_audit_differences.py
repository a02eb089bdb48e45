# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""In what a resource differs from its declaration, as an audit tells it."""

from __future__ import annotations

from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from support.audits import KEY
from support.audits import NEW
from support.audits import NOW
from support.audits import OLD
from support.audits import entry
from support.audits import issuer
from support.audits import only_host
from support.audits import resource


def test_differences_of_certificates() -> None:
    host = only_host(
        trust=entry("x", resource("differs", issuer("vc", OLD, url="https://a"), issuer("vc", NEW, url="https://b")))[
            "trust"
        ]
    )
    shown = {
        name: {key: facts[key] for key in ("sha256", "subject", "not_after")}
        for name, facts in (("o", OLD), ("n", NEW))
    }
    assert host["resources"][0]["differences"] == [
        {"field": "issuer", "declared": "https://b", "found": "https://a"},
        {"field": "certificate", "declared": shown["n"], "found": None},
        {"field": "certificate", "declared": None, "found": shown["o"]},
    ]


def test_the_same_certificates_in_another_order_are_a_difference() -> None:
    def chained(*certificates: dict[str, Any]) -> dict[str, Any]:
        return issuer("vc", *({**facts, "position": place} for place, facts in enumerate(certificates)))

    host = only_host(trust=entry("x", resource("differs", chained(OLD, NEW), chained(NEW, OLD)))["trust"])
    (difference,) = host["resources"][0]["differences"]

    assert difference["field"] == "signing_cert_chains"
    assert difference["found"] == [[OLD["sha256"], NEW["sha256"]]]
    assert difference["declared"] == [[NEW["sha256"], OLD["sha256"]]]


def test_the_order_of_chains_is_no_difference() -> None:
    def chains(*certificates: dict[str, Any]) -> dict[str, Any]:
        return issuer("vc", *({**facts, "chain": number} for number, facts in enumerate(certificates)))

    host = only_host(trust=entry("x", resource("differs", chains(OLD, NEW), chains(NEW, OLD)))["trust"])
    assert host["resources"][0]["differences"] == []


def test_a_key_id_in_another_spelling_is_no_difference() -> None:
    loud = {**KEY, "key_id": f" {KEY['key_id'].upper().replace('-', '')}\n"}
    host = only_host(trust=entry("x", resource("conflict", loud, KEY, message="why"))["trust"])
    assert host["resources"][0]["differences"] == []


def test_entitlements_that_differ() -> None:
    def profile(*entitlements: str) -> dict[str, Any]:
        return {"local_user_name": "audit", "entitlements": list(entitlements)}

    before, after = profile("READ_ONLY", "OBSERVABILITY"), profile("IDENTITY_MGMT", "READ_ONLY")

    differing = {
        **resource("differs", issuer("x")),
        "resource": "client_profile",
        "id": "local user audit",
        "before": before,
        "after": after,
    }

    record = build([entry("a", resource("ok", KEY), differing)], NOW)

    assert record["hosts"][0]["resources"][1]["differences"] == [
        {"field": "entitlement", "declared": "IDENTITY_MGMT", "found": None},
        {"field": "entitlement", "declared": None, "found": "OBSERVABILITY"},
    ]

    (item,) = record["attention"]

    assert item["title"] == "Client profile local user audit differs on 1 host"
    assert "entitlement OBSERVABILITY is there and not declared" in item["details"][0]["text"]


def test_what_is_rightly_absent_is_reported() -> None:
    gone = {**resource("ok", issuer("gone")), "before": {}, "after": {}}
    held, absent = only_host(trust=entry("x", resource("ok", KEY), gone)["trust"])["resources"]

    assert "absent" not in held
    assert (absent["status"], absent["absent"]) == ("ok", True)


def test_what_is_missing_shows_what_is_declared() -> None:
    host = only_host(trust=entry("x", resource("missing", None, KEY))["trust"])
    assert host["resources"][0]["differences"] == [{"field": "key_id", "declared": KEY["key_id"], "found": None}]
