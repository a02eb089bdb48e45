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
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from programs import fail
from programs import run

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / ".venv"
REQUIREMENTS = ROOT / "tests" / "requirements"
RECIPE = "2"  # part of every stamp: raise it when an environment must be made anew though no file changed


@dataclass(frozen=True)
class Environment:
    """One folder under .venv/ and what goes into it."""

    name: str
    pythons: tuple[str, ...]  # the minor versions it may use, best first
    oldest: str  # what its requirements are pinned for
    ansible_test: bool = False  # also prepare a home in which its ansible-test can make venvs

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
    def pins(self) -> Path:
        return REQUIREMENTS / f"{self.name}.txt"

    @property
    def home(self) -> Path:
        """A HOME of its own, so that several ansible-test can run at once and still keep their caches."""
        return VENVS / "home" / self.name


_ANY = ("3.11", "3.12", "3.13", "3.14", "3.10")
ENVIRONMENTS = {
    each.name: each
    for each in (
        Environment("dev", ("3.11", "3.12", "3.13"), "3.11"),
        Environment("core-2.16", ("3.11", "3.10", "3.12"), "3.10", ansible_test=True),
        Environment("core-2.17", ("3.11", "3.10", "3.12"), "3.10", ansible_test=True),
        Environment("core-2.18", ("3.11", "3.12", "3.13"), "3.11", ansible_test=True),
        Environment("core-2.19", ("3.11", "3.12", "3.13"), "3.11", ansible_test=True),
        Environment("core-2.20", ("3.12", "3.13", "3.14"), "3.12", ansible_test=True),
        Environment("core-2.21", ("3.12", "3.13", "3.14"), "3.12", ansible_test=True),
        Environment("core-2.22", ("3.13",), "3.13", ansible_test=True),
        Environment("floor", ("3.11",), "3.11"),  # newer interpreters do not run the oldest versions
        Environment("audit", ("3.11", "3.12", "3.13"), "3.11"),
        Environment("docs", ("3.11", "3.12", "3.13"), "3.11"),
        Environment("awx", ("3.11", "3.12", "3.13"), "3.11"),
        Environment("eda", ("3.11", "3.12", "3.13"), "3.11"),
        Environment("importer", ("3.11", "3.12", "3.13"), "3.11"),
        Environment("install", _ANY, "3.10"),
        Environment("run", _ANY, "3.10"),
    )
}
#: The environments of every claimed ansible-core, oldest first: the one list that tests parametrize over.
CORES = tuple(name for name in ENVIRONMENTS if name.startswith("core-"))
#: Those of `make test`: the oldest, the first with the new templating, and the newest. `make matrix` takes all.
TEST_CORES = (CORES[0], "core-2.19", CORES[-1])
#: The environments of `make test`.
USUAL = tuple(name for name in ENVIRONMENTS if name not in CORES or name in TEST_CORES)
UV = VENVS / "uv" / "bin" / "uv"


def link_collection() -> Path:
    """Give the checkout the path by which Ansible and Python know it; returns what to put on their search paths."""
    collections = VENVS / "collections"
    link = collections / "ansible_collections" / "esx" / "trust"

    if not link.exists() or link.resolve() != ROOT:
        link.parent.mkdir(parents=True, exist_ok=True)
        ours = link.with_name(f"trust.{os.getpid()}")
        ours.unlink(missing_ok=True)
        ours.symlink_to(ROOT, target_is_directory=True)
        ours.replace(link)  # atomic: others may be doing the same at this moment

    return collections


# Interpreters


def _is_shim(folder: str) -> bool:
    """Shims of version managers exist for versions that are not active, and then fail when they are called."""
    return "shims" in Path(folder).parts


def _folders() -> Iterator[str]:
    """Where interpreters may be: PATH, the version managers' own folders, and the usual places."""
    path = [each for each in os.environ.get("PATH", os.defpath).split(os.pathsep) if each]
    yield from (each for each in path if not _is_shim(each))
    roots = [Path(os.environ["PYENV_ROOT"])] if os.environ.get("PYENV_ROOT") else []
    roots += [Path(each).parent for each in path if _is_shim(each)]
    with contextlib.suppress(RuntimeError):  # no HOME, and no such user
        roots.append(Path.home() / ".pyenv")
    siblings = Path(sys.base_prefix).parent
    versions = [each / "versions" for each in roots] + ([siblings] if siblings.name == "versions" else [])

    for folder in versions:
        if folder.is_dir():
            yield from (str(each / "bin") for each in sorted(folder.iterdir(), reverse=True))

    yield from ("/usr/local/bin", "/usr/bin")


