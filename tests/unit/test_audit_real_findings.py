# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit of what the plan of a whole host really finds."""

from __future__ import annotations

import datetime
import json
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import HostTrust
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from support.audits import KEY
from support.audits import failed
from support.audits import only_host
from support.audits import provider
from support.certificates import chain
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.whole_hosts import NOTHING_DECLARED


def found_on(memory: MemoryHost, params: dict[str, Any]) -> dict[str, Any]:
    host = HostTrust.from_params({**NOTHING_DECLARED, **params}).host
    return dict(host.plan(host.observe(ScriptedClient(memory).as_client())).found)


def wanted(alias: str, state: str = "present", pems: Optional[list[str]] = None) -> dict[str, Any]:
    return {
        "issuer_alias": alias,
        "issuer": f"https://{alias}",
        "signing_cert_chains": [{"cert_chain": pems or chain(2, subject=alias)}],
        "chains_mode": "exact",
        "issuer_conflict": "fail",
        "state": state,
    }


def test_real_findings() -> None:
    memory = MemoryHost()
    for alias in ("held", "changed", "gone", "left"):
        memory.hold_issuer(alias, f"https://{alias}", [chain(2, subject=alias)])
    memory.hold_provider("site-a", key_id=KEY["key_id"])

    declared = [
        wanted("held"),
        wanted("changed", pems=chain(2, subject="another")),
        wanted("new"),
        wanted("gone", state="absent"),
    ]

    key = {"provider": "site-a", "key_id": KEY["key_id"], "key_derivation_key": None, "state": "present"}
    trust = found_on(memory, {"kms_providers": [key], "token_issuers": declared})
    record = build([{"host": "esx01", "trust": trust}], datetime.datetime.now(datetime.timezone.utc))
    (host,) = record["hosts"]
    by_id = {held["id"]: held for held in host["resources"]}

    assert {name: held["status"] for name, held in by_id.items()} == {
        "site-a": "ok",
        "held": "ok",
        "changed": "differs",
        "new": "missing",
        "gone": "extra",
        "left": "undeclared",
    }

    assert [bool(held["differences"]) for held in by_id.values()] == [False, False, True, True, True, False]

    fields = {(each["field"], bool(each["declared"]), bool(each["found"])) for each in by_id["changed"]["differences"]}

    assert fields == {("certificate", True, False), ("certificate", False, True)}
    assert {alias for expiring in record["expiry"] for alias in expiring["aliases"]} == {
        "held",
        "changed",
        "gone",
        "left",
    }
    assert "BEGIN CERTIFICATE" not in json.dumps(record)


def test_a_provider_that_is_missing_like_its_key_is_missing() -> None:
    """The audit need not be given the keys."""
    key = {"provider": "site-a", "key_id": KEY["key_id"], "key_derivation_key": None, "state": "present"}
    examined = found_on(MemoryHost(), {"kms_providers": [key], "token_issuers": None})
    host = only_host(trust={**failed("conflict", "esx01: why"), **examined})

    assert host["status"] == host["resources"][0]["status"] == "missing"
    assert "key_derivation_key" in host["resources"][0]["message"]


def test_a_real_conflict() -> None:
    memory = MemoryHost()
    memory.hold_provider("site-a", key_id=provider("site-a", "second")["key_id"])
    key = {"provider": "site-a", "key_id": KEY["key_id"], "key_derivation_key": None, "state": "present"}
    trust = {**failed("conflict", "esx01: why"), **found_on(memory, {"kms_providers": [key], "token_issuers": None})}
    host = only_host(trust=trust)

    assert host["status"] == host["resources"][0]["status"] == "conflict"
    assert KEY["key_id"] in host["resources"][0]["message"]
