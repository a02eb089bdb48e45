# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of an audit: its status, the reason for it, and the resources that were found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from ansible_collections.esx.trust.plugins.plugin_utils._audit.differences import differences
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_list
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mapping
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mappings
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import joined
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import sentence_case
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import PASSING
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import STATUSES
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import name_of

_CODES_OF_UNREACHABLE_HOSTS = ("unreachable", "answer_lost")

# A message begins with the name of the host, unless it is about an option and begins with the option's name.
_CODE_OF_OPTIONS = "invalid_input"
_HOST_PREFIX = re.compile(r"^\S+: ")

_STATUS_IN_WORDS = {
    "missing": "is missing",
    "differs": "differs",
    "extra": "should not be there",
    "conflict": "is a conflict",
}


class Reason(NamedTuple):
    """Why a module failed: the code of the failure, a message without the host's name, and a hint."""

    code: str = ""
    message: str = ""
    hint: str = ""


def examined_host(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The record of one host, from the entry that holds the results of the modules for it."""
    result = as_mapping(entry.get("trust"))
    resources = [_resource(found) for found in as_mappings(result.get("resources"))]
    _add_listed_providers(resources, listed_providers(entry))
    status, reason = _outcome(result, resources)

    return {
        "host": text(entry["host"]),
        "status": status,
        "code": reason.code,
        "message": reason.message,
        "hint": reason.hint,
        "sentence": _sentence(status, reason, resources),
        "warnings": warnings_of(entry),
        "resources": resources,
    }


def warnings_of(entry: Mapping[str, Any]) -> list[str]:
    """The warnings of all modules that examined the host, each once."""
    warnings: dict[str, None] = {}
    for name in ("trust", "keys"):
        for warning in as_list(as_mapping(entry.get(name)).get("warnings")):
            warnings[text(warning)] = None

    return list(warnings)


def listed_providers(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The host's own list of its key providers. Empty if it was not read."""
    return as_mappings(as_mapping(entry.get("keys")).get("kms_providers"))


def failed(result: Mapping[str, Any]) -> bool:
    """Whether a module failed, even if the playbook went on and removed the mark of a failure."""
    return result.get("failed") is True or bool(as_mapping(result.get("failure")))


def reason_of(result: Mapping[str, Any]) -> Reason:
    """Why a module failed. Hosts that failed for the same reason get equal reasons."""
    failure = as_mapping(result.get("failure"))
    code = text(failure.get("code"))
    message = text(failure.get("message")).strip()
    hint = text(failure.get("hint"))

    if code == _CODE_OF_OPTIONS and message:
        # The message begins with the name of an option or a variable, which stays as it is.
        return Reason(code, message, hint)

    message = _HOST_PREFIX.sub("", message, count=1)
    if not message:
        message = text(result.get("msg")) or "It failed and did not say why. Run it again with -vvv to see more."

    return Reason(code, sentence_case(message), hint)


# Resources


def _resource(found: Mapping[str, Any]) -> dict[str, Any]:
    """The record of one resource, as the module found it."""
    before = as_mapping(found.get("before"))
    after = as_mapping(found.get("after"))
    kind = text(found.get("resource"))

    status = text(found.get("status"))
    if status not in STATUSES:
        status = "failed"

    identifying = "issuer" if kind == "token_issuer" else "key_id"
    held = before or after

    resource: dict[str, Any] = {
        "resource": kind,
        "id": text(found.get("id")),
        "status": status,
        "message": text(found.get("message")),
        identifying: text(held.get(identifying)),
        "differences": [] if status in PASSING else differences(before, after),
    }

    if status == "ok" and not before and not after:
        # It is declared absent, and it is absent.
        resource["absent"] = True

    return resource


def _add_listed_providers(resources: list[dict[str, Any]], listed: Sequence[Mapping[str, Any]]) -> None:
    """Adds the key providers that nobody declared, and marks the providers that are not available."""
    known = {}
    for resource in resources:
        if resource["resource"] == "kms_provider":
            known[resource["id"]] = resource

    for provider in listed:
        name = text(provider.get("provider"))
        if name in known:
            resource = known[name]
        else:
            resource = _undeclared(provider)
            resources.append(resource)

        if provider.get("available") is False:
            details = [text(detail) for detail in as_list(provider.get("details"))]
            resource["available"] = False
            resource["details"] = [detail for detail in details if detail]


def _undeclared(provider: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a key provider that nobody declared."""
    return {
        "resource": "kms_provider",
        "id": text(provider.get("provider")),
        "status": "undeclared",
        "message": "",
        "key_id": text(provider.get("key_id")),
        "differences": [],
    }


# The host as a whole


def _outcome(result: Mapping[str, Any], resources: Sequence[Mapping[str, Any]]) -> tuple[str, Reason]:
    """The status of a host and the reason for it."""
    if not result:
        return "not_examined", Reason(message="There is no result. Audit this host again.")

    if result.get("unreachable") is True:
        message = text(result.get("msg")) or "Ansible could not reach it."
        return "unreachable", Reason("unreachable", message)

    if result.get("skipped") is True:
        message = text(result.get("skip_reason") or result.get("msg")) or "It was skipped."
        return "not_examined", Reason(message=message)

    worst = _worst(resources)
    if failed(result):
        return _outcome_of_failure(result, worst)

    if not isinstance(result.get("resources"), (list, tuple)):
        message = (
            text(result.get("censored") or result.get("msg"))
            or "The result does not say what was found. Audit this host again."
        )
        return "not_examined", Reason(message=message)

    return worst, Reason()


def _worst(resources: Sequence[Mapping[str, Any]]) -> str:
    """The most urgent status of the resources. A host that passes is called ok."""
    statuses = [resource["status"] for resource in resources]
    worst = min(statuses, key=STATUSES.index, default="ok")

    return "ok" if worst in PASSING else worst


def _outcome_of_failure(result: Mapping[str, Any], worst: str) -> tuple[str, Reason]:
    """The status of a host on which the module failed. worst: the most urgent status of its resources."""
    reason = reason_of(result)

    if reason.code == "conflict":
        # The module calls a missing provider a conflict if it was not given the key. An audit calls it missing.
        status = "conflict" if worst == "ok" else worst
        return status, reason

    if reason.code in _CODES_OF_UNREACHABLE_HOSTS:
        return "unreachable", reason

    return "failed", reason


def _sentence(status: str, reason: Reason, resources: Sequence[Mapping[str, Any]]) -> str:
    """A sentence for a log: why the host is not as declared. Empty if the host passes."""
    if status in PASSING:
        return ""

    clauses = []
    for resource in resources:
        if resource["status"] in _STATUS_IN_WORDS:
            name = name_of(resource["resource"])
            clauses.append(f"{name} {resource['id']!r} {_STATUS_IN_WORDS[resource['status']]}")

    summary = sentence_case("; ".join(clauses)) + "." if clauses else ""
    sentence = joined((summary, reason.message, reason.hint))

    return sentence or f"{status.replace('_', ' ')}."
