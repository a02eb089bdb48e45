# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for a fleet, as people read it before they say yes: hosts for which the same is to be done stand together.

Pure functions without I/O. Every text in a plan is plain and printable, whatever a host sent.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.hosts import examined_host
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mappings
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import joined
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import PASSING
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import UNKNOWN_HOST
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import name_of

#: A plan for people has no more lines, however many hosts and groups there are. With the one that names the page of
#: the whole plan these are 40.
LINES = 39
#: The version of the plan's schema.
VERSION = 1

#: So many hosts of a group are named in its line.
_NAMED = 3
_LONGEST_LINE = 320

#: The kinds of groups in their order, and what is said where a kind has too many groups.
CHANGE, CONFLICT, FAILED, DOWN, LATER, NOTHING = "change", "conflict", "failed", "down", "later", "nothing"
_KINDS = {
    CHANGE: "other changes",
    CONFLICT: "other conflicts, nothing will be written there",
    FAILED: "other failures",
    DOWN: "no answer",
    LATER: "examined in a later play",
    NOTHING: "as declared",
}

Record = dict[str, Any]
#: Results by host; None for a host that was not examined here.
Results = Mapping[str, Optional[Mapping[str, Any]]]


class _Words(NamedTuple):
    """How a plan says what is going to be done, and how it is said afterwards."""

    operations: Mapping[str, str]
    nothing_written: str
    failed: str


_FUTURE = _Words({}, "nothing will be written there", "cannot be examined")
_PAST = _Words({"create": "created", "update": "updated", "delete": "deleted"}, "nothing was written there", "failed")


class _Said(NamedTuple):
    """What is said of a host in one line."""

    kind: str
    sentence: str


def build(results: Results, generated_at: str) -> Record:
    """The whole plan.

    results: what esx_host_trust returned in check mode. generated_at: as ISO 8601.
    """
    groups: dict[_Said, list[str]] = {}
    hosts = {}
    for host, result in results.items():
        status, said = _of_host(host, result)
        hosts[text(host)] = {
            "status": status,
            "operations": _operations(result),
            "plan": [one.sentence for one in said],
        }
        for one in said:
            groups.setdefault(one, []).append(text(host))
    return {
        "version": VERSION,
        "generated_at": generated_at,
        "lines": _lines(groups, len(hosts)),
        "groups": [_group(said, names) for said, names in _in_order(groups)],
        "differences": _shared_differences(results),
        "hosts": hosts,
    }


def done(results: Results) -> list[str]:
    """What was done, line by line, in the groups of a plan.

    results: what esx_host_trust returned.
    """
    groups: dict[_Said, list[str]] = {}
    for host, result in results.items():
        _status, said = _of_host(host, result, _PAST)
        for one in said:
            groups.setdefault(one, []).append(text(host))
    return _lines(groups, len(results))


def status(host: str, result: Optional[Mapping[str, Any]]) -> str:
    """The kind under which a host stands in the plan."""
    _status, said = _of_host(host, result)
    return said[-1].kind


def _of_host(host: str, result: Optional[Mapping[str, Any]], words: _Words = _FUTURE) -> tuple[str, list[_Said]]:
    """The status of a host as an audit calls it, and what is said of it."""
    if result is None:
        return "not_examined", [_Said(LATER, "examined in a later play, because the work is not done in this process")]

    examined = examined_host({"host": host, "trust": result})
    state = examined["status"]
    reason = joined((examined["message"], examined["hint"]))
    # Whoever lost an answer did answer: that host may fail, and is not left out.
    if examined["code"] == "unreachable":
        return state, [_Said(DOWN, f"no answer, {words.nothing_written}")]
    if result.get("failed") and examined["code"] == "conflict":
        return state, [_Said(CONFLICT, f"conflict, {words.nothing_written}: {reason}")]
    if result.get("failed") or state in UNKNOWN_HOST:
        return state, [_Said(FAILED, f"{words.failed}: {reason}")]

    changes = [_Said(CHANGE, sentence) for sentence in _changes(result, examined["resources"], words)]
    if changes:
        return state, changes
    return state, [_Said(NOTHING, "as declared" if state in PASSING else "nothing to do")]


def _operations(result: Optional[Mapping[str, Any]]) -> list[Record]:
    names = ("operation", "resource", "id")
    return [{name: text(one.get(name)) for name in names} for one in as_mappings((result or {}).get("operations"))]


