# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key providers that hold different keys on different hosts."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import canonical_key_id
from ansible_collections.esx.trust.plugins.plugin_utils._audit.hosts import listed_providers
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mapping
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mappings
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text


class _Key:
    """One key of a provider and the hosts that hold it."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        # A mapping instead of a set, because it keeps the order.
        self.hosts: dict[str, bool] = {}


def disagreements(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Key providers of one name that hold different keys on different hosts, for each the most common key first."""
    providers: dict[str, dict[str, _Key]] = {}

    for entry in entries:
        host = text(entry["host"])
        for record in _held_providers(entry):
            name = text(record.get("provider"))
            key_id = text(record.get("key_id"))
            if name and key_id:
                keys = providers.setdefault(name, {})
                key = keys.setdefault(canonical_key_id(key_id), _Key(key_id))
                key.hosts[host] = True

    found = []
    for name, keys in sorted(providers.items()):
        if len(keys) > 1:
            most_common_first = sorted(keys.values(), key=lambda key: -len(key.hosts))
            listed = [{"key_id": key.key_id, "hosts": list(key.hosts)} for key in most_common_first]
            found.append({"provider": name, "keys": listed})

    return found


def _held_providers(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The key providers that a host holds: from its own list, and as the module found them."""
    yield from listed_providers(entry)

    for resource in as_mappings(as_mapping(entry.get("trust")).get("resources")):
        if resource.get("resource") == "kms_provider":
            yield as_mapping(resource.get("before"))
