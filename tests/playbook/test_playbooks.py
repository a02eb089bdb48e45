# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person runs: playbooks over several hosts, in check mode, once, and again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator import Fault
from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.credentials import basic_credentials
from support.search import encodings

if TYPE_CHECKING:
    from support.playbooks import Playbooks

PROVIDER: dict[str, Any] = {
    "name": "Key provider",
    "esx.trust.esx_kms_provider": {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": "{{ key }}"},
}


def issuer(certificates: list[str]) -> dict[str, Any]:
    options = {
        "issuer_alias": "vcenter01",
        "issuer": ISSUER,
        "signing_cert_chains": [{"cert_chain": certificates}],
    }
    return {"name": "Issuer", "esx.trust.esx_token_issuer": options}


@pytest.mark.every_core
def test_check_then_run_then_again(playbooks: Playbooks) -> None:
    tasks = [PROVIDER, issuer(chain(2))]

    outcomes = [
        {"name": "Providers", "esx.trust.esx_kms_provider_info": {}, "register": "providers"},
        {"name": "Issuers", "esx.trust.esx_token_issuer_info": {}, "register": "issuers"},
        {
            "name": "Both are there",
            "ansible.builtin.assert": {
                "that": [
                    "providers.kms_providers | map(attribute='key_id') | list == [key_id]",
                    "issuers.token_issuers | map(attribute='issuer_alias') | list == ['vcenter01']",
                ]
            },
        },
    ]

    variables = {"key": KEY, "key_id": KEY_ID}

    checked = playbooks.play(tasks, "--check", "--diff", variables=variables)

    assert checked.code == 0, checked.output
    assert f'+    "key_id": "{KEY_ID}"' in checked.output
    assert all(checked.recap(host.name)["changed"] == 2 for host in playbooks.hosts)
    assert all(host.writes == [] for host in playbooks.hosts)

    first = playbooks.play(tasks, variables=variables)

    assert first.code == 0, first.output
    assert all(first.recap(host.name)["changed"] == 2 for host in playbooks.hosts)
    assert all(len(host.writes) == 2 for host in playbooks.hosts)

    again = playbooks.play([*tasks, *outcomes], "--diff", variables=variables)

    assert again.code == 0, again.output
    assert all(again.recap(host.name)["changed"] == 0 for host in playbooks.hosts)
    assert all(len(host.writes) == 2 for host in playbooks.hosts)
    assert "WARNING" not in again.output


def test_one_host_in_conflict_does_not_stop_the_others(playbooks: Playbooks) -> None:
    bad, *good = playbooks.hosts
    bad.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    played = playbooks.play([PROVIDER], variables={"key": KEY})

    assert played.code != 0
    assert played.recap(bad.name)["failed"] == 1
    assert bad.writes == []
    assert all(played.recap(host.name)["changed"] == 1 for host in good)
    assert "would lock the" in played.output


WRONG = "wrong Pässword/1"


def test_no_secret_is_printed_at_the_highest_verbosity(playbooks: Playbooks) -> None:
    """Beside a host in conflict. tests/leaks looks at all modules, on each core."""
    good, conflict, echoing, lost, refused = playbooks.hosts
    conflict.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    for host in playbooks.hosts[2:]:
        host.settings(echo_requests=True)
    echoing.queue(Fault(kind="status", operation="*.providers.*", error_type="INVALID_ARGUMENT", times=None))
    lost.queue(Fault(kind="reset_before", operation="*.providers.*", times=None))
    wrong = {"name": "Wrong password", "ansible.builtin.set_fact": {"esx_secret": WRONG}, "no_log": True}
    wrong["when"] = f"inventory_hostname == '{refused.name}'"
    options = {**PROVIDER["esx.trust.esx_kms_provider"], "password": "{{ esx_secret | default(esx_password) }}"}
    provider = {"name": "Key provider", "esx.trust.esx_kms_provider": {**options, "retries": 0}}
    played = playbooks.play([wrong, provider], "-vvvv", "--diff", variables={"key": KEY})

    assert played.recap(good.name)["changed"] == 1, played.output

    for host in (conflict, echoing, lost, refused):
        assert played.recap(host.name)["failed"] == 1, played.output

    assert "INVALID_ARGUMENT" in played.output

    passwords = [good.password, WRONG]
    basic = [basic_credentials(good.username, password) for password in passwords]
    tokens = [token for host in playbooks.hosts for token in host.tokens]

    assert len(tokens) == 4

    for secret in (KEY, *passwords, *basic, *tokens):
        for encoding in encodings(secret):
            assert encoding not in played.output

            for name, content in played.files.items():
                assert encoding not in content, name
