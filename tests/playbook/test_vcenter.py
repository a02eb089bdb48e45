# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a vCenter says is given to every host, and given again where it has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from support.certificates import chain

if TYPE_CHECKING:
    from simulator import Vcenter
    from support.playbooks import Playbooks

PASSWORD = "Horse-Battery+1"


def read(source: str) -> dict[str, Any]:
    """A task that reads the vCenter; the result is called after the source."""
    connection = {"hostname": "{{ vcenter_address }}", "port": "{{ esx_port }}", "ca_path": "{{ esx_ca_path }}"}
    login = {"username": "{{ vcenter_username }}", "password": "{{ vcenter_password }}"}
    options = {**connection, **(login if source == "certificate_management" else {}), "source": source}

    return {
        "name": f"Issuers of the vCenter, {source}",
        "esx.trust.vcenter_token_issuer_info": options,
        "run_once": True,
        "register": source,
    }


def trust(source: str) -> dict[str, Any]:
    """A task that gives what was read to every host."""
    return {
        "name": f"Every host trusts them, {source}",
        "esx.trust.esx_token_issuer": {
            "issuer_alias": "vcenter01-{{ item.protocol }}",
            "issuer": "{{ item.issuer }}",
            "signing_cert_chains": "{{ item.signing_cert_chains }}",
        },
        "loop": f"{{{{ {source}.token_issuers }}}}",
        "loop_control": {"label": "{{ item.issuer }}"},
    }


MANAGED = "certificate_management"
SAME = {
    "name": "All sources say the same of what they say",
    "ansible.builtin.assert": {
        "that": [
            f"oidc.token_issuers[0].issuer == {MANAGED}.token_issuers[0].issuer",
            f"oidc.token_issuers[0].certificates[0] == {MANAGED}.token_issuers[0].certificates[0]",
            f"saml.token_issuers[0] == {MANAGED}.token_issuers[1]",
        ]
    },
}


def _declared(alias: str, number: int) -> dict[str, str]:
    """The issuer of that number that was read, under an alias."""
    return {
        "issuer_alias": alias,
        "issuer": f"{{{{ {MANAGED}.token_issuers[{number}].issuer }}}}",
        "signing_cert_chains": f"{{{{ {MANAGED}.token_issuers[{number}].signing_cert_chains }}}}",
    }


WHOLE: dict[str, Any] = {
    "name": "Every host trusts them, in one task",
    "esx.trust.esx_host_trust": {"token_issuers": [_declared("vcenter01-oidc", 0), _declared("vcenter01-saml", 1)]},
}


def test_what_is_read_is_trusted_and_a_second_run_changes_nothing(playbooks: Playbooks, vcenter: Vcenter) -> None:
    old, new = chain(2, subject="old"), chain(2, subject="new")
    vcenter.put_account(vcenter.username, PASSWORD)
    vcenter.put_signing_cert_chains([old])

    given = {
        "vcenter_address": vcenter.address,
        "vcenter_username": vcenter.username,
        "vcenter_password": PASSWORD,
    }

    def played(changed: int, chains: list[list[str]], tasks: list[dict[str, Any]], *arguments: str) -> None:
        done = playbooks.play([read(MANAGED), *tasks], *arguments, variables=given)
        assert done.code == 0, done.output
        assert all(done.recap(host.name)["changed"] == changed for host in playbooks.hosts)
        assert PASSWORD not in done.output
        assert "WARNING" not in done.output

        trusted = {"vcenter01-oidc": vcenter.issuer, "vcenter01-saml": vcenter.entity_id} if chains else {}

        for host in playbooks.hosts:
            assert {name: issuer.issuer for name, issuer in host.issuers.items()} == trusted
            assert [{tuple(each) for each in issuer.chains} for issuer in host.issuers.values()] == [
                {tuple(each) for each in chains}
            ] * len(trusted)

    played(1, [], [trust(MANAGED)], "--check", "--diff")
    played(1, [old], [trust(MANAGED)], "-vvvv")
    played(0, [old], [read("oidc"), read("saml"), SAME, trust(MANAGED), trust("saml"), WHOLE])
    vcenter.rotate(new)
    played(1, [new, old], [WHOLE, trust(MANAGED)])

    assert vcenter.login_attempts == 4
    assert vcenter.open_sessions == 0
    assert vcenter.wait_closed()
