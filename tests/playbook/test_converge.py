# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx.trust.converge: a canary, batches, hosts that are down, and when it stops."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import shlex
from typing import TYPE_CHECKING

import pytest

import recap
from simulator import Fault
from support import terminal
from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import OTHER_KEY
from support.constants import OTHER_KEY_ID
from support.declared import Declared
from support.declared import provider
from support.playbooks import in_worker_alone
from support.search import Search

if TYPE_CHECKING:
    from support.playbooks import Playbooks

#: How these tests do the work of modules.
__all__ = ["in_worker_alone"]

CONVERGE = "esx.trust.converge"
NOT_CONFIRMED = "The changes were not confirmed (esx_confirm), so no host was written."


@pytest.mark.every_core
def test_check_then_run_then_again(declared: Declared) -> None:
    checked = declared.run(CONVERGE, "--check", "--diff")
    assert checked.code == 0, checked.output
    assert declared.written == []
    assert all(checked.recap(host.name)["changed"] == 1 for host in declared.hosts)

    # No tag that somebody gives may leave anything out without a word, and no variable of another's.
    others = {
        "target": "nowhere",
        "fleet": [],
        "failing": {"esx01": "x"},
        "too_many": True,
        "rolled_out": [],
        "one": "x",
    }

    first = declared.run(CONVERGE, "--tags", "nothing,here", "-e", "esx_batches=1,50%", extra=others)

    assert first.code == 0, first.output
    assert first.output.count("PLAY [Roll out]") == 3
    assert declared.in_order == [["create", "create"]] * 5

    # Where nothing is to be done, one look at all hosts is all there is.
    again = declared.run(CONVERGE)

    assert again.code == 0, again.output
    assert again.recap("esx01")["changed"] == 0
    assert not any(f"[{host.name}]" in again.output for host in declared.hosts[1:])
    assert "5 hosts: as declared." in again.output
    assert "WARNING" not in again.output

    # One login and the least requests.
    assert [str(each.operation).rpartition(".")[2] for each in declared.hosts[0].journal][-3:] == [
        "create",
        "get",
        "list",
    ]


def test_hosts_that_are_down_are_put_aside(declared: Declared) -> None:
    """The canary is among them, and their share would be too great if they counted."""
    canary, good, _third, down, _last = declared.hosts
    declared.down(canary, down)
    played = declared.run(CONVERGE, "-e", "esx_batches=1,2", "-vvvv", extra={"esx_max_fail_percentage": 0})

    assert played.code == 2, played.output
    assert declared.written == ["esx02", "esx03", "esx05"]

    _before, separator, last = played.output.partition("PLAY [Hosts that were left out]")

    assert separator

    for host in (canary, down):
        assert played.recap(host.name)["failed"] == 1
        assert f"fatal: [{host.name}]: FAILED!" in last
        assert f"{host.address}:1: no connection" in last

    assert played.recap(good.name)["failed"] == 0
    assert Search().find({"key": [KEY], "password": [good.password], "token": good.tokens}, {"": played.output}) == []

    # Later they are up, and the rest is done; nothing that was done is done again.
    declared.up(canary, down)
    after = declared.run(CONVERGE)

    assert after.code == 0, after.output
    assert declared.in_order == [["create", "create"]] * 5


def test_a_host_that_goes_down_after_the_look_is_put_aside(declared: Declared) -> None:
    """Its share would be too great if it counted in its batch. It fails once, at the end."""
    down = declared.hosts[1]
    nobody_listens = f"{{{{ 1 if host_trust_look is defined else {down.port} }}}}"
    declared.of_one[down.name].update(esx_port=nobody_listens, esx_retries=0)
    played = declared.run(CONVERGE, "-e", "esx_batches=1,2", extra={"esx_max_fail_percentage": 0})

    assert played.code == 2, played.output
    assert declared.written == ["esx01", "esx03", "esx04", "esx05"]
    assert recap.hosts(played.output, "failed") == [down.name]
    assert played.output.count("fatal: ") == 1
    assert "4 changed, 1 down (esx02). Plan: " in played.output.rpartition("FAILED!")[2]


