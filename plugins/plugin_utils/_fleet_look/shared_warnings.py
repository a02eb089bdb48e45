# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warnings about the hosts of a fleet. Hosts with the same warning share one record.

Pure functions without I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.hosts import warnings_of
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import listed
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text

#: At most so many lines with warnings are displayed.
LINES = 20
#: A line names so many hosts.
_NAMED = 3

Record = dict[str, Any]


def shared(
    results: Mapping[str, Optional[Mapping[str, Any]]],
    addresses: Mapping[str, str],
) -> list[Record]:
    """A record with `warning` and `hosts` for each warning. The warning of the most hosts is first.

    results: for each host, the results of the modules by their names in an audit. None for a host that was not
        examined.
    addresses: the address of each host. A warning can begin with it.
    """
    hosts_by_warning: dict[str, list[str]] = {}

    for host, by_module in results.items():
        for warning in warnings_of(by_module or {}):
            same_for_all = _without_address(warning, addresses.get(host))
            hosts_by_warning.setdefault(same_for_all, []).append(text(host))

    records = [{"warning": warning, "hosts": hosts} for warning, hosts in hosts_by_warning.items()]
    records.sort(key=lambda record: -len(record["hosts"]))

    return records


def lines(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each warning, but no more than LINES. records: as `shared` returns them."""
    written = []
    for record in records:
        hosts = record["hosts"]
        written.append(f"{count(len(hosts), 'host')} ({listed(hosts, _NAMED)}): {record['warning']}")

    if len(written) > LINES:
        others = len(written) - (LINES - 1)
        written[LINES - 1 :] = [f"{count(others, 'other warning')}."]

    return written


def _without_address(warning: str, address: Optional[str]) -> str:
    """The warning without the address of the host at its beginning, so that it is the same for all hosts."""
    beginning, colon, rest = warning.partition(": ")
    if not colon or not address or " " in beginning:
        return warning

    return rest if address in beginning else warning
