# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the project: a copy of it, and the collection's tarball.

    python3 tools/checkout.py build DIRECTORY      build the tarball there

Ansible's own build looks at every file in the folder, and ansible-test wants a folder of a certain name, so both work
on a copy of what git knows or would take: environments and caches stay out of it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import COLLECTION
from environment import ENVIRONMENTS
from environment import ROOT
from environment import link_collection
from programs import clean_environment
from programs import fail
from programs import run

LICENCE = "GPL-3.0-or-later"


def files() -> list[Path]:
    """The project's files, new ones too, relative to its root."""
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"git must be able to list the files of the checkout: {error}")

    names = sorted(set(listed.split("\0")) - {""})

    # Git also lists files that were removed.
    return [Path(name) for name in names if (ROOT / name).is_file()]


def copy_to(folder: Path) -> Path:
    """Copy the project to where Ansible expects a collection under `folder`."""
    target = folder / COLLECTION

    for name in files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)

    return target


def variables(home: Path, **more: object) -> dict[str, str]:
    """The environment variables with which Ansible finds the collection as it is here, and `more`.

    home: where Ansible may write. Nothing writes bytecode into the checkout.
    """
    ansible = {
        "ANSIBLE_COLLECTIONS_PATH": link_collection(),
        "ANSIBLE_HOME": home,
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    return clean_environment(**{**ansible, **more})


def licence_text(ansible_galaxy: Path) -> Path:
    """The text of the licence that is in the distribution of ansible-core, whose licence is the same.

    Other people wrote this text, so it is not kept in this repository.
    """
    environment = ansible_galaxy.absolute().parent.parent
    found = sorted(environment.glob("lib/python*/site-packages/ansible_core-*.dist-info/**/COPYING"))
    if not found:
        fail(f"no text of the licence in {environment}: is ansible-core installed there?")

    return found[-1]


def add_licence(tree: Path, ansible_galaxy: Path) -> None:
    """Put the text of the licence where people look for it, and where REUSE does."""
    text = licence_text(ansible_galaxy)
    (tree / "LICENSES").mkdir(exist_ok=True)

    for name in ("COPYING", f"LICENSES/{LICENCE}.txt"):
        shutil.copy(text, tree / name)


def build(output: Path, ansible_galaxy: Path) -> Path:
    """Build the collection's tarball into `output`."""
    output.mkdir(parents=True, exist_ok=True)

    with tempfile.TemporaryDirectory(prefix="esx-trust-") as folder:
        tree = copy_to(Path(folder))
        add_licence(tree, ansible_galaxy)
        command = [ansible_galaxy, "collection", "build", "--force", "--output-path", output.resolve(), tree]
        output_of_build = run(command, clean_environment(ANSIBLE_HOME=folder))

    tarballs = [word for word in output_of_build.split() if word.endswith(".tar.gz")]
    if len(tarballs) != 1:
        fail(f"no tarball in what ansible-galaxy said: {output_of_build}")

    return Path(tarballs[0])


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "build":
        sys.exit("usage: checkout.py build DIRECTORY")
    print(build(Path(sys.argv[2]), ENVIRONMENTS["install"].bin / "ansible-galaxy"))
