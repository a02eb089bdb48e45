# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an audit as one HTML file that needs nothing else: no network, no script, no font, no image.

This file decides what the page shows: it makes the view, a tree of plain values. report.html.j2 makes the page from
the view, and report.css says how the page looks. What hosts say is hostile until proven otherwise: the template
escapes every value, and the policy in the head of the page lets a browser use nothing but this one style sheet.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple
from typing import Optional

from jinja2 import Environment
from jinja2 import FileSystemLoader
from jinja2 import StrictUndefined

from ansible_collections.esx.trust.plugins.plugin_utils._audit import timeline
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import check_version
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import moment
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import plain
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import sentence_case
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import NAMES
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import PASSING
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import STATUSES
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import name_of

_FOLDER = Path(__file__).parent

#: How many of a kind are shown before the rest is folded away.
_HOSTS_SHOWN = 8
_HOSTS_PRINTED = 60
_ATTENTION_SHOWN = 40
_POINTS_SHOWN = 4
_COLUMNS_SHOWN = 30
_FINDINGS_OPEN = 20
_FINDINGS_FOLDED = 50

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

_TITLES = {
    "attention": "What needs a person",
    "matrix": "Hosts and resources",
    "findings": "What differs",
    "keys": "Keys that differ",
    "expiry": "When certificates end",
    "calm": "Hosts as declared",
}

_MEANINGS = {
    "ok": "as declared",
    "differs": "there, and not as declared",
    "missing": "declared, and not there",
    "extra": "there, and declared absent",
    "undeclared": "there, and nobody declared it; left alone",
    "conflict": "a person must decide; nothing is written",
    "unreachable": "the host did not answer",
    "failed": "the host could not be examined",
    "not_examined": "nobody asked the host",
}


class Mark(NamedTuple):
    """How a status is shown: a shape that the fonts of every system have, a word, and a tone for the colour."""

    shape: str
    word: str
    tone: str


_MARKS = {
    "ok": Mark("✓", "ok", "calm"),
    "undeclared": Mark("◊", "undeclared", "quiet"),
    "differs": Mark("≠", "differs", "notice"),
    "missing": Mark("○", "missing", "notice"),
    "extra": Mark("+", "extra", "notice"),
    "conflict": Mark("▲", "conflict", "alarm"),
    "unreachable": Mark("×", "unreachable", "alarm"),
    "failed": Mark("!", "failed", "alarm"),
    "not_examined": Mark("?", "not examined", "alarm"),
    "key_disagreement": Mark("▲", "different keys", "alarm"),
    "expired": Mark("×", "expired", "alarm"),
    "expiring": Mark("◆", "expires soon", "notice"),
    "expired_undeclared": Mark("×", "expired", "notice"),
    "valid": Mark("●", "valid", "quiet"),
    "unknown": Mark("?", "unknown", "quiet"),
    "unavailable": Mark("!", "not available", "notice"),
    "keys_unread": Mark("?", "not read", "notice"),
}

Host = Mapping[str, Any]
#: Hosts of which exactly the same was found.
Group = list[Host]
#: The kind and the id of a resource.
Identity = tuple[str, str]
View = dict[str, Any]


def render(data: Mapping[str, Any]) -> str:
    """The HTML document. Raises ValueError if data is no record of an audit."""
    check_version(data)
    # Plain texts only: a subclass of str could tell the template that it needs no escaping.
    page: str = _template().render(_view(plain(data)))
    return page


@functools.lru_cache(maxsize=1)
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        marks=_MARKS,
        count=count,
        called=_kind_in_title,
        hosts_shown=_HOSTS_SHOWN,
        hosts_printed=_HOSTS_PRINTED,
    )
    environment.filters["short"] = _short
    environment.filters["breakable"] = _breakable
    return environment.get_template("report.html.j2")


@functools.lru_cache(maxsize=1)
def _style() -> View:
    """The style sheet and the digest by which the page's policy allows it."""
    css = (_FOLDER / "report.css").read_text(encoding="utf-8")
    digest = hashlib.sha256(css.encode()).digest()
    return {"css": css, "digest": base64.b64encode(digest).decode()}


