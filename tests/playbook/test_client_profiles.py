# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The administrators of a vCenter may read, and nobody else anything: declared, converged, audited and rotated."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

import environment
from support.certificates import chain
from support.client_profiles import grants
from support.constants import ISSUER
from support.declared import Declared
from support.declared import after_every_request
from support.declared import issuer
from support.playbooks import in_worker_alone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator import Fleet
    from simulator import Host
    from support.playbooks import Playbooks

#: How these tests do the work of modules.
__all__ = ["in_worker_alone"]

# What stands below the playbooks is the same on every core, and other tests run the playbooks on all of them.
pytestmark = [
    pytest.mark.every_core,
    pytest.mark.parametrize("playbooks", environment.CORES[-1:], indirect=True),
]

GROUP = "Administrators"
DECLARED = {"external_group_name": GROUP, "issuer_alias": "vcenter01", "domain": "vsphere.local"}
SUBJECT = {"type": "EXTERNAL_GROUP", "name": GROUP, "issuer_alias": "vcenter01", "domain": "vsphere.local"}
OLD, NEW = chain(1, subject="old"), chain(1, subject="new")


def rights(issuers: Mapping[str, Any], profiles: Mapping[str, Any]) -> set[str]:
    """What the group of the issuer may do on a host that holds these."""
    aliases = {alias for alias, issuer in issuers.items() if issuer.issuer == ISSUER}
    entitlements: set[str] = set()
    for profile in profiles.values():
        if profile.name == GROUP and profile.issuer_alias in aliases:
            entitlements |= profile.entitlements

    return entitlements


class History:
    """What the group could do on every host after every request to it."""

    def __init__(self) -> None:
        self.of: dict[str, list[set[str]]] = {}

    def gaps(self) -> dict[str, list[set[str]]]:
        """By host, what the group could do at the moments in which it could not read although it had been able to."""
        gaps_by_host = {}
        for name, moments in self.of.items():
            first = next((number for number, now in enumerate(moments) if "READ_ONLY" in now), len(moments))
            gaps_by_host[name] = [now for now in moments[first:] if "READ_ONLY" not in now]

        return {name: missing for name, missing in gaps_by_host.items() if missing}


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> History:
    kept = History()

    def note(host: Any) -> None:
        now = rights(copy.deepcopy(host.issuers), copy.deepcopy(host.client_profiles))
        kept.of.setdefault(host.name, []).append(now)

    after_every_request(monkeypatch, note)

    return kept


@pytest.fixture
def declared(playbooks: Playbooks, fleet: Fleet, tmp_path: Path, history: History) -> Declared:
    """A host with nothing, one whose group may do too much, and one with a right that nobody declared."""
    fresh, generous, strange = hosts = playbooks.hosts[:3]
    generous.put_issuer("vcenter01", ISSUER, [OLD])
    generous.put_client_profile(**SUBJECT, grants=grants("READ_ONLY", "SECURITY_MGMT"))
    strange.put_issuer("vcenter01", ISSUER, [OLD])
    strange.put_client_profile(**SUBJECT, grants=grants("READ_ONLY"))
    strange.put_client_profile(name="intruder", grants=grants("IDENTITY_MGMT"))
    fresh.settings(protocols="jsonrpc")

    declaration = Declared(playbooks, fleet, tmp_path, hosts)
    says(declaration, OLD)
    declaration.of_all["esx_client_profiles"] = [{**DECLARED, "entitlements": ["READ_ONLY"]}]
    declaration.of_all["esx_purge_client_profiles"] = True

    return declaration


def says(declared: Declared, certificates: list[str], **more: Any) -> None:
    declared.of_all["esx_token_issuers"] = [issuer(certificates, **more)]


def audited(declared: Declared, code: int) -> dict[str, Any]:
    """The facts of an audit that ends with this code."""
    folder = declared.folder / "report"
    played = declared.run("esx.trust.audit", extra={"esx_report_dir": str(folder)})

    assert played.code == code, played.output

    facts: dict[str, Any] = json.loads((folder / "esx-trust-audit.json").read_text("utf-8"))

    return facts


def held(host: Host) -> list[tuple[str | None, set[str]]]:
    return [(profile.name, profile.entitlements) for profile in host.client_profiles.values()]


def test_no_right_is_lost_at_any_moment(declared: Declared, history: History) -> None:
    before = {host["host"]: json.dumps(host) for host in audited(declared, 2)["hosts"]}
    fresh, generous, strange = (before[host.name] for host in declared.hosts)

    assert "READ_ONLY" in fresh
    assert "SECURITY_MGMT" in generous
    assert "intruder" in strange
    assert "IDENTITY_MGMT" in strange
    assert declared.written == []

    converged = declared.run("esx.trust.converge")

    assert converged.code == 0, converged.output
    assert [held(host) for host in declared.hosts] == [[(GROUP, {"READ_ONLY"})]] * 3

    ids = [list(host.client_profiles) for host in declared.hosts]

    for certificates, mode in ((NEW, "merge"), (NEW, "exact")):
        says(declared, certificates, chains_mode=mode)
        rotated = declared.run("esx.trust.rotate_signing_certs")
        assert rotated.code == 0, rotated.output

    assert [list(host.client_profiles) for host in declared.hosts] == ids
    assert [host.issuers["vcenter01"].chains for host in declared.hosts] == [[NEW]] * 3

    audited(declared, 0)

    assert [held(host) for host in declared.hosts] == [[(GROUP, {"READ_ONLY"})]] * 3
    assert set(history.of) == {host.name for host in declared.hosts}
    assert history.gaps() == {}
