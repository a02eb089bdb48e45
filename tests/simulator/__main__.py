# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: starts a fleet, says where it is, and runs until it is told to stop."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import shlex
import signal
import sys
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import TypeVar

from pydantic import ValidationError

from simulator import files
from simulator import host_profiles
from simulator import identities
from simulator.documents import FirstState
from simulator.documents import problems
from simulator.fleet import DEFAULT_PASSWORD
from simulator.fleet import Fleet

Content = TypeVar("Content")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="Simulates a fleet of ESX hosts.")
    parser.add_argument("--hosts", type=int, default=3, help="how many, at 127.0.1.1 and following (default: 3)")
    parser.add_argument("--names", type=pathlib.Path, help="a file with one name a line, for as many hosts")
    parser.add_argument("--port", type=int, default=0, help="one port for all of them (default: a free one)")
    parser.add_argument("--admin-port", type=int, default=0, help="port of the admin interface (default: a free one)")
    parser.add_argument("--ipv6", action="store_true", help="one more host, at ::1")
    parser.add_argument("--vcenters", type=int, default=0, help="how many, at 127.1.0.1 and following (default: none)")
    parser.add_argument("--directory", type=pathlib.Path, help="where to write " + ", ".join(files.NAMES))
    parser.add_argument("--username", default="root")
    parser.add_argument("--password", default=DEFAULT_PASSWORD, help="never a real one (default: %(default)s)")
    parser.add_argument("--state", type=pathlib.Path, help="JSON file with the state that the hosts start with")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep ports, authority and certificates in the directory, for the next start with --keep",
    )
    parser.add_argument(
        "--profile", choices=host_profiles.NAMES, help="how the hosts behave (default: as the reference documents)"
    )
    parser.add_argument("--json", action="store_true", help="say where everything is in JSON, for programs")
    parser.add_argument("--ready-fd", type=int, help="file descriptor that gets a line when the fleet listens")
    chosen = parser.parse_args(words)
    if chosen.keep and chosen.directory is None:
        parser.error("--keep: needs --directory")
    if chosen.hosts + int(chosen.ipv6) < 1 or chosen.hosts > 254 * 254:
        parser.error("--hosts: from 1 to 64516")
    if not 0 <= chosen.vcenters <= 254:
        parser.error("--vcenters: from 0 to 254")

    return chosen


def main(words: Sequence[str] | None = None) -> int:
    chosen = arguments(words)
    try:
        fleet = _fleet(chosen)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_arguments: fleet.request_stop())

    try:
        fleet.start()
    except OSError as error:
        print(f"The fleet cannot listen: {error}", file=sys.stderr)
        return 1

    try:
        if chosen.directory is not None:
            files.write(fleet, chosen.directory, chosen.username, named=chosen.names is not None)
        if chosen.keep:
            identities.write(chosen.directory / files.IDENTITIES, fleet.identities)
        _announce(fleet, chosen)
        fleet.wait()
    finally:
        fleet.stop()
        if chosen.keep:
            # Certificates may have been renewed in the meantime.
            identities.write(chosen.directory / files.IDENTITIES, fleet.identities)
        if chosen.directory is not None:
            files.remove(chosen.directory, keep=chosen.keep)

    return 0


def _fleet(chosen: argparse.Namespace) -> Fleet:
    """The fleet as it was asked for, not started.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file holds something else; the message names the file.
    """
    names = _read(chosen.names, _names) if chosen.names else []
    state = (
        _read(chosen.state, lambda path: FirstState.model_validate_json(path.read_bytes())) if chosen.state else None
    )
    kept = _read(chosen.directory / files.IDENTITIES, identities.read) if chosen.keep else None

    try:
        return Fleet(
            len(names) or chosen.hosts,
            chosen.port,
            chosen.ipv6,
            chosen.vcenters,
            username=chosen.username,
            password=chosen.password,
            admin_port=chosen.admin_port,
            state=state,
            host_profile=chosen.profile,
            names=names,
            identities=kept,
        )
    except ValueError as error:
        if chosen.state is None:
            raise
        raise _of(chosen.state, error) from error


def _read(path: pathlib.Path, read: Callable[[pathlib.Path], Content]) -> Content:
    try:
        return read(path)
    except ValueError as error:
        raise _of(path, error) from error


def _of(path: pathlib.Path, error: ValueError) -> ValueError:
    """The same error, with the name of the file."""
    words = "\n".join(problems(error)) if isinstance(error, ValidationError) else str(error)
    return ValueError(f"{path}: {words}")


def _names(path: pathlib.Path) -> list[str]:
    """The names in the file; empty lines do not count."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    names = [line for line in lines if line]

    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a host")
    if not names or len(set(names)) < len(names):
        raise ValueError("every host has a name, and no two have the same")

    return names


def _announce(fleet: Fleet, chosen: argparse.Namespace) -> None:
    facts = _facts(fleet, chosen)
    text = json.dumps(facts, indent=2) if chosen.json else _in_words(facts, fleet, chosen)
    print(text, flush=True)

    if chosen.ready_fd is not None:
        os.write(chosen.ready_fd, b"ready\n")
        os.close(chosen.ready_fd)


def _facts(fleet: Fleet, chosen: argparse.Namespace) -> dict[str, Any]:
    facts = {
        "hosts": len(fleet.hosts),
        "first": fleet.hosts[0].url,
        "last": fleet.hosts[-1].url,
        **({"vcenters": [each.url for each in fleet.vcenters]} if fleet.vcenters else {}),
        "admin_url": fleet.admin_url,
        "ca_path": str((chosen.directory / "ca.pem").resolve()) if chosen.directory else fleet.ca_path,
    }
    if chosen.directory is not None:
        facts["inventory"] = str((chosen.directory / "inventory.yml").resolve())
    return facts


def _in_words(facts: Mapping[str, Any], fleet: Fleet, chosen: argparse.Namespace) -> str:
    """The same for people, with the account and the next command."""
    several = "1 simulated host" if facts["hosts"] == 1 else f"{facts['hosts']} simulated hosts"
    lines = [f"{several}, {facts['first']} to {facts['last']}", f"  account    {chosen.username}"]
    lines.append(f"  password   {chosen.password}")

    if fleet.vcenters:
        lines.append(
            f"  vCenter    {', '.join(facts['vcenters'])}, account {fleet.vcenters[0].username}, same password"
        )

    lines += [f"  CA         {facts['ca_path']}", f"  steer      {facts['admin_url']}/hosts (docs/simulator.md)"]

    if "inventory" in facts:
        password = shlex.quote(json.dumps({"esx_password": chosen.password}))
        command = f"  ansible-playbook -i {shlex.quote(facts['inventory'])} \\\n    -e {password}"
        lines += [
            f"  inventory  {facts['inventory']}",
            "",
            "In another terminal, in a Python environment with the collection and its requirements,",
            "ask the hosts what they speak and offer:",
            f"{command} esx.trust.probe",
            "and when you have written into trust.yml what they shall hold, see what differs:",
            f"{command} -e @trust.yml esx.trust.audit",
        ]

    lines.append("Ctrl-C ends the simulation.")

    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
