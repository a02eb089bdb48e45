# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interpreters of Python that this machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def folders() -> list[str]:
    """Where interpreters may be: PATH, the version managers' own folders, and the usual places."""
    path = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    found = [folder for folder in path if not _is_shim(folder)]

    for versions in _folders_of_versions(path):
        if versions.is_dir():
            found += [str(version / "bin") for version in sorted(versions.iterdir(), reverse=True)]

    found += ["/usr/local/bin", "/usr/bin"]

    return list(dict.fromkeys(found))


def _is_shim(folder: str) -> bool:
    """Shims of version managers exist for versions that are not active, and then fail when they are called."""
    return "shims" in Path(folder).parts


def _folders_of_versions(path: list[str]) -> Iterator[Path]:
    """Where version managers keep their interpreters, each in a folder of its own."""
    if os.environ.get("PYENV_ROOT"):
        yield Path(os.environ["PYENV_ROOT"], "versions")

    for folder in path:
        if _is_shim(folder):
            yield Path(folder).parent / "versions"

    try:
        home = Path.home()
    except RuntimeError:
        pass  # There is no HOME, and no such user.
    else:
        yield home / ".pyenv" / "versions"

    beside_ours = Path(sys.base_prefix).parent
    if beside_ours.name == "versions":
        yield beside_ours


def clean_path(*first: Path) -> str:
    """A PATH with the given folders in front, every interpreter of this machine on it, and no shims."""
    others = [folder for folder in folders() if Path(folder).is_dir()]

    return os.pathsep.join([*map(str, first), *others])


def find_python(minor: str) -> Path | None:
    """An interpreter of this minor version, such as 3.11, that really runs and can make virtual environments."""
    if minor == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)

    for folder in folders():
        candidate = Path(folder, f"python{minor}")
        if candidate.is_file() and os.access(candidate, os.X_OK) and _runs(candidate):
            return candidate

    return None


def _runs(python: Path) -> bool:
    """True if the interpreter starts, and has the modules without which nothing can be installed."""
    done = subprocess.run(
        [str(python), "-c", "import ssl, venv"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )

    return done.returncode == 0