def test_a_batch_of_which_no_host_answers_is_the_last_one(declared: Declared) -> None:
    """The network may be gone, and each further batch would wait for its hosts."""
    for down in declared.hosts[1:3]:
        nobody_listens = f"{{{{ 1 if host_trust_look is defined else {down.port} }}}}"
        declared.of_one[down.name].update(esx_port=nobody_listens, esx_retries=0)

    played = declared.run(CONVERGE, "-e", "esx_batches=1,2", extra={"esx_max_fail_percentage": 100})
    output = " ".join(played.output.split())

    assert played.code == 2, played.output
    assert declared.written == ["esx01"]
    assert "None of the 2 hosts that are left of this batch answers any more, so the run stops." in output
    assert "1 changed, 2 down (esx02, esx03), 2 not written (esx04, esx05). Plan: " in output


def test_hosts_that_are_as_declared_are_left_alone(declared: Declared) -> None:
    """And a host that is known to fail is not the first: it would end the roll-out before it began."""
    assert declared.run(CONVERGE).code == 0

    conflict, _good, changes, *_others = declared.hosts
    conflict.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    changes.put_issuer("vcenter01", ISSUER, [chain(1)])
    played = declared.run(CONVERGE, "--diff", extra={"esx_trust_each_host": True})

    assert played.code == 2, played.output
    assert declared.in_order[2] == ["create", "create", "update"]
    assert [len(writes) for writes in declared.in_order] == [2, 2, 3, 2, 2]
    assert [played.recap(host.name)["failed"] for host in declared.hosts] == [1, 0, 0, 0, 0]
    assert [played.recap(host.name)["changed"] for host in declared.hosts] == [0, 0, 1, 0, 0]
    assert "1 host (esx03): update token issuer vcenter01, certificates of" in played.output
    assert "1 host (esx01): conflict, nothing will be written there: " in played.output
    assert "3 hosts (esx02, esx04, esx05): as declared." in played.output
    assert played.output.count("1 host (esx03):") == 3  # the plan, its difference, and what was done

    plan = json.loads((declared.folder / "play" / "esx-trust-plan.json").read_text())

    assert [(group["kind"], group["limit"]) for group in plan["groups"]] == [
        ("change", "esx03"),
        ("conflict", "esx01"),
        ("nothing", "esx02,esx04,esx05"),
    ]

    assert "esx02,<wbr>esx04,<wbr>esx05" in (declared.folder / "play" / "esx-trust-plan.html").read_text()


def test_without_a_confirmation_no_host_is_written(declared: Declared) -> None:
    """Where nobody can be asked, that is a no."""
    played = declared.run(CONVERGE, extra={"esx_confirm": True})
    assert played.code == 2, played.output
    assert NOT_CONFIRMED in played.output
    assert "5 not written (esx01, esx02, esx03, …). Plan: " in played.output
    assert str(declared.folder / "play" / "esx-trust-plan.html") in played.output.rpartition(NOT_CONFIRMED)[2]
    assert declared.written == []

    checked = declared.run(CONVERGE, "--check", extra={"esx_confirm": True})

    assert checked.code == 0, checked.output


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 2)])
def test_somebody_is_asked_in_a_terminal(declared: Declared, playbooks: Playbooks, answer: str, code: int) -> None:
    arguments = declared.arguments(CONVERGE, extra={"esx_confirm": True})
    command = shlex.join(playbooks.command("ansible-playbook", *arguments))

    with terminal.Program(command, playbooks.folder, playbooks.variables()) as program:
        assert program.read(lambda: 'Type "yes" to write these changes' in program.output), program.output
        assert "5 hosts: create key provider site-a" in program.output
        assert declared.written == []

        # Ansible throws away what was typed before it listens, so this is typed until it was heard.
        for _attempt in range(6):
            program.type(f"{answer}\r")
            with contextlib.suppress(TimeoutError):
                program.read(lambda: "TASK [Check the confirmation]" in program.output, seconds=10)
                break

        program.read(lambda: False)

        assert program.wait() == code, program.output

    assert declared.in_order == [["create", "create"] if answer == "yes" else []] * 5
    assert program.output.count('Type "yes" to write these changes') == 1
    assert (NOT_CONFIRMED in program.output) == (answer == "no")


