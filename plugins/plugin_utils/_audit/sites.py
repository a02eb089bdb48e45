# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audits of several sites held against each other.

A virtual machine finds its key provider by the name alone. If two sites hold different keys under the same name of a
provider, a virtual machine of one site cannot start at the other site.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import canonical_key_id
from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import check_version
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mapping
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mappings
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text

#: For each key of a provider, and for each site, the hosts that hold it. Mappings, because they keep the order.
_Keys = dict[str, dict[str, dict[str, bool]]]


def compare(audits: Mapping[Any, Any]) -> dict[str, Any]:
    """The differences between the sites.

    audits: the record of the audit of each site, by the name of the site.
    Raises ValueError if one of them is no record of an audit.
    """
    providers: dict[str, _Keys] = {}
    for site, record in audits.items():
        try:
            check_version(record)
        except ValueError as error:
            raise ValueError(f"{text(site)}: {error}") from error

        for host, name, key_id in _held(as_mapping(record)):
            key = providers.setdefault(name, {}).setdefault(canonical_key_id(key_id), {})
            key.setdefault(text(site), {})[host] = True

    key_disagreements = []
    for name, keys in sorted(providers.items()):
        if len(keys) > 1:
            key_disagreements.append(_disagreement(name, keys))

    return {
        "sites": [text(site) for site in audits],
        "same_keys": not key_disagreements,
        "key_disagreements": key_disagreements,
        "sentences": [_sentence(disagreement) for disagreement in key_disagreements],
    }


def _held(record: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Host, provider and key_id, for every provider that a host holds."""
    for host in as_mappings(record.get("hosts")):
        for resource in as_mappings(host.get("resources")):
            name = text(resource.get("id"))
            key_id = text(resource.get("key_id"))
            if resource.get("resource") == "kms_provider" and name and key_id:
                yield text(host.get("host")), name, key_id

    # These were read from the hosts' own lists, so providers that nobody declared are among them.
    for provider in as_mappings(record.get("key_disagreements")):
        for key in as_mappings(provider.get("keys")):
            hosts = key.get("hosts")
            for name in hosts if isinstance(hosts, list) else []:
                yield text(name), text(provider.get("provider")), text(key.get("key_id"))


def _disagreement(name: str, keys: _Keys) -> dict[str, Any]:
    """The record of a key provider that holds different keys."""
    listed = []
    for key_id, hosts_by_site in keys.items():
        sites = [{"site": site, "hosts": list(hosts)} for site, hosts in hosts_by_site.items()]
        listed.append({"key_id": key_id, "sites": sites})

    return {"provider": name, "keys": listed}


def _sentence(disagreement: Mapping[str, Any]) -> str:
    """The disagreement in words, with the number of hosts of each site."""
    clauses = []
    for key in disagreement["keys"]:
        sites = [f"{site['site']} ({len(site['hosts'])})" for site in key["sites"]]
        clauses.append(f"{key['key_id']} at {', '.join(sites)}")

    return f"The key provider {disagreement['provider']} holds different keys: {'; '.join(clauses)}."
