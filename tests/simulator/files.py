# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a running fleet leaves for whoever uses it: authority, inventory, addresses."""

from __future__ import annotations

import json
import os
import pathlib

from simulator.fleet import Fleet

NAMES = ("ca.pem", "inventory.yml", "admin_url", "pid", "ready")


def write(fleet: Fleet, folder: pathlib.Path, username: str) -> None:
    """Writes them; `ready` comes last, so whoever sees it finds the others complete."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.pem").write_text(fleet.authority.pem, encoding="ascii")
    (folder / "inventory.yml").write_text(inventory(fleet, folder / "ca.pem", username), encoding="utf-8")
    (folder / "admin_url").write_text(fleet.admin_url + "\n", encoding="ascii")
    (folder / "pid").write_text(f"{os.getpid()}\n", encoding="ascii")
    pending = folder / "ready.new"
    pending.write_text("ready\n", encoding="ascii")
    pending.rename(folder / "ready")


def remove(folder: pathlib.Path) -> None:
    """Takes them away again: none of them is true after the end."""
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)


def inventory(fleet: Fleet, ca_path: pathlib.Path, username: str) -> str:
    """An Ansible inventory in YAML. It holds no password."""
    lines = ["---", "esx:", "  hosts:"]
    for host in fleet.hosts:
        lines += [f"    {host.name}:", f"      esx_hostname: {json.dumps(host.address)}"]

    lines += [
        "  vars:",
        "    ansible_connection: local",
        '    ansible_python_interpreter: "{{ ansible_playbook_python }}"',
        f"    esx_port: {fleet.port}",
        f"    esx_username: {json.dumps(username)}",
        f"    esx_ca_path: {json.dumps(str(ca_path.resolve()))}",
    ]

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
