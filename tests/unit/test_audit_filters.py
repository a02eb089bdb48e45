# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters as a template uses them, on whichever core these tests run."""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.release import __version__ as ansible_version
from ansible.template import Templar

from ansible_collections.esx.trust.plugins.filter import audit
from ansible_collections.esx.trust.plugins.plugin_utils._audit import forms
from environment import ROOT
from environment import link_collection
from promises import PUBLIC_FILTERS
from support.audits import NOW
from support.audits import entry
from support.audits import failed
from support.audits import fleet
from support.audits import issuer
from support.audits import resource
from support.programs import clean_environment
from support.programs import run_program

try:
    from ansible.template import trust_as_template
except ImportError:  # older cores trust every template

    def trust_as_template(value: Any) -> Any:
        return value


TEMPLATE = "{{ 6 * 7 }}"


def rendered(template: str, **variables: Any) -> Any:
    return Templar(loader=DataLoader(), variables=variables).template(trust_as_template(template))


PLAY = """
- name: The filters as a playbook uses them
  hosts: localhost
  gather_facts: false
  vars:
    ansible_connection: local
  tasks:
    - name: A record that is kept as a fact, from a generator
      ansible.builtin.set_fact:
        record: "{{ entries | map('combine', {}) | esx.trust.audit_data(now) }}"

    - name: Both forms
      ansible.builtin.set_fact:
        page: "{{ record | esx.trust.audit_html }}"
        junit: "{{ record | esx.trust.audit_junit }}"

    - name: What came of them
      ansible.builtin.debug:
        msg: "FOUND={{ {'record': record, 'page': page, 'junit': junit} | to_json | b64encode }}="
"""


@pytest.mark.not_quick
def test_all_of_them_in_a_playbook(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY)
    entries = [*fleet(20, 9), {"host": "z", "trust": failed("failed", "z: no", "no")}]
    (tmp_path / "given.json").write_text(json.dumps({"entries": entries, "now": NOW}))
    command = [sys.executable, "-m", "ansible", "playbook", "play.yml", "-e", "@given.json"]
    variables = clean_environment(
        ANSIBLE_COLLECTIONS_PATH=link_collection(), ANSIBLE_LOCALHOST_WARNING="false", HOME=tmp_path
    )
    ended = run_program(command, tmp_path, variables)
    match = re.search(r"FOUND=(.*?)=*\"", ended.output)

    assert match, ended.output

    made = json.loads(base64.b64decode(match[1] + "=="))
    record = forms.audit_data(entries, NOW)

    assert made == {"record": record, "page": forms.audit_html(record), "junit": forms.audit_junit(record)}


def test_what_a_host_said_is_never_a_template() -> None:
    """A record may be kept as a fact and used again, and every use of a fact evaluates the templates in it."""
    entries = [
        entry("a", resource("undeclared", issuer(TEMPLATE, url=TEMPLATE))),
        {"host": "b", "trust": failed("failed", f"b: {TEMPLATE}", TEMPLATE)},
    ]
    record = forms.audit_data(entries, NOW)

    for value in (record, forms.audit_html(record), forms.audit_junit(record), forms.audit_metrics(record)):
        again = rendered("{{ kept }}", kept=value)
        assert again == value
        assert TEMPLATE in json.dumps(again)


@pytest.mark.parametrize("entries", ["esx01", {"host": "esx01"}, None, 7, [{}], ["esx01"]])
def test_a_value_that_is_no_list_of_entries_is_refused(entries: Any) -> None:
    with pytest.raises(AnsibleError, match=r"esx\.trust\.audit_data: entries: "):
        forms.audit_data(entries, NOW)


def test_a_value_that_is_no_moment_is_refused() -> None:
    with pytest.raises(AnsibleError, match=r"esx\.trust\.audit_data: generated_at: "):
        forms.audit_data([], "soon")


def test_an_earlier_record_may_be_the_text_of_its_file() -> None:
    before = forms.audit_data([entry("a", resource("missing", None, issuer("vc")))], "2026-11-21T03:00:00Z")
    for previous in (before, json.dumps(before)):
        changes = forms.audit_data([entry("a")], NOW, previous=previous)["changes"]
        assert changes["repaired"] == ["a"]

    for previous in ("", "no JSON", "7", "[" * 100_000, None, 7):
        assert forms.audit_data([entry("a")], NOW, previous=previous)["changes"] is None


def test_the_versions_are_those_in_use() -> None:
    run = forms.audit_data([], NOW)["run"]
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())

    assert run["collection_version"] == galaxy["version"]
    assert run["core_version"] == ansible_version


@pytest.mark.parametrize("name", ["audit_html", "audit_junit", "audit_metrics"])
@pytest.mark.parametrize("data", [None, "x", {}, {"version": 99}])
def test_a_value_that_is_no_record_is_refused(name: str, data: Any) -> None:
    with pytest.raises(AnsibleError, match=rf"esx\.trust\.{name}: data: "):
        audit.FilterModule().filters()[name](data)


@pytest.mark.of_sources
def test_every_filter_is_documented() -> None:
    folder = Path(audit.__file__).parent
    documented_ones = {each.stem for each in folder.glob("*audit*.yml")}

    assert set(audit.FilterModule().filters()) == set(PUBLIC_FILTERS) == documented_ones

    for name in PUBLIC_FILTERS:
        documented = yaml.safe_load((folder / f"{name}.yml").read_text())
        assert documented["DOCUMENTATION"]["name"] == name
        assert yaml.safe_load(documented["EXAMPLES"])


@pytest.mark.parametrize("days", [-1, "soon", None, 1.5, True, "", "9 days"])
def test_a_value_that_is_no_number_of_days_is_refused(days: Any) -> None:
    with pytest.raises(AnsibleError, match=r"esx\.trust\.audit_data: expiring_days: is "):
        forms.audit_data([], NOW, expiring_days=days)


@pytest.mark.parametrize("days", [30, "30"])
def test_days_may_be_the_text_of_an_extra_variable(days: Any) -> None:
    assert forms.audit_data([], NOW, expiring_days=days)["expiring_days"] == 30