def _changes(result: Mapping[str, Any], resources: Sequence[Mapping[str, Any]], words: _Words) -> Iterator[str]:
    """A sentence for each operation."""
    known = {(one["resource"], one["id"]): one for one in resources}
    for one in _operations(result):
        resource = known.get((one["resource"], one["id"]), {})
        details = "; ".join(_details(resource.get("differences", ()))) if one["operation"] == "update" else ""
        operation = words.operations.get(one["operation"], one["operation"])
        sentence = f"{operation} {name_of(one['resource'])} {one['id']}"
        yield f"{sentence}, {details}" if details else sentence


def _details(differences: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What an update changes."""
    added: list[str] = []
    removed: list[str] = []
    for one in differences:
        if one["field"] == "certificate":
            (added if one["declared"] else removed).append(_certificate(one["declared"] or one["found"]))
        elif one["field"] == "entitlement":
            yield f"{'adds' if one['declared'] else 'removes'} {one['declared'] or one['found']}"
        elif one["field"] == "signing_cert_chains":
            yield "puts the same certificates into other chains"
        else:
            yield f"{one['field']} {one['declared'] or '(none)'} replaces {one['found'] or '(none)'}"
    if added and removed:
        yield f"certificates of {_listed(added)} replace those of {_listed(removed)}"
    elif added:
        yield f"adds certificates of {_listed(added)}"
    elif removed:
        yield f"removes certificates of {_listed(removed)}"


def _certificate(certificate: Mapping[str, str]) -> str:
    end = certificate["not_after"][:10]
    name = certificate["subject"] or certificate["sha256"]
    return f"{name} (ends {end})" if end else name


def _listed(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - 2} more" if len(unique) > 2 else ""
    return " and ".join(unique[:2]) + more if not more else ", ".join(unique[:2]) + more


def _in_order(groups: Mapping[_Said, list[str]]) -> list[tuple[_Said, list[str]]]:
    """The groups, by kind, the largest first; those of a size in the order in which hosts are written."""
    kinds = list(_KINDS)
    return sorted(groups.items(), key=lambda item: (kinds.index(item[0].kind), -len(item[1])))


def _lines(groups: Mapping[_Said, list[str]], total: int) -> list[str]:
    """The groups, a line for each, and never more than LINES."""
    by_kind: dict[str, list[tuple[_Said, list[str]]]] = {}
    for said, names in _in_order(groups):
        by_kind.setdefault(said.kind, []).append((said, names))

    lines = []
    left = LINES
    for number, (kind, entries) in enumerate(by_kind.items()):
        # Every kind that comes later has at least a line of its own groups and one for the rest of them.
        room = left - 2 * (len(by_kind) - number - 1)
        shown = entries if len(entries) <= room else entries[: room - 1]
        own = [_line(names, said.sentence, total) for said, names in shown]
        rest = sorted({name for _said, names in entries[len(shown) :] for name in names})
        if rest:
            own.append(_line(rest, _KINDS[kind], total))
        lines += own
        left -= len(own)
    return lines


def _line(names: Sequence[str], sentence: str, total: int) -> str:
    who = count(len(names), "host")
    if len(names) <= _NAMED:
        who += f" ({', '.join(names)})"
    elif len(names) < total:
        who += f" ({names[0]}, …)"
    line = f"{who}: {sentence}"
    line = line if line.endswith(".") else f"{line}."
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"


def _group(said: _Said, names: Sequence[str]) -> Record:
    return {"kind": said.kind, "sentence": said.sentence, "hosts": list(names), "limit": ",".join(names)}


def _shared_differences(results: Results) -> list[Record]:
    """The differences of the hosts, each once, with the hosts that share it."""
    found: dict[str, Record] = {}
    for host, result in results.items():
        diff = (result or {}).get("diff")
        if not isinstance(diff, Mapping) or not (result or {}).get("changed"):
            continue
        key = repr((diff.get("before"), diff.get("after")))
        entry = found.setdefault(key, {"hosts": [], "before": diff.get("before"), "after": diff.get("after")})
        entry["hosts"].append(text(host))
    return list(found.values())


def difference_lines(differences: Iterable[Mapping[str, Any]]) -> list[str]:
    """The shared differences of a plan as a person reads them, minus for what goes and plus for what comes."""
    lines = []
    for one in differences:
        names = ", ".join(one["hosts"][:_NAMED])
        more = f" and {len(one['hosts']) - _NAMED:,} more" if len(one["hosts"]) > _NAMED else ""
        lines.append(f"{count(len(one['hosts']), 'host')} ({names}{more}):")
        before, after = (json.dumps(one[side], indent=2, sort_keys=True).splitlines() for side in ("before", "after"))
        changed = list(difflib.unified_diff(before, after, lineterm="", n=2))
        lines += [text(line) for line in changed[2:]]
    return lines
