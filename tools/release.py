# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release: refuses what is not ready, builds the tarball, has it judged, and says how it is signed and published.

    .venv/dev/bin/python tools/release.py

The tarball is built once, so that the file whose checksum is printed is the one that was judged. Nothing is uploaded,
tagged or signed here: that is for the person who answers for it.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

import checkout
import promises
from environment import ENVIRONMENTS
from environment import ROOT
from environment import Environment
from environment import is_current
from environment import missing
from programs import fail
from programs import run

PYTEST = (sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "--cores", "all")

#: The command that judges the tarball and what is said about it. It gets `--tarball=FILE`, too.
JUDGES = (
    *PYTEST,
    "tests/gates/test_package.py",
    "tests/gates/test_upgrade.py",
    "tests/gates/test_cores.py",
    "tests/gates/test_style.py",
    "tests/gates/test_docs.py",
)

NEXT = """
{name}
SHA-256  {checksum}

Sign it, tag it, publish it:

    gpg --detach-sign --armor {name}
    git tag -s {version} -m "esx.trust {version}" {commit} && git push origin {version}
    ansible-galaxy collection publish {name}
"""


def hindrances(root: Path = ROOT) -> Iterator[str]:
    """Why this checkout cannot be released."""
    if run(["git", "-C", root, "status", "--porcelain"]).strip():
        yield "The checkout has changes that are not committed."

    if run(["git", "-C", root, "rev-parse", "--is-shallow-repository"]).strip() == "true":
        yield "This is a shallow clone. The upgrade is tested from the release before: git fetch --unshallow"

    version = galaxy(root)["version"]
    changelog = yaml.safe_load((root / "changelogs/changelog.yaml").read_text("utf-8"))
    known = version in changelog["releases"]
    command = f"PATH=.venv/dev/bin:$PATH antsibull-changelog release --version {version}"

    if not known:
        yield f"The changelog knows no version {version}, which galaxy.yml names: {command}"

    if any((root / "changelogs/fragments").glob("*.y*ml")):
        option = " --update-existing" if known else ""
        yield f"There are fragments in changelogs/fragments that no version of the changelog holds: {command}{option}"


def unkept() -> Iterator[str]:
    """The promises of docs/compatibility.md that are broken, and whether new ones are to be written."""
    promised = promises.written()
    has = promises.current()

    for broken in promises.broken(promised, has):
        yield f"A promise is broken: {broken}."

    if promises.added(promised, has):
        yield "Something is new and not promised yet: .venv/dev/bin/python tools/promises.py"


def left_out(environments: Iterable[Environment]) -> Iterator[str]:
    """The environments that are not made, because the tests of these environments would be skipped."""
    for environment in environments:
        if not is_current(environment):
            reason = missing(environment) or "python3 tools/environment.py every"
            yield f"The environment {environment.name} is not made: {reason}"


def galaxy(root: Path = ROOT) -> dict[str, Any]:
    """The content of galaxy.yml."""
    metadata: dict[str, Any] = yaml.safe_load((root / "galaxy.yml").read_text("utf-8"))
    return metadata


def main(
    root: Path = ROOT,
    judges: Sequence[str] = JUDGES,
    environments: Iterable[Environment] = tuple(ENVIRONMENTS.values()),
) -> None:
    reasons = [*hindrances(root), *left_out(environments), *unkept()]
    if reasons:
        fail("\n  ".join(["this checkout cannot be released yet.", *reasons]))

    commit = run(["git", "-C", root, "rev-parse", "--short", "HEAD"]).strip()
    tarball = checkout.build(root / "build", ENVIRONMENTS["install"].bin / "ansible-galaxy")
    name = tarball.relative_to(root)
    checksum = _checksum(tarball)

    if subprocess.run([*judges, f"--tarball={tarball}"], cwd=root, check=False).returncode:
        fail(f"a test that judges the tarball has failed. Do not publish {name}.")

    if _checksum(tarball) != checksum:
        fail(f"{name} has changed while it was judged. Leave it alone, and start again.")

    print(NEXT.format(name=name, checksum=checksum, version=galaxy(root)["version"], commit=commit))


def _checksum(tarball: Path) -> str:
    return hashlib.sha256(tarball.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
