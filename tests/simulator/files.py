# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a running fleet leaves for whoever uses it: authority, inventory, addresses."""

from __future__ import annotations

import json
import os
import pathlib

from simulator.fleet import Fleet

NAMES = ("ca.pem", "inventory.yml", "admin_url", "pid", "ready")
LASTING = ("ca.pem", "inventory.yml", "admin_url")
"""Those that are true again after the next start of a fleet that keeps its identities."""
IDENTITIES = "identities.json"


def write(fleet: Fleet, folder: pathlib.Path, username: str, *, named: bool = False) -> None:
    """Writes them; `ready` comes last, so whoever sees it finds the others complete. `named`: see inventory()."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.pem").write_text(fleet.authority.pem, encoding="ascii")
    (folder / "inventory.yml").write_text(inventory(fleet, folder / "ca.pem", username, named=named), encoding="utf-8")
    (folder / "admin_url").write_text(fleet.admin_url + "\n", encoding="ascii")
    (folder / "pid").write_text(f"{os.getpid()}\n", encoding="ascii")
    pending = folder / "ready.new"
    pending.write_text("ready\n", encoding="ascii")
    pending.rename(folder / "ready")


def remove(folder: pathlib.Path, *, keep: bool = False) -> None:
    """Takes them away again: none of them is true after the end, unless the fleet keeps its identities."""
    for name in NAMES:
        if keep and name in LASTING:
            continue
        (folder / name).unlink(missing_ok=True)


def inventory(fleet: Fleet, ca_path: pathlib.Path, username: str, *, named: bool = False) -> str:
    """An Ansible inventory in YAML. It holds no password.

    `named`: the names are those of somebody's real hosts. Then every host has all variables itself, because those of a
    host count for more than those in group_vars, where the port and the CA of the real hosts may stand.
    """
    ansible = {
        "ansible_connection": "local",
        "ansible_python_interpreter": '"{{ ansible_playbook_python }}"',
    }
    connection = {
        "esx_port": str(fleet.port),
        "esx_username": json.dumps(username),
        "esx_ca_path": json.dumps(str(ca_path.resolve())),
    }

    lines = ["---", "esx:", "  hosts:"]
    for host in fleet.hosts:
        name = json.dumps(host.name) if named else host.name
        lines += [f"    {name}:", f"      esx_hostname: {json.dumps(host.address)}"]
        if named:
            lines += [f"      {name}: {value}" for name, value in connection.items()]

    lines.append("  vars:")
    shared = ansible if named else {**ansible, **connection}
    lines += [f"    {name}: {value}" for name, value in shared.items()]

    if fleet.vcenters:
        lines += ["vcenter:", "  hosts:"]
        for each in fleet.vcenters:
            lines += [f"    {each.name}:", f"      vcenter_hostname: {json.dumps(each.address)}"]
        lines += [
            "  vars:",
            "    ansible_connection: local",
            '    ansible_python_interpreter: "{{ ansible_playbook_python }}"',
            f"    vcenter_port: {fleet.port}",
            f"    vcenter_username: {json.dumps(fleet.vcenters[0].username)}",
            f"    vcenter_ca_path: {json.dumps(str(ca_path.resolve()))}",
        ]

    return "\n".join(lines) + "\n"
