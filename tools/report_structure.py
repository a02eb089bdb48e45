# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of the JSON reports and their types, as promises.py keeps them.

The reports are made by the code that makes them for users, from results with everything that a report can hold.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from environment import ROOT
from environment import link_collection

sys.path.insert(0, str(link_collection()))
sys.path.insert(0, str(ROOT / "tests"))

from ansible_collections.esx.trust.plugins.plugin_utils import _probe
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import Run
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from support import audits

#: Stands among the types of a field that some reports do not have.
LEFT_OUT = "left out"

_TYPES = {type(None): "null", bool: "bool", int: "int", float: "float", str: "str", dict: "dict", list: "list"}
#: A value of each type that the documentation of a module knows.
_SAMPLES: Mapping[str, Any] = {"bool": True, "int": 1, "float": 1.0, "str": "text", "dict": {}, "list": []}


def structure(reports: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The types of every field of the reports, such as {"hosts[].status": "str", "changes": "dict | null"}."""
    types: dict[str, set[str]] = {}
    _examine("", json.loads(json.dumps(list(reports))), types)

    found = {}
    for place, names in sorted(types.items()):
        last = [LEFT_OUT] if LEFT_OUT in names else []
        found[place] = " | ".join([*sorted(names - {LEFT_OUT}), *last])

    return found


def _examine(place: str, values: Sequence[Any], types: dict[str, set[str]]) -> None:
    """Add the types of all values that were found at one place, and of everything in them.

    place: the names that lead there. It is empty for the reports themselves.
    """
    if place:
        types[place] = {_TYPES[type(value)] for value in values}

    dictionaries = [value for value in values if isinstance(value, dict)]
    names: set[str] = set().union(*dictionaries)

    for name in names:
        field = f"{place}.{name}" if place else name
        held = [dictionary[name] for dictionary in dictionaries if name in dictionary]
        _examine(field, held, types)

        if len(held) < len(dictionaries):
            types[field].add(LEFT_OUT)

    entries: list[Any] = []
    for value in values:
        if isinstance(value, list):
            entries += value

    if entries:
        _examine(f"{place}[]", entries, types)


# The report of an audit


def audit_reports() -> list[dict[str, Any]]:
    """A report with everything that a report can hold, and one of an audit of which nothing is known."""
    run = Run("2026-11-22T02:59:00Z", "root", ["hosts.yml"], "esx", "1.0.0", "2.19.0")
    # The statuses are such that each list of changes gets a host.
    before = {"esx0001.example.com": "ok", "esx0002.example.com": "conflict", "absent": "missing", "gone": "ok"}
    previous = {
        "generated_at": "2026-11-21T03:00:00Z",
        "hosts": [{"host": host, "status": status} for host, status in before.items()],
    }

    return [
        build(_entries(), audits.NOW, run, previous),
        build([{"host": "nothing"}], audits.NOW),
    ]


def _entries() -> list[dict[str, Any]]:
    """Hosts with findings of every kind, and with resources that differ in every way."""
    first, second = audits.certificate("first", 500), audits.certificate("second", 600)
    chains = audits.issuer("chains", first, {**second, "chain": 1})
    reordered = audits.issuer("chains", first, {**second, "position": 1})
    endless = audits.issuer("endless", {**audits.certificate("endless", 1), "not_after": ""})

    profile = {
        "resource": "client_profile",
        "id": "user automation",
        "status": "differs",
        "message": "",
        "before": {"key_id": "automation", "entitlements": ["READ_ONLY"]},
        "after": {"key_id": "automation", "entitlements": ["SECURITY_MGMT"]},
    }
    absent = {**audits.resource("ok", audits.issuer("absent")), "before": {}, "after": {}}

    warned = audits.entry("differences", audits.resource("differs", chains, reordered), profile)
    warned["trust"]["warnings"] = ["A warning."]
    unread = audits.entry("unread", audits.resource("ok", endless))
    unread["keys"] = audits.failed("unauthorized", "unread: the account may not read the key providers.")
    expired = audits.issuer("expired", audits.certificate("expired", -1))

    return [
        *audits.fleet(9, 9),
        warned,
        unread,
        audits.entry("absent", absent),
        audits.entry("expired", audits.resource("ok", expired)),
    ]


# The report of a probe


def probe_reports(info: Mapping[str, Any], tried: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A report of hosts that answered, hosts that did not, and hosts on which a temporary issuer was tried.

    info, tried: the values that esx_api_info and esx_api_probe return, each with its documented `type`.
    """
    failure = _samples(info["failure"]["contains"])
    answered = {"api": _samples(info["api"]["contains"])}
    succeeded = {"api_probe": _samples(tried["api_probe"]["contains"])}

    failed = {"failed": True, "failure": failure}
    # Without an answer of the host, a failure has no operation, status and error_type.
    unreachable = {"failed": True, "failure": {"code": "unreachable"}}

    asked = [answered, answered, answered, answered, failed, unreachable]
    trials = [succeeded, failed, unreachable, {}, {}, {}]

    return [
        _probe.build(asked, trials, "1.0.0", audits.NOW),
        _probe.build([], [], None, audits.NOW),
    ]


def _samples(documented: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each name. What is inside of dictionaries and lists is left out: the module promises it."""
    return {name: _SAMPLES[value["type"]] for name, value in documented.items()}
