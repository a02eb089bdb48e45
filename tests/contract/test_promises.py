# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a major version promises to keep is kept."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

import promises
import report_structure
from ansible_collections.esx.trust.plugins.plugin_utils import _probe
from ansible_collections.esx.trust.plugins.plugin_utils._audit import data
from ansible_collections.esx.trust.plugins.plugin_utils._audit.hosts import examined_host
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import KINDS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import STATUSES
from environment import ROOT
from report_picture import example

PAGE = (ROOT / "docs/compatibility.md").read_text("utf-8").partition("\n## Promises\n")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def has() -> dict[str, Any]:
    return promises.current()


def test_nothing_that_was_promised_is_gone(has: dict[str, Any]) -> None:
    assert promises.broken(promises.written(), has) == [], "only a new major version may do that"


def test_a_change_of_each_kind_is_noticed(has: dict[str, Any]) -> None:
    """An option, its default, a return value, a variable and its default, a playbook, and the fields of reports."""
    provider = ("modules", "esx_kms_provider")
    for place in (
        (*provider, "options", "key_id"),
        (*provider, "options", "timeout", "default"),
        (*provider, "options", "state", "choices", "absent"),
        (*provider, "options", "password", "secret"),
        (*provider, "returns", "kms_provider"),
        (*provider, "failure_codes", "conflict"),
        ("role_tasks", "look"),
        ("role_variables", "main", "esx_kms_providers"),
        ("role_variables", "main", "esx_kms_providers", "type"),
        ("role_variables", "main", "esx_port", "default"),
        ("playbooks", "audit"),
        ("playbooks", "audit", "esx_hosts"),
        ("playbooks", "rotate_signing_certs", "esx_max_fail_percentage", "default"),
        ("playbooks", "awx_setup", "esx_awx_forks", "default"),
        ("audit_report_version",),
        ("audit_report", "attention[].kind"),
        ("audit_report", "expiry[].days_left"),
        ("audit_report", "hosts[].resources[].status"),
        ("audit_report", "hosts[].resources[].differences[].declared.sha256"),
        ("audit_report", "summary.hosts.unreachable"),
        ("audit_report_kinds", "expired"),
        ("probe_report", "hosts[].api.services"),
        ("probe_report", "summary.left_behind"),
        ("metrics", "esx_trust_host_in_sync"),
    ):
        changed = copy.deepcopy(has)
        node = changed
        for name in place[:-1]:
            node = node[name]
        del node[place[-1]]

        assert promises.broken(has, changed), place
        assert promises.broken(changed, has) == [], "what is added breaks nothing"
        assert promises.added(changed, has), place


def test_a_new_option_that_everybody_must_give_breaks_a_promise(has: dict[str, Any]) -> None:
    changed = copy.deepcopy(has)
    changed["modules"]["esx_kms_provider"]["options"]["new"] = {"type": "str", "required": True}
    assert len(promises.broken(has, changed)) == 1


def test_an_option_is_a_secret_if_ansible_hides_it(has: dict[str, Any]) -> None:
    """Of a list of declarations, too."""
    for options in (
        has["modules"]["esx_kms_provider"]["options"],
        has["modules"]["esx_host_trust"]["options"]["kms_providers"]["suboptions"],
    ):
        assert options["key_derivation_key"].get("secret") is True
        assert "secret" not in options["key_id"]


def test_what_the_page_says_of_awx_is_what_its_play_has() -> None:
    """The page tells some defaults in words."""
    _head, _dashes, plays = (ROOT / "playbooks/awx_setup.yml").read_text("utf-8").partition("\n---\n")
    in_play = promises.values_in_plays(yaml.safe_load(plays))
    on_page = promises.defaults_on_page()["awx_setup"]
    both = on_page.keys() & in_play.keys()

    assert len(both) > 10

    for name in both:
        assert yaml.safe_load(on_page[name]) == in_play[name], name


# The reports


def test_the_types_of_fields() -> None:
    reports: list[dict[str, Any]] = [
        {"a": [{"b": 1}, {"b": None, "c": True}], "d": []},
        {"a": [], "d": {"e": ["text"]}},
    ]
    assert report_structure.structure(reports) == {
        "a": "list",
        "a[]": "dict",
        "a[].b": "int | null",
        "a[].c": "bool | left out",
        "d": "dict | list",
        "d.e": "list",
        "d.e[]": "str",
    }


def test_a_field_that_the_code_renames_is_noticed(has: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def renaming(entry: Mapping[str, Any]) -> dict[str, Any]:
        host = examined_host(entry)
        host["warned"] = host.pop("warnings")
        return host

    monkeypatch.setattr(data, "examined_host", renaming)
    now = report_structure.structure(report_structure.audit_reports())

    assert promises.broken(has["audit_report"], now) == [
        "hosts[].warnings: was 'list', is 'gone'",
        "hosts[].warnings[]: was 'str', is 'gone'",
    ]
    assert promises.added(has["audit_report"], now) == ["hosts[].warned", "hosts[].warned[]"]


def test_a_field_that_a_probe_leaves_out_is_noticed(has: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_probe, "_API", [name for name in _probe._API if name != "token"])
    modules = has["modules"]
    reports = report_structure.probe_reports(modules["esx_api_info"]["returns"], modules["esx_api_probe"]["returns"])

    assert promises.broken(has["probe_report"], report_structure.structure(reports)) == [
        "hosts[].api.token: was 'dict | left out', is 'gone'"
    ]


def test_the_report_of_an_audit_has_everything_that_it_can_have(has: dict[str, Any]) -> None:
    """Something of every kind and status, and no list of which nobody knows what is in it."""
    full, _empty = report_structure.audit_reports()
    lists = [place for place, types in has["audit_report"].items() if "list" in types.split(" | ")]

    assert {finding["kind"] for finding in full["attention"]} == set(KINDS)
    assert {host["status"] for host in full["hosts"]} == set(STATUSES) - {"undeclared"}
    assert [place for place in lists if f"{place}[]" not in has["audit_report"]] == []


@pytest.mark.parametrize("report", ["audit_report", "probe_report"])
def test_no_field_is_named_after_a_host_or_a_certificate(has: dict[str, Any], report: str) -> None:
    assert [place for place in has[report] if not re.fullmatch(r"[a-z_]+(\[\]|\.sha256|\.[a-z_]+)*", place)] == []


def test_the_report_of_a_real_audit_is_as_promised(has: dict[str, Any]) -> None:
    real = report_structure.structure([example()])
    assert len(real) > 100

    for place, types in real.items():
        unknown = set(types.split(" | ")) - set(has["audit_report"].get(place, "").split(" | "))
        assert unknown == set(), place


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("filters that are documented for users", promises.PUBLIC_FILTERS),
        ("the lookup", promises.PUBLIC_LOOKUPS),
        ("the role", promises.PUBLIC_ROLE_TASKS),
    ],
)
def test_the_page_names_what_is_public(row: str, names: tuple[str, ...]) -> None:
    (line,) = re.findall(rf"^\| {row}.*", PAGE, re.MULTILINE)
    assert [name for name in names if f"`{name}`" not in line] == []


def test_every_promise_of_the_page_has_a_test() -> None:
    rows = re.findall(r"^\| .*? \| .*? \| (.*) \|$", PAGE, re.MULTILINE)[1:]
    tests = set(re.findall(r"`(tests/[\w/.]+)`", PAGE))

    assert rows
    assert [held for held in rows if "the list" not in held and "`tests/" not in held] == []
    assert [name for name in sorted(tests) if not (ROOT / name).exists()] == []
