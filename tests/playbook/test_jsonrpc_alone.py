# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole mission over JSON-RPC alone: empty hosts are converged, audited, rotated and probed, without REST."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

import recap
from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY_ID
from support.declared import Declared
from support.declared import issuer
from support.declared import provider
from support.playbooks import in_worker_alone

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from simulator import Record
    from support.playbooks import Playbooks

#: How these tests do the work of modules.
__all__ = ["in_worker_alone"]

pytestmark = pytest.mark.timeout(600)

#: Without their roots, which some of these hosts do not keep.
OLD, NEW = chain(2, subject="old")[:1], chain(2, subject="new")[:1]
IDP = {"issuer_alias": "idp", "issuer": "https://idp.example.com", "signing_cert_chains": [{"cert_chain": chain(1)}]}
GROUP = {"external_group_name": "Administrators", "domain": "vsphere.local", "issuer_alias": "vcenter01"}
PROFILES = [
    {**GROUP, "entitlements": ["READ_ONLY", "OBSERVABILITY"]},
    {"local_user_name": "automation", "entitlements": ["SECURITY_MGMT"]},
]


@pytest.fixture
def declared(playbooks: Playbooks, fleet: Fleet, tmp_path: Path) -> Declared:
    """Empty hosts of every kind that speaks JSON-RPC and nothing else; the last one is left to find that out."""
    first, second, third, *_others, asked = hosts = playbooks.hosts
    for host in hosts:
        host.settings(protocols="jsonrpc")
    second.behave_as("esx-8.0.2-jsonrpc")
    third.behave_as("esx-9.1-jsonrpc")
    asked.behave_as("esx-8.0.2-jsonrpc")
    first.settings(introspection="absent")

    declaration = Declared(playbooks, fleet, tmp_path, hosts)
    declaration.of_all["esx_api_protocol"] = "jsonrpc"
    declaration.of_one[asked.name]["esx_api_protocol"] = "auto"
    declaration.of_all["esx_kms_providers"] = [provider()]
    declaration.of_all["esx_client_profiles"] = PROFILES
    says(declaration, OLD)

    return declaration


def says(declared: Declared, certificates: list[str], **more: Any) -> None:
    declared.of_all["esx_token_issuers"] = [issuer(certificates, **more), IDP]


def run(declared: Declared, playbook: str, *arguments: str) -> list[str]:
    """Run a playbook that has to end well; the names of the hosts that it changed."""
    played = declared.run(playbook, *arguments)
    assert played.code == 0, played.output
    assert "[WARNING]" not in played.output

    return recap.hosts(played.output, "changed")


def written(declared: Declared) -> list[list[str]]:
    """Every host's writes since it was looked at last, as the ends of their operations' names."""
    return [[_short_name(record) for record in host.writes] for host in declared.hosts]


def _short_name(record: Record) -> str:
    return ".".join(str(record.operation).rsplit(".", 2)[-2:])


def over_rest(host: Host) -> list[Record]:
    return [record for record in host.journal if record.protocol == "rest"]


def certificates_of_vcenter(host: Host) -> list[str]:
    return list(itertools.chain.from_iterable(host.issuers["vcenter01"].chains))


def test_the_whole_mission(declared: Declared, tmp_path: Path) -> None:
    assert run(declared, "esx.trust.converge") == [host.name for host in declared.hosts]

    once = written(declared)

    for host, writes in zip(declared.hosts, once):
        assert sorted(writes) == [
            *["client_profiles.create"] * 2,
            "providers.create",
            *["security_token_issuers.create"] * 2,
        ]

        assert {name: held.key_id for name, held in host.providers.items()} == {"site-a": KEY_ID}
        assert {alias: held.issuer for alias, held in host.issuers.items()} == {
            "vcenter01": ISSUER,
            "idp": IDP["issuer"],
        }

        assert {
            (held.name, held.issuer_alias, frozenset(held.entitlements)) for held in host.client_profiles.values()
        } == {
            ("Administrators", "vcenter01", frozenset({"READ_ONLY", "OBSERVABILITY"})),
            ("automation", None, frozenset({"SECURITY_MGMT"})),
        }

    assert run(declared, "esx.trust.converge") == []
    assert written(declared) == once

    run(declared, "esx.trust.audit", "-e", f"esx_report_dir={tmp_path}")
    facts = json.loads((tmp_path / "esx-trust-audit.json").read_text("utf-8"))

    assert [host["status"] for host in facts["hosts"]] == ["ok"] * 5

    says(declared, NEW, chains_mode="merge")
    run(declared, "esx.trust.rotate_signing_certs")

    assert [sorted(certificates_of_vcenter(host)) for host in declared.hosts] == [sorted([*OLD, *NEW])] * 5

    says(declared, NEW)
    run(declared, "esx.trust.rotate_signing_certs")

    assert [certificates_of_vcenter(host) for host in declared.hosts] == [NEW] * 5
    assert [len(each) for each in written(declared)] == [7] * 5

    # Where the form is declared, nobody spoke REST; where it is found out, REST got logins that nobody looked at.
    *with_protocol, asked = declared.hosts

    assert [over_rest(host) for host in with_protocol] == [[]] * 4
    assert {str(record.operation) for record in over_rest(asked)} == {"com.vmware.esx.authentication.token.create"}

    run(declared, "esx.trust.probe")
    probed = json.loads((tmp_path / "play" / "esx-trust-probe.json").read_text("utf-8"))

    assert probed["summary"]["by_protocol"] == {"rest": 0, "jsonrpc": 5}
    assert [host["outcome"] for host in probed["hosts"]] == ["ok"] * 5
    # A probe also asks over REST, without a login.
    for host in with_protocol:
        assert {record.authentication for record in over_rest(host)} == {None}

    for host in declared.hosts:
        assert not any(record.writes for record in over_rest(host))

        over_jsonrpc = [record for record in host.journal if record.protocol == "jsonrpc"]
        logins = [record for record in over_jsonrpc if record.authentication == "basic"]

        assert host.login_attempts == len(logins)
        assert host.failed_logins == 0
        assert host.wait_closed()
