# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release refuses what is not ready."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import checkout
import environment
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


def test_a_shallow_clone_is_not_released(ready: Path, tmp_path: Path) -> None:
    """The test of the upgrade needs the release before."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{ready}", str(clone)], check=True)

    (reason,) = release.hindrances(clone)

    assert reason.startswith("This is a shallow clone")


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


#: A command in place of the judges: it writes what it got into the file `judged`, and ends as it is told.
JUDGE = """
import pathlib, sys
given = sys.argv[-1].removeprefix("--tarball=")
pathlib.Path("build/judged").write_bytes(pathlib.Path(given).read_bytes())
"""


def judges(then: str) -> list[str]:
    return [sys.executable, "-c", f"{JUDGE}\n{then}"]


@pytest.fixture
def built(ready: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The tarballs that are built: each has another content, and lies where git does not see it."""
    made: list[Path] = []

    def build(output: Path, _ansible_galaxy: Path) -> Path:
        output.mkdir(exist_ok=True)
        (output / ".gitignore").write_text("*\n", "utf-8")
        made.append(output / "esx-trust-1.0.0.tar.gz")
        made[-1].write_text(f"tarball {len(made)}", "utf-8")

        return made[-1]

    monkeypatch.setattr(checkout, "build", build)
    monkeypatch.setattr(release, "unkept", lambda: iter(()))

    return made


def test_the_tarball_that_was_judged_is_released(
    ready: Path, built: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    release.main(ready, judges("sys.exit(0)"), environments=())

    (tarball,) = built
    said = capsys.readouterr().out
    commit = subprocess.run(
        ["git", "-C", ready, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout
    tagged = re.search(r'git tag -s 1\.0\.0 -m "esx\.trust 1\.0\.0" (\w{7,}) && git push origin 1\.0\.0\n', said)

    assert (ready / "build/judged").read_bytes() == tarball.read_bytes()
    assert f"SHA-256  {hashlib.sha256(tarball.read_bytes()).hexdigest()}\n" in said
    assert "gpg --detach-sign --armor build/esx-trust-1.0.0.tar.gz\n" in said
    assert "ansible-galaxy collection publish build/esx-trust-1.0.0.tar.gz\n" in said
    assert tagged
    assert commit.startswith(tagged[1])


@pytest.mark.parametrize(
    ("then", "complaint"),
    [
        (
            "sys.exit(1)",
            r"a test that judges the tarball has failed\. Do not publish build/esx-trust-1\.0\.0\.tar\.gz\.",
        ),
        (
            "pathlib.Path(given).write_text('another')",
            r"build/esx-trust-1\.0\.0\.tar\.gz has changed while it was judged",
        ),
    ],
)
def test_what_was_not_judged_well_is_not_released(
    ready: Path, built: list[Path], capsys: pytest.CaptureFixture[str], then: str, complaint: str
) -> None:
    with pytest.raises(SystemExit, match=complaint):
        release.main(ready, judges(then), environments=())

    assert len(built) == 1
    assert "SHA-256" not in capsys.readouterr().out


def test_a_dirty_tree_is_not_built(ready: Path, built: list[Path]) -> None:
    (ready / "new.txt").touch()

    with pytest.raises(SystemExit, match="cannot be released yet") as refused:
        release.main(ready, judges("sys.exit(0)"), environments=())

    assert "not committed" in str(refused.value)
    assert built == []


def test_a_broken_promise_is_not_released(ready: Path, built: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "unkept", lambda: iter(["A promise is broken: one."]))

    with pytest.raises(SystemExit, match=r"A promise is broken: one\."):
        release.main(ready, judges("sys.exit(0)"), environments=())

    assert built == []


def test_without_all_environments_nothing_is_released(ready: Path, built: list[Path]) -> None:
    """The tests of an environment that is not made would be skipped."""
    never_made = environment.Environment("core-9.9", ("9.9",), "9.9")

    with pytest.raises(SystemExit, match=r"The environment core-9\.9 is not made: no Python 9\.9 on this machine"):
        release.main(ready, judges("sys.exit(0)"), environments=[never_made])

    assert built == []
