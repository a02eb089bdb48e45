# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet keeps over a restart, so that its inventory stays valid: ports, authority, certificates of the hosts."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from simulator.certificates import Identity


@dataclass(frozen=True)
class Identities:
    """The ports are 0 where a free one is to be taken."""

    authority: Identity
    port: int = 0
    admin_port: int = 0
    hosts: Mapping[str, Identity] = field(default_factory=dict)
    """By the places of the hosts: a certificate is good for one address and one name."""


def read(path: pathlib.Path) -> Identities | None:
    """What the file holds; None: there is no such file.

    Raises:
        ValueError: It is not a file of this kind.
        OSError: It cannot be read.
    """
    try:
        kept = json.loads(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None

    try:
        hosts = {name: Identity.from_pem(text) for name, text in kept["hosts"].items()}
        return Identities(Identity.from_pem(kept["authority"]), int(kept["port"]), int(kept["admin_port"]), hosts)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("not the identities of a simulated fleet") from error


def write(path: pathlib.Path, identities: Identities) -> None:
    """Keys are in it, so that nobody else may read the file."""
    kept = {
        "port": identities.port,
        "admin_port": identities.admin_port,
        "authority": _both(identities.authority),
        "hosts": {name: _both(identity) for name, identity in identities.hosts.items()},
    }

    pending = path.with_name(f"{path.name}.new")
    pending.unlink(missing_ok=True)
    descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        json.dump(kept, file, indent=1)
    pending.replace(path)


def _both(identity: Identity) -> str:
    return identity.key_pem + identity.pem
