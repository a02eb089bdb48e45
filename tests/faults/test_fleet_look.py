# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a fleet in which each host meets a fault of the sweep: each is an entry, and none is written."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from faults.runner import sweeping
from faults.troubles import ALWAYS
from faults.troubles import FOR_GOOD
from faults.troubles import SHORT
from faults.troubles import TROUBLES
from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from support.looks import connection
from support.looks import look_at
from support.looks import texts

if TYPE_CHECKING:
    from simulator import Fleet

DECLARED = {
    "kms_providers": [{"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}],
    "token_issuers": [
        {
            "issuer_alias": "vcenter01",
            "issuer": ISSUER,
            "signing_cert_chains": [{"cert_chain": chain(1)}],
        }
    ],
    "client_profiles": [{"local_user_name": "operator", "entitlements": ["READ_ONLY"]}],
}


def test_every_fault_is_an_entry_and_nothing_is_written(fleet: Fleet, tmp_path: Path) -> None:
    well, *others = fleet.hosts
    # From the login, from the first request after it, and for all requests after that.
    cells = itertools.product(TROUBLES, (0, 1, 3), (ALWAYS, FOR_GOOD))
    chosen = [cell for number, cell in enumerate(cells) if number % 4 == 0]
    before = threading.active_count()
    wrong = []

    for start in range(0, len(chosen), len(others)):
        batch = dict(zip((host.name for host in others), chosen[start : start + len(others)]))
        for host in fleet.hosts:
            host.reset()

        for host in others:
            if host.name in batch:
                trouble, index, span = batch[host.name]
                host.settings(**trouble.settings)
                operation = "*.token.create" if index == 0 else "*.list"
                host.queue(trouble.fault(index, operation, span))

        given = {}
        for host in fleet.hosts:
            if host is well or host.name in batch:
                given[host.name] = {**connection(fleet, host), **DECLARED, "timeout": 2 * SHORT, "retries": 1}

        # A slow machine must not cost the host without a fault its answer.
        given[well.name]["timeout"] = 30

        with sweeping():
            results = look_at(given)

        by_place = texts(results, tmp_path)
        result = results[well.name]["trust"]
        if "operations" not in result or result.get("failed"):
            wrong.append(f"{batch}: the host without a fault: {result.get('msg')}")

        for host in others:
            if host.name not in batch:
                continue
            trouble, index, span = batch[host.name]
            result = results[host.name]["trust"]
            cell = f"{trouble.name} at {index} {span}"
            if result.get("failed") and (result["failure"]["code"] == "" or "bug in esx.trust" in result["msg"]):
                wrong.append(f"{cell}: {result['msg']}")
            if host.writes:
                wrong.append(f"{cell}: the host was written")
            if host.name not in by_place["report.json"] or host.name not in by_place["plan.json"]:
                wrong.append(f"{cell}: the host is missing in a file")

    assert not wrong, "\n".join(wrong)
    assert threading.active_count() <= before
