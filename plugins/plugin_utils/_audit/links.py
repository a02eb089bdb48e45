# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in the report each finding stands, so that tiles, rows and cells can lead to it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any


def finding_id(place: int) -> str:
    """The id of a finding in the page."""
    return f"finding-{place}"


def detail_id(place: int, detail_place: int) -> str:
    """The id of one detail of a finding in the page."""
    return f"finding-{place}-{detail_place}"


class Links:
    """The ids of findings and of their details. An id is empty if there is no such finding."""

    def __init__(self, findings: Sequence[Mapping[str, Any]]) -> None:
        self._by_kind: dict[str, str] = {}
        self._by_host: dict[str, str] = {}
        self._by_resource: dict[tuple[str, str, str, str], str] = {}

        for place, finding in enumerate(findings):
            kind, resource, name = finding["kind"], finding["resource"], finding["id"]
            self._by_kind.setdefault(kind, finding_id(place))

            for detail_place, detail in enumerate(finding["details"]):
                target = detail_id(place, detail_place)
                for host in detail["hosts"]:
                    self._by_resource.setdefault((kind, resource, name, host), target)
                    if finding["deviation"]:
                        self._by_host.setdefault(host, target)

    def to_kind(self, kind: str) -> str:
        """The most urgent finding of a kind."""
        return self._by_kind.get(kind, "")

    def to_host(self, host: str) -> str:
        """The most urgent finding because of which a host does not pass."""
        return self._by_host.get(host, "")

    def to_finding(self, kind: str, resource: str, name: str, host: str) -> str:
        """The finding about a resource of a host."""
        return self._by_resource.get((kind, resource, name, host), "")
