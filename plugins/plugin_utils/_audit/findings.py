# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings of an audit: everything that needs attention, grouped over all hosts.

A finding has a `kind`, a `title`, the `hosts` and `details`: texts, each with the hosts of which it is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils._audit import differences
from ansible_collections.esx.trust.plugins.plugin_utils._audit.hosts import failed
from ansible_collections.esx.trust.plugins.plugin_utils._audit.hosts import reason_of
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mapping
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import joined
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import listed
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import sentence_case
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import DEVIATIONS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import KINDS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import UNKNOWN_HOST
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import certificate_name
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import end_in_words
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import name_of

_TITLES_OF_HOSTS = {
    "unreachable": "could not be reached",
    "failed": "could not be examined",
}

_TITLES_OF_RESOURCES = {
    "conflict": "{name}: a conflict on {hosts}",
    "failed": "{name}: a status of no known meaning on {hosts}",
    "missing": "{name} is missing on {hosts}",
    "differs": "{name} differs on {hosts}",
    "extra": "{name} is there on {hosts} and should not be",
    "undeclared": "{name} is on {hosts}, and nobody declared it",
}

# So many issuers are named with a certificate, the others are counted.
_ALIASES_NAMED = 3

Finding = dict[str, Any]
Host = Mapping[str, Any]


class _Details:
    """Texts about hosts. Each text has the list of the hosts that it describes."""

    def __init__(self) -> None:
        self._hosts: dict[tuple[str, str], list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._hosts)

    def add(self, text: str, *hosts: str, distinct: object = None) -> None:
        """Add a text about these hosts. Texts that are equal share a list of hosts.

        distinct: equal texts stay apart if their values of it differ.
        """
        self._hosts.setdefault((text, repr(distinct)), []).extend(hosts)

    def sort(self) -> None:
        """Put the texts with the most hosts first."""
        self._hosts = dict(sorted(self._hosts.items(), key=lambda item: -len(item[1])))

    def records(self) -> list[dict[str, Any]]:
        """The texts and their hosts, as the record of an audit has them."""
        records = []
        for (text, _distinct), hosts in self._hosts.items():
            records.append({"text": text, "hosts": hosts})

        return records

    def all_hosts(self) -> list[str]:
        """Every host once, in order."""
        names: dict[str, bool] = {}
        for hosts in self._hosts.values():
            names.update(dict.fromkeys(hosts, True))

        return list(names)

    def on_hosts(self) -> str:
        """The number of hosts, for a sentence."""
        return count(len(self.all_hosts()), "host")


def findings(
    hosts: Sequence[Host],
    entries: Sequence[Mapping[str, Any]],
    chains: Sequence[Mapping[str, Any]],
    key_disagreements: Sequence[Mapping[str, Any]],
) -> list[Finding]:
    """All findings, the most urgent first.

    hosts: the records of the hosts.
    entries: the results from which they were made, in the same order.
    chains: the records of the chains.
    key_disagreements: the key providers that hold different keys.
    """
    found = [
        *_of_unknown_hosts(hosts),
        *_of_conflicts_of_whole_hosts(hosts),
        *_of_resources(hosts),
        *_of_certificates(chains),
        *_of_key_disagreements(key_disagreements),
        *_of_unread_keys(hosts, entries),
    ]

    return sorted(found, key=lambda finding: KINDS.index(finding["kind"]))


def _finding(kind: str, title: str, details: _Details, resource: str = "", name: str = "") -> Finding:
    return {
        "kind": kind,
        "deviation": kind in DEVIATIONS,
        "title": title,
        "resource": resource,
        "id": name,
        "hosts": details.all_hosts(),
        "details": details.records(),
    }


# Hosts


def _of_unknown_hosts(hosts: Sequence[Host]) -> list[Finding]:
    """Hosts about which nothing is known, grouped by the reason."""
    found = []
    for status in UNKNOWN_HOST:
        reasons = _Details()
        affected = [host for host in hosts if host["status"] == status]
        for host in affected:
            reasons.add(joined((host["message"], host["hint"])), host["host"])

        if affected:
            number = len(affected)
            not_examined = "was not examined" if number == 1 else "were not examined"
            title = f"{count(number, 'host')} {_TITLES_OF_HOSTS.get(status, not_examined)}"
            reasons.sort()
            found.append(_finding(status, title, reasons))

    return found


def _of_conflicts_of_whole_hosts(hosts: Sequence[Host]) -> list[Finding]:
    """Conflicts that belong to a host as a whole, and not to one of its resources."""
    messages = _Details()
    for host in hosts:
        statuses = [resource["status"] for resource in host["resources"]]
        if host["status"] == "conflict" and "conflict" not in statuses:
            messages.add(host["message"], host["host"])

    if not messages:
        return []

    return [_finding("conflict", f"A conflict on {messages.on_hosts()}", messages)]


# Resources


