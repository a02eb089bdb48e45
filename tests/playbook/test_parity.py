# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action and the module of its name: what a playbook sees of them is the same, and each runs where it should."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

import environment
from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.playbooks import Playbooks
from support.playbooks import over_hosts
from support.tools import made_environment

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from support.tools import Tools

pytestmark = pytest.mark.timeout(600)

PROVIDER = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}
DECLARED_ISSUER = {
    "issuer_alias": "vcenter01",
    "issuer": ISSUER,
    "signing_cert_chains": [{"cert_chain": chain(2)}],
}
KMS, TRUST = "esx.trust.esx_kms_provider", "esx.trust.esx_token_issuer"
#: What -vvv says when a module is sent somewhere.
SENT = "Using module file"

#: Runs of one host, one after the other: the module, its options, and more keywords of the task.
RUNS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # What it does.
    (KMS, PROVIDER, {"check_mode": True, "diff": True}),
    (KMS, PROVIDER, {"diff": True}),
    (KMS, PROVIDER, {"diff": True}),
    (KMS, {**PROVIDER, "key_derivation_key": "c2hvcnQ=", "provider": "short"}, {}),
    (KMS, {"provider": "site-z", "state": "absent"}, {}),
    (TRUST, DECLARED_ISSUER, {"check_mode": True, "diff": True}),
    (TRUST, DECLARED_ISSUER, {"diff": True}),
    (TRUST, {**DECLARED_ISSUER, "issuer_alias": "other"}, {}),
    ("esx.trust.esx_kms_provider_info", {}, {}),
    ("esx.trust.esx_token_issuer_info", {"issuer_alias": "vcenter01"}, {}),
    # How options are written.
    (KMS, {**PROVIDER, "validate_certs": "no"}, {}),
    (KMS, {**PROVIDER, "port": "{{ esx_port | string }}", "timeout": "7.5", "retries": "1"}, {}),
    (KMS, {**PROVIDER, "provider": 4711, "state": "absent"}, {}),
    (KMS, {**PROVIDER, "user": "root", "username": "{{ omit }}"}, {}),
    (KMS, {**PROVIDER, "user": "root"}, {}),
    (KMS, {**PROVIDER, "pwd": "{{ esx_password }}", "pass": "{{ esx_password }}"}, {}),
    (KMS, {**PROVIDER, "proxy_host": "", "thumbprint": ""}, {}),
    # What Ansible itself refuses.
    (KMS, {"key_id": KEY_ID}, {}),
    (KMS, {**PROVIDER, "colour": "blue"}, {}),
    (KMS, {**PROVIDER, "colour": "blue", "port": "blue"}, {}),
    (KMS, {**PROVIDER, "port": "blue"}, {}),
    (KMS, {**PROVIDER, "state": "blue"}, {}),
    (KMS, {**PROVIDER, "state": "{{ key }}"}, {}),
    (KMS, {"provider": "site-a"}, {}),
    (KMS, {**PROVIDER, "proxy_host": "proxy.example.com"}, {}),
    (TRUST, {**DECLARED_ISSUER, "signing_cert_chains": ["blue"]}, {}),
    (TRUST, {**DECLARED_ISSUER, "signing_cert_chains": [{"chain": []}]}, {}),
    (TRUST, {**DECLARED_ISSUER, "signing_cert_chains": [{"cert_chain": [], "colour": "blue"}]}, {}),
    # What the module refuses, and what the host does.
    (KMS, {**PROVIDER, "key_id": KEY}, {}),
    (KMS, {**PROVIDER, "key_id": OTHER_KEY_ID}, {"diff": True}),
    (KMS, {**PROVIDER, "ca_path": "{{ omit }}"}, {}),
    (KMS, {**PROVIDER, "ca_path": "/nowhere.pem"}, {}),
    (KMS, {**PROVIDER, "port": 1, "retries": 0}, {}),
    (KMS, {"provider": "site-a", "state": "absent"}, {}),
    (TRUST, {**DECLARED_ISSUER, "signing_cert_chains": [{"cert_chain": ["no certificate"]}]}, {}),
    (KMS, {**PROVIDER, "password": "wrong-Password-1"}, {}),
]


