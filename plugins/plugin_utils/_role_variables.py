# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that the role host_trust and the plugins share."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

#: The variable in which users declare the key providers of a host.
DECLARED = "esx_kms_providers"
#: The variable in which the role keeps the keys of a host after the host's task has read its declaration.
KNOWN = "host_trust_keys"
#: The variable in which the role keeps why it refuses the declaration of a host, or an empty text.
REFUSED = "host_trust_refused"
#: The variables in which the role keeps the results for a host, by their names in the entries of an audit.
FOUND = {"trust": "host_trust_found", "keys": "host_trust_providers"}
#: The variable in which the role keeps the result of the module for a host.
DONE = "host_trust_result"


def results_of(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The results that the role has kept in this run, by host. A host without a result is left out.

    hostvars: Ansible's `hostvars`.
    """
    results = {}
    for host in hosts:
        result = hostvars[host].get(DONE)
        # It is empty if the run ended before the turn of the host.
        if isinstance(result, Mapping) and result:
            results[host] = result

    return results
