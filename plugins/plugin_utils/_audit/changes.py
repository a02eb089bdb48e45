# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed since the audit before this one."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mapping
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mappings
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import iso
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import moment
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import STATUSES


def changes_since(previous: Any, hosts: Sequence[Mapping[str, Any]]) -> Optional[dict[str, Any]]:
    """The hosts whose status changed since an earlier record, or None if there is no such record.

    previous: the earlier record, of this version or an older one. It was read from a file, so anything may be in it.
    """
    record = as_mapping(previous)
    since = moment(record.get("generated_at"))
    if since is None:
        return None

    before = {}
    for host in as_mappings(record.get("hosts")):
        if text(host.get("status")) in STATUSES:
            before[text(host.get("host"))] = text(host["status"])

    now = {host["host"]: host["status"] for host in hosts}
    repaired = []
    deviating = []
    other = []
    added = []

    for host, status in now.items():
        if host not in before:
            added.append(host)
        elif before[host] == status:
            continue
        elif status == "ok":
            repaired.append(host)
        elif before[host] == "ok":
            deviating.append(host)
        else:
            other.append(host)

    return {
        "since": iso(since),
        "repaired": repaired,
        "deviating": deviating,
        "other_status": other,
        "added": added,
        "not_examined_again": [host for host in before if host not in now],
    }
