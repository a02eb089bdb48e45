# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever results an audit is given, it makes a record of them or refuses them."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import check_version
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import PASSING
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import STATUSES
from support.audits import KEY
from support.audits import NOW
from support.audits import entry
from support.audits import provider
from support.audits import resource
from support.examples import examples


def test_only_what_the_report_shows_is_taken_from_a_result() -> None:
    """Results hold the options too, and whatever a later version may add."""
    secret = "V3ry-Secret"
    results = entry("a", resource("differs", {**KEY, "key_derivation_key": secret}, {**KEY, "key_id": "other"}))

    for result in (results["trust"], results["keys"]):
        result["invocation"] = {"module_args": {"password": secret}}
        result["diff"] = {"before": secret, "after": secret}

    results["keys"]["kms_providers"].append({**provider("left"), "available": False, "key": secret})

    assert secret not in json.dumps(build([results], NOW))


@pytest.mark.parametrize("entries", [[{}], [{"host": ""}], ["esx01"], [None]])
def test_an_entry_without_a_host_is_refused(entries: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"^entries: "):
        build(entries, NOW)


@pytest.mark.parametrize("when", ["", "yesterday", None, 7, "2026-13-01T00:00:00Z"])
def test_a_value_that_is_no_moment_is_refused(when: Any) -> None:
    with pytest.raises(ValueError, match=r"^generated_at: "):
        build([], when)


@pytest.mark.parametrize(
    "when",
    [
        "2026-11-22T03:00:00Z",
        "2026-11-22T03:00:00",
        "2026-11-22 04:00:00+01:00",
        "2026-11-22T03:00:00.25+00:00",
        datetime.datetime(2026, 11, 22, 3),  # noqa: DTZ001 - a moment without a zone
    ],
)
def test_moments(when: Any) -> None:
    assert build([], when)["generated_at"] == NOW


@pytest.mark.parametrize("data", [None, {}, [], "x", {"version": 1}, {"version": 3}, {"version": "2"}])
def test_what_is_no_record_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="audit_data"):
        check_version(data)


FIELDS = (
    *("resources", "resource", "id", "status", "message", "before", "after", "certificates", "sha256", "chain"),
    *("position", "subject", "not_after", "failed", "failure", "code", "hint", "msg", "skipped", "unreachable"),
    *("kms_providers", "provider", "key_id", "available", "details"),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=examples(300))
@given(st.lists(st.fixed_dictionaries({"host": st.sampled_from("abc"), "trust": anything, "keys": anything})))
def test_results_of_any_form_become_a_record(entries: list[dict[str, Any]]) -> None:
    record = build(entries, NOW)
    json.dumps(record, allow_nan=False).encode()

    assert len(record["hosts"]) == len(entries)
    assert all(host["status"] in STATUSES for host in record["hosts"])

    bad = [host for host in record["hosts"] if host["status"] not in PASSING]

    assert record["summary"]["as_declared"] is (bool(entries) and not bad)

    named: set[str] = set()
    for item in record["attention"]:
        if item["deviation"]:
            named.update(item["hosts"])

    assert {host["host"] for host in bad} == named