def test_a_host_whose_work_is_done_elsewhere_has_its_task(declared: Declared) -> None:
    declared.of_one["esx02"]["esx_trust_in_worker"] = False
    assert declared.run(CONVERGE).code == 0
    assert declared.in_order == [["create", "create"]] * 5

    again = declared.run(CONVERGE)

    assert again.code == 0, again.output
    assert again.recap("esx02")["changed"] == 0
    assert declared.in_order == [["create", "create"]] * 5


def test_all_hosts_are_down(declared: Declared) -> None:
    declared.down(*declared.hosts)
    played = declared.run(CONVERGE, "-e", "esx_batches=3")

    assert played.code == 2
    assert all(played.recap(host.name)["failed"] == 1 for host in declared.hosts)


def test_a_login_that_the_canary_refuses_is_tried_nowhere_else(declared: Declared) -> None:
    declared.of_all["esx_password"] = "wrong Pässword/1"
    conflict = declared.hosts[4]
    declared.of_one[conflict.name]["esx_password"] = conflict.password
    conflict.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    played = declared.run(CONVERGE, "-vvvv", extra={"esx_max_fail_percentage": "99"})

    assert played.code == 2, played.output
    assert [host.login_attempts for host in declared.hosts] == [1, 0, 0, 0, 1]

    # One host fails for all of them, and the outcome is the last message. A host with another failure tells its own.
    failures = dict(re.findall(r"^fatal: \[(.+?)\]: FAILED! (.*?)^\S", played.output, re.MULTILINE | re.DOTALL))
    others = "3 other hosts were not asked, because a host refused their login."

    assert {name: others in failure for name, failure in failures.items()} == {"esx01": True, "esx05": False}
    assert "1 conflict (esx05), 1 failed (esx01), 3 not asked. Plan: " in played.output.rpartition("FAILED!")[2]
    assert Search().find({"password": ["wrong Pässword/1"], "key": [KEY]}, {"": played.output}) == []


def test_it_stops_after_a_batch_in_which_too_many_fail(declared: Declared) -> None:
    _canary, conflict, good, refuses, never = declared.hosts
    conflict.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    # That cannot be known before it is written.
    refuses.queue(Fault(kind="status", operation="*providers.create", status=500, times=None))
    declared.of_all["esx_retries"] = 0
    batches = {"esx_batches": [1, 2]}

    tolerated = declared.run(CONVERGE, "--check", extra={**batches, "esx_max_fail_percentage": 70})

    assert tolerated.code == 2, tolerated.output
    assert tolerated.recap(never.name)["changed"] == 1

    # What is known before does not count in a batch, but where it is too much, no host is written.
    before = declared.run(CONVERGE, extra={**batches, "esx_max_fail_percentage": 19})

    assert before.code == 2, before.output
    sentence = "1 of 5 hosts that answer (20%) would fail; esx_max_fail_percentage is 19. No host was written."
    assert sentence in before.output
    assert "1 conflict (esx02), 4 not written (esx01, esx03, esx04, …). Plan: " in before.output
    assert re.findall(r"^fatal: \[(.+?)\]: FAILED! .*would lock the", before.output, re.MULTILINE) == [conflict.name]
    assert recap.hosts(before.output, "failed") == [conflict.name]
    assert "PLAY [Roll out]" not in before.output
    assert declared.written == []

    stopped = declared.run(CONVERGE, extra={**batches, "esx_max_fail_percentage": 20})

    assert stopped.code == 2, stopped.output
    assert declared.written == ["esx01", good.name]
    assert stopped.output.count("PLAY [Roll out]") == 2
    assert stopped.recap(refuses.name)["failed"] == 1
    # Some views show the last failure of a host alone.
    assert f"This host is not as declared. The failure above says why: {refuses.address}" in stopped.output
    outcome = "2 changed, 1 conflict (esx02), 1 failed (esx04), 1 not written (esx05). Plan: "
    assert (
        f"{outcome}{declared.folder / 'play' / 'esx-trust-plan.html'}"
        in stopped.output.rpartition("PLAY [Roll out]")[2]
    )
    assert "would lock the" in stopped.output


