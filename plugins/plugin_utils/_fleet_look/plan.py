# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for a fleet, as people read it before they confirm it. Hosts with the same changes are one group.

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
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mapping
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mappings
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import joined
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import listed
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import plain
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import PASSING
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import UNKNOWN_HOST
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import certificate_name
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import end_in_words
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import name_of

#: A plan for people has at most so many lines, however many hosts and groups there are. One more line, which names the
#: page of the whole plan, makes them 40.
LINES = 39
#: The version of the plan's schema.
VERSION = 1

#: The line of a group names so many hosts of it.
_NAMED = 3
#: A longer line is cut. In characters.
_LONGEST_LINE = 320

_ISSUER = "token_issuer"
#: The operation that stands for all operations that move an issuer to another alias.
_RENAME = "rename"

#: The kinds of groups.
CHANGE = "change"
CONFLICT = "conflict"
FAILED = "failed"
DOWN = "down"
LATER = "later"
NOTHING = "nothing"

#: The kinds in their order, and the sentence for the rest of a kind that has too many groups.
_KINDS = {
    CHANGE: "other changes",
    CONFLICT: "other conflicts, nothing will be written there",
    FAILED: "other failures",
    DOWN: "no answer",
    LATER: "examined later by a task of their own",
    NOTHING: "as declared",
}

Record = dict[str, Any]
#: Results by host; None for a host that was not examined here.
Results = Mapping[str, Optional[Mapping[str, Any]]]


class _Words(NamedTuple):
    """The words for a plan, or for a report of the changes that were made.

    operations: the word for each operation; an operation that is not in it is its own word.
    """

    operations: Mapping[str, str]
    nothing_written: str
    failed: str


_FUTURE = _Words({}, "nothing will be written there", "cannot be examined")
_PAST = _Words(
    {"create": "created", "update": "updated", "delete": "deleted", _RENAME: "renamed"},
    "nothing was written there",
    "failed",
)


class _Statement(NamedTuple):
    """A statement about a host, for one line of the plan."""

    kind: str
    sentence: str


class _Renaming(NamedTuple):
    """An issuer that moves from the old alias to the new one. operations: their words and aliases."""

    old: str
    new: str
    operations: frozenset[tuple[str, str]]


