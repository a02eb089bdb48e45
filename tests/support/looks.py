# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at simulated hosts in this process, with the options that the variables of each host would give."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils import _task_login
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.files import write_plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.files import write_report
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.look import Look
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.outcome import hosts_by_need
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.variables import FleetHost

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host

NOW = "2026-01-02T03:04:05Z"


def connection(fleet: Fleet, host: Host) -> dict[str, Any]:
    """How a host is reached."""
    login = {"username": host.username, "password": host.password}
    return {"hostname": host.address, "port": host.port, "ca_path": str(fleet.ca_path), **login}


def look_at(given: Mapping[str, Mapping[str, Any]], threads: int = 8) -> dict[str, dict[str, Any]]:
    """What an audit finds. given: the options by host; an option that is None is not given."""
    # Each call is a run of Ansible of its own, which remembers no refused login of another.
    _task_login._KEY = secrets.token_bytes(32)
    fleet = []
    for host, options in given.items():
        args = {name: value for name, value in options.items() if value is not None}
        fleet.append(FleetHost(host, args))

    results = Look(key_providers=True, threads=threads, refusals=1).at(fleet)

    return {host: result or {} for host, result in results.items()}


def texts(results: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, str]:
    """All texts that are written and printed of the results, by the place where people read them."""
    trust = {host: result.get("trust") for host, result in results.items()}
    made = plan.build(trust, NOW)
    write_plan(str(folder / "plan"), made)
    entries = [{"host": host, **result} for host, result in results.items()]
    write_report(str(folder / "report"), entries, NOW, {"user": "somebody", "inventory": [], "esx_hosts": "esx"})
    by_place = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    by_place["plan"] = "\n".join(made["lines"])
    by_place["differences"] = "\n".join(plan.difference_lines(made["differences"]))
    by_place["lists"] = str(hosts_by_need(trust))
    by_place["done"] = "\n".join(plan.done(trust))

    return by_place
