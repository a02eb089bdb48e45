# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of an audit, read by the parsers of Prometheus' own library."""

from __future__ import annotations

from typing import Any
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from ansible_collections.esx.trust.plugins.plugin_utils._audit.metrics import render
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from support.audits import NOW
from support.audits import certificate
from support.audits import entry
from support.audits import failed
from support.audits import fleet
from support.audits import issuer
from support.audits import provider
from support.audits import resource

# The environments of the other cores do without it.
older = pytest.importorskip("prometheus_client.parser")
openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser")

Samples = dict[str, list[tuple[dict[str, str], float]]]


def parsed(entries: list[dict[str, Any]], parser: Any = openmetrics) -> Samples:
    samples: Samples = {}
    for family in parser.text_string_to_metric_families(render(build(entries, NOW))):
        assert family.type == "gauge"
        assert family.documentation

        samples[family.name] = [(sample.labels, sample.value) for sample in family.samples]

    return samples


def of_hosts(samples: Samples, name: str) -> dict[str, float]:
    return {labels["host"]: value for labels, value in samples[f"esx_trust_host_{name}"]}


@pytest.mark.parametrize(
    ("results", "in_sync", "reachable"),
    [
        (entry("a", resource("ok", provider("p"))), 1, 1),
        (entry("a", resource("undeclared", issuer("vc"))), 1, 1),
        (entry("a", resource("missing", None, issuer("vc"))), 0, 1),
        ({"host": "a", "trust": failed("unreachable", "a: no.")}, 0, 0),
        ({"host": "a", "trust": failed("unauthenticated", "a: refused.")}, 0, 1),
        ({"host": "a", "trust": None}, 0, None),
    ],
)
def test_what_is_said_of_a_host(results: dict[str, Any], in_sync: int, reachable: Optional[int]) -> None:
    samples = parsed([results])
    assert of_hosts(samples, "in_sync") == {"a": in_sync}
    assert of_hosts(samples, "reachable") == ({} if reachable is None else {"a": reachable})


def test_when_certificates_end() -> None:
    kept, root = certificate("kept", 30), certificate("root", 3000, position=1)
    removed = issuer("old", certificate("removed", 10))
    entries = [
        entry("a", resource("ok", issuer("vc", kept, root)), resource("extra", removed)),
        entry("b", resource("ok", issuer("vc", kept, root)), resource("ok", issuer("other", root))),
    ]
    samples = parsed(entries)["esx_trust_certificate_not_after_seconds"]

    assert [(labels["issuer_alias"], labels["subject"]) for labels, _value in samples] == [
        *(("vc", "CN=kept"), ("vc", "CN=root"), ("other", "CN=root")),
    ]
    # 2026-12-22T03:00:00Z
    assert samples[0] == ({"issuer_alias": "vc", "subject": "CN=kept", "sha256": kept["sha256"]}, 1797908400)


def test_when_the_hosts_were_examined() -> None:
    assert parsed([])["esx_trust_audit_timestamp_seconds"] == [({}, 1795316400)]


def test_both_formats_say_the_same() -> None:
    """The textfile collector of a node exporter reads the older one."""
    entries = fleet(90, 90)
    assert parsed(entries, older) == parsed(entries)


@given(st.text(st.characters(), min_size=1, max_size=30))
def test_no_text_of_a_host_breaks_it(hostile: str) -> None:
    name = f"esx {hostile}"
    held = {**certificate("x", 5), "subject": hostile}
    entries = [entry(name, resource("ok", issuer(name, held)))]

    for parser in (openmetrics, older):
        samples = parsed(entries, parser)
        assert of_hosts(samples, "in_sync") == {text(name): 1}

        ((labels, _value),) = samples["esx_trust_certificate_not_after_seconds"]

        assert (labels["issuer_alias"], labels["subject"]) == (text(name), text(hostile))


def test_a_host_that_is_named_twice_is_one_series() -> None:
    assert of_hosts(parsed([entry("a"), entry("a")]), "in_sync") == {"a": 1}
