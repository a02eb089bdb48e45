# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role in users' own plays: what it takes, what it refuses before anything is written, and what it never prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY
from support.constants import OTHER_KEY_ID
from support.declared import Declared
from support.declared import provider
from support.playbooks import in_worker_alone
from support.search import Search

if TYPE_CHECKING:
    from simulator import Fleet
    from support.playbooks import Playbooks

#: How these tests do the work of modules.
__all__ = ["in_worker_alone"]

ROLE = "esx.trust.host_trust"
#: Spellings of the same key and key_id.
SAME = provider(KEY_ID.upper(), f"{KEY}\n")


@pytest.fixture
def declared(playbooks: Playbooks, fleet: Fleet, tmp_path: Path) -> Declared:
    return Declared(playbooks, fleet, tmp_path, playbooks.hosts[:3])


def test_check_then_run_then_again(declared: Declared) -> None:
    declared.of_one[declared.hosts[1].name]["esx_kms_providers"] = [SAME]
    play = {"roles": [ROLE], "serial": [1, 2]}

    checked = declared.play(play, "--check", "--diff")

    assert checked.code == 0, checked.output
    assert f'+            "key_id": "{KEY_ID}"' in checked.output
    assert declared.written == []

    first = declared.play(play)

    assert first.code == 0, first.output
    assert all(first.recap(host.name)["changed"] == 1 for host in declared.hosts)
    assert all(operations == ["create", "create"] for operations in declared.in_order)

    again = declared.play(play, "--diff")

    assert again.code == 0, again.output
    assert all(again.recap(host.name)["changed"] == 0 for host in declared.hosts)
    assert all(operations == ["create", "create"] for operations in declared.in_order)
    assert "WARNING" not in again.output


@pytest.mark.parametrize(
    ("changes", "options"),
    [(provider(key=OTHER_KEY), "keys"), (provider(key_id=OTHER_KEY_ID), "key_ids")],
    ids=["another key", "another key_id"],
)
def test_another_key_on_the_last_host_stops_everything_before_the_first_is_written(
    declared: Declared, changes: dict[str, Any], options: str
) -> None:
    last = declared.hosts[-1]
    declared.of_one[last.name]["esx_kms_providers"] = [changes]
    play = {"roles": [ROLE], "serial": 1}

    refused = declared.play(play, "-vvvv")

    assert refused.code == 2, refused.output
    assert (
        f"The key provider 'site-a' is given different {options}: one to esx01, esx02; another to esx03."
        in refused.output
    )
    assert declared.written == []
    assert all(host.login_attempts == 0 for host in declared.hosts)
    assert Search().find({"key": [KEY, OTHER_KEY]}, {"output": refused.output}) == []

    # With --limit, only the hosts of the run are seen.
    limited = declared.play(play, "--limit", "esx01,esx02")

    assert limited.code == 0, limited.output
    assert declared.written == ["esx01", "esx02"]

    leaving = {**changes, "state": "absent", "key_id": None}
    declared.of_one[last.name]["esx_kms_providers"] = [leaving]
    agreed = declared.play(play)

    assert agreed.code == 0, agreed.output


def test_keys_that_come_from_the_variables_of_the_play(declared: Declared) -> None:
    """They cannot be seen from outside a host, so hosts are compared by what they themselves make of them."""
    declared.of_all["esx_kms_providers"] = [provider(key="{{ site_keys[site] }}")]
    declared.of_all["site"] = "a"
    (declared.folder / "keys.yml").write_text(f"site_keys: {{a: '{KEY}', b: '{OTHER_KEY}'}}\n")
    play: dict[str, Any] = {"vars_files": [str(declared.folder / "keys.yml")], "roles": [ROLE]}

    fine = declared.play({**play, "serial": 1})

    assert fine.code == 0, fine.output
    assert [host.providers["site-a"].key_derivation_key for host in declared.hosts] == [KEY] * 3

    for host in declared.hosts:
        host.reset()
    declared.of_one["esx02"]["site"] = "b"
    refused = declared.play(play)

    assert refused.code == 2
    assert "different keys: one to esx01, esx03; another to esx02." in refused.output
    assert declared.written == []


@pytest.mark.every_core
def test_a_declaration_that_cannot_be_read_says_so(declared: Declared) -> None:
    declared.of_one["esx02"]["esx_kms_providers"] = [provider(key="{{ nowhere_to_be_found }}")]
    played = declared.play({"roles": [ROLE], "any_errors_fatal": True})

    assert played.code == 2
    assert "nowhere_to_be_found" in played.output
    assert "is undefined" in played.output
    assert declared.written == []


