# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of hosts and resources in the report. Hosts with identical results share a row."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.links import Links
from ansible_collections.esx.trust.plugins.plugin_utils._audit.marks import MEANINGS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import NAMES
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import PASSING
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import STATUSES
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import name_of

_COLUMNS_SHOWN = 30

Host = Mapping[str, Any]
#: Hosts with identical results.
Group = list[Host]
#: The kind and the id of a resource.
Identity = tuple[str, str]
View = dict[str, Any]


def groups_of(hosts: Sequence[Host]) -> list[Group]:
    """The hosts, grouped by identical results. Groups that need attention come first."""
    groups: dict[str, Group] = {}
    for host in hosts:
        resources = sorted(repr(sorted(resource.items())) for resource in host["resources"])
        results = repr((host["status"], host["code"], host["message"], host["hint"], resources))
        groups.setdefault(results, []).append(host)

    return sorted(groups.values(), key=_urgency)


def _urgency(group: Group) -> tuple[int, bool]:
    """The place of a group in the order: the most urgent status first, and groups with nothing to report last."""
    first = group[0]
    nothing_to_say = True
    for resource in first["resources"]:
        if resource["status"] != "ok" or resource.get("available") is False:
            nothing_to_say = False

    return STATUSES.index(first["status"]), nothing_to_say


def group_target(place: int, group: Group) -> str:
    """The id of the list of the group's hosts in the page. Empty if the group is a single host."""
    return f"group-{place}" if len(group) > 1 else ""


def matrix(groups: Sequence[Group], links: Links) -> Optional[View]:
    """The view of the table, or None if there is no host."""
    if not groups:
        return None

    columns = _columns(groups)
    shown, folded = columns[:_COLUMNS_SHOWN], columns[_COLUMNS_SHOWN:]

    spans: dict[str, int] = {}
    for kind, _name in shown:
        spans[kind] = spans.get(kind, 0) + 1

    headings = []
    for kind, number in spans.items():
        label = f"{name_of(kind)}s" if number > 1 else name_of(kind)
        headings.append({"label": label.capitalize(), "span": number})

    rows = [_row(group, place, shown, set(folded), links) for place, group in enumerate(groups)]
    passing = sum(row["passes"] for row in rows)

    return {
        "headings": headings,
        "columns": [name for _kind, name in shown],
        "folded": len(folded),
        "width": len(shown) + bool(folded),
        "rows": rows,
        "can_filter": 0 < passing < len(rows),
        "legend": _legend(rows),
    }


def _columns(groups: Sequence[Group]) -> list[Identity]:
    """All resources: key providers first, and the declared before the others."""
    declared: dict[Identity, bool] = {}
    for group in groups:
        # The hosts of a group have the same resources.
        for resource in group[0]["resources"]:
            identity = _identity(resource)
            declared[identity] = declared.get(identity, False) or resource["status"] != "undeclared"

    kinds = list(NAMES)

    def order(identity: Identity) -> tuple[int, bool, Identity]:
        place = kinds.index(identity[0]) if identity[0] in kinds else len(kinds)
        return place, not declared[identity], identity

    return sorted(declared, key=order)


def _identity(resource: Mapping[str, Any]) -> Identity:
    """The kind and the id of a resource."""
    return resource["resource"], resource["id"]


def _row(
    group: Group,
    place: int,
    columns: Sequence[Identity],
    folded: set[Identity],
    links: Links,
) -> View:
    """The row of a group. place: the place of the group in the table. folded: columns that share the last cell."""
    first = group[0]

    cells = {}
    folded_cells = []
    for resource in first["resources"]:
        identity = _identity(resource)
        cell = _cell(resource, first["host"], links)
        cells[identity] = cell

        if identity in folded:
            folded_cells.append(cell)

    return {
        "hosts": len(group),
        "name": first["host"],
        "target": group_target(place, group) or links.to_host(first["host"]),
        "status": first["status"],
        "passes": first["status"] in PASSING,
        "message": first["message"] or "Nothing is declared for it.",
        "found": bool(cells),
        "cells": [cells.get(column) for column in columns],
        "others": folded_cells,
    }


def _cell(resource: Mapping[str, Any], host: str, links: Links) -> View:
    """The cell of one resource. host: the first host of the group."""
    status = resource["status"]
    kind, name = resource["resource"], resource["id"]
    unavailable = resource.get("available") is False

    return {
        "status": "absent" if resource.get("absent") else status,
        "resource": kind,
        "id": name,
        "target": links.to_finding(status, kind, name, host),
        "unavailable": unavailable,
    }


def _legend(rows: Sequence[View]) -> list[tuple[str, str]]:
    """The statuses that the table shows, each with its meaning."""
    present = set()
    for row in rows:
        present.add(row["status"])

        for cell in [*row["cells"], *row["others"]]:
            if cell is not None:
                present.add(cell["status"])

    return [(status, meaning) for status, meaning in MEANINGS.items() if status in present]
