# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a probe: only what is known to be harmless is taken from results, and hosts are numbers."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.plugin_utils import _probe

KMS = "com.vmware.esx.trusted_infrastructure.kms.providers"
STI = "com.vmware.esx.authentication.trust.security_token_issuers"
MOMENT = "2026-01-31T08:00:00Z"
NAMES = ("esx01.example.com", "verwalter", "schluessel", "geheim")


def operation(name: str, known: Any = True) -> dict[str, Any]:
    return {"operation": name, "known": known, "told_by": None, "input_as_declared": None, "differences": []}


def service(name: str, known: Any, *operations: dict[str, Any]) -> dict[str, Any]:
    return {"service": name, "known": known, "told_by": None, "operations": list(operations), "other_operations": []}


API: dict[str, Any] = {
    "api_protocol": "jsonrpc",
    "rest": False,
    "jsonrpc": True,
    "logins": {
        "token": {"works": True, "reason": "accepted"},
        "basic": {
            "works": True,
            "reason": "accepted",
            "services": [
                {"service": KMS, "works": True, "reason": "accepted"},
                {"service": STI, "works": False, "reason": "tokens_only"},
            ],
        },
    },
    "token": {"format": "jwt", "lifetime": 3600, "claims": [], "carried_in": "securityCtx oauth"},
    "introspection": "none",
    "services": [service(KMS, True, operation("list"), operation("delete", None)), service(STI, None)],
    "certificates": {},
    "answers": [],
}
ANSWERED = {"changed": False, "api": API, "msg": "", "invocation": {"module_args": {"username": "verwalter"}}}


def failed(code: str, **more: Any) -> dict[str, Any]:
    failure = {"code": code, "message": "esx01.example.com: no", "hint": "verwalter", "operation": None, **more}
    return {"failed": True, "msg": "esx01.example.com: no", "failure": failure}


def refused(token: str, *, basic_works: Any = None) -> dict[str, Any]:
    """The result for a host that answered and refused the login. token: the reason."""
    logins = {
        "token": {"works": False, "reason": token},
        "basic": {"works": basic_works, "reason": "accepted" if basic_works else "not_asked"},
    }
    return {**failed("unauthenticated"), "api": {"logins": logins, "schluessel": "geheim"}}


def test_a_host_that_answered() -> None:
    report = _probe.build([ANSWERED], [{}], "1.0.0", MOMENT)

    assert report["summary"] == {
        "hosts": 1,
        "answered": 1,
        "all_answered": True,
        "left_behind": 0,
        "by_protocol": {"rest": 0, "jsonrpc": 1},
    }

    (host,) = report["hosts"]

    assert (host["host"], host["outcome"], host["failure"], host["api"]) == (1, "ok", None, API)
    assert "tried" not in host

    heading, row = _probe.table(report)

    assert heading.startswith("host  outcome  API")

    for cell in ("1", "ok", "jsonrpc", "yes, 3600 s", "keys", "1 of 2, 1 not known", "?", "-"):
        assert f"  {cell}" in f"  {row}"


@pytest.mark.parametrize(
    ("info", "outcome"),
    [
        (failed("unreachable"), "no connection"),
        (failed("unauthenticated"), "login refused"),
        (failed("unauthorized"), "account may not do this"),
        (failed("something new"), "failed"),
        ({"failed": True, "msg": "The task includes an option with an undefined variable: esx01"}, _probe.UNREADABLE),
        ({}, _probe.NOT_ASKED),
        ({"skipped": True}, _probe.NOT_ASKED),
        ({"failed": False, "msg": "argument 'port' is of type str"}, "variables refused"),
    ],
)
def test_hosts_that_did_not_answer(info: dict[str, Any], outcome: str) -> None:
    report = _probe.build([ANSWERED, info], [{}, {}], None, MOMENT)
    assert report["hosts"][1]["outcome"] == outcome
    assert report["hosts"][1]["api"] == {}
    assert report["summary"]["all_answered"] is False
    assert len(_probe.table(report)) == 3
    assert not any(name in json.dumps(report) for name in NAMES)


@pytest.mark.parametrize(
    ("info", "outcome"),
    [
        (refused("refused"), "login refused"),
        (refused("no_entitlements"), "account may not do this"),
        (refused("no_entitlements", basic_works=True), "login refused"),
    ],
)
def test_an_account_without_rights_is_no_refused_password(info: dict[str, Any], outcome: str) -> None:
    """A host says both with the same code, and only a wrong password is to be checked."""
    report = _probe.build([info], [{}], None, MOMENT)
    (host,) = report["hosts"]

    assert host["outcome"] == outcome
    assert host["failure"]["code"] == "unauthenticated"
    assert report["summary"]["all_answered"] is False
    assert not any(name in json.dumps(report) for name in NAMES)


def test_nothing_else_gets_in() -> None:
    info: dict[str, Any] = {**copy.deepcopy(ANSWERED), "esx01.example.com": "geheim"}
    info["api"]["schluessel"] = "geheim"
    info["failure"] = {"code": "unauthenticated", "message": "geheim", "verwalter": "geheim"}
    tried = {"api_probe": {"create": None, "schluessel": 1}, "operations": [{"id": "geheim"}], "msg": "geheim"}
    written = json.dumps(_probe.build([info], [tried], None, MOMENT))

    assert not any(name in written for name in NAMES)


SAID = {"succeeded": True, "error": None}


@pytest.mark.parametrize(
    ("tried", "cell"),
    [
        ({}, "-"),
        ({"skipped": True, "changed": False}, "-"),
        ({"api_probe": {}}, "not in check mode"),
        (failed("error"), "failed"),
        ({**failed("error"), "failed": False}, "failed"),
        ({"failed": True, "msg": "an undefined variable"}, "failed"),
        ({**failed("error"), "api_probe": {"removed": False}}, "may still be there"),
        ({"api_probe": {"create": {"succeeded": False, "error": "UNAUTHORIZED"}}}, "refused"),
        ({"api_probe": {"create": SAID, "same_certificates": True}}, "same certificates, removed"),
        ({"api_probe": {"create": SAID, "same_certificates": False}}, "other certificates, removed"),
        ({"api_probe": {"create": SAID, "same_certificates": None}}, "certificates not read, removed"),
    ],
)
def test_the_table_shows_what_was_tried(tried: dict[str, Any], cell: str) -> None:
    row = _probe.table(_probe.build([ANSWERED], [tried], None, MOMENT))[1]
    assert row.endswith(f"  {cell}")


def test_no_host_is_no_success() -> None:
    assert _probe.build([], [], None, MOMENT)["summary"]["all_answered"] is False


@pytest.mark.parametrize(("asked", "tried"), [([1], [{}]), ([{}], ["x"]), ([{}], [])])
def test_other_things_are_no_results(asked: list[Any], tried: list[Any]) -> None:
    with pytest.raises(ValueError, match="entr"):
        _probe.build(asked, tried, None, MOMENT)
