# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx.trust.awx_setup against a double of AWX: by the modules of awx.awx themselves, once, and again."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

import environment
from awx import guide
from awx.controller import Controller
from awx.controller import serve
from support.constants import KEY
from support.programs import Ended
from support.programs import run_program
from support.tools import made_environment

if TYPE_CHECKING:
    from awx.code import Inside
    from support.search import Search
    from support.tools import Tools

pytestmark = [pytest.mark.xdist_group("awx setup"), pytest.mark.timeout(600)]  # many programs start

PASSWORD = "Horse-Battery+1"
TOKEN = "oauth-Token/of+awx=1"


@dataclass(frozen=True)
class Setup:
    """Runs the playbook as the guide says."""

    tools: Tools
    controller: Controller
    folder: Path

    def run(self, variables: str, *arguments: str, where: str = "awx", collections: Path | None = None) -> Ended:
        """variables: the text of awx.yml. collections: a folder with further collections."""
        venv = made_environment(where)
        (self.folder / "awx.yml").write_text(variables, "utf-8")
        (command,) = [each for each in guide.commands() if "awx_setup" in each]
        program, *rest = shlex.split(command)
        searched = [path for path in (collections, environment.link_collection()) if path]

        outside = self.tools.variables(
            venv,
            ANSIBLE_COLLECTIONS_PATH=":".join(map(str, searched)),
            ANSIBLE_HOME=self.folder / "home",
            ANSIBLE_PIPELINING="1",
            CONTROLLER_HOST=self.controller.url,
            CONTROLLER_OAUTH_TOKEN=TOKEN,
            ESX_KEY=KEY,
            ESX_PASSWORD=PASSWORD,
        )

        return run_program([venv.bin / program, *rest, *arguments], self.folder, outside)


@pytest.fixture
def controller() -> Iterator[Controller]:
    with serve(Controller()) as running:
        running.add("organizations", name="Default")
        yield running


@pytest.fixture
def setup(tools: Tools, controller: Controller, tmp_path: Path) -> Setup:
    folder = tmp_path / "setup"
    folder.mkdir()
    return Setup(tools, controller, folder)


def test_everything_once_and_again(setup: Setup, controller: Controller, pattern: Any, search: Search) -> None:
    """Every task of it runs, so the modules themselves say that every option exists and holds what it may."""
    first = setup.run(guide.file("awx.yml"), "-vvvv")
    assert first.code == 0, first.output
    # The task that fails if no collection for AWX is there.
    assert first.recap("localhost")["skipped"] == 1
    assert first.recap("localhost")["changed"] == 9

    templates = {template["playbook"]: template for template in controller.objects["job_templates"].values()}
    audit, converge, rotate = (
        templates[f"playbooks/{name}.yml"] for name in ("audit", "converge", "rotate_signing_certs")
    )

    assert [template["job_slice_count"] for template in (audit, converge, rotate)] == [4, 1, 1]
    assert [template["allow_simultaneous"] for template in (audit, converge, rotate)] == [True, False, False]
    assert [template["ask_job_type_on_launch"] for template in (audit, converge, rotate)] == [False, True, True]

    surveys = {
        template["playbook"]: template["survey"] for template in pattern["aap_resources"]["controller_job_templates"]
    }

    for name, template in templates.items():
        assert controller.surveys[template["id"]] == surveys[name.removeprefix("playbooks/")]
        assert template["survey_enabled"] is True

    (schedule,) = controller.objects["schedules"].values()

    assert schedule["unified_job_template"] == audit["id"]

    host = controller.named("credentials", "ESX hosts")["id"]
    key = controller.named("credentials", "ESX native key")["id"]
    attached = [controller.attached[f"{template['url']}credentials/"] for template in (audit, converge, rotate)]

    assert [set(each) for each in attached] == [{host}, {host, key}, {host}]
    assert controller.secrets == {host: {"password": PASSWORD}, key: {"key_derivation_key": KEY}}
    assert controller.objects["credentials"][host]["inputs"]["ca_certificate"].startswith("-----BEGIN")

    # Somebody changes one template by hand. That is set right, and nothing else is touched.
    converge.update(allow_simultaneous=True)
    controller.surveys[converge["id"]] = {}
    controller.attached[f"{converge['url']}credentials/"].remove(key)
    done = len(controller.writes)
    again = setup.run(guide.file("awx.yml"), "--diff")

    assert again.code == 0, again.output
    assert again.recap("localhost")["changed"] == 1

    paths = [(request.method, request.path) for request in controller.writes[done:]]

    assert sorted(paths) == sorted(
        [
            ("PATCH", converge["url"]),
            *(("POST", f"{converge['url']}{name}/") for name in ("credentials", "survey_spec")),
        ]
    )

    assert converge["allow_simultaneous"] is False
    assert controller.surveys[converge["id"]] == surveys["converge.yml"]
    assert set(controller.attached[f"{converge['url']}credentials/"]) == {host, key}

    secrets = {"password": [PASSWORD], "key": [KEY], "token": [TOKEN]}

    assert not search.find(secrets, {"first": first.output, "again": again.output})