def build(results: Results, generated_at: str, warnings: Sequence[Record] = ()) -> Record:
    """The whole plan.

    results: the results of esx_host_trust in check mode.
    generated_at: the time in ISO 8601.
    warnings: the warnings that hosts share, see `shared_warnings`.
    """
    groups: dict[_Statement, list[str]] = {}
    hosts = {}
    for host, result in results.items():
        name = text(host)
        audit_status, statements = _about_host(host, result)
        hosts[name] = {
            "status": audit_status,
            "operations": _operations(result),
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
    groups: dict[_Statement, list[str]] = {}
    for host, result in results.items():
        _audit_status, statements = _about_host(host, result, _PAST)
        for statement in statements:
            groups.setdefault(statement, []).append(text(host))

    return _lines(groups, len(results))


def status(host: str, result: Optional[Mapping[str, Any]]) -> str:
    """The kind of the group in which a host stands in the plan."""
    _audit_status, statements = _about_host(host, result)
    return statements[-1].kind


def _about_host(
    host: str, result: Optional[Mapping[str, Any]], words: _Words = _FUTURE
) -> tuple[str, list[_Statement]]:
    """The status of a host as an audit calls it, and the statements about the host."""
    if result is None:
        later = _Statement(
            LATER,
            "examined later by a task of its own, because its connection, become, interpreter or environment is not"
            " local, or esx_trust_in_worker is false",
        )
        return "not_examined", [later]

    examined = examined_host({"host": host, "trust": result})
    audit_status = examined["status"]
    reason = joined((_as_it_was_said(examined["message"], result), examined["hint"]))

    # A run can write to a host and fail after that.
    was_written = bool(result.get("failed") and _operations(result))

    # An audit calls a host of which an answer was lost unreachable too. But that host does answer, so it fails here.
    if examined["code"] == "unreachable" and not was_written:
        return audit_status, [_Statement(DOWN, f"no answer, {words.nothing_written}")]

    if result.get("failed") and examined["code"] == "conflict" and not was_written:
        return audit_status, [_Statement(CONFLICT, f"conflict, {words.nothing_written}: {reason}")]

    if result.get("failed") or audit_status in UNKNOWN_HOST:
        return audit_status, [_Statement(FAILED, f"{words.failed}: {reason}")]

    if result.get("changed") is False and _operations(result):
        return audit_status, [_Statement(CHANGE, "written, and the host holds the same as before; see the warnings")]

    changes = [_Statement(CHANGE, sentence) for sentence in _changes(result, examined["resources"], words)]
    if changes:
        return audit_status, changes

    sentence = "as declared" if audit_status in PASSING else "nothing to do"
    return audit_status, [_Statement(NOTHING, sentence)]


def _as_it_was_said(message: str, result: Mapping[str, Any]) -> str:
    """The message with the first letter that the module gave it. In a plan the message stands behind a colon.

    message: the message of an audit, in which the first letter is raised.
    """
    said = text(as_mapping(result.get("failure")).get("message")).strip()
    if message and said.endswith(message[1:]):
        return said[len(said) - len(message) :]

    return message


def _operations(result: Optional[Mapping[str, Any]]) -> list[Record]:
    """The operations of a result, as plain texts."""
    operations = []
    for operation in as_mappings((result or {}).get("operations")):
        operations.append(
            {
                "operation": text(operation.get("operation")),
                "resource": text(operation.get("resource")),
                "id": text(operation.get("id")),
            }
        )

    return operations


def _changes(result: Mapping[str, Any], resources: Sequence[Mapping[str, Any]], words: _Words) -> Iterator[str]:
    """A sentence for each operation. The operations that rename an issuer have one sentence."""
    differences_by_id = {}
    for resource in resources:
        differences_by_id[resource["resource"], resource["id"]] = resource.get("differences", ())

    operations = _operations(result)
    for operation in _with_renamings(operations, _renamings(result, operations)):
        action = operation["operation"]
        kind = operation["resource"]
        verb = words.operations.get(action, action)
        sentence = f"{verb} {name_of(kind)} {operation['id']}"

        differences: Sequence[Mapping[str, Any]] = ()
        if action == "update":
            differences = differences_by_id.get((kind, operation["id"]), ())
        elif action == _RENAME:
            sentence += f" to {operation['new']}"
            found = differences_by_id.get((kind, operation["new"]), ())
            differences = [each for each in found if each["field"] != "issuer_alias"]

        details = "; ".join(_details(differences))
        yield f"{sentence}, {details}" if details else sentence


def _with_renamings(operations: Iterable[Record], renamings: Iterable[_Renaming]) -> Iterator[Record]:
    """The operations, with one operation in place of those that move an issuer to another alias.

    Its `id` is the old alias, and `new` the new alias.
    """
    pending = list(renamings)
    left_out: set[tuple[str, str]] = set()

    for operation in operations:
        key = (operation["operation"], operation["id"])
        if operation["resource"] != _ISSUER:
            yield operation
            continue

        if key in left_out:
            left_out.remove(key)
            continue

        renaming = next((each for each in pending if key in each.operations), None)
        if renaming is None:
            yield operation
            continue

        pending.remove(renaming)
        left_out |= renaming.operations - {key}
        yield {"operation": _RENAME, "resource": _ISSUER, "id": renaming.old, "new": renaming.new}


def _renamings(result: Mapping[str, Any], operations: Iterable[Mapping[str, str]]) -> list[_Renaming]:
    """The issuers that the operations move to another alias, which the host does not have yet."""
    of_issuers = {(each["operation"], each["id"]) for each in operations if each["resource"] == _ISSUER}
    renamings = []

    for found in as_mappings(result.get("resources")):
        before = as_mapping(found.get("before"))
        after = as_mapping(found.get("after"))
        old = text(before.get("issuer_alias"))
        new = text(after.get("issuer_alias"))

        moves = bool(old and new) and old != new and before.get("issuer") == after.get("issuer")
        if moves and {("update", old), ("create", new)} <= of_issuers:
            # The update writes the marker. The old alias is deleted unless another issuer is declared for it.
            renamings.append(_Renaming(old, new, frozenset((("update", old), ("create", new), ("delete", old)))))

    return renamings


def _details(differences: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The changes of an update, one clause for each."""
    added: list[str] = []
    removed: list[str] = []

    for difference in differences:
        field = difference["field"]
        declared = difference["declared"]
        found = difference["found"]

        if field == "certificate":
            certificates = added if declared else removed
            certificates.append(_certificate(declared or found))
        elif field == "entitlement":
            yield f"adds {declared}" if declared else f"removes {found}"
        elif field == "signing_cert_chains":
            yield "puts the same certificates into other chains"
        else:
            yield f"{field} {declared or '(none)'} replaces {found or '(none)'}"

    if added and removed:
        yield f"certificates of {_listed(added)} replace those of {_listed(removed)}"
    elif added:
        yield f"adds certificates of {_listed(added)}"
    elif removed:
        yield f"removes certificates of {_listed(removed)}"


def _certificate(certificate: Mapping[str, str]) -> str:
    """The name of a certificate and the day on which the certificate ends."""
    return f"{certificate_name(certificate)} ({end_in_words(certificate)})"


def _listed(names: Sequence[str]) -> str:
    """The different names, as a sentence lists them: at most two, and the number of the others."""
    return listed(list(dict.fromkeys(names)), 2, last=" and ")


def _in_order(groups: Mapping[_Statement, list[str]]) -> list[tuple[_Statement, list[str]]]:
    """The groups in the order of their kinds. Within a kind, the largest group is first.

    Groups of the same size keep the order in which the hosts are written.
    """
    kinds = list(_KINDS)

    def order(group: tuple[_Statement, list[str]]) -> tuple[int, int]:
        statement, names = group
        return kinds.index(statement.kind), -len(names)

    return sorted(groups.items(), key=order)


def _lines(groups: Mapping[_Statement, list[str]], total: int) -> list[str]:
    """A line for each group, but never more lines than LINES.

    total: the number of hosts in the fleet.
    """
    groups_by_kind: dict[str, list[tuple[_Statement, list[str]]]] = {}
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


def _group(statement: _Statement, names: Sequence[str]) -> Record:
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
