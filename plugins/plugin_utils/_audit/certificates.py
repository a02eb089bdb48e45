# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates that hosts hold for their token issuers, and when each of them ends."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.differences import Certificate
from ansible_collections.esx.trust.plugins.plugin_utils._audit.differences import certificates
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mapping
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mappings
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import moment
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text

#: A certificate that ends within so many days needs attention.
EXPIRING_DAYS = 90

#: The states of a certificate.
STATES = ("expired", "expiring", "valid", "unknown")

_DAY = datetime.timedelta(days=1)


class HeldCertificate:
    """One certificate, with the hosts that hold it and the aliases of the issuers that it belongs to."""

    def __init__(self, certificate: Certificate) -> None:
        self.certificate = certificate
        self.aliases: set[str] = set()
        # A mapping instead of a set, because it keeps the order.
        self.hosts: dict[str, bool] = {}
        self.declared = False

    def record(self, now: datetime.datetime) -> dict[str, Any]:
        """What the report says of the certificate."""
        end = moment(self.certificate["not_after"])
        days_left = None if end is None else int((end - now) / _DAY)
        return {
            **self.certificate,
            "days_left": days_left,
            "state": _state(end, now, days_left),
            "aliases": sorted(self.aliases),
            "declared": self.declared,
            "hosts": list(self.hosts),
        }


def held_certificates(entries: Sequence[Mapping[str, Any]], now: datetime.datetime) -> list[dict[str, Any]]:
    """Every certificate that a host holds, once. The certificate that ends first comes first.

    `hosts` lists the names of the hosts that hold it.
    """
    found: dict[str, HeldCertificate] = {}

    for entry in entries:
        host = text(entry["host"])
        for resource in as_mappings(as_mapping(entry.get("trust")).get("resources")):
            record = as_mapping(resource.get("before"))
            alias = text(record.get("issuer_alias")) or text(resource.get("id"))
            for digest, certificate in certificates(record).items():
                held = found.setdefault(digest, HeldCertificate(certificate))
                held.aliases.add(alias)
                held.hosts[host] = True
                held.declared = held.declared or resource.get("status") != "undeclared"

    records = [held.record(now) for held in found.values()]
    return sorted(records, key=_by_end)


def _by_end(record: Mapping[str, Any]) -> tuple[bool, int, str, str]:
    """A certificate with an unknown end comes last."""
    days_left = record["days_left"]
    return (days_left is None, days_left or 0, record["not_after"], record["sha256"])


def _state(end: Optional[datetime.datetime], now: datetime.datetime, days_left: Optional[int]) -> str:
    if end is None or days_left is None:
        return "unknown"
    if end < now:
        return "expired"
    return "expiring" if days_left <= EXPIRING_DAYS else "valid"
