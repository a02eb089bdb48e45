# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an audit as JUnit XML: one suite for each host, one case for each resource.

It has failures or errors exactly where the audit does not pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree  # nosec: B405 - only writes

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import check_version
from ansible_collections.esx.trust.plugins.plugin_utils._audit.differences import in_words
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import plain
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import PASSING
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import name_of

_NAME = "esx.trust audit"


def render(data: Mapping[str, Any]) -> str:
    """The XML document. Raises ValueError if data is no record of an audit."""
    check_version(data)
    record = plain(data)
    suites = ElementTree.Element("testsuites", name=_NAME)

    for host in record["hosts"]:
        _add_host(suites, host, record["generated_at"])

    if not record["hosts"]:
        _add_no_host(suites, record["summary"]["headline"])

    for suite in suites:
        suite.attrib.update(_totals(suite))

    suites.attrib.update(_totals(suites))

    ElementTree.indent(suites)
    document = ElementTree.tostring(suites, encoding="unicode")

    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'


def _add_host(suites: ElementTree.Element, host: Mapping[str, Any], generated_at: str) -> None:
    name = host["host"]
    # The schema's type dateTime allows an offset, but most readers do not.
    timestamp = generated_at.rstrip("Z")
    suite = ElementTree.SubElement(suites, "testsuite", name=name, hostname=name, timestamp=timestamp, time="0")

    for resource in host["resources"]:
        _add_resource(suite, resource, name)

    statuses = {resource["status"] for resource in host["resources"]}
    if host["status"] not in PASSING and statuses <= set(PASSING):
        # The host as a whole is the reason, and not one of its resources.
        case = _add_case(suite, "host", name)
        _add_problem(case, "error", host["code"] or host["status"], host["message"], host["hint"])


def _add_no_host(suites: ElementTree.Element, headline: str) -> None:
    """An audit that met no host does not pass."""
    suite = ElementTree.SubElement(suites, "testsuite", name=_NAME)
    case = _add_case(suite, "hosts", _NAME)
    _add_problem(case, "error", "not_examined", headline, "")


def _add_resource(suite: ElementTree.Element, resource: Mapping[str, Any], host: str) -> None:
    label = f"{name_of(resource['resource'])} {resource['id']}"
    status = resource["status"]
    case = _add_case(suite, label, host)

    if status not in PASSING:
        lines = [resource["message"]]
        lines += [in_words(difference) for difference in resource["differences"]]
        explanation = "\n".join(line for line in lines if line)
        _add_problem(case, "failure", status, f"{label}: {status}", explanation)
    elif status == "undeclared":
        ElementTree.SubElement(case, "system-out").text = "Nobody declared it; it was left alone."


def _add_case(suite: ElementTree.Element, name: str, host: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", name=name, classname=host, time="0")


def _add_problem(case: ElementTree.Element, tag: str, kind: str, message: str, explanation: str) -> None:
    problem = ElementTree.SubElement(case, tag, type=kind, message=message)
    problem.text = explanation or message


def _totals(element: ElementTree.Element) -> dict[str, str]:
    tags = {
        "tests": "testcase",
        "failures": "failure",
        "errors": "error",
        "skipped": "skipped",
    }

    totals = {name: str(len(list(element.iter(tag)))) for name, tag in tags.items()}
    return {**totals, "time": "0"}
