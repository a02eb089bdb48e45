# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates and chains that hosts hold for their token issuers, and when each of them ends."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from ansible_collections.esx.trust.plugins.plugin_utils._audit.differences import Certificate
from ansible_collections.esx.trust.plugins.plugin_utils._audit.differences import Chain
from ansible_collections.esx.trust.plugins.plugin_utils._audit.differences import certificates
from ansible_collections.esx.trust.plugins.plugin_utils._audit.differences import chains
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mapping
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mappings
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import moment
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text

#: A certificate that ends within so many days needs attention, unless the audit is given another number.
EXPIRING_DAYS = 90

#: The states of a certificate or a chain.
STATES = ("expired", "expiring", "valid", "unknown")

_DAY = datetime.timedelta(days=1)


class Held(NamedTuple):
    """The certificates and chains that one host holds for one issuer."""

    host: str
    alias: str
    declared: bool
    certificates: Mapping[str, Certificate]
    chains: Sequence[Chain]
    #: The chains that a converge removes from the host.
    removed: frozenset[Chain]


class _Holders:
    """The hosts that hold a certificate or a chain, and the aliases of the issuers that it belongs to."""

    def __init__(self) -> None:
        self.aliases: set[str] = set()
        # A mapping instead of a set, because it keeps the order.
        self.hosts: dict[str, bool] = {}
        self.declared = False

    def add(self, held: Held) -> None:
        """Add the host and the alias of the issuer."""
        self.aliases.add(held.alias)
        self.hosts[held.host] = True
        self.declared = self.declared or held.declared

    def record(self) -> dict[str, Any]:
        """The fields for the record of the certificate or chain."""
        return {
            "aliases": sorted(self.aliases),
            "declared": self.declared,
            "hosts": list(self.hosts),
        }


def held_by_hosts(entries: Sequence[Mapping[str, Any]]) -> list[Held]:
    """The certificates and chains of every host and every issuer.

    entries: for each host a mapping with `host` and `trust`, the result of esx_host_trust.
    """
    all_held = []
    for entry in entries:
        host = text(entry["host"])
        trust = as_mapping(entry.get("trust"))

        for resource in as_mappings(trust.get("resources")):
            before = as_mapping(resource.get("before"))
            after = as_mapping(resource.get("after"))
            held_by_host = chains(before)

            removed: frozenset[Chain] = frozenset()
            if resource.get("status") in ("differs", "extra"):
                removed = frozenset(held_by_host) - frozenset(chains(after))

            held = Held(
                host=host,
                alias=text(before.get("issuer_alias")) or text(resource.get("id")),
                declared=resource.get("status") != "undeclared",
                certificates=certificates(before),
                chains=held_by_host,
                removed=removed,
            )
            all_held.append(held)

    return all_held


def held_certificates(
    all_held: Sequence[Held], now: datetime.datetime, expiring_days: int = EXPIRING_DAYS
) -> list[dict[str, Any]]:
    """Every certificate that a host holds, once. The certificate that ends first comes first.

    expiring_days: a certificate that ends within so many days is `expiring`.
    `hosts` lists the names of the hosts that hold it.
    """
    known: dict[str, Certificate] = {}
    holders: dict[str, _Holders] = {}

    for held in all_held:
        for digest, certificate in held.certificates.items():
            known.setdefault(digest, certificate)
            holders.setdefault(digest, _Holders()).add(held)

    records = []
    for digest, certificate in known.items():
        end = _end(certificate["not_after"], now, expiring_days)
        records.append({**certificate, **end, **holders[digest].record()})

    return sorted(records, key=_by_end)


def held_chains(
    all_held: Sequence[Held], now: datetime.datetime, expiring_days: int = EXPIRING_DAYS
) -> list[dict[str, Any]]:
    """Every chain that a host holds and that a converge leaves there, once. The chain that ends first comes first.

    A chain ends when the first of its certificates ends.
    expiring_days: a chain that ends within so many days is `expiring`.
    `hosts` lists the names of the hosts that keep it.
    """
    members: dict[Chain, list[Certificate]] = {}
    holders: dict[Chain, _Holders] = {}

    for held in all_held:
        for chain in held.chains:
            if chain not in held.removed:
                members.setdefault(chain, [held.certificates[digest] for digest in chain])
                holders.setdefault(chain, _Holders()).add(held)

    records = []
    for chain, chain_members in members.items():
        first_to_end = _first_to_end(chain_members)
        records.append(
            {
                "sha256": chain_members[0]["sha256"],
                "subject": chain_members[0]["subject"],
                "not_after": first_to_end["not_after"],
                "ends_first": first_to_end["sha256"],
                **_end(first_to_end["not_after"], now, expiring_days),
                **holders[chain].record(),
                "certificates": chain_members,
            }
        )

    return sorted(records, key=_by_end)


def _first_to_end(members: Sequence[Certificate]) -> Certificate:
    """The certificate of a chain that ends first, or the signing certificate if no end is known."""
    ends = []
    for place, certificate in enumerate(members):
        end = moment(certificate["not_after"])
        if end is not None:
            ends.append((end, place))

    return members[min(ends)[1]] if ends else members[0]


def _end(not_after: str, now: datetime.datetime, expiring_days: int) -> dict[str, Any]:
    """How many days are left, and the state that follows from it."""
    end = moment(not_after)
    if end is None:
        return {"days_left": None, "state": "unknown"}

    days_left = int((end - now) / _DAY)
    if end < now:
        state = "expired"
    elif days_left <= expiring_days:
        state = "expiring"
    else:
        state = "valid"

    return {"days_left": days_left, "state": state}


def _by_end(record: Mapping[str, Any]) -> tuple[bool, int, str, str]:
    """A certificate with an unknown end comes last."""
    days_left = record["days_left"]
    return (days_left is None, days_left or 0, record["not_after"], record["sha256"])
