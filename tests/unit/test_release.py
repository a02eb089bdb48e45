# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release refuses what is not ready."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

import release
from environment import ROOT

pytestmark = [pytest.mark.of_sources, pytest.mark.not_quick]

PLUGINS = {
    **{path.stem: path for path in (ROOT / "plugins/modules").glob("*.py")},
    **{path.stem: path for path in (ROOT / "plugins/filter").glob("*.yml")},
}


@pytest.mark.parametrize("name", sorted(PLUGINS))
def test_a_plugin_says_with_which_version_it_came(name: str) -> None:
    """The changelog of a release lists what says that it came with it, and nothing else."""
    releases = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text("utf-8"))["releases"]

    came = {}
    for version, entry in releases.items():
        for plugin in (*entry.get("modules", ()), *entry.get("plugins", {}).get("filter", ())):
            came[plugin["name"]] = version

    match = re.search(r"^ *version_added: *(\S+)$", PLUGINS[name].read_text("utf-8"), re.MULTILINE)

    assert match

    if name in came:
        assert match[1] == came[name]
    else:
        assert numbers(match[1]) > max(map(numbers, releases))


def test_every_file_names_the_same_version() -> None:
    """The pattern's project asks for the collection of its own major version, from the first of it on."""
    version = release.galaxy()["version"]
    changelog = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text("utf-8"))

    assert max(changelog["releases"], key=numbers) == version
    assert f"v{version}".replace(".", "\\.") in (ROOT / "CHANGELOG.md").read_text("utf-8")

    pattern = ROOT / "extensions/patterns/host_trust/collections/requirements.yml"
    (wanted,) = yaml.safe_load(pattern.read_text("utf-8"))["collections"]
    oldest = wanted["version"].removeprefix(">=")

    assert numbers(oldest) <= numbers(version)
    assert numbers(oldest)[0] == numbers(version)[0]


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed checkout of a version that the changelog knows."""
    # Hooks and signatures that somebody has set up for all repositories are none of these tests.
    for settings in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(settings, "/dev/null")

    (tmp_path / "changelogs/fragments").mkdir(parents=True)
    (tmp_path / "galaxy.yml").write_text("version: 1.0.0\n", "utf-8")
    (tmp_path / "changelogs/changelog.yaml").write_text("releases: {1.0.0: {}}\n", "utf-8")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "one"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)

    return tmp_path


def test_nothing_hinders_a_release_that_is_ready(ready: Path) -> None:
    assert list(release.hindrances(ready)) == []


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("new.txt", "", "not committed"),
        ("galaxy.yml", "version: 1.1.0\n", "antsibull-changelog release --version 1.1.0"),
        ("changelogs/fragments/1-new.yml", "---\n", "antsibull-changelog release --version 1.0.0 --update-existing"),
    ],
)
def test_what_hinders_a_release(ready: Path, name: str, text: str, complaint: str) -> None:
    (ready / name).write_text(text, "utf-8")
    reasons = list(release.hindrances(ready))
    assert any(complaint in reason for reason in reasons), reasons