@pytest.fixture(params=environment.CORES)
def core(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def playbooks(core: str, tools: Tools, fleet: Fleet, tmp_path: Path) -> Iterator[Playbooks]:
    """Two hosts, left to the default, which is the worker."""
    with over_hosts(fleet.hosts[:2], tools, core, fleet, tmp_path, in_worker=True) as prepared:
        yield prepared


@pytest.mark.parametrize(
    "shown", [pytest.param(False, marks=pytest.mark.every_core, id="plain"), pytest.param(True, id="with invocation")]
)
def test_results_are_the_same(playbooks: Playbooks, tmp_path: Path, shown: bool) -> None:
    """One host is served in the worker, the other by the module; both go through the same."""
    in_worker, as_module = results(playbooks, tmp_path, in_worker=playbooks.hosts[:1], shown=shown)
    for run, in_the_worker, in_the_module in zip(RUNS, in_worker, as_module):
        assert _shown(in_the_worker) == _shown(in_the_module), run


def test_results_are_the_same_over_either_form_of_the_api(playbooks: Playbooks, tmp_path: Path) -> None:
    """One host speaks REST, the other JSON-RPC; the results differ in `api_protocol`, and failures in their words."""
    _rest, jsonrpc = playbooks.hosts
    jsonrpc.settings(protocols="jsonrpc")
    over_rest, over_jsonrpc = results(playbooks, tmp_path, in_worker=playbooks.hosts)
    for run, rest_result, jsonrpc_result in zip(RUNS, over_rest, over_jsonrpc):
        assert _of_either_form(rest_result) == _of_either_form(jsonrpc_result), run

    assert "jsonrpc" not in [result.get("api_protocol") for result in over_rest]
    assert "jsonrpc" in [result.get("api_protocol") for result in over_jsonrpc]


def results(
    playbooks: Playbooks, folder: Path, *, in_worker: Sequence[Host], shown: bool = False
) -> list[list[dict[str, Any]]]:
    """What both hosts registered of all RUNS; the hosts are written to equally, and no secret is registered."""
    tasks: list[dict[str, Any]] = []
    workers = [host.name for host in in_worker]
    way = {"esx_trust_in_worker": f"{{{{ inventory_hostname in {workers} }}}}"}

    for number, (name, options, keywords) in enumerate(RUNS):
        task = {"name": f"Run {number}", name: options, **keywords, "vars": way}
        tasks.append({**task, "register": f"run{number}", "ignore_errors": True})

    names = ", ".join(f"run{number}" for number in range(len(RUNS)))
    content = f"{{{{ [{names}] | to_json }}}}"
    dest = f"{folder}/{{{{ inventory_hostname }}}}.json"
    tasks.append({"name": "Keep", "ansible.builtin.copy": {"dest": dest, "content": content, "mode": "0600"}})

    played = playbooks.play(tasks, variables={"key": KEY, "ansible_inject_invocation": shown})

    assert played.code == 0, played.output

    records = []
    for host in playbooks.hosts:
        kept = (folder / f"{host.name}.json").read_text("utf-8")
        records.append(json.loads(kept.replace(host.address, "HOST")))

    assert len({len(host.writes) for host in playbooks.hosts}) == 1
    assert KEY not in json.dumps(records)
    assert "wrong-Password-1" not in json.dumps(records)

    return records


def _of_either_form(result: dict[str, Any]) -> dict[str, Any]:
    """A result without what names the form of the API."""
    failure = result.get("failure", {})
    if result.get("failed") and failure.get("operation"):
        judged = {name: failure[name] for name in ("code", "error_type", "hint")}
        return {**judged, "changed": result.get("changed"), "operations": result.get("operations")}

    return {name: value for name, value in _shown(result).items() if name != "api_protocol"}


def _shown(result: dict[str, Any]) -> dict[str, Any]:
    """A result as a playbook may rely on it."""
    # These are the inside of Ansible; newer cores keep some of them in the results of modules.
    inside = ("exception", "_ansible_no_log", "ansible_parsed")
    return {name: value for name, value in result.items() if name not in inside}


NEEDS_ROOT = "as another user"  # only root becomes somebody without a password
WAYS: dict[str, tuple[dict[str, Any], bool]] = {
    "as usual": ({}, True),
    "delegated to localhost": ({"delegate_to": "localhost"}, True),
    "delegated to a host with a Python of its own": ({"delegate_to": "other_python"}, False),
    "delegated to another machine": ({"delegate_to": "bastion"}, False),
    "another connection": ({"vars": {"ansible_connection": "elsewhere"}}, False),
    "in the background": ({"async": 60, "poll": 1, "vars": {"ansible_async_dir": "{{ jobs }}"}}, False),
    "with variables of the environment": ({"environment": {"VMWARE_RETRIES": "1"}}, False),
    "another interpreter": ({"vars": {"ansible_python_interpreter": "{{ other_python }}"}}, False),
    "the interpreter that runs Ansible": (
        {"vars": {"ansible_python_interpreter": "{{ansible_playbook_python}}"}},
        True,
    ),
    "no interpreter in particular": ({"vars": {"ansible_python_interpreter": "auto_silent"}}, True),
    "switched off": ({"vars": {"esx_trust_in_worker": "no"}}, False),
    NEEDS_ROOT: ({"become": True, "become_method": "ansible.builtin.su"}, False),
}
ELSEWHERE = """
from ansible.plugins.connection import local

DOCUMENTATION = local.DOCUMENTATION.replace("name: local", "name: elsewhere")


class Connection(local.Connection):
    \"\"\"Another machine, as far as Ansible knows.\"\"\"

    transport = "elsewhere"
"""


@pytest.mark.every_core
def test_the_work_is_done_where_it_belongs(playbooks: Playbooks, core: str, tmp_path: Path) -> None:
    """All ways are tasks of one run, each with a key provider of its name."""
    ways = dict(WAYS)
    if os.geteuid() != 0:
        del ways[NEEDS_ROOT]

    python = made_environment(core).python
    # The same Python under a name that is not the one that runs Ansible, with the libraries of that one.
    interpreter = tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    interpreter.chmod(0o755)
    folder = tmp_path / "play"
    (folder / "connection_plugins").mkdir()
    (folder / "connection_plugins" / "elsewhere.py").write_text(ELSEWHERE)

    add = {
        "name": "Other machines",
        "ansible.builtin.add_host": {"name": "{{ item }}", "groups": "others"},
        "loop": ["bastion", "other_python"],
    }

    host_vars = folder / "host_vars"
    host_vars.mkdir()
    common = f"ansible_python_interpreter: {interpreter}\n"
    (host_vars / "bastion.yml").write_text(f"ansible_connection: elsewhere\n{common}")
    (host_vars / "other_python.yml").write_text(f"ansible_connection: local\n{common}")
    tasks = []
    for name, (keywords, _in_worker) in ways.items():
        tasks.append({"name": name, KMS: {**PROVIDER, "provider": name}, **keywords})

    played = playbooks.play([add, *tasks], "-vvv", variables={"other_python": str(interpreter), "jobs": str(tmp_path)})

    assert played.code == 0, played.output

    for host in playbooks.hosts:
        assert sorted(host.providers) == sorted(ways)
    _before, *parts = re.split(r"^TASK \[(.*)\] \*+$", played.output, flags=re.MULTILINE)
    places = dict(zip(parts[::2], parts[1::2]))
    in_worker = {name for name in ways if SENT not in places[name]}

    assert in_worker == {name for name, (_keywords, expected) in ways.items() if expected}
    assert KEY not in played.output
