# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a fleet finds what a task for each host would, with the variables that such a task would see."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
import yaml

from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY
from support.constants import OTHER_KEY_ID
from support.declared import Declared
from support.declared import issuer
from support.declared import provider
from support.playbooks import in_worker_alone
from support.search import Search

if TYPE_CHECKING:
    from support.playbooks import Playbooks
    from support.playbooks import Played

#: How these tests do the work of modules.
__all__ = ["in_worker_alone"]

pytestmark = pytest.mark.timeout(600)


def role(tasks_from: str, **variables: Any) -> dict[str, Any]:
    named = {"name": "esx.trust.host_trust", "tasks_from": tasks_from}
    return {"name": tasks_from, "ansible.builtin.import_role": named, "vars": variables}


def keep(folder: Path, name: str, value: str, **more: Any) -> dict[str, Any]:
    """A task that writes a value into a file."""
    copy = {"content": f"{{{{ {value} | to_json }}}}", "dest": f"{folder}/{name}", "mode": "0600"}
    return {"name": "Keep", "ansible.builtin.copy": copy, "check_mode": False, **more}


def looked(folder: Path) -> dict[str, Any]:
    """What the look returned."""
    look: dict[str, Any] = json.loads((folder / "look.json").read_text())
    return look


def both_ways(declared: Declared, play: dict[str, Any], *arguments: str, **extra: Any) -> Played:
    """Examine the hosts by one task each, then by one look, and keep both results."""
    tasks = [
        *play.pop("tasks", []),
        role("examine", **play.get("of_tasks", {})),
        role("look", host_trust_results=True, **play.pop("of_tasks", {})),
        keep(declared.folder, "{{ inventory_hostname }}.json", "host_trust_found"),
        keep(declared.folder, "look.json", "host_trust_look", run_once=True),
    ]
    return declared.play({"connection": "local", **play, "tasks": tasks}, *arguments, extra=extra)


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """A result as a playbook may rely on it. The role's task says of itself that it neither changes nor fails."""
    inside = ("changed", "failed", "diff", "invocation", "exception", "_ansible_no_log")
    marks = ("changed_when", "failed_when")
    return {name: value for name, value in result.items() if name not in inside and not name.startswith(marks)}


#: Where a name may come from: the source, and what the host's own variable says.
SOURCES = {
    "host": "of-the-host",
    "group": "{{ of_group }}",
    "everything": "{{ of_all }}",
    "host_vars": "{{ of_host_vars_file }}",
    "play": "{{ of_play }}",
    "vars_file": "{{ of_vars_file }}",
    "prompt": "{{ of_prompt }}",
    "extra": "{{ of_extra }}",
    "task": "{{ of_task }}",
    "set_fact": "{{ of_fact }}",
    "registered": "{{ of_result.stdout }}",
    "included": "{{ of_included }}",
    "lookup": "{{ lookup('ansible.builtin.env', 'HOME') | basename }}-{{ lookup('ansible.builtin.vars', 'of_play') }}",
    "magic": "{{ inventory_hostname }}-{{ group_names | join }}-{{ ansible_play_hosts_all | length }}",
    "hostvars": "{{ hostvars['host'].esx_kms_providers[0].provider }}",
    "nested": "{{ of_nested }}",
    "filter": "{{ of_play | upper | regex_replace('P', 'Q') }}",
}