def test_only_the_least(setup: Setup, controller: Controller) -> None:
    """What is there already is used by name, and no secret is asked for."""
    default = controller.named("organizations", "Default")["id"]
    controller.add("inventories", name="ESX hosts", organization=default, kind="")
    controller.add("projects", name="Playbooks", organization=default, scm_type="git", scm_url="git://x")
    played = setup.run("esx_awx_project: Playbooks\nesx_awx_playbook_folder: esx\nesx_awx_audit_rrule: ''\n")

    assert played.code == 0, played.output

    assert {template["playbook"] for template in controller.objects["job_templates"].values()} == {
        "esx/audit.yml",
        "esx/converge.yml",
        "esx/rotate_signing_certs.yml",
    }

    assert not controller.objects["schedules"]
    assert not controller.objects["credentials"]
    assert set(controller.attached) == set()


def test_the_tasks_for_both_collections_are_alike() -> None:
    """But for the collection of the modules, and the comment that names the other file."""
    folder = environment.ROOT / "playbooks/tasks"
    of_awx, of_controller = (
        (folder / f"{name}_setup.yml").read_text("utf-8").partition("\n---\n")[2] for name in ("awx", "controller")
    )

    assert of_awx.count("awx.awx.") == 9
    assert of_awx.replace("awx.awx.", "ansible.controller.") == of_controller


@pytest.fixture
def automation_controller(tmp_path: Path) -> Path:
    """A folder with a double of ansible.controller: the modules of awx.awx, of which it is made, under its name."""
    (awx,) = made_environment("awx").path.glob("lib/python*/site-packages/ansible_collections/awx/awx")
    folder = tmp_path / "collections"
    double = folder / "ansible_collections/ansible/controller"
    shutil.copytree(awx / "plugins", double / "plugins")

    for path in double.rglob("*.py"):
        text = path.read_text("utf-8")
        path.write_text(re.sub(r"\bawx([./])awx\b", r"ansible\1controller", text), "utf-8")

    runtime = (awx / "meta/runtime.yml").read_text("utf-8")
    (double / "meta").mkdir()
    (double / "meta/runtime.yml").write_text(runtime.replace("awx.awx", "ansible.controller"), "utf-8")
    (double / "galaxy.yml").write_text("namespace: ansible\nname: controller\nversion: 4.6.0\n", "utf-8")

    return folder


@pytest.mark.parametrize("where", ["awx", "install"], ids=["beside awx.awx", "alone"])
def test_with_ansible_controller(setup: Setup, controller: Controller, automation_controller: Path, where: str) -> None:
    """Its modules do the work, also where awx.awx is installed too."""
    played = setup.run(guide.file("awx.yml"), where=where, collections=automation_controller)
    assert played.code == 0, played.output
    assert played.recap("localhost")["changed"] == 9
    assert "tasks/controller_setup.yml" in played.output
    assert "tasks/awx_setup.yml" not in played.output
    assert len(controller.objects["job_templates"]) == 3


def test_without_awx_awx_it_says_what_to_do(setup: Setup, controller: Controller) -> None:
    """And it looks for it here, as the user who runs Ansible, whatever the inventory sets for other plays."""
    elsewhere = {
        "ansible_connection": "ssh",
        "ansible_port": 1,
        "ansible_become": True,
        "ansible_become_exe": "/nowhere/sudo",
        "ansible_shell_executable": "/nowhere/sh",
    }
    inventory = setup.folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": {}}, "vars": elsewhere}}))
    played = setup.run(guide.file("awx.yml"), "-i", str(inventory), where="install")

    assert played.code == 2, played.output
    assert "ansible-galaxy collection install awx.awx" in played.output
    assert controller.writes == []


def test_the_schedule_is_daily(inside: Inside) -> None:
    text = (Path(__file__).parents[2] / "playbooks/awx_setup.yml").read_text("utf-8")
    found = re.search(r"esx_awx_audit_rrule: (DTSTART.*)$", text, re.MULTILINE)

    assert found

    expected = [f"2030-01-0{day}T05:00:00+00:00" for day in (1, 2, 3)]

    assert inside.ask("rrule", rrule=found[1]) == expected


@pytest.mark.parametrize(
    "question",
    [
        {"type": "date"},
        {"type": "integer", "default": "20"},
        {"type": "multiplechoice", "choices": ["a"], "default": "b"},
        {"required": "yes"},
    ],
)
def test_the_double_refuses_what_awx_refuses_of_surveys(controller: Controller, question: dict[str, Any]) -> None:
    changed = {"type": "text", "question_name": "A", "variable": "a", "required": True, **question}
    survey = {"name": "", "description": "", "spec": [changed]}
    status, _content = answered(controller, "/api/v2/job_templates/1/survey_spec/", survey)

    assert status == 400


def answered(controller: Controller, path: str, body: Any) -> tuple[int, Any]:
    """Over HTTP, as the modules ask."""
    import requests

    answer = requests.post(controller.url + path, json=body, timeout=10)
    return answer.status_code, answer.json()
