# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for a fleet, as people read it before they confirm it. Hosts with the same changes are one group.

Pure functions without I/O. Every text in a plan is plain and printable, whatever a host sent.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import listed
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import plain
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import CHANGE
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import CONFLICT
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import DOWN
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import FAILED
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import LATER
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import NOTHING
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import PAST
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import Record
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import Statement
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import about_host
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.statements import operations_of

#: A plan for people has at most so many lines, however many hosts and groups there are. One more line, which names the
#: page of the whole plan, makes them 40.
LINES = 39
#: The version of the plan's schema.
VERSION = 1

#: The line of a group names so many hosts of it.
_NAMED = 3
#: A longer line is cut. In characters.
_LONGEST_LINE = 320

#: The kinds in their order, and the sentence for the rest of a kind that has too many groups.
_KINDS = {
    CHANGE: "other changes",
    CONFLICT: "other conflicts, nothing will be written there",
    FAILED: "other failures",
    DOWN: "no answer",
    LATER: "examined later by a task of their own",
    NOTHING: "as declared",
}

#: Results by host; None for a host that was not examined here.
Results = Mapping[str, Optional[Mapping[str, Any]]]


def build(results: Results, generated_at: str, warnings: Sequence[Record] = ()) -> Record:
    """The whole plan.

    results: the results of esx_host_trust in check mode.
    generated_at: the time in ISO 8601.
    warnings: the warnings that hosts share, see `shared_warnings`.
    """
    groups: dict[Statement, list[str]] = {}
    hosts = {}
    for host, result in results.items():
        name = text(host)
        audit_status, statements = about_host(host, result)
        hosts[name] = {
            "status": audit_status,
            "operations": operations_of(result),
            "plan": [statement.sentence for statement in statements],
        }

        for statement in statements:
            groups.setdefault(statement, []).append(name)

    return {
        "version": VERSION,
        "generated_at": generated_at,
        "lines": _lines(groups, len(hosts)),
        "groups": [_group(statement, names) for statement, names in _in_order(groups)],
        "differences": _shared_differences(results),
        "warnings": list(warnings),
        "hosts": hosts,
    }


def done(results: Results) -> list[str]:
    """The lines that report the changes that were made, in the groups of a plan.

    results: the results of esx_host_trust.
    """
    groups: dict[Statement, list[str]] = {}
    for host, result in results.items():
        _audit_status, statements = about_host(host, result, PAST)
        for statement in statements:
            groups.setdefault(statement, []).append(text(host))

    return _lines(groups, len(results))


def _in_order(groups: Mapping[Statement, list[str]]) -> list[tuple[Statement, list[str]]]:
    """The groups in the order of their kinds. Within a kind, the largest group is first.

    Groups of the same size keep the order in which the hosts are written.
    """
    kinds = list(_KINDS)

    def order(group: tuple[Statement, list[str]]) -> tuple[int, int]:
        statement, names = group
        return kinds.index(statement.kind), -len(names)

    return sorted(groups.items(), key=order)


def _lines(groups: Mapping[Statement, list[str]], total: int) -> list[str]:
    """A line for each group, but never more lines than LINES.

    total: the number of hosts in the fleet.
    """
    groups_by_kind: dict[str, list[tuple[Statement, list[str]]]] = {}
    for statement, names in _in_order(groups):
        groups_by_kind.setdefault(statement.kind, []).append((statement, names))

    lines: list[str] = []
    kinds_left = len(groups_by_kind)
    for kind, groups_of_kind in groups_by_kind.items():
        kinds_left -= 1
        # Every later kind needs at least two lines: one for its first group, and one for the rest of its groups.
        room = LINES - len(lines) - 2 * kinds_left

        shown = groups_of_kind
        if len(groups_of_kind) > room:
            shown = groups_of_kind[: room - 1]

        for statement, names in shown:
            lines.append(_line(names, statement.sentence, total))

        rest: set[str] = set()
        for _statement, names in groups_of_kind[len(shown) :]:
            rest.update(names)

        if rest:
            lines.append(_line(sorted(rest), _KINDS[kind], total))

    return lines


def _line(names: Sequence[str], sentence: str, total: int) -> str:
    """The line that says a sentence about these hosts. total: the number of hosts in the fleet."""
    subject = count(len(names), "host")
    if len(names) <= _NAMED:
        subject += f" ({', '.join(names)})"
    elif len(names) < total:
        subject += f" ({names[0]}, …)"

    line = f"{subject}: {sentence}"
    if not line.endswith("."):
        line += "."

    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"


def _group(statement: Statement, names: Sequence[str]) -> Record:
    """The record of a group. `limit` is a value for the option --limit."""
    return {
        "kind": statement.kind,
        "sentence": statement.sentence,
        "hosts": list(names),
        "limit": ",".join(names),
    }


def _shared_differences(results: Results) -> list[Record]:
    """The differences of the hosts. Hosts with the same difference share a record."""
    found: dict[str, Record] = {}
    for host, result in results.items():
        if result is None or not result.get("changed"):
            continue

        diff = result.get("diff")
        if not isinstance(diff, Mapping):
            continue

        before = plain(diff.get("before"))
        after = plain(diff.get("after"))
        record = found.setdefault(repr((before, after)), {"hosts": [], "before": before, "after": after})
        record["hosts"].append(text(host))

    return list(found.values())


def difference_lines(differences: Iterable[Mapping[str, Any]]) -> list[str]:
    """The shared differences of a plan as lines. A minus marks a line that goes, a plus a line that comes.

    differences: the records in `differences` of a plan.
    """
    lines = []
    for difference in differences:
        hosts = difference["hosts"]
        lines.append(f"{count(len(hosts), 'host')} ({listed(hosts, _NAMED)}):")

        before = _json_lines(difference["before"])
        after = _json_lines(difference["after"])
        changed = list(difflib.unified_diff(before, after, lineterm="", n=2))

        # The first two lines name files, and here there are none.
        lines += [text(line) for line in changed[2:]]

    return lines


def _json_lines(value: Any) -> list[str]:
    """The lines of a value in JSON, in an order that does not depend on the host."""
    return json.dumps(value, indent=2, sort_keys=True).splitlines()