@pytest.mark.every_core
def test_variables_are_those_of_a_task_for_each_host(declared: Declared, playbooks: Playbooks) -> None:
    """From every source; and what is omitted, undefined or vaulted is so here too."""
    host = declared.hosts[0]
    folder = declared.folder
    declared.of_one = {
        name: {"esx_hostname": host.address, "esx_kms_providers": [provider(provider=text)]}
        for name, text in SOURCES.items()
    }
    more = {"of_group": "of-group", "of_nested": "{{ of_group }}-{{ of_play }}"}
    declared.of_all.update(more)
    declared.of_everything["of_all"] = "of-all"
    del declared.of_all["esx_token_issuers"]
    (folder / "host_vars").mkdir()
    (folder / "host_vars" / "host_vars.yml").write_text("of_host_vars_file: of-host-vars\n")
    (folder / "more.yml").write_text("of_vars_file: of-vars-file\n")
    (folder / "included.yml").write_text("of_included: of-included\n")

    # Options that are left out, in a declaration and in the connection; and what cannot be read.
    omitting = provider(provider="omitting", state="{{ nowhere | default(omit) }}")

    declared.of_one["omitted"] = {
        "esx_hostname": host.address,
        "esx_kms_providers": [omitting],
        "esx_thumbprint": "{{ nowhere | default(omit) }}",
        "esx_proxy_host": "",
        "esx_timeout": None,
    }

    # Without quotes, YAML takes this name for a date.
    declared.of_one["date"] = {"esx_hostname": host.address}
    a_date = {"esx_kms_providers": [provider(provider=datetime.date(2026, 1, 31))]}
    (folder / "host_vars" / "date.yml").write_text(yaml.safe_dump(a_date))

    undefined = {"esx_hostname": host.address, "esx_password": "{{ nowhere }}"}
    nested = {"esx_hostname": host.address, "esx_kms_providers": [provider(provider="{{ nowhere.at_all }}")]}
    # Cores before 2.19 let the exception of a filter through as it is.
    failing_filter = {"esx_hostname": host.address, "esx_password": "{{ '@@@x' | b64decode }}"}
    declared.of_one.update(undefined=undefined, undefined_in_it=nested, failing_filter=failing_filter)

    (folder / "vault-password").write_text("open sesame")
    sealed = declared.program(
        "ansible-vault", "encrypt_string", "--vault-password-file", str(folder / "vault-password"), host.password
    )

    assert sealed.code == 0, sealed.output

    text = sealed.output[sealed.output.index("$ANSIBLE_VAULT") :].split("\n\n")[0]
    lines = "\n".join(line.strip() for line in text.splitlines() if line.strip() and "successful" not in line)

    declared.of_one["vaulted"] = {
        "esx_hostname": host.address,
        "esx_password": {"__ansible_vault": f"{lines}\n"},
        "esx_kms_providers": [provider(provider="vaulted")],
    }

    played = both_ways(
        declared,
        {
            "vars": {"of_play": "of-play"},
            "vars_files": [str(folder / "more.yml")],
            "vars_prompt": [{"name": "of_prompt", "default": "of-prompt", "private": False}],
            "of_tasks": {"of_task": "of-task"},
            "tasks": [
                {"name": "Fact", "ansible.builtin.set_fact": {"of_fact": "of-fact-{{ inventory_hostname }}"}},
                {"name": "Result", "ansible.builtin.command": "echo of-result", "register": "of_result"},
                {"name": "Included", "ansible.builtin.include_vars": str(folder / "included.yml")},
            ],
        },
        "--vault-password-file",
        str(folder / "vault-password"),
        of_extra="of-extra",
    )

    assert played.code == 0, played.output

    results = looked(folder)["results"]

    assert list(results) == list(declared.of_one)

    for name in [*SOURCES, "omitted", "date", "vaulted"]:
        alone = json.loads((folder / f"{name}.json").read_text())
        assert alone["resources"], alone
        assert shown(results[name]["trust"]) == shown(alone), name

    names = {name: results[name]["trust"]["resources"][0]["id"] for name in SOURCES}

    assert names["nested"] == "of-group-of-play"
    assert names["registered"] == "of-result"
    assert not any("{{" in name for name in names.values())

    unreadable = {
        "undefined": "esx_password",
        "undefined_in_it": "esx_kms_providers",
        "failing_filter": "esx_password",
    }
    for name, variable in unreadable.items():
        alone = json.loads((folder / f"{name}.json").read_text())
        assert alone["failed"], alone

        message = results[name]["trust"]["msg"]

        assert results[name]["trust"]["failed"] is True
        assert message.startswith(f"{name}: {variable}: cannot be read"), message
        assert KEY not in message

    # Each way asked each host that can be read, and nobody sent a text in braces anywhere.
    assert host.login_attempts == 2 * (len(SOURCES) + 3)


def test_results_are_those_of_a_task_for_each_host(declared: Declared) -> None:
    good, differs, conflict, down, refuses = declared.hosts
    conflict.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    differs.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    declared.of_one["esx02"]["esx_purge_token_issuers"] = True
    differs.put_issuer("nobodys", "https://elsewhere.example.com", [issuer()["signing_cert_chains"][0]["cert_chain"]])
    declared.down(down)
    declared.of_one[refuses.name]["esx_token_issuers"] = [issuer(certificates=["no certificate"])]

    played = both_ways(declared, {}, "--diff")

    assert played.code == 0, played.output

    look = looked(declared.folder)

    for host in declared.hosts:
        alone = json.loads((declared.folder / f"{host.name}.json").read_text())
        assert shown(look["results"][host.name]["trust"]) == shown(alone)

    assert look["changed"] is False
    assert look["roll_out"] == ["esx01", "esx02"]
    assert list(look["failing"]) == ["esx03", "esx05"]
    assert look["failing_percentage"] == 50
    assert list(look["down"]) == ["esx04"]
    assert look["elsewhere"] == look["as_declared"] == []
    assert all(host.writes == [] for host in declared.hosts)
    assert good.login_attempts == 2


