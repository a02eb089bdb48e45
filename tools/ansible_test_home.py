# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A home in which ansible-test can make its virtual environments.

ansible-test puts pip into each of them with a script that it downloads from a site of its own, unless the script is in
its cache. And it hands down no variable of the environment, so that the settings of pip have to be in a file.
"""

from __future__ import annotations

from pathlib import Path

from pip_settings import settings_of_pip
from programs import run

_WANTED_VERSION = """
import sys, types
from ansible_test._internal.python_requirements import get_venv_packages
print(get_venv_packages(types.SimpleNamespace(version="%d.%d" % sys.version_info[:2]))["pip"])
"""
_BOOTSTRAP = '''"""Stands in for get-pip.py: runs pip out of its own wheel."""
import runpy
import sys

sys.path.insert(0, {wheel!r})
sys.argv = ["pip", "install"] + [each for each in sys.argv[1:] if each not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''


def prepare(home: Path, python: Path, cache: Path) -> None:
    """Make the home. python: the interpreter of ansible-test. cache: the folder of pip's cache."""
    _configure_pip(home / ".config" / "pip" / "pip.conf", {**settings_of_pip(python), "cache-dir": str(cache)})
    _put_script_into_cache(home, python)


def _configure_pip(file: Path, settings: dict[str, str]) -> None:
    """Write the settings; they may hold credentials, so nobody else may read them."""
    lines = ["[global]"]
    for name, value in settings.items():
        indented = value.replace("\n", "\n    ")
        lines.append(f"{name} = {indented}")

    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text("\n".join(lines) + "\n", "utf-8")


def _put_script_into_cache(home: Path, python: Path) -> None:
    """Write the script, which has the wheel of the version of pip that ansible-test wants."""
    version = run([python, "-c", _WANTED_VERSION]).strip()
    wheels = home / "wheels"
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "download", "-q", "--no-deps", "--only-binary=:all:", "-d", wheels, f"pip=={version}"])
    wheel = next(wheels.glob(f"pip-{version}-*.whl"))

    script = home / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(_BOOTSTRAP.format(wheel=str(wheel)), "utf-8")