def _of_resources(hosts: Sequence[Host]) -> list[Finding]:
    """Resources that are not as declared, that nobody declared, or that are not available."""
    by_status: dict[tuple[str, str, str], _Details] = {}
    unavailable: dict[tuple[str, str], _Details] = {}

    for host in hosts:
        for resource in host["resources"]:
            kind = resource["resource"]
            name = resource["id"]
            status = resource["status"]
            if status in _TITLES_OF_RESOURCES:
                details = by_status.setdefault((status, kind, name), _Details())
                details.add(_in_words(resource), host["host"], distinct=resource["differences"])

            if resource.get("available") is False:
                reason = " ".join(resource.get("details", [])) or "The host does not say why."
                unavailable.setdefault((kind, name), _Details()).add(reason, host["host"])

    found = []
    for (status, kind, name), details in by_status.items():
        details.sort()
        title = _TITLES_OF_RESOURCES[status].format(name=called(kind, name), hosts=details.on_hosts())
        found.append(_finding(status, title, details, kind, name))

    for (kind, name), details in unavailable.items():
        title = f"{called(kind, name)} is not available on {details.on_hosts()}"
        found.append(_finding("unavailable", title, details, kind, name))

    def order(finding: Finding) -> tuple[int, str, str]:
        return -len(finding["hosts"]), finding["resource"], finding["id"]

    return sorted(found, key=order)


def called(kind: str, name: str) -> str:
    """The name of a resource, as a sentence begins with it."""
    return f"{sentence_case(name_of(kind))} {name}"


def _in_words(resource: Mapping[str, Any]) -> str:
    """The state of a resource, in one line."""
    status = resource["status"]

    if status == "differs" and resource["differences"]:
        sentences = [differences.in_words(difference) for difference in resource["differences"]]
        return sentence_case("; ".join(sentences)) + "."

    if status in ("missing", "extra", "undeclared"):
        if resource.get("issuer"):
            return f"Issuer: {resource['issuer']}"

        if resource.get("key_id"):
            return f"Key id: {resource['key_id']}"

    return sentence_case(str(resource["message"]))


# Certificates


def _of_certificates(chains: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Chains that have ended or end soon. Chains that end with the same certificate are one finding."""
    by_certificate: dict[str, list[Mapping[str, Any]]] = {}
    for chain in chains:
        if chain["state"] in ("expired", "expiring"):
            by_certificate.setdefault(chain["ends_first"], []).append(chain)

    return [_of_certificate(some_chains) for some_chains in by_certificate.values()]


def _of_certificate(chains: Sequence[Mapping[str, Any]]) -> Finding:
    first = chains[0]
    state = first["state"]
    declared = any(chain["declared"] for chain in chains)
    details = _Details()
    aliases: set[str] = set()

    for chain in chains:
        aliases.update(chain["aliases"])
        details.add(_first_end_in_words(chain), *chain["hosts"])

    kind = state
    if state == "expired" and not declared:
        # Nobody relies on this issuer, so this finding is less urgent.
        kind = "expired_undeclared"

    in_order = sorted(aliases)
    issuers = listed(in_order, _ALIASES_NAMED, last=" and ")

    title = f"A certificate of {issuers} {_expires(state, first['days_left'])}"
    return _finding(kind, title, details, "token_issuer", in_order[0])


def _first_end_in_words(chain: Mapping[str, Any]) -> str:
    """Which certificate of a chain ends first, and when."""
    by_digest = {certificate["sha256"]: certificate for certificate in chain["certificates"]}
    certificate = by_digest[chain["ends_first"]]

    verb = "ended" if chain["state"] == "expired" else "ends"
    words = f"{certificate_name(certificate)}, {end_in_words(certificate, verb)}."

    return words if chain["declared"] else f"{words} Nobody declared this issuer."


def _expires(state: str, days_left: int) -> str:
    """When a certificate expires or has expired. days_left: less than 0 if it has expired."""
    if days_left == 0:
        return "expired today" if state == "expired" else "expires today"

    if state == "expired":
        return f"expired {count(-days_left, 'day')} ago"

    return f"expires in {count(days_left, 'day')}"


# Keys


def _of_key_disagreements(key_disagreements: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Key providers that hold different keys on different hosts."""
    found = []
    for disagreement in key_disagreements:
        name = disagreement["provider"]
        details = _Details()
        for key in disagreement["keys"]:
            details.add(f"Key id: {key['key_id']}", *key["hosts"])

        title = f"Key provider {name} has {len(disagreement['keys'])} different keys"
        found.append(_finding("key_disagreement", title, details, "kms_provider", name))

    return found


def _of_unread_keys(hosts: Sequence[Host], entries: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Hosts that were examined, but whose list of key providers could not be read."""
    reasons = _Details()
    for host, entry in zip(hosts, entries):
        result = as_mapping(entry.get("keys"))
        if host["status"] not in UNKNOWN_HOST and failed(result):
            reason = reason_of(result)
            reasons.add(joined((reason.message, reason.hint)), host["host"])

    if not reasons:
        return []

    title = f"The list of key providers could not be read on {reasons.on_hosts()}"
    return [_finding("keys_unread", title, reasons)]
