# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball: what is in it, what Galaxy says about it, and whether it runs where nothing else is."""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import checkout
import docs
import environment
import release
from support.constants import KEY
from support.programs import clean_environment
from support.programs import run_program
from support.tools import made_environment

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from support.tools import Tools

pytestmark = pytest.mark.xdist_group("package")

PLAY = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/esx.trust.esx:
      hostname: "{{ host.address }}"
      port: "{{ host.port }}"
      username: "{{ host.username }}"
      password: "{{ host.password }}"
      ca_path: "{{ host.ca_path }}"
  tasks:
    - esx.trust.esx_kms_provider:
        provider: site
        key_id: 0a1b2c3d-0000-4000-8000-000000000001
        key_derivation_key: "{{ key }}"
      loop: [created, converged]
      register: runs
    - assert:
        that:
          - runs.results | map(attribute='changed') | list == [true, false]
    - esx.trust.esx_kms_provider_info:
      register: info
    - assert:
        that:
          - info.kms_providers | map(attribute='provider') | list == ['site']
    - assert:
        that:
          - page is search('<h1>Everything is as declared on 1 host</h1>')
          - page is search('<style>/[*] Copyright')
      vars:
        found: [{host: esx01, trust: {resources: [{resource: kms_provider, id: site, status: ok}]}}]
        page: "{{ found | esx.trust.audit_data('2026-01-31T08:00:00Z') | esx.trust.audit_html }}"