def _view(record: Mapping[str, Any]) -> View:
    """Everything that the template shows."""
    groups = _groups(record["hosts"])
    view = {
        **_style(),
        "when": _when(record["generated_at"]),
        "headline": record["summary"]["headline"],
        "verdict": _verdict(record),
        "tally": _tally(record["summary"]),
        "attention": _attention(record["attention"]),
        "matrix": _matrix(groups, record["hosts"]),
        "findings": _findings(groups),
        "keys": record["key_disagreements"],
        "expiry": timeline.timeline(record["expiry"]),
        "calm": _as_declared(groups),
    }
    parts = []
    for name, title in _TITLES.items():
        if view[name]:
            parts.append({"name": name, "title": title})
    return {**view, "titles": _TITLES, "parts": parts}


# Words


def _when(value: str) -> str:
    at = moment(value)
    if at is None:
        return value
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


def _kind_in_title(kind: str) -> str:
    """How a kind of resource is called at the beginning of a line."""
    return sentence_case(name_of(kind))


def _short(digest: str) -> str:
    return digest if len(digest) <= 16 else f"{digest[:16]}…"


def _breakable(name: str) -> list[str]:
    """The parts of a host's name. A narrow column may break the name between them."""
    return re.findall(r"[^.]*\.|[^.]+", name)


# The verdict


def _verdict(record: Mapping[str, Any]) -> View:
    findings = record["attention"]
    expired = record["summary"]["certificates"]["expired"]
    urgent = not record["summary"]["as_declared"] or any(finding["kind"] == "expired" for finding in findings)

    if urgent:
        tone = "alarm"
    elif findings:
        tone = "notice"
    else:
        tone = "calm"

    if findings:
        order = ", the most urgent first" if len(findings) > 1 else ""
        lead = f"{count(len(findings), 'finding')} to look at{order}."
    else:
        lead = "Nothing needs a person."
    if expired:
        lead += f" {count(expired, 'certificate')} {'has' if expired == 1 else 'have'} expired."

    return {"tone": tone, "lead": lead}


def _tally(summary: Mapping[str, Any]) -> list[View]:
    """The counts below the verdict."""
    hosts, certificates = summary["hosts"], summary["certificates"]
    entries = [
        {"number": hosts["total"], "status": "", "label": "host in all" if hosts["total"] == 1 else "hosts in all"},
        {"number": hosts["ok"], "status": "ok", "label": "as declared"},
    ]
    for status in STATUSES:
        if status not in PASSING and hosts[status]:
            entries.append({"number": hosts[status], "status": status, "label": _MARKS[status].word})

    expired, expiring = certificates["expired"], certificates["expiring"]
    if expired:
        label = "certificate expired" if expired == 1 else "certificates expired"
        entries.append({"number": expired, "status": "expired", "label": label})
    if expiring:
        label = "certificate ends soon" if expiring == 1 else "certificates end soon"
        entries.append({"number": expiring, "status": "expiring", "label": label})
    return entries


# What needs a person


def _attention(findings: Sequence[Mapping[str, Any]]) -> View:
    return {
        "shown": [_item(finding) for finding in findings[:_ATTENTION_SHOWN]],
        "folded": [_item(finding) for finding in findings[_ATTENTION_SHOWN:]],
    }


def _item(finding: Mapping[str, Any]) -> View:
    points = finding["details"][:_POINTS_SHOWN]
    further_hosts: dict[str, bool] = {}
    for detail in finding["details"][_POINTS_SHOWN:]:
        further_hosts.update(dict.fromkeys(detail["hosts"], True))
    return {**finding, "points": points, "further_hosts": list(further_hosts)}


# Hosts and resources


def _identity(resource: Mapping[str, Any]) -> Identity:
    return resource["resource"], resource["id"]


def _groups(hosts: Sequence[Host]) -> list[Group]:
    """The hosts, grouped by what was found. Groups that need attention come first."""
    groups: dict[str, Group] = {}
    for host in hosts:
        resources = sorted(repr(sorted(resource.items())) for resource in host["resources"])
        found = repr((host["status"], host["code"], host["message"], host["hint"], resources))
        groups.setdefault(found, []).append(host)
    return sorted(groups.values(), key=_urgency)