def test_different_keys_are_found_before_the_canary(declared: Declared) -> None:
    declared.of_all["esx_kms_providers"] = [provider(key="{{ site_keys[site] }}")]
    declared.of_all["site"] = "a"
    declared.of_one["esx05"]["site"] = "b"
    played = declared.run(CONVERGE, extra={"site_keys": {"a": KEY, "b": OTHER_KEY}})

    assert played.code == 2
    assert "different keys: one to esx01, esx02, esx03, esx04; another to esx05." in played.output
    assert all(host.journal == [] for host in declared.hosts)

    declared.of_one["esx05"]["site"] = "{{ nowhere }}"
    played = declared.run(CONVERGE, extra={"site_keys": {"a": KEY, "b": OTHER_KEY}})

    assert played.code == 2
    assert "esx05" in played.output
    assert all(host.journal == [] for host in declared.hosts)


def test_an_earlier_result_says_nothing_about_this_run(declared: Declared) -> None:
    """An earlier play of the same run has left a result, and so has the inventory."""
    stale = {"msg": "It is down.", "failed": True, "failure": {"code": "unreachable"}}
    earlier = {
        "hosts": "esx02:esx03",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.set_fact": {"host_trust_result": stale}}],
    }
    declared.of_one["esx01"]["host_trust_result"] = stale
    both = declared.folder / "both.yml"
    both.write_text(json.dumps([earlier, {"ansible.builtin.import_playbook": CONVERGE}]))

    refused, *_others = declared.hosts
    refused.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    stopped = declared.run(str(both), extra={"esx_max_fail_percentage": 0})

    assert stopped.code == 2, stopped.output
    assert "1 conflict (esx01), 4 not written (esx02, esx03, esx04, …). Plan: " in stopped.output

    refused.delete_provider("site-a")
    played = declared.run(str(both))

    assert played.code == 0, played.output
    assert "5 changed. Plan: " in played.output

    again = declared.run(str(both))

    assert again.code == 0, again.output
    assert "5 as declared. Plan: " in again.output


def test_which_hosts(declared: Declared) -> None:
    played = declared.run(CONVERGE, "-e", "esx_hosts=esx02:esx03", "--limit", "esx03,esx04")
    assert played.code == 0, played.output
    assert declared.written == ["esx03"]

    none = declared.run(CONVERGE, "-e", "esx_hosts=esxi")

    assert none.code == 2
    assert "No host of the inventory matches esxi (esx_hosts)." in none.output
    assert declared.written == ["esx03"]


@pytest.mark.every_core
def test_nobody_need_have_looked_to_list_the_hosts(declared: Declared) -> None:
    """--list-tasks and --syntax-check read a playbook in the same way.

    Before ansible-core 2.19 a template reads all variables that it names, also those behind a condition.
    """
    for playbook in (CONVERGE, "esx.trust.audit", "esx.trust.rotate_signing_certs", "esx.trust.probe"):
        listed = declared.run(playbook, "--list-hosts")
        assert listed.code == 0, listed.output
        # The probe makes a group of its own for the hosts that it asks.
        assert "hosts (5):" in listed.output or playbook == "esx.trust.probe"

    assert all(host.journal == [] for host in declared.hosts)

    # Nobody knows yet which hosts are to be written.
    assert "hosts (5):" in declared.run(CONVERGE, "--list-hosts").output.partition("Roll out")[2]


@pytest.mark.parametrize("playbook", [CONVERGE, "esx.trust.audit", "esx.trust.rotate_signing_certs"])
def test_a_limit_that_leaves_no_host_is_no_success(declared: Declared, playbook: str) -> None:
    declared.groups["others"] = ["elsewhere"]
    played = declared.run(playbook, "--limit", "others")

    assert played.code != 0, played.output
    assert "No host of the inventory matches esx (esx_hosts) with --limit others." in " ".join(played.output.split())
    assert "Traceback" not in played.output


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("converge", "always"),
        ("audit", "always"),
        ("rotate_signing_certs", "tagged"),
        ("probe", "always"),
        ("probe", "tagged"),
    ],
)
def test_a_run_without_its_tasks_is_no_success(declared: Declared, name: str, tag: str) -> None:
    """Ansible can leave out all tasks that have a tag, or those whose tag is always."""
    played = declared.run(f"esx.trust.{name}", "--skip-tags", tag)

    assert played.code != 0, played.output
    assert f"Do not give --skip-tags {tag}." in played.output
    assert all(host.journal == [] for host in declared.hosts)


