# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pattern is as pattern loaders expect it, and its execution environment can be built."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
import yaml

import environment
from awx.code import PATTERN
from awx.controller import check_survey

if TYPE_CHECKING:
    from support.tools import Tools

#: AWX takes a file for a playbook if a line of it looks like this.
PLAYBOOK = re.compile(r"^\s*?-?\s*?(?:hosts|(ansible\.builtin\.)?import_playbook):\s*?.*?$", re.MULTILINE)


@pytest.fixture(scope="session")
def templates(pattern: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pattern["aap_resources"]["controller_job_templates"]
    return found


def test_names(pattern: dict[str, Any], templates: list[dict[str, Any]]) -> None:
    resources = pattern["aap_resources"]
    assert pattern["name"] == PATTERN.name
    assert re.fullmatch(r"[a-z0-9_]{1,64}", pattern["name"])
    assert len(pattern["title"]) <= 64
    assert not pattern["short_description"].endswith(".")
    assert resources["controller_execution_environment"]["pull"] in ("always", "missing", "never")
    assert {template["execution_environment"] for template in templates} == {
        resources["controller_execution_environment"]["name"]
    }
    assert {label for template in templates for label in template["labels"]} <= set(resources["controller_labels"])
    assert [template["primary"] for template in templates].count(True) == 1
    assert (PATTERN / "README.md").is_file()


def test_every_template_has_a_playbook(templates: list[dict[str, Any]]) -> None:
    """One that AWX recognizes, and that does what the collection's playbook of that name does."""
    assert {template["playbook"] for template in templates} == {
        each.name for each in (PATTERN / "playbooks").glob("*.yml") if not each.name.endswith(".meta.yml")
    }

    for template in templates:
        text = (PATTERN / "playbooks" / template["playbook"]).read_text("utf-8")
        assert PLAYBOOK.search(text)

        (play,) = yaml.safe_load(text)
        target = PATTERN / "playbooks" / play["ansible.builtin.import_playbook"]

        assert target.resolve(strict=True) == environment.ROOT / "playbooks" / template["playbook"]


def test_surveys(templates: list[dict[str, Any]]) -> None:
    """AWX takes them as they are; pattern loaders ask for more, and want no default but a text."""
    for template in templates:
        check_survey(template["survey"])
        for question in template["survey"]["spec"]:
            assert question["question_description"]
            assert re.fullmatch(r"[a-z0-9_]{1,64}", question["variable"])
            assert isinstance(question.get("default", ""), str)
            # What is asked for and not answered may arrive as an empty text.
            assert question["required"] == ("default" in question)


def test_every_question_is_a_known_variable(templates: list[dict[str, Any]]) -> None:
    """A playbook of that name reads it, and the pattern's own list of variables has it."""
    for template in templates:
        asked = {question["variable"] for question in template["survey"]["spec"]}
        files = [folder / "playbooks" / template["playbook"] for folder in (environment.ROOT, PATTERN)]
        text = "".join(each.read_text("utf-8") for each in files)

        assert {name for name in asked if name not in text} == set()

        listed = (PATTERN / "playbooks" / template["playbook"]).with_suffix(".meta.yml").read_text("utf-8")
        options = yaml.safe_load(listed)["argument_specs"]["main"]["options"]

        assert asked <= set(options)


def test_requirements_of_the_collection(tools: Tools, tmp_path: Path) -> None:
    """What ansible-builder finds by itself, for any execution environment with the collection.

    It finds that in meta/ alone, and takes a folder for a collection if it has galaxy.yml.
    """
    collection = tmp_path / environment.COLLECTION
    shutil.copytree(environment.ROOT / "meta", collection / "meta")
    shutil.copy(environment.ROOT / "galaxy.yml", collection)
    output = tools.run("awx", ["ansible-builder", "introspect", "--sanitize", tmp_path])
    found = yaml.safe_load(output.partition("\n---\n")[2])
    wanted = (environment.ROOT / "requirements.txt").read_text("utf-8").splitlines()

    assert {line for line in wanted if line and not line.startswith("#")} <= {
        line.partition("#")[0].strip() for line in found["python"]
    }
    assert found["system"] == []


def test_the_execution_environment(tools: Tools, tmp_path: Path) -> None:
    definition = PATTERN / "exec_env/execution-environment.yml"
    # At this level it prints warnings, without that word, and its last line.
    create = ["ansible-builder", "create", "-v1", "-f", definition, "-c", tmp_path / "context"]
    output = tools.run("awx", create, cwd=definition.parent)

    assert [line for line in output.splitlines() if not line.startswith("Complete!")] == []

    wanted = yaml.safe_load((PATTERN / "collections/requirements.yml").read_text("utf-8"))

    assert yaml.safe_load((tmp_path / "context/_build/requirements.yml").read_text("utf-8")) == wanted
    assert [collection["name"] for collection in wanted["collections"]] == ["esx.trust"]
