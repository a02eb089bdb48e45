# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the virtual environments that this project is developed and tested in.

    python3 tools/environment.py NAME...      make or refresh some of them ("all": those of
                                              make test; "every": those of make matrix, too)
    python3 tools/environment.py --compile    pin the requirements again (tests/requirements/*.in -> *.txt)

Everything lands in .venv/ of the checkout. An environment whose interpreter is not on this machine is left
out, and a line says why. Needs nothing but a Python 3.9 or newer with venv and pip.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ansible_test_home
from interpreters import find_python
from pip_settings import environment_of_uv
from programs import fail
from programs import run

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / ".venv"
REQUIREMENTS = ROOT / "tests" / "requirements"
CACHE = VENVS / "cache"
#: Where a collection of this name stands, below a folder in which Ansible looks for collections.
COLLECTION = Path("ansible_collections", "esx", "trust")
#: Part of every stamp. Raise it when the environments must be made anew though no file changed.
RECIPE = "2"


@dataclass(frozen=True)
class Environment:
    """One folder under .venv/ and what goes into it."""

    name: str
    #: The minor versions of Python that it may have, best first.
    pythons: tuple[str, ...]
    #: The version for which its requirements are pinned.
    oldest: str
    #: Whether its ansible-test gets a home as well, in which it can make virtual environments.
    ansible_test: bool = False

    @property
    def path(self) -> Path:
        return VENVS / self.name

    @property
    def bin(self) -> Path:
        return self.path / "bin"

    @property
    def python(self) -> Path:
        return self.bin / "python"

    @property
    def requirements(self) -> Path:
        return REQUIREMENTS / f"{self.name}.in"

    @property
    def pins(self) -> Path:
        return REQUIREMENTS / f"{self.name}.txt"

    @property
    def stamp(self) -> Path:
        """A file with two lines: the interpreter of the environment, and a digest of all that it was made from."""
        return self.path / ".stamp"

    @property
    def home(self) -> Path:
        """A HOME of its own, so that several ansible-test can run at once and still keep their caches."""
        return VENVS / "home" / self.name


_ANY = ("3.11", "3.12", "3.13", "3.14", "3.10")
_ALL = (
    Environment("dev", ("3.11", "3.12", "3.13"), "3.11"),
    Environment("core-2.16", ("3.10", "3.11", "3.12"), "3.10", ansible_test=True),
    Environment("core-2.17", ("3.11", "3.10", "3.12"), "3.10", ansible_test=True),
    Environment("core-2.18", ("3.11", "3.12", "3.13"), "3.11", ansible_test=True),
    Environment("core-2.19", ("3.11", "3.12", "3.13"), "3.11", ansible_test=True),
    Environment("core-2.20", ("3.12", "3.13", "3.14"), "3.12", ansible_test=True),
    Environment("core-2.21", ("3.12", "3.13", "3.14"), "3.12", ansible_test=True),
    Environment("core-2.22", ("3.13", "3.14"), "3.13", ansible_test=True),
    # Newer interpreters do not run the oldest versions of the libraries.
    Environment("floor", ("3.11",), "3.11"),
    Environment("audit", ("3.11", "3.12", "3.13"), "3.11"),
    Environment("docs", ("3.11", "3.12", "3.13"), "3.11"),
    Environment("awx", ("3.11", "3.12", "3.13"), "3.11"),
    Environment("eda", ("3.11", "3.12", "3.13"), "3.11"),
    Environment("importer", ("3.11", "3.12", "3.13"), "3.11"),
    Environment("install", _ANY, "3.10"),
    Environment("run", _ANY, "3.10"),
)
ENVIRONMENTS = {environment.name: environment for environment in _ALL}
#: The installer of all others. It is made with the interpreter of this program.
UV = Environment("uv", (), "3.9")

#: The environments of every claimed ansible-core, oldest first: the one list that tests parametrize over.
CORES = tuple(name for name in ENVIRONMENTS if name.startswith("core-"))
#: Those of `make test`: the oldest, the first with the new templating, and the newest. `make matrix` takes all.
TEST_CORES = (CORES[0], "core-2.19", CORES[-1])
#: The environments of `make test`.
USUAL = tuple(name for name in ENVIRONMENTS if name not in CORES or name in TEST_CORES)


def link_collection() -> Path:
    """Give the checkout the path by which Ansible and Python know it; returns what to put on their search paths."""
    collections = VENVS / "collections"
    link = collections / COLLECTION

    if not link.exists() or link.resolve() != ROOT:
        link.parent.mkdir(parents=True, exist_ok=True)
        ours = link.with_name(f"trust.{os.getpid()}")
        ours.unlink(missing_ok=True)
        ours.symlink_to(ROOT, target_is_directory=True)
        # In one step, because others may be doing the same at this moment.
        ours.replace(link)

    return collections


def missing(environment: Environment) -> str | None:
    """Why this environment cannot be made here, or None."""
    if _interpreter_of(environment):
        return None

    *others, last = environment.pythons
    versions = f"{', '.join(others)} or {last}" if others else last

    return f"no Python {versions} on this machine"


def _interpreter_of(environment: Environment) -> Path | None:
    """The best interpreter that it may have and that is on this machine."""
    for minor in environment.pythons:
        found = find_python(minor)
        if found:
            return found

    return None


# Stamps: what an environment was made with, so that it is made anew when that changes.


def _digest(environment: Environment, interpreter: str) -> str:
    pins = environment.pins.read_text("utf-8")

    return hashlib.sha256("\0".join([RECIPE, interpreter, pins]).encode()).hexdigest()


def _interpreter_in_stamp(environment: Environment) -> str | None:
    if not environment.stamp.is_file():
        return None

    return environment.stamp.read_text("utf-8").splitlines()[0]


def is_current(environment: Environment) -> bool:
    """True if the environment was made from the pins of today, and its interpreter is still there."""
    if not environment.stamp.is_file() or not environment.python.exists():
        return False

    interpreter, *made_from = environment.stamp.read_text("utf-8").splitlines()

    return made_from == [_digest(environment, interpreter)] and Path(interpreter).exists()


def _write_stamp(environment: Environment, interpreter: str) -> None:
    environment.stamp.write_text(f"{interpreter}\n{_digest(environment, interpreter)}\n", "utf-8")


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """While it is open, no other run makes the environment of this name."""
    folder = VENVS / "lock"
    folder.mkdir(parents=True, exist_ok=True)

    with (folder / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# Making


def make(environment: Environment) -> None:
    """Make an environment, or refresh it if its pins have changed. Where its interpreter is missing, say so."""
    if is_current(environment):
        return

    reason = missing(environment)
    if reason:
        print(f"environment {environment.name}: left out, {reason}", flush=True)
        return

    with lock(environment.name):
        if not is_current(environment):
            _make(environment)


def _make(environment: Environment) -> None:
    started = time.monotonic()
    make_uv()
    interpreter = str(_interpreter_of(environment))
    made_with = _interpreter_in_stamp(environment)
    environment.stamp.unlink(missing_ok=True)
    variables = environment_of_uv(UV.python, CACHE / "uv")
    uv = UV.bin / "uv"

    if made_with != interpreter or not environment.python.exists():
        shutil.rmtree(environment.path, ignore_errors=True)
        run([uv, "venv", "-q", "--no-config", "-p", interpreter, environment.path], variables)

    # Compiled at once: modules start anew for every task, also where nobody may write bytecode.
    options = ["-q", "--no-config", "--compile-bytecode", "-p", environment.python]
    run([uv, "pip", "sync", *options, environment.pins], variables)

    if environment.ansible_test:
        ansible_test_home.prepare(environment.home, environment.python, CACHE / "pip")

    _write_stamp(environment, interpreter)
    version = run([environment.python, "-c", "import platform; print(platform.python_version())"]).strip()
    print(f"environment {environment.name}: Python {version}, {time.monotonic() - started:.1f} s", flush=True)


def make_uv() -> None:
    """Make the environment of uv, with the means of Python itself."""
    if is_current(UV):
        return

    with lock(UV.name):
        if not is_current(UV):
            _make_uv()


def _make_uv() -> None:
    shutil.rmtree(UV.path, ignore_errors=True)

    try:
        import ensurepip  # noqa: F401 - Debian's python3 has it only with python3-venv
        import venv  # noqa: F401 - the same
    except ImportError:
        fail("this Python cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv)")

    run([sys.executable, "-m", "venv", UV.path])
    run([UV.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", UV.pins])
    _write_stamp(UV, sys.executable)


# Pins


def compile_pins() -> None:
    """Pin every environment anew. The pins hold names and versions only: no hosts, no paths."""
    make_uv()
    variables = environment_of_uv(UV.python, CACHE / "uv")

    for environment in (UV, *_ALL):
        _compile_pins(environment, variables)


def _compile_pins(environment: Environment, variables: dict[str, str]) -> None:
    options = ["--universal", "--upgrade", "--no-config", "--no-emit-index-url", "--no-header", "--no-annotate"]
    command = [UV.bin / "uv", "pip", "compile", "-q", *options, "--python-version", environment.oldest]
    pins = run([*command, environment.requirements], variables)

    lines = environment.requirements.read_text("utf-8").splitlines(keepends=True)
    licence = "".join(line for line in lines if line.startswith(("# Copyright", "# SPDX")))
    made_from = f"# Pinned from {environment.requirements.name} by: make pins"
    environment.pins.write_text(f"{licence}\n{made_from}\n{pins}", "utf-8")
    print(f"{environment.pins.relative_to(ROOT)}: {len(pins.splitlines())} packages", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the project's virtual environments.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ENVIRONMENTS) + ", all or every")
    parser.add_argument("--compile", action="store_true", help="pin the requirements again")
    arguments = parser.parse_args()

    names: list[str] = []
    groups = {"all": USUAL, "every": tuple(ENVIRONMENTS)}
    for name in arguments.names:
        names += groups.get(name, (name,))

    unknown = [name for name in names if name not in ENVIRONMENTS]
    if unknown:
        parser.error(f"no such environment: {', '.join(unknown)}")

    if arguments.compile:
        compile_pins()

    link_collection()

    # Only users make this environment alone, and they have to wait.
    if names == ["run"] and not ENVIRONMENTS["run"].python.exists():
        print(
            "Downloading ansible-core and its libraries into .venv/run, once; ten seconds, or minutes on a slow line or"
            " a busy machine.",
            flush=True,
        )

    for name in names:
        make(ENVIRONMENTS[name])


if __name__ == "__main__":
    main()