def _urgency(group: Group) -> tuple[int, bool]:
    first = group[0]
    nothing_to_say = True
    for resource in first["resources"]:
        if resource["status"] != "ok" or resource.get("available") is False:
            nothing_to_say = False
    return STATUSES.index(first["status"]), nothing_to_say


def _columns(hosts: Sequence[Host]) -> list[Identity]:
    """All resources: key providers first, and the declared before the others."""
    declared: dict[Identity, bool] = {}
    for host in hosts:
        for resource in host["resources"]:
            identity = _identity(resource)
            declared[identity] = declared.get(identity, False) or resource["status"] != "undeclared"

    kinds = list(NAMES)

    def order(identity: Identity) -> tuple[int, bool, Identity]:
        place = kinds.index(identity[0]) if identity[0] in kinds else len(kinds)
        return place, not declared[identity], identity

    return sorted(declared, key=order)


def _matrix(groups: Sequence[Group], hosts: Sequence[Host]) -> Optional[View]:
    """The table of hosts and resources."""
    if not hosts:
        return None

    columns = _columns(hosts)
    shown, folded = columns[:_COLUMNS_SHOWN], columns[_COLUMNS_SHOWN:]

    spans: dict[str, int] = {}
    for kind, _name in shown:
        spans[kind] = spans.get(kind, 0) + 1

    headings = []
    for kind, number in spans.items():
        label = f"{name_of(kind)}s" if number > 1 else name_of(kind)
        headings.append({"label": label.capitalize(), "span": number})

    return {
        "headings": headings,
        "columns": [name for _kind, name in shown],
        "folded": len(folded),
        "width": len(shown) + bool(folded),
        "rows": [_row(group, place, shown, set(folded)) for place, group in enumerate(groups)],
        "legend": _legend(hosts),
    }


def _row(group: Group, place: int, columns: Sequence[Identity], folded: set[Identity]) -> View:
    first = group[0]
    found = {_identity(resource): resource for resource in first["resources"]}
    others = [resource for identity, resource in found.items() if identity in folded]
    return {
        "hosts": len(group),
        "name": first["host"],
        "target": _target(place, group),
        "status": first["status"],
        "message": first["message"] or "Nothing is declared for it.",
        "found": bool(found),
        "cells": [found.get(column) for column in columns],
        "others": others,
    }


def _legend(hosts: Sequence[Host]) -> list[tuple[str, str]]:
    present = set()
    for host in hosts:
        present.add(host["status"])
        present.update(resource["status"] for resource in host["resources"])
    return [(status, meaning) for status, meaning in _MEANINGS.items() if status in present]


# What differs


def _target(place: int, group: Group) -> str:
    """The id of the part of the page that says more about a group than its row. Empty if the row says it all."""
    if group[0]["status"] not in PASSING:
        return f"finding-{place}"
    return f"group-{place}" if len(group) > 1 else ""


def _findings(groups: Sequence[Group]) -> Optional[View]:
    """Group by group what is not as declared."""
    found = []
    for place, group in enumerate(groups):
        if group[0]["status"] not in PASSING:
            found.append(_finding(group, place))
    if not found:
        return None

    # A browser takes seconds to lay out a thousand findings, unless they are folded by the dozen.
    folded = []
    for start in range(_FINDINGS_OPEN, len(found), _FINDINGS_FOLDED):
        folded.append(found[start : start + _FINDINGS_FOLDED])
    return {"open": found[:_FINDINGS_OPEN], "folded": folded}


def _finding(group: Group, place: int) -> View:
    first = group[0]
    wrong = [resource for resource in first["resources"] if resource["status"] not in PASSING]
    return {
        "target": _target(place, group),
        "hosts": [host["host"] for host in group],
        "status": first["status"],
        "reason": " ".join(part for part in (first["message"], first["hint"]) if part),
        "resources": [{**resource, "message": sentence_case(resource["message"])} for resource in wrong],
    }


# Hosts as declared


def _as_declared(groups: Sequence[Group]) -> list[View]:
    """The names of the hosts that are as declared and share a row."""
    found = []
    for place, group in enumerate(groups):
        if group[0]["status"] in PASSING and len(group) > 1:
            found.append({"target": _target(place, group), "hosts": [host["host"] for host in group]})
    return found
