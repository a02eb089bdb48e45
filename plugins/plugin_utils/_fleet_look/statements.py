# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements of a plan about one host: what a converge changes there, or why it changes nothing.

Pure functions without I/O. Every text in a statement is plain and printable, whatever a host sent.
"""

from __future__ import annotations

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
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import joined
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import listed
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import PASSING
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import UNKNOWN_HOST
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import certificate_name
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import end_in_words
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import name_of

#: The kinds of statements. Hosts with the same statement are one group of a plan.
CHANGE = "change"
CONFLICT = "conflict"
FAILED = "failed"
DOWN = "down"
LATER = "later"
NOTHING = "nothing"

_ISSUER = "token_issuer"
#: The operation that stands for all operations that move an issuer to another alias.
_RENAME = "rename"

Record = dict[str, Any]


class Words(NamedTuple):
    """The words for a plan, or for a report of the changes that were made.

    operations: the word for each operation; an operation that is not in it is its own word.
    """

    operations: Mapping[str, str]
    nothing_written: str
    failed: str


_FUTURE = Words({}, "nothing will be written there", "cannot be examined")
PAST = Words(
    {"create": "created", "update": "updated", "delete": "deleted", _RENAME: "renamed"},
    "nothing was written there",
    "failed",
)


class Statement(NamedTuple):
    """A statement about a host, for one line of the plan."""

    kind: str
    sentence: str


class _Renaming(NamedTuple):
    """An issuer that moves from the old alias to the new one. operations: their words and aliases."""

    old: str
    new: str
    operations: frozenset[tuple[str, str]]


def kind_of(host: str, result: Optional[Mapping[str, Any]]) -> str:
    """The kind of the group in which a host stands in the plan."""
    _audit_status, statements = about_host(host, result)
    return statements[-1].kind


def about_host(host: str, result: Optional[Mapping[str, Any]], words: Words = _FUTURE) -> tuple[str, list[Statement]]:
    """The status of a host as an audit calls it, and the statements about the host."""
    if result is None:
        later = Statement(
            LATER,
            "examined later by a task of its own, because its connection, become, interpreter or environment is not"
            " local, or esx_trust_in_worker is false",
        )
        return "not_examined", [later]

    examined = examined_host({"host": host, "trust": result})
    audit_status = examined["status"]
    reason = joined((_as_module_wrote(examined["message"], result), examined["hint"]))

    # A run can write to a host and fail after that.
    was_written = bool(result.get("failed") and operations_of(result))

    # An audit calls a host of which an answer was lost unreachable too. But that host does answer, so it fails here.
    if examined["code"] == "unreachable" and not was_written:
        return audit_status, [Statement(DOWN, f"no answer, {words.nothing_written}")]

    if result.get("failed") and examined["code"] == "conflict" and not was_written:
        return audit_status, [Statement(CONFLICT, f"conflict, {words.nothing_written}: {reason}")]

    if result.get("changed") is False and operations_of(result):
        return audit_status, [Statement(CHANGE, "written, and the host holds the same as before; see the warnings")]

    changes = [Statement(CHANGE, sentence) for sentence in _changes(result, examined["resources"], words)]
    if result.get("failed") or audit_status in UNKNOWN_HOST:
        # The operations of a failed run are those that were carried out before it failed.
        return audit_status, [*changes, Statement(FAILED, f"{words.failed}: {reason}")]

    if changes:
        return audit_status, changes

    sentence = "as declared" if audit_status in PASSING else "nothing to do"
    return audit_status, [Statement(NOTHING, sentence)]


def _as_module_wrote(message: str, result: Mapping[str, Any]) -> str:
    """The message with the first letter that the module gave it. In a plan, the message follows after a colon.

    message: the message of an audit, in which the first letter is raised.
    """
    written = text(as_mapping(result.get("failure")).get("message")).strip()
    if message and written.endswith(message[1:]):
        return written[len(written) - len(message) :]

    return message


def operations_of(result: Optional[Mapping[str, Any]]) -> list[Record]:
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


def _changes(result: Mapping[str, Any], resources: Sequence[Mapping[str, Any]], words: Words) -> Iterator[str]:
    """A sentence for each operation. The operations that rename an issuer have one sentence."""
    differences_by_id = {}
    for resource in resources:
        differences_by_id[resource["resource"], resource["id"]] = resource.get("differences", ())

    operations = operations_of(result)
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
