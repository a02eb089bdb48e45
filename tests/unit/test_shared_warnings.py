# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warnings of a fleet: hosts with the same warning share a line, and there are few lines for any fleet."""

from __future__ import annotations

from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import shared_warnings

UNVERIFIED = "its certificate was not verified."


def entry(*warnings: str, keys: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"trust": {"warnings": list(warnings)}, "keys": {"warnings": list(keys)}}


def test_hosts_with_the_same_warning_share_a_line() -> None:
    addresses = {"esx01": "192.0.2.1", "esx02": "192.0.2.2", "esx03": "192.0.2.3", "esx04": "192.0.2.4"}
    results = {
        "esx01": entry(f"192.0.2.1: {UNVERIFIED}", keys=(f"192.0.2.1: {UNVERIFIED}",)),
        "esx02": entry(f"192.0.2.2:8443: {UNVERIFIED}", "cert_chain: a certificate has expired."),
        "esx03": entry(),
        "esx04": None,
    }
    records = shared_warnings.shared(results, addresses)

    assert records == [
        {"warning": UNVERIFIED, "hosts": ["esx01", "esx02"]},
        {"warning": "cert_chain: a certificate has expired.", "hosts": ["esx02"]},
    ]
    assert shared_warnings.lines(records) == [
        f"2 hosts (esx01, esx02): {UNVERIFIED}",
        "1 host (esx02): cert_chain: a certificate has expired.",
    ]


def test_there_are_few_lines_for_any_fleet() -> None:
    results = {f"esx{number:03}": entry(f"warning {number}") for number in range(300)}
    lines = shared_warnings.lines(shared_warnings.shared(results, {}))

    assert len(lines) == shared_warnings.LINES
    assert lines[-1] == "281 other warnings."


def test_what_a_host_sent_is_printable() -> None:
    records = shared_warnings.shared({"esx01": entry("an\x1b[2J alias\ud800")}, {})
    (line,) = shared_warnings.lines(records)

    assert line.isprintable()
