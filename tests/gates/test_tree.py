# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not be in the project's files."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import checkout
import environment
from pip_settings import settings_of_pip


def index_hosts() -> set[str]:
    """The hosts that packages come from on this machine, and the usual ones."""
    hosts = {"files.pythonhosted" + ".org", "pypi" + ".org/simple"}
    settings = settings_of_pip(environment.UV.python)
    addresses = [settings.get(name, "") for name in ("index-url", "extra-index-url", "find-links", "trusted-host")]
    addresses += [value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))]

    for address in " ".join(addresses).split():
        if "://" in address:
            hosts.add(urlsplit(address).hostname or "")

    return hosts - {"", "localhost", "127.0.0.1"}


def machine_paths() -> set[str]:
    """Where this checkout, its user and its interpreter live."""
    places = {environment.ROOT, Path.home(), Path(sys.base_prefix)}
    usual = {"/" + name + "/" for name in ("work", "farm", "root", "Users")}
    return usual | {f"{each}/" for each in places if len(each.parts) > 2}


@pytest.mark.parametrize("kind", [index_hosts, machine_paths])
def test_no_trace_of_a_machine(kind: object) -> None:
    assert callable(kind)

    wanted = re.compile(b"|".join(re.escape(each.encode()) for each in sorted(kind())))

    found = [
        f"{name}:{number}: {line.decode(errors='replace').strip()}"
        for name in checkout.files()
        for number, line in enumerate((environment.ROOT / name).read_bytes().splitlines(), 1)
        if wanted.search(line)
    ]

    assert not found, "\n".join(found)


def test_only_text() -> None:
    binary = [str(name) for name in checkout.files() if b"\0" in (environment.ROOT / name).read_bytes()]
    assert not binary


def test_no_private_keys() -> None:
    """Keys and certificates of tests are made when they run."""
    begin = b"-----BEGIN " + b"(RSA |EC |ENCRYPTED )?PRIVATE KEY-----\n[A-Za-z0-9+/]{40}"
    found = [str(name) for name in checkout.files() if re.search(begin, (environment.ROOT / name).read_bytes())]
    assert not found
