# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an audit as JUnit XML: one suite for each host, one case for each resource.

It has failures or errors exactly where the audit does not pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree  # nosec: B405 - only writes

from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import CALM
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import NAMES
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import check_version
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import difference_in_words
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import text

_NAME = "esx.trust audit"


def render(data: Mapping[str, Any]) -> str:
    """The XML document. Raises ValueError if `data` is no record of an audit."""
    check_version(data)
    suites = ElementTree.Element("testsuites", name=_NAME)
    for host in data["hosts"]:
        _add_host(suites, host, data["generated_at"])
    if not data["hosts"]:
        suite = ElementTree.SubElement(suites, "testsuite", name=_NAME)
        _add_problem(_add_case(suite, "hosts", _NAME), "error", "not_examined", data["summary"]["headline"], "")
    for suite in suites:
        suite.attrib.update(_totals(suite))
    suites.attrib.update(_totals(suites))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _add_host(suites: ElementTree.Element, host: Mapping[str, Any], generated_at: str) -> None:
    name = text(host["host"])
    # The form of the schema's type dateTime without an offset, which most readers insist on.
    stamp = text(generated_at).rstrip("Z")
    suite = ElementTree.SubElement(suites, "testsuite", name=name, hostname=name, timestamp=stamp, time="0")
    for one in host["resources"]:
        label = f"{NAMES.get(one['resource'], text(one['resource']))} {text(one['id'])}"
        case = _add_case(suite, label, name)
        if one["status"] not in CALM:
            said = [text(one["message"]), *(difference_in_words(each) for each in one["differences"])]
            _add_problem(case, "failure", one["status"], f"{label}: {one['status']}", "\n".join(filter(None, said)))
        elif one["status"] == "undeclared":
            ElementTree.SubElement(case, "system-out").text = "Nobody declared it; it was left alone."
    if host["status"] not in CALM and all(one["status"] in CALM for one in host["resources"]):
        code = text(host["code"]) or host["status"]
        case = _add_case(suite, "host", name)
        _add_problem(case, "error", code, text(host["message"]), text(host["hint"]))


def _add_case(suite: ElementTree.Element, name: str, host: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", name=name, classname=host, time="0")


def _add_problem(case: ElementTree.Element, tag: str, kind: str, message: str, said: str) -> None:
    ElementTree.SubElement(case, tag, type=kind, message=message).text = said or message


def _totals(element: ElementTree.Element) -> dict[str, str]:
    tags = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    return {**{name: str(len(list(element.iter(tag)))) for name, tag in tags.items()}, "time": "0"}