@pytest.mark.parametrize("name", ["converge", "audit", "rotate_signing_certs"])
def test_skipping_always_is_refused_also_with_tags(declared: Declared, name: str) -> None:
    played = declared.run(f"esx.trust.{name}", "--tags", "report", "--skip-tags", "always")

    assert played.code != 0, played.output
    assert "Do not give --skip-tags always." in played.output
    assert all(host.journal == [] for host in declared.hosts)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("esx_batches", [1, {"a": 1}]),
        ("esx_max_fail_percentage", "abc"),
    ],
)
def test_batches_that_cannot_be_followed(declared: Declared, variable: str, value: object) -> None:
    played = declared.run(CONVERGE, extra={variable: value})
    assert played.code == 2, played.output
    assert f"{variable}: " in played.output
    assert "Traceback" not in played.output
    assert all(host.journal == [] for host in declared.hosts)


def test_what_is_blank_is_not_given(declared: Declared) -> None:
    """So it comes from a survey whose questions nobody answered, and from variables that are empty on purpose."""
    names = (
        "batches max_fail_percentage hosts timeout retries auth_method validate_certs proxy_host proxy_port thumbprint"
        " access_token saml_token hostname purge_token_issuers purge_all_token_issuers"
    )
    blanks = itertools.cycle([None, "", " "])
    extra = {f"esx_{name}": each for name, each in zip(names.split(), blanks) if name != "hostname"}
    declared.of_all["esx_hostname"] = " "

    for playbook in (CONVERGE, "esx.trust.rotate_signing_certs", "esx.trust.audit"):
        played = declared.run(playbook, extra={**extra, "esx_report_dir": ""})
        assert played.code == 0, played.output

    assert declared.in_order == [["create", "create"]] * 5

    only = declared.run(CONVERGE, extra={"esx_kms_providers": None})

    assert only.code == 0, only.output


def test_a_list_that_came_out_empty_deletes_nothing(declared: Declared) -> None:
    first, *_others = declared.hosts
    declared.of_all["esx_purge_token_issuers"] = True

    assert declared.run(CONVERGE).code == 0

    before = declared.in_order

    for empty in ([], [{"issuer_alias": "gone", "state": "absent"}]):
        declared.of_one["esx05"]["esx_token_issuers"] = empty
        for playbook in (CONVERGE, "esx.trust.audit"):
            refused = declared.run(playbook)
            assert refused.code == 2, refused.output
            assert "set esx_purge_all_token_issuers to true as well" in " ".join(refused.output.split())

        assert declared.in_order == before

    meant = declared.run(CONVERGE, extra={"esx_purge_all_token_issuers": True})

    assert meant.code == 0, meant.output
    assert not declared.hosts[4].issuers
    assert first.issuers


@pytest.mark.parametrize(
    "failures",
    [
        [
            ({"esx_password": ""}, "esx_password (or VMWARE_PASSWORD): is needed"),
            ({"esx_kms_providers": [provider("nonsense", provider="site-b")]}, "esx_kms_providers[0].key_id: "),
            ({"esx_timeout": "soon"}, "'esx_timeout'"),
            ({"esx_retries": -1}, "esx_retries: "),
        ],
        [
            ({"esx_ca_path": "/nowhere.pem"}, "esx_ca_path: /nowhere.pem"),
            ({"esx_ca_path": ""}, "with esx_ca_path, or pin the certificate with esx_thumbprint"),
        ],
        # Of a host that is down only the failure of all hosts tells more.
        [({"esx_port": 1, "esx_retries": 0}, "Check esx_hostname and esx_port, and that the host is up.")],
    ],
    ids=["options", "certificates", "down"],
)
def test_a_failure_names_the_variable_that_was_set(
    declared: Declared, failures: list[tuple[dict[str, object], str]]
) -> None:
    """Each host has a failure of its own."""
    for variables, (given, _message) in zip(declared.of_one.values(), failures):
        variables.update(given)

    for playbook in (CONVERGE, "esx.trust.audit"):
        played = declared.run(playbook, "--limit", ",".join(list(declared.of_one)[: len(failures)]))
        assert played.code == 2, played.output

        output = played.output
        if playbook == "esx.trust.audit":
            output = "".join(path.read_text() for path in (declared.folder / "play").glob("*.json"))

        for _given, message in failures:
            assert message in output, output
