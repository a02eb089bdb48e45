# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JUnit report: red exactly where the audit does not pass."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from ansible_collections.esx.trust.plugins.plugin_utils._audit.junit import render
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from support.audits import NOW
from support.audits import entry
from support.audits import failed
from support.audits import fleet
from support.audits import issuer
from support.audits import provider
from support.audits import resource


def suites(entries: list[dict[str, Any]]) -> ElementTree.Element:
    document = render(build(entries, NOW))
    assert document.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')

    # A reader gets bytes.
    return ElementTree.fromstring(document.encode())


def problems(element: ElementTree.Element) -> int:
    return int(element.get("failures", "")) + int(element.get("errors", ""))


@given(st.integers(0, 40), st.integers(0, 40))
def test_it_is_red_exactly_where_the_audit_does_not_pass(size: int, wrong: int) -> None:
    entries = fleet(size, min(size, wrong))
    record = build(entries, NOW)
    root = suites(entries)

    assert (problems(root) == 0) is record["summary"]["as_declared"]

    by_name = {suite.get("name"): suite for suite in root}

    for host in record["hosts"]:
        assert (problems(by_name[host["host"]]) == 0) is (host["status"] == "ok")

        cases = by_name[host["host"]].findall("testcase")
        names = [str(case.get("name")) for case in cases]

        assert all(any(name.endswith(f" {held['id']}") for name in names) for held in host["resources"])
        assert all(case.get("classname") == host["host"] for case in cases)


def test_the_counts_are_those_of_what_is_inside() -> None:
    root = suites(fleet(30, 30))
    for element in (root, *root):
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert element.get(name) == str(len(list(element.iter(tag))))

    assert len({case.get("name") for case in root[0]}) == len(root[0])


def test_what_is_said_of_a_failure() -> None:
    replaced = provider("site-a", "other")

    root = suites(
        [
            entry("a", resource("conflict", replaced, message="another key.")),
            entry("b", resource("missing", None, issuer("vc"))),
            {"host": "c", "trust": failed("unreachable", "c: no connection.", "Is it up?")},
            {"host": "d"},
        ]
    )

    conflict, missing = root.findall(".//failure")

    assert (conflict.get("type"), conflict.text) == ("conflict", "another key.")
    assert missing.get("message") == "token issuer vc: missing"
    assert "declared is https://vc.example.com" in str(missing.text)

    dead, unasked = root.findall(".//error")

    assert (dead.get("type"), dead.get("message"), dead.text) == ("unreachable", "No connection.", "Is it up?")
    assert (unasked.get("type"), unasked.get("message")) == (
        "not_examined",
        "There is no result. Audit this host again.",
    )


def test_an_undeclared_resource_passes_and_is_reported() -> None:
    root = suites([entry("a", resource("undeclared", issuer("vc")))])
    assert problems(root) == 0
    assert root.findtext(".//system-out") == "Nobody declared it; it was left alone."


def test_no_host_is_no_success() -> None:
    assert problems(suites([])) == 1


def test_the_form_that_the_usual_schema_asks_for() -> None:
    root = suites(fleet(10, 10))
    assert root.tag == "testsuites"

    for suite in root:
        assert suite.tag == "testsuite"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
        assert {"name", "tests", "failures", "errors", "time", "hostname"} <= set(suite.keys())

        for case in suite:
            assert {"name", "classname", "time"} <= set(case.keys())
            assert {child.tag for child in case} <= {"failure", "error", "system-out"}
            assert len(case) <= 1


@given(st.text(st.characters(), min_size=1, max_size=30))
def test_no_text_of_a_host_breaks_it(hostile: str) -> None:
    name = f"esx {hostile}"
    entries = [
        entry(name, resource("conflict", provider(name), message=hostile)),
        {"host": name, "trust": failed("failed", f"x: {hostile}", hostile)},
    ]
    root = suites(entries)

    assert [suite.get("name") for suite in root] == [text(name)] * 2
    assert [case.get("classname") for case in root.iter("testcase")] == [text(name)] * 2


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ValueError, match="audit_data"):
        render({"version": 0})
