# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the contents of the report from the record of an audit: a tree of plain values, which the template writes."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.certificates import EXPIRING_DAYS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.links import Links
from ansible_collections.esx.trust.plugins.plugin_utils._audit.links import detail_id
from ansible_collections.esx.trust.plugins.plugin_utils._audit.links import finding_id
from ansible_collections.esx.trust.plugins.plugin_utils._audit.marks import MARKS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.matrix import Group
from ansible_collections.esx.trust.plugins.plugin_utils._audit.matrix import group_target
from ansible_collections.esx.trust.plugins.plugin_utils._audit.matrix import groups_of
from ansible_collections.esx.trust.plugins.plugin_utils._audit.matrix import matrix
from ansible_collections.esx.trust.plugins.plugin_utils._audit.timeline import timeline
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import in_words
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import NO_SUBJECT
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import PASSING
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import STATUSES
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import end_in_words

#: How much of a kind is shown before the rest is folded away.
_FINDINGS_SHOWN = 40
_DETAILS_SHOWN = 4
_DETAILS_FOLDED = 50

#: The smallest part of the bar, in percent, so that a single host of a thousand can be seen.
_SMALLEST_SHARE = 0.6

_TITLES = {
    "attention": "What needs attention",
    "changes": "What changed",
    "matrix": "Hosts and resources",
    "expiry": "When certificates end",
    "groups": "Hosts with identical results",
}

_CHANGES = {
    "repaired": "{hosts} now as declared",
    "deviating": "{hosts} no longer as declared",
    "other_status": "{hosts} with another finding than before",
    "added": "{hosts} in the audit for the first time",
    "not_examined_again": "{hosts} in the earlier audit only",
}

View = dict[str, Any]
Record = Mapping[str, Any]


def view_of(record: Record) -> View:
    """Everything that the template shows."""
    groups = groups_of(record["hosts"])
    links = Links(record["attention"])

    view: View = {
        "when": in_words(record["generated_at"]),
        "headline": record["summary"]["headline"],
        "verdict": _verdict(record),
        "hosts_summary": _hosts_summary(record["summary"]["hosts"], links),
        "chains_summary": _chains_summary(record["summary"]["chains"]),
        "attention": _attention(record),
        "changes": _changes(record["changes"]),
        "matrix": matrix(groups, links),
        "expiry": timeline(record["chains"], record.get("expiring_days", EXPIRING_DAYS)),
        "groups": _shared_rows(groups),
        "about": _about(record),
    }

    parts = []
    for name, title in _TITLES.items():
        if view[name]:
            parts.append({"name": name, "title": title})

    return {**view, "titles": _TITLES, "parts": parts}


# The verdict


def _verdict(record: Record) -> View:
    """The tone of the report and the sentence below its headline."""
    findings = record["attention"]
    kinds = [finding["kind"] for finding in findings]
    expired = record["summary"]["chains"]["expired"]

    if not record["summary"]["as_declared"] or "expired" in kinds:
        tone = "alarm"
    elif findings:
        tone = "notice"
    else:
        tone = "good"

    if findings:
        order = ", the most urgent first" if len(findings) > 1 else ""
        lead = f"{count(len(findings), 'finding')} to look at{order}."
    else:
        lead = "Nothing needs attention."

    if expired:
        verb = "has" if expired == 1 else "have"
        lead += f" {count(expired, 'certificate chain')} {verb} expired."

    return {"tone": tone, "lead": lead}


def _hosts_summary(counts: Mapping[str, int], links: Links) -> View:
    """The tiles and the proportional bar for the hosts."""
    as_declared = _tile(counts["ok"], "ok", "as declared", "matrix" if counts["total"] else "")
    tiles = [as_declared]
    for status in STATUSES:
        if status not in PASSING and counts[status]:
            tiles.append(_tile(counts[status], status, MARKS[status].word, links.to_kind(status)))

    return {"label": count(counts["total"], "host"), "tiles": tiles, "bar": _bar(tiles)}


def _chains_summary(counts: Mapping[str, int]) -> Optional[View]:
    """The tiles for the certificate chains."""
    if not counts["total"]:
        return None

    tiles = []
    for state in ("expired", "expiring", "valid", "unknown"):
        if counts[state]:
            tiles.append(_tile(counts[state], state, MARKS[state].word, "expiry"))

    return {"label": count(counts["total"], "certificate chain"), "tiles": tiles, "bar": []}


def _tile(number: int, status: str, label: str, target: str) -> View:
    """The view of a tile. target: the id in the page to which the tile leads, or empty."""
    return {
        "number": f"{number:,}",
        "size": number,
        "status": status,
        "label": label,
        "target": target,
    }


def _bar(tiles: Sequence[View]) -> list[View]:
    """The parts of the bar, in percent of its width."""
    sizes = [tile["size"] for tile in tiles]
    total = sum(sizes)
    if not total:
        return []

    widths = []
    for size in sizes:
        share = size / total * 100
        widths.append(max(share, _SMALLEST_SHARE) if size else 0.0)

    # Small parts were made wider, so their sum can be above 100 percent.
    scale = 100 / sum(widths)

    parts = []
    start = 0.0
    for tile, width in zip(tiles, widths):
        if width:
            tone = MARKS[tile["status"]].tone
            parts.append({"x": f"{start:.2f}%", "width": f"{width * scale:.2f}%", "tone": tone})

        start += width * scale

    return parts