def test_a_login_that_one_host_refuses_is_tried_on_no_other(declared: Declared) -> None:
    declared.of_all["esx_password"] = "wrong Pässword/1"
    look = [role("look", host_trust_results=True), keep(declared.folder, "look.json", "host_trust_look", run_once=True)]
    played = declared.play({"connection": "local", "tasks": look}, "-vvvv")

    assert played.code == 0, played.output
    assert [host.login_attempts for host in declared.hosts] == [1, 0, 0, 0, 0]

    results = looked(declared.folder)["results"]

    assert "esx01 refused the same login" in results["esx03"]["trust"]["msg"]
    assert Search().find({"password": ["wrong Pässword/1"], "key": [KEY]}, {"": played.output, **played.files}) == []

    # A host that does not answer proves nothing, and the one that answers first is tried, and no other.
    declared.down(declared.hosts[0])
    declared.of_one["esx02"]["esx_password"] = declared.of_one["esx03"]["esx_password"] = declared.hosts[0].password
    played = declared.play({"connection": "local", "tasks": look})
    attempts = [host.login_attempts for host in declared.hosts]

    assert attempts[:3] == [1, 1, 1], played.output
    assert sorted(attempts[3:]) == [0, 1], played.output
    assert looked(declared.folder)["results"]["esx03"]["trust"]["operations"]


def test_what_may_not_be_written_is_said_before_anything_is_sent(declared: Declared) -> None:
    look = [role("look", host_trust_check_declarations=True)]
    declared.of_one["esx05"]["esx_kms_providers"] = [provider(key=OTHER_KEY)]
    played = declared.play({"connection": "local", "tasks": look})

    assert played.code == 2
    assert "'site-a' is given different keys: one to esx01, esx02, esx03, esx04; another to esx05." in played.output

    declared.of_one["esx05"]["esx_kms_providers"] = [provider(key="{{ nowhere }}")]
    played = declared.play({"connection": "local", "tasks": look})

    assert played.code == 2
    assert "esx05: esx_kms_providers: cannot be read" in played.output
    assert all(host.journal == [] for host in declared.hosts)


def test_a_host_that_declares_nothing_and_cannot_be_reached_stops_no_other(declared: Declared) -> None:
    nothing = {"esx_kms_providers": "", "esx_token_issuers": None}
    declared.of_one["esx05"].update(nothing, esx_password="{{ nowhere }}")
    look = [role("look", host_trust_check_declarations=True)]
    played = declared.play({"connection": "local", "tasks": look})

    assert played.code == 0, played.output
    assert [host.login_attempts for host in declared.hosts] == [1, 1, 1, 1, 0]


def test_a_host_whose_work_is_done_elsewhere_is_not_looked_at(declared: Declared) -> None:
    declared.of_one["esx02"]["esx_trust_in_worker"] = False
    look = [role("look"), keep(declared.folder, "look.json", "host_trust_look", run_once=True)]
    played = declared.play({"connection": "local", "tasks": look})

    assert played.code == 0, played.output
    assert looked(declared.folder)["elsewhere"] == ["esx02"]
    assert [host.login_attempts for host in declared.hosts] == [1, 0, 1, 1, 1]


def test_a_warning_about_all_hosts_is_displayed_once(declared: Declared) -> None:
    del declared.of_all["esx_ca_path"]
    declared.of_all["esx_validate_certs"] = False
    played = declared.play({"connection": "local", "tasks": [role("look", host_trust_plan=f"{declared.folder}/plan")]})

    assert played.code == 0, played.output
    in_one_line = " ".join(played.output.split())
    assert in_one_line.count("its certificate was not verified") == 1
    assert "5 hosts (esx01, esx02, esx03 and 2 more): its certificate was not verified" in in_one_line

    (warning,) = json.loads((declared.folder / "plan.json").read_text())["warnings"]

    assert warning["hosts"] == [host.name for host in declared.hosts]


def test_a_strategy_that_cannot_look_once_says_so(declared: Declared) -> None:
    played = declared.play({"strategy": "free", "tasks": [role("look")]})
    assert played.code != 0
    assert "esx_fleet_trust" in played.output
    assert all(host.journal == [] for host in declared.hosts)