"""


def test_the_tarball_that_is_given_is_judged(tmp_path: Path) -> None:
    """`make release` gives one. Nothing of what users need is in this one, as it is in every other one."""
    given = tmp_path / "esx-trust-0.0.0.tar.gz"
    with tarfile.open(given, "w:gz") as archive:
        archive.add(environment.ROOT / "CHANGELOG.md", "CHANGELOG.md")

    judge = f"{Path(__file__).relative_to(environment.ROOT)}::{test_contents.__name__}"
    ended = run_program([*release.PYTEST, f"--tarball={given}", judge], environment.ROOT, clean_environment())

    assert ended.code == pytest.ExitCode.TESTS_FAILED, ended.output
    assert "AssertionError: README.md is missing" in ended.output


def test_contents(tarball: Path) -> None:
    """What users need is there; how the project is built and tested is not."""
    with tarfile.open(tarball) as archive:
        names = set(archive.getnames())
    for needed in ("README.md", "meta/runtime.yml", "CHANGELOG.md", "COPYING", "requirements.txt", "plugins/modules"):
        assert any(name == needed or name.startswith(f"{needed}/") for name in names), f"{needed} is missing"
    pattern = "extensions/patterns/host_trust"

    assert {
        f"{pattern}/meta/pattern.json",
        "extensions/audit/event_query.yml",
        "playbooks/vars/awx_credential_types.yml",
        "meta/ee-requirements.txt",
        "plugins/plugin_utils/_audit/report.html.j2",
        "plugins/plugin_utils/_audit/report.css",
    } <= names

    assert {name for name in names if name.startswith("extensions/") and not name.startswith(pattern)} <= {
        "extensions/audit",
        "extensions/audit/event_query.yml",
        "extensions/eda",
        "extensions/eda/rulebooks",
        "extensions/eda/rulebooks/audit_that_is_due.yml",
        "extensions/patterns",
    }

    top = {name.partition("/")[0] for name in names}

    assert {name for name in names if name.startswith("tests/")} == {"tests/config.yml"}

    known = {"plugins", "meta", "docs", "changelogs", "roles", "playbooks", "extensions", "LICENSES", "tests"}
    unknown = {name for name in top - known if not name.endswith((".md", ".json", ".txt", ".toml", "COPYING"))}

    assert not unknown, f"new in the tarball: {sorted(unknown)}; users need it? otherwise build_ignore in galaxy.yml"


def test_playbooks_have_a_pattern_of_their_own(tarball: Path) -> None:
    """Whoever packs the collection can leave extensions/ out, where a clone has a link to the file of the playbooks."""
    own, linked = "playbooks/vars/awx_pattern.json", "extensions/patterns/host_trust/meta/pattern.json"

    assert not (environment.ROOT / own).is_symlink()

    with tarfile.open(tarball) as archive:
        assert archive.getmember(linked).isreg()

        packed = [archive.extractfile(name) for name in (own, linked)]
        texts = [file.read() for file in packed if file is not None]

    assert texts == [(environment.ROOT / own).read_bytes()] * 2


def test_nothing_that_runs_reads_below_extensions() -> None:
    found = []

    for name in checkout.files():
        if name.parts[0] not in ("plugins", "playbooks", "roles"):
            continue

        lines = (environment.ROOT / name).read_text("utf-8").splitlines()
        found += [f"{name}: {line}" for line in lines if _names_extensions(line)]

    assert found == []


def _names_extensions(line: str) -> bool:
    """True for a line that names the folder and is no comment."""
    return not line.lstrip().startswith("#") and bool(re.search(r"\bextensions/|/ *[\"']extensions[\"']", line))


def test_the_readme_stands_alone() -> None:
    """Galaxy shows it without the other files, so every link says where on the net its page is."""
    text = (environment.ROOT / "README.md").read_text("utf-8")
    targets = re.findall(r"\]\(([^)]*)\)", text)

    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []

    here = "https://github.com/esx-trust/esx.trust/blob/main/"
    pages = [target.removeprefix(here).partition("#")[0] for target in targets if target.startswith(here)]

    assert [page for page in pages if not (environment.ROOT / page).is_file()] == []


def test_the_pages_of_the_tarball_are_for_users(tarball: Path) -> None:
    """They do not speak of make, which works in a clone only, and link to no page that the tarball has not."""
    with tarfile.open(tarball) as archive:
        names = set(archive.getnames())

    pages = {name for name in names if name.startswith("docs/") and name.endswith(".md")}

    assert pages == {f"docs/{page}.md" for page in ("README", *docs.pages())} - {
        f"docs/{page}.md" for page in docs.PARTS["For contributors"]
    }

    for page in sorted(pages):
        text = (environment.ROOT / page).read_text("utf-8")
        targets = re.findall(r"\]\((?!https?:)([^)\s#]+)", text)

        assert not re.findall(r"`make\b|^(?:\$ )?make\b", text, re.MULTILINE), page
        assert [target for target in targets if posixpath.normpath(f"docs/{target}") not in names] == [], page


def test_the_readme_installs_from_a_clone(tools: Tools, tarball: Path, tmp_path: Path) -> None:
    """The last command finds what the one before it has built, and needs no server."""
    text = (environment.ROOT / "README.md").read_text("utf-8")
    block = re.search(r"^git clone \S+ (~/\S+)\nmake -C (\S+) build\n(ansible-galaxy .*)$", text, re.MULTILINE)

    assert block
    assert block[1] == block[2]

    built = tmp_path / block[1].removeprefix("~/") / "build"
    built.mkdir(parents=True)
    shutil.copy(tarball, built)

    # Nothing listens at the address of the server.
    variables = tools.variables(
        made_environment("install"),
        ANSIBLE_COLLECTIONS_PATH=tmp_path / "installed",
        ANSIBLE_GALAXY_SERVER="http://127.0.0.1:9/",
        HOME=tmp_path,
    )
    ended = run_program(["sh", "-c", block[3]], tmp_path, variables)

    assert ended.code == 0, ended.output
    assert (tmp_path / "installed" / environment.COLLECTION / "MANIFEST.json").is_file()


def test_licence(tools: Tools, tarball: Path, tmp_path: Path) -> None:
    """The text of the licence is in the tarball, and every file of it says that it is under this licence."""
    with tarfile.open(tarball) as archive:
        archive.extractall(tmp_path, filter="data")
    for name in ("COPYING", "LICENSES/GPL-3.0-or-later.txt"):
        assert "GNU GENERAL PUBLIC LICENSE" in (tmp_path / name).read_text("utf-8")
    tools.run("dev", ["reuse", "--root", tmp_path, "lint"])


def test_galaxy_importer(tools: Tools, tarball: Path) -> None:
    settings = tools.home / "galaxy-importer.cfg"
    wanted = {"CHECK_CHANGELOG", "CHECK_REQUIRED_TAGS", "OFFLINE_ANSIBLE_LINT", "RUN_ANSIBLE_TEST"}
    lines = [f"{name} = {name != 'RUN_ANSIBLE_TEST'}" for name in sorted(wanted)]
    settings.write_text("\n".join(["[galaxy-importer]", *lines, ""]), "utf-8")

    said = tools.run(
        "importer",
        ["python", "-m", "galaxy_importer.main", tarball],
        cwd=tools.home,
        variables={"GALAXY_IMPORTER_CONFIG": settings},
    )

    assert "Importer processing completed successfully" in said

    # A playbook that the importer does not find gives such a line.
    assert not re.findall(r"^(?:ERROR|WARNING): .*", said, re.MULTILINE)


def test_runs_from_an_empty_path(tools: Tools, tarball: Path, tmp_path: Path, fleet: Fleet, host: Host) -> None:
    """Installed without a network, documented, and run with ansible-core, requests and cryptography alone."""
    installed = tmp_path / "collections"
    variables = {"ANSIBLE_COLLECTIONS_PATH": installed}
    install = ["ansible-galaxy", "collection", "install", "--offline", tarball, "-p", installed]
    tools.run("install", install, variables=variables)
    tools.run("install", ["ansible-galaxy", "collection", "verify", "--offline", "esx.trust"], variables=variables)
    modules = sorted(each.stem for each in (environment.ROOT / "plugins/modules").glob("*.py"))
    names = [f"esx.trust.{name}" for name in modules]
    documented = json.loads(tools.run("install", ["ansible-doc", "--json", *names], variables=variables))

    assert sorted(documented) == names

    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAY, "utf-8")
    facts = {name: getattr(host, name) for name in ("address", "port", "username", "password")}
    values = tmp_path / "values.json"
    values.write_text(json.dumps({"host": {**facts, "ca_path": fleet.ca_path}, "key": KEY}), "utf-8")
    command = ["ansible-playbook", "-e", f"@{values}", playbook]
    said = tools.run("install", command, cwd=tmp_path, variables=variables)

    assert "failed=0" in said