# What needs attention


def _attention(record: Record) -> View:
    """The findings: those that are shown at once, and those that are folded away."""
    resources: dict[tuple[str, str, str], Record] = {}
    for host in record["hosts"]:
        for resource in host["resources"]:
            resources.setdefault((host["host"], resource["resource"], resource["id"]), resource)

    fleet_size = len(record["hosts"])
    findings = []
    for place, finding in enumerate(record["attention"]):
        details = []
        for detail_place, detail in enumerate(finding["details"]):
            identity = (detail["hosts"][0], finding["resource"], finding["id"])
            lines = _lines_of(finding, resources.get(identity))
            details.append({**detail, "target": detail_id(place, detail_place), "lines": lines})

        findings.append(_finding(place, finding, details, fleet_size))

    return {"shown": findings[:_FINDINGS_SHOWN], "folded": findings[_FINDINGS_SHOWN:]}


def _finding(place: int, finding: Record, details: Sequence[View], fleet_size: int) -> View:
    """The view of one finding. fleet_size: the number of hosts in the audit."""
    hosts = finding["hosts"]

    # The name of the host is the largest text of a finding. Of several hosts, the first stands for the others.
    if len(hosts) == 1:
        heading = {"name": hosts[0], "rest": ""}
    elif len(hosts) == fleet_size:
        heading = {"name": "", "rest": f"All {count(len(hosts), 'host')}"}
    else:
        heading = {"name": hosts[0], "rest": f"and {count(len(hosts) - 1, 'more host')}"}

    # A browser takes seconds to lay out a thousand details, unless they are folded by the dozen.
    folded = []
    for start in range(_DETAILS_SHOWN, len(details), _DETAILS_FOLDED):
        folded.append(details[start : start + _DETAILS_FOLDED])

    return {
        "target": finding_id(place),
        "kind": finding["kind"],
        "title": finding["title"],
        "heading": heading,
        "names_hosts": len(hosts) > 1,
        "details": details[:_DETAILS_SHOWN],
        "folded": folded,
        "next_step": finding["next_step"],
    }


def _lines_of(finding: Record, resource: Optional[Record]) -> list[View]:
    """The differences of a resource as lines. A minus marks a value on the host, a plus a declared value."""
    if resource is None or finding["kind"] != resource["status"]:
        return []

    differences_by_field: dict[str, list[Record]] = {}
    for difference in resource["differences"]:
        differences_by_field.setdefault(difference["field"], []).append(difference)

    # Of each field the minus lines come first.
    lines: list[View] = []
    for field, differences in differences_by_field.items():
        for side, added in (("found", False), ("declared", True)):
            for difference in differences:
                lines += [{**line, "added": added} for line in _lines(field, difference[side])]

    return lines


def _lines(field: str, value: Any) -> list[View]:
    """The lines for one side of a difference. A field with several values has a line for each."""
    if not value:
        return []

    label = field.replace("_", " ")
    if field == "certificate":
        return [
            {
                "label": label,
                "words": value["subject"] or NO_SUBJECT,
                "end": end_in_words(value),
                "id": value["sha256"],
            }
        ]

    if field == "signing_cert_chains":
        return [{"label": "chain", "words": "", "end": "", "id": " → ".join(chain)} for chain in value]

    return [{"label": label, "words": "", "end": "", "id": value}]


# What changed, who shares a row, and who audited


def _changes(changes: Optional[Record]) -> Optional[View]:
    """The changes since the earlier audit, or None if there is no earlier audit."""
    if changes is None:
        return None

    entries = []
    for name, words in _CHANGES.items():
        hosts = changes[name]
        if hosts:
            entries.append({"words": words.format(hosts=count(len(hosts), "host")), "hosts": hosts})

    return {"since": in_words(changes["since"]), "entries": entries}


def _shared_rows(groups: Sequence[Group]) -> list[View]:
    """The names of the hosts that share a row of the table."""
    found = []
    for place, group in enumerate(groups):
        if len(group) > 1:
            status = group[0]["status"]
            names = [host["host"] for host in group]
            found.append({"target": group_target(place, group), "status": status, "hosts": names})

    return found


def _about(record: Record) -> list[View]:
    """Who audited, how long it took and with what, as far as it is known."""
    run = record["run"]
    seconds = run["seconds"]

    facts = (
        ("Took", [] if seconds is None else [_duration(seconds)]),
        ("By", [run["user"]]),
        ("Inventory", run["inventory"]),
        ("Versions", _versions(run)),
    )

    about = []
    for label, values in facts:
        known = [value for value in values if value]
        if known:
            about.append({"label": label, "text": ", ".join(known)})

    return about


def _versions(run: Record) -> Iterable[str]:
    """The versions of the collection and of ansible-core, as far as they are known."""
    if run["collection_version"]:
        yield f"esx.trust {run['collection_version']}"

    if run["core_version"]:
        yield f"ansible-core {run['core_version']}"


def _duration(seconds: int) -> str:
    """A number of seconds in words."""
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return count(rest, "second")

    return f"{count(minutes, 'minute')} {count(rest, 'second')}"
