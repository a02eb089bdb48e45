# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an audit as OpenMetrics text.

The same text is valid in the older text format of Prometheus, which the textfile collector of a node exporter reads:
all metrics are gauges, and the lines that only OpenMetrics knows are comments there.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import check_version
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import moment
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import plain

#: A label set and its value.
Sample = tuple[dict[str, str], int]

_IN_SYNC = "1 if the host is as declared, 0 if it is not or if that is not known."
_REACHABLE = "1 if the host answered, 0 if it did not. Hosts that nobody asked are left out."
_NOT_AFTER = (
    "The end of a certificate that a host holds for a token issuer. A certificate that a converge removes is left out."
)
_AUDITED_AT = "When the hosts were examined."


def render(data: Mapping[str, Any]) -> str:
    """The OpenMetrics text. Raises ValueError if data is no record of an audit."""
    check_version(data)
    record = plain(data)
    hosts = record["hosts"]

    lines = [
        *_gauge("esx_trust_host_in_sync", _IN_SYNC, _in_sync(hosts)),
        *_gauge("esx_trust_host_reachable", _REACHABLE, _reachable(hosts)),
        *_gauge(
            "esx_trust_certificate_not_after_seconds",
            _NOT_AFTER,
            _not_after(record["chains"]),
            "seconds",
        ),
        *_gauge("esx_trust_audit_timestamp_seconds", _AUDITED_AT, _audited_at(record), "seconds"),
        "# EOF",
    ]

    return "\n".join(lines) + "\n"


def _in_sync(hosts: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
    for host in hosts:
        yield {"host": host["host"]}, int(host["status"] == "ok")


def _reachable(hosts: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
    for host in hosts:
        if host["status"] != "not_examined":
            yield {"host": host["host"]}, int(host["status"] != "unreachable")


def _not_after(chains: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
    for chain in chains:
        for certificate in chain["certificates"]:
            end = moment(certificate["not_after"])
            if end is None:
                continue

            for alias in chain["aliases"]:
                labels = {
                    "issuer_alias": alias,
                    "subject": certificate["subject"],
                    "sha256": certificate["sha256"],
                }

                yield labels, int(end.timestamp())


def _audited_at(record: Mapping[str, Any]) -> Iterator[Sample]:
    audited_at = moment(record["generated_at"])
    if audited_at is not None:
        yield {}, int(audited_at.timestamp())


def _gauge(name: str, description: str, samples: Iterable[Sample], unit: str = "") -> Iterator[str]:
    yield f"# HELP {name} {description}"
    yield f"# TYPE {name} gauge"
    if unit:
        yield f"# UNIT {name} {unit}"

    # A series may stand there only once. The first one counts.
    series: dict[str, int] = {}
    for labels, value in samples:
        series.setdefault(name + _labels(labels), value)

    for label_set, value in series.items():
        yield f"{label_set} {value}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""

    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
