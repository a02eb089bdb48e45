# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory of simulated hosts as users have it, and the playbooks of the collection over it."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator import exchange
from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from support.playbooks import Playbooks
    from support.playbooks import Played

#: A port on which nobody listens, and no patience.
DOWN = {"esx_port": 1, "esx_retries": 0}


def provider(key_id: str = KEY_ID, key: str = KEY, **more: Any) -> dict[str, Any]:
    return {"provider": "site-a", "key_id": key_id, "key_derivation_key": key, **more}


def issuer(certificates: Sequence[str] | None = None, **more: Any) -> dict[str, Any]:
    chains = [{"cert_chain": list(certificates or chain(2))}]
    return {"issuer_alias": "vcenter01", "issuer": ISSUER, "signing_cert_chains": chains, **more}


class Declared:
    """Hosts with what is declared for them: neither connection nor interpreter, as the playbooks promise."""

    def __init__(self, playbooks: Playbooks, fleet: Fleet, folder: Path, hosts: Sequence[Host]) -> None:
        self._playbooks = playbooks
        self.hosts = list(hosts)
        self.folder = folder

        self.of_all: dict[str, Any] = {
            "esx_port": hosts[0].port,
            "esx_ca_path": fleet.ca_path,
            "esx_username": hosts[0].username,
            "esx_password": hosts[0].password,
            "esx_kms_providers": [provider()],
            "esx_token_issuers": [issuer()],
        }

        #: Groups of the inventory besides esx, with their hosts, and the variables of group all.
        self.groups: dict[str, list[str]] = {}
        self.of_everything: dict[str, Any] = {}
        #: By the names of hosts; an address stands for nothing else.
        self.of_one: dict[str, dict[str, Any]] = {host.name: {"esx_hostname": host.address} for host in hosts}

    def down(self, *hosts: Host) -> None:
        for host in hosts:
            self.of_one[host.name].update(DOWN)

    def up(self, *hosts: Host) -> None:
        for host in hosts:
            for name in DOWN:
                self.of_one[host.name].pop(name)

    def arguments(self, *arguments: str, extra: Mapping[str, Any] | None = None) -> list[str]:
        """What ansible-playbook is called with."""
        inventory = self.folder / "hosts.json"
        groups: dict[str, Any] = {name: {"hosts": dict.fromkeys(hosts)} for name, hosts in self.groups.items()}
        groups["esx"] = {"hosts": self.of_one, "vars": self.of_all}
        inventory.write_text(json.dumps({**groups, "all": {"vars": self.of_everything}}))
        extras = self.folder / "extra.json"
        extras.write_text(json.dumps(dict(extra or {})))

        return ["-i", str(inventory), "-e", f"@{extras}", *arguments]

    def run(self, *arguments: str, extra: Mapping[str, Any] | None = None) -> Played:
        """Run a playbook by its name, or by its file."""
        return self.program("ansible-playbook", *self.arguments(*arguments, extra=extra))

    def program(self, name: str, *arguments: str) -> Played:
        """Run a program of the core."""
        return self._playbooks.run(name, *arguments)

    def play(self, play: Mapping[str, Any], *arguments: str, extra: Mapping[str, Any] | None = None) -> Played:
        """Run one play of a user's own."""
        path = self.folder / "site.yml"
        path.write_text(json.dumps([{"name": "Site", "hosts": "esx", "gather_facts": False, **play}]))
        return self.run(*arguments, str(path), extra=extra)

    @property
    def written(self) -> list[str]:
        """The names of the hosts that were written to."""
        return [host.name for host in self.hosts if any(record.wrote for record in host.journal)]

    @property
    def in_order(self) -> list[list[str]]:
        """Every host's writes, as the ends of their operations' names."""
        names = []
        for host in self.hosts:
            names.append([str(record.operation).rpartition(".")[2] for record in host.writes])

        return names


@pytest.fixture
def declared(playbooks: Playbooks, fleet: Fleet, tmp_path: Path) -> Declared:
    """What is declared for all hosts of the plays."""
    return Declared(playbooks, fleet, tmp_path, playbooks.hosts)


def after_every_request(monkeypatch: pytest.MonkeyPatch, look: Callable[[Any], None]) -> None:
    """Look at a simulated host after every request to it."""
    perform = exchange.perform

    def watched(host: Any, request: exchange.Request, record: Any) -> exchange.Answer:
        answer = perform(host, request, record)
        look(host)
        return answer

    monkeypatch.setattr(exchange, "perform", watched)