def folders() -> list[str]:
    return list(dict.fromkeys(_folders()))


def clean_path(*first: Path) -> str:
    """A PATH with the given folders in front, every interpreter of this machine on it, and no shims."""
    return os.pathsep.join([*map(str, first), *(each for each in folders() if Path(each).is_dir())])


def find_python(minor: str) -> Path | None:
    """An interpreter of this minor version that really runs and can make venvs."""
    if minor == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    for folder in folders():
        candidate = Path(folder, f"python{minor}")
        if candidate.is_file() and os.access(candidate, os.X_OK):
            probe = subprocess.run(
                [str(candidate), "-c", "import ssl, venv"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            if probe.returncode == 0:
                return candidate

    return None


def missing(environment: Environment) -> str | None:
    """Why this environment cannot be made here, or None."""
    if any(find_python(minor) for minor in environment.pythons):
        return None
    *others, last = environment.pythons
    return f"no Python {' or '.join(filter(None, [', '.join(others), last]))} on this machine"


# Package installation


def settings_of_pip(python: str | Path) -> dict[str, str]:
    """What pip is configured with here, from its files and its environment variables."""
    settings: dict[str, str] = {}
    for line in run([python, "-m", "pip", "config", "list"]).splitlines():
        key, separator, value = line.partition("=")
        section, _dot, name = key.rpartition(".")
        if separator and section in ("global", "install", "download", ":env:"):
            settings[name] = value.strip("'\"").replace("\\n", "\n")

    return settings


def environment_of_uv() -> dict[str, str]:
    """The environment for uv, which does not read what pip is configured with."""
    env = {"UV_SYSTEM_CERTS": "true", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", **os.environ}
    env.pop("VIRTUAL_ENV", None)
    pip = settings_of_pip(VENVS / "uv" / "bin" / "python")
    known = {"UV_DEFAULT_INDEX": "index-url", "SSL_CERT_FILE": "cert", "UV_HTTP_TIMEOUT": "default-timeout"}

    for variable, setting in known.items():
        if pip.get(setting):
            env.setdefault(variable, pip[setting])

    extra = [each for each in pip.get("extra-index-url", "").split() if each.startswith("http")]
    if extra:
        env.setdefault("UV_INDEX", " ".join(extra))
    # The home of the user stays as it is.
    env.setdefault("UV_CACHE_DIR", str(VENVS / "cache" / "uv"))

    return env


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Two runs at the same time make each environment once."""
    folder = VENVS / "lock"
    folder.mkdir(parents=True, exist_ok=True)

    with (folder / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def stamp_for(pins: Path, python: str) -> str:
    return hashlib.sha256("\0".join([RECIPE, python, pins.read_text("utf-8")]).encode()).hexdigest()


def is_current(stamp: Path, pins: Path, python: Path) -> bool:
    """The stamp's first line is the interpreter that it was made with, the second says from what."""
    if not stamp.is_file() or not python.exists():
        return False
    made_with, *rest = stamp.read_text("utf-8").splitlines()
    return rest == [stamp_for(pins, made_with)] and Path(made_with).exists()


def make_uv() -> None:
    pins, python, stamp = REQUIREMENTS / "uv.txt", VENVS / "uv" / "bin" / "python", VENVS / "uv" / ".stamp"
    if is_current(stamp, pins, python):
        return

    with lock("uv"):
        if is_current(stamp, pins, python):
            return
        shutil.rmtree(VENVS / "uv", ignore_errors=True)

        try:
            import ensurepip  # noqa: F401 - Debian's python3 has it only with python3-venv
            import venv  # noqa: F401 - the same
        except ImportError:
            fail("this Python cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv)")

        run([sys.executable, "-m", "venv", VENVS / "uv"])
        run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", pins])
        stamp.write_text(f"{sys.executable}\n{stamp_for(pins, sys.executable)}\n", "utf-8")


def make(environment: Environment) -> None:
    stamp = environment.path / ".stamp"
    if is_current(stamp, environment.pins, environment.python):
        return
    reason = missing(environment)

    if reason:
        print(f"environment {environment.name}: left out, {reason}", flush=True)
        return

    with lock(environment.name):
        if is_current(stamp, environment.pins, environment.python):
            return
        started = time.monotonic()
        make_uv()
        base = next(found for found in map(find_python, environment.pythons) if found)
        before = stamp.read_text("utf-8").splitlines()[:1] if stamp.is_file() else []
        stamp.unlink(missing_ok=True)
        uv_env = environment_of_uv()

        if before != [str(base)] or not environment.python.exists():
            shutil.rmtree(environment.path, ignore_errors=True)
            run([UV, "venv", "-q", "--no-config", "-p", base, environment.path], uv_env)

        # Compiled at once: modules start anew for every task, also where nobody may write bytecode.
        sync = [UV, "pip", "sync", "-q", "--no-config", "--compile-bytecode", "-p", environment.python]
        run([*sync, environment.pins], uv_env)
        if environment.ansible_test:
            prepare_ansible_test(environment)
        stamp.write_text(f"{base}\n{stamp_for(environment.pins, str(base))}\n", "utf-8")
        version = run([environment.python, "-c", "import platform; print(platform.python_version())"]).strip()
        print(f"environment {environment.name}: Python {version}, {time.monotonic() - started:.1f} s", flush=True)


# ansible-test

WANTED_PIP = """
import sys, types
from ansible_test._internal.python_requirements import get_venv_packages
print(get_venv_packages(types.SimpleNamespace(version="%d.%d" % sys.version_info[:2]))["pip"])
"""
BOOTSTRAP = '''"""Stands in for get-pip.py: runs pip out of its own wheel."""
import runpy
import sys

sys.path.insert(0, {wheel!r})
sys.argv = ["pip", "install"] + [each for each in sys.argv[1:] if each not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''


def prepare_ansible_test(environment: Environment) -> None:
    """Make a home in which ansible-test finds pip, configured as pip is here.

    ansible-test puts pip into each of its venvs with a script that it downloads from a site of its own, unless
    the script is in its cache; and it hands down no variable of the environment, so that pip's have to be in
    a file.
    """
    cache = environment.home / ".ansible" / "test" / "cache"
    config = environment.home / ".config" / "pip" / "pip.conf"
    for folder in (cache, config.parent):
        folder.mkdir(parents=True, exist_ok=True)
    config.touch(mode=0o600)
    settings = settings_of_pip(environment.python)
    settings["cache-dir"] = str(VENVS / "cache" / "pip")
    lines = (name + " = " + value.replace("\n", "\n    ") for name, value in settings.items())
    config.write_text("[global]\n" + "\n".join(lines) + "\n", "utf-8")
    version = run([environment.python, "-c", WANTED_PIP]).strip()
    wheels = environment.home / "wheels"
    pip = [environment.python, "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "download", "-q", "--no-deps", "--only-binary=:all:", "-d", wheels, f"pip=={version}"])
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    script.write_text(BOOTSTRAP.format(wheel=str(next(wheels.glob(f"pip-{version}-*.whl")))), "utf-8")


# Pins


def compile_pins() -> None:
    """Pin every environment anew. The pins hold names and versions only: no hosts, no paths."""
    make_uv()
    oldest = {"uv": "3.9", **{each.name: each.oldest for each in ENVIRONMENTS.values()}}

    for name, python in oldest.items():
        source, target = REQUIREMENTS / f"{name}.in", REQUIREMENTS / f"{name}.txt"
        options = ["--universal", "--upgrade", "--no-config", "--no-emit-index-url", "--no-header", "--no-annotate"]
        command = [UV, "pip", "compile", "-q", *options, "--python-version", python, source]
        pins = run(command, environment_of_uv())
        header = "".join(line for line in source.open(encoding="utf-8") if line.startswith(("# Copyright", "# SPDX")))
        target.write_text(f"{header}\n# Pinned from {source.name} by: make pins\n{pins}", "utf-8")
        print(f"{target.relative_to(ROOT)}: {len(pins.splitlines())} packages", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the project's virtual environments.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ENVIRONMENTS) + ", all or every")
    parser.add_argument("--compile", action="store_true", help="pin the requirements again")
    arguments = parser.parse_args()
    groups = {"all": list(USUAL), "every": list(ENVIRONMENTS)}
    names = [each for name in arguments.names for each in groups.get(name, [name])]
    unknown = [name for name in names if name not in ENVIRONMENTS]
    if unknown:
        parser.error(f"no such environment: {', '.join(unknown)}")
    if arguments.compile:
        compile_pins()
    link_collection()
    for name in names:
        make(ENVIRONMENTS[name])


if __name__ == "__main__":
    main()
