# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an audit, from the results of the modules.

Pure functions without I/O. Every text in the record is plain and printable, whatever a host sent.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.certificates import EXPIRING_DAYS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.certificates import STATES
from ansible_collections.esx.trust.plugins.plugin_utils._audit.certificates import held_by_hosts
from ansible_collections.esx.trust.plugins.plugin_utils._audit.certificates import held_certificates
from ansible_collections.esx.trust.plugins.plugin_utils._audit.certificates import held_chains
from ansible_collections.esx.trust.plugins.plugin_utils._audit.changes import changes_since
from ansible_collections.esx.trust.plugins.plugin_utils._audit.findings import findings
from ansible_collections.esx.trust.plugins.plugin_utils._audit.hosts import examined_host
from ansible_collections.esx.trust.plugins.plugin_utils._audit.keys import disagreements
from ansible_collections.esx.trust.plugins.plugin_utils._audit.next_steps import next_step
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mapping
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import iso
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import moment
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import STATUSES
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import UNKNOWN_HOST

#: The version of the record's schema. It is raised when a program that reads the older form would misread the newer.
#: 2: `attention` holds one finding for several chains that end with the same certificate, and none for a chain that
#: a converge removes.
VERSION = 2

Record = dict[str, Any]


class Run(NamedTuple):
    """What is known about the run of the audit. Every value may be left out."""

    started_at: Any = None
    user: Any = None
    inventory: Any = None
    esx_hosts: Any = None
    collection_version: Any = None
    core_version: Any = None


def build(
    entries: Iterable[Any],
    generated_at: Any,
    run: Optional[Run] = None,
    previous: Any = None,
    expiring_days: int = EXPIRING_DAYS,
) -> Record:
    """The record of an audit.

    entries: for each host a mapping of `host`, `trust` and `keys`, as audit_data.yml describes it.
    generated_at: when the hosts were examined, as ISO 8601 or datetime.
    previous: the record of the audit before this one.
    expiring_days: a certificate that ends within so many days needs attention.
    Raises ValueError if generated_at is no moment, an entry has no host, or expiring_days is less
    than 0.
    """
    now = moment(generated_at)
    if now is None:
        raise ValueError("generated_at: is no moment such as 2026-01-31T08:00:00Z.")

    if expiring_days < 0:
        raise ValueError("expiring_days: is less than 0.")

    given = [as_mapping(entry) for entry in entries]
    for entry in given:
        if not text(entry.get("host")):
            raise ValueError("entries: every entry needs a host.")

    hosts = [examined_host(entry) for entry in given]
    held = held_by_hosts(given)
    certificates = held_certificates(held, now, expiring_days)
    chains = held_chains(held, now, expiring_days)
    key_disagreements = disagreements(given)

    about_run = _run(run or Run(), now)
    names = [host["host"] for host in hosts]

    attention = findings(hosts, given, chains, key_disagreements)
    for finding in attention:
        finding["next_step"] = next_step(finding, names, about_run)

    # The findings name the hosts. The lists of certificates and chains only count them.
    expiry = [{**certificate, "hosts": len(certificate["hosts"])} for certificate in certificates]
    counted_chains = [{**chain, "hosts": len(chain["hosts"])} for chain in chains]

    return {
        "version": VERSION,
        "generated_at": iso(now),
        "run": about_run,
        "summary": _summary(hosts, expiry, counted_chains, key_disagreements, attention),
        "changes": changes_since(previous, hosts),
        "attention": attention,
        "hosts": hosts,
        "key_disagreements": key_disagreements,
        "expiry": expiry,
        "chains": counted_chains,
        "expiring_days": expiring_days,
    }


def check_version(data: Any) -> None:
    """Raises ValueError if data is no record of an audit, or if its schema has another version than this code."""
    if as_mapping(data).get("version") != VERSION:
        raise ValueError(f"data: is no result of esx.trust.audit_data in version {VERSION}.")


def _run(run: Run, now: datetime.datetime) -> Record:
    """The record of the run of the audit."""
    begin = None
    seconds = None
    started_at = moment(run.started_at)
    if started_at:
        begin = iso(started_at)
        seconds = max(0, round((now - started_at).total_seconds()))

    inventory = run.inventory if isinstance(run.inventory, (list, tuple)) else [run.inventory]
    sources = [text(source) for source in inventory]

    return {
        "started_at": begin,
        "seconds": seconds,
        "user": text(run.user),
        "inventory": [source for source in sources if source],
        "esx_hosts": text(run.esx_hosts),
        "collection_version": text(run.collection_version),
        "core_version": text(run.core_version),
    }


def _summary(
    hosts: Sequence[Record],
    expiry: Sequence[Record],
    chains: Sequence[Record],
    key_disagreements: Sequence[Record],
    attention: Sequence[Record],
) -> Record:
    """The numbers of the audit, and its headline."""
    of_hosts = [host["status"] for host in hosts]
    of_certificates = [certificate["state"] for certificate in expiry]
    of_chains = [chain["state"] for chain in chains]

    of_resources = []
    for host in hosts:
        for resource in host["resources"]:
            of_resources.append(resource["status"])

    # A host is never undeclared, and a resource never unreachable.
    statuses_of_hosts = [status for status in STATUSES if status != "undeclared"]
    statuses_of_resources = [status for status in STATUSES if status not in UNKNOWN_HOST]

    return {
        # An audit without any host proves nothing.
        "as_declared": bool(hosts) and of_hosts.count("ok") == len(hosts),
        "headline": _headline(of_hosts, of_resources),
        "hosts": _counted(of_hosts, statuses_of_hosts),
        "resources": _counted(of_resources, statuses_of_resources),
        "certificates": _counted(of_certificates, STATES),
        "chains": _counted(of_chains, STATES),
        "key_disagreements": len(key_disagreements),
        "attention": len(attention),
    }


def _headline(of_hosts: Sequence[str], of_resources: Sequence[str]) -> str:
    """The result of the audit in one sentence without its full stop."""
    total = count(len(of_hosts), "host")
    wrong = len(of_hosts) - of_hosts.count("ok")

    if not of_hosts:
        return "No host was examined"

    if wrong:
        return f"{wrong:,} of {total} {'needs' if wrong == 1 else 'need'} attention"

    if set(of_resources) <= {"undeclared"}:
        return f"Nothing is declared for {total}"

    return f"Everything is as declared on {total}"


def _counted(values: Sequence[str], names: Iterable[str]) -> dict[str, int]:
    """How often each of the names is among the values, and their total."""
    counts = {"total": len(values)}
    for name in names:
        counts[name] = values.count(name)

    return counts