@pytest.mark.every_core
def test_no_secret_is_printed_whatever_is_wrong(declared: Declared) -> None:
    """Ansible's own comparison with the argument spec repeats values; none of them may be a secret."""
    password = "Horse-Battery+1/x"

    wrong: list[dict[str, Any]] = [
        {"esx_kms_providers": [KEY]},
        {"esx_kms_providers": [[KEY]]},
        {"esx_kms_providers": {"provider": "site-a", "key_derivation_key": KEY}},
        {"esx_kms_providers": f"provider=site-a key_derivation_key={KEY} [state"},
        {"esx_kms_providers": [{"provider": "site-a", "key": KEY}]},
        {"esx_kms_providers": [provider(state=KEY)]},
        {"esx_kms_providers": [provider(key_derivation_key={"key": KEY})]},
        {"esx_kms_providers": [provider(key_id=KEY)]},
        {"esx_port": password},
        {"esx_timeout": password},
        {"esx_validate_certs": password},
        {"esx_auth_method": password},
        {"esx_password": [password]},
        {},
    ]

    tasks = []
    for number, variables in enumerate(wrong):
        role = {"name": f"Case {number}", "ansible.builtin.include_role": {"name": ROLE}}
        tasks.append({**role, "vars": {"esx_password": password, **variables}, "ignore_errors": True})

    # Errors are ignored in the role's tasks too; one host is enough.
    play = {"hosts": "esx01", "tasks": tasks, "ignore_errors": True}
    # So that nothing of it is taken for a hidden value: what is declared has another key.
    declared.of_all["esx_kms_providers"] = [provider(key=KEY)]
    played = declared.play(play, "-vvvv", "--diff")

    assert played.output.count("FAILED!") >= len(wrong) - 1, played.output

    search = Search()
    places = {"output": played.output}
    for name, text in played.files.items():
        # These are the input.
        if not name.endswith(("hosts.json", "site.yml", "extra.json")):
            places[f"file {name}"] = text

    findings = search.find({"key": [KEY], "password": [password]}, places)

    assert not findings, "\n".join(findings)


@pytest.mark.every_core
def test_defaults_of_the_play_do_not_replace_the_variables(declared: Declared) -> None:
    """The look at a fleet does not see them, so the role must not follow them either."""
    first, second, _third = declared.hosts
    first.put_issuer("kept", "https://kept.example.com", [])
    defaults = {"hostname": second.address, "purge_token_issuers": True, "token_issuers": []}
    groups = {"group/esx.trust.esx": defaults, "esx.trust.esx_host_trust": defaults}
    played = declared.play({"roles": [ROLE], "module_defaults": groups}, "--limit", first.name)

    assert played.code == 0, played.output
    assert "kept" in first.issuers
    assert sorted(first.providers) == ["site-a"]
    assert second.journal == []


def test_vaulted_variables(declared: Declared) -> None:
    """Each value sealed by itself, as in many inventories; newer and older cores hand such a value on differently."""
    (declared.folder / "vault-password").write_text("open sesame")
    secret = ("--vault-password-file", str(declared.folder / "vault-password"))
    lines = []

    for name, value in (("esx_password", declared.of_all.pop("esx_password")), ("site_key", KEY)):
        sealed = declared.program("ansible-vault", "encrypt_string", *secret, "--name", name, value)
        lines.append(sealed.output[sealed.output.index(f"{name}: !vault") :])

    (declared.folder / "group_vars").mkdir()
    (declared.folder / "group_vars" / "esx.yml").write_text("\n".join(lines))
    declared.of_all["esx_kms_providers"] = [provider(key="{{ site_key }}")]
    declared.of_one["esx03"]["esx_kms_providers"] = [provider(key=OTHER_KEY)]
    play = {"roles": [ROLE]}

    refused = declared.play(play, *secret)

    assert "different keys: one to esx01, esx02; another to esx03." in refused.output
    assert declared.written == []

    done = declared.play(play, *secret, "--limit", "esx01,esx02", "-vvvv")

    assert done.code == 0, done.output
    assert [host.providers["site-a"].key_derivation_key for host in declared.hosts[:2]] == [KEY] * 2

    password = declared.hosts[0].password

    assert Search().find({"key": [KEY], "password": [password]}, {"output": done.output}) == []


@pytest.mark.every_core
def test_a_password_that_cannot_be_read_is_not_taken_from_the_environment(declared: Declared) -> None:
    declared.of_all["esx_password"] = "{{ nowhere_to_be_found }}"
    environment = {"VMWARE_PASSWORD": declared.hosts[0].password}
    # Whoever sets the environment of a task gets a module, which wants the right Python.
    play = {
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [{"name": "Role", "ansible.builtin.import_role": {"name": ROLE, "tasks_from": "apply.yml"}}],
    }
    refused = declared.play({**play, "environment": environment})

    assert refused.code == 2
    assert "nowhere_to_be_found" in refused.output
    assert all(host.login_attempts == 0 for host in declared.hosts)

    # What is not set at all is: that is how AWX gives it.
    del declared.of_all["esx_password"]
    taken = declared.play({**play, "environment": environment})

    assert taken.code == 0, taken.output
    assert declared.written == ["esx01", "esx02", "esx03"]
