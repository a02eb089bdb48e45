# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to do the work that the bench compares, and how many requests and connections each of them takes.

The work: see that hosts have a key provider, and with the playbooks a token issuer as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any

from bench_fleet import USERNAME
from bench_fleet import SimulatedFleet

PROVIDERS = "/api/esx/trusted-infrastructure/kms/providers"
PROVIDER = f"{PROVIDERS}/site-a"
ISSUERS = "/api/esx/authentication/trust/security-token-issuers?projection=FULL"

#: The key provider that all of them declare. Its values are variables of the inventory.
DECLARED_PROVIDER = {"provider": "site-a", "key_id": "{{ site_key_id }}", "key_derivation_key": "{{ site_key }}"}


@dataclass(frozen=True)
class Work:
    """A way to do the work, and what it takes.

    tasks, playbook, paths: one of these three: tasks, a playbook of the collection, or paths to read.
    first, again: the requests to a host that holds nothing yet, and to a host that is as declared.
    connections_first, connections: the connections, in the same way. None: each request has a connection of its own.
    variables: variables of the run.
    fails_on_difference: whether hosts that hold nothing yet fail.
    slow: True if it takes so long that only some of the hosts are measured.
    """

    name: str
    tasks: Sequence[Mapping[str, Any]] = ()
    playbook: str = ""
    paths: Sequence[str] = ()
    first: int = 0
    again: int = 0
    connections_first: int = 1
    connections: int | None = 1
    variables: Mapping[str, Any] = field(default_factory=dict)
    fails_on_difference: bool = False
    slow: bool = False

    def play(self, fleet: SimulatedFleet) -> list[dict[str, Any]]:
        """The tasks as a user would write them: what all hosts have in common stands in the play."""
        connection = {
            "hostname": "{{ esx_hostname }}",
            "port": fleet.port,
            "username": USERNAME,
            "password": "{{ esx_password }}",
            "ca_path": str(fleet.ca_path),
        }

        play = {
            "name": self.name,
            "hosts": "esx",
            "gather_facts": False,
            "module_defaults": {"group/esx.trust.esx": connection},
            "tasks": self.tasks,
        }

        return [play]

    def takes(self, hosts: int, differing: int) -> tuple[int, int]:
        """Requests and connections of a run in which some of the hosts hold nothing yet."""
        alike = hosts - differing
        requests = differing * self.first + alike * self.again

        if self.connections is None:
            return requests, requests
        if not requests:
            return 0, 0

        return requests, differing * self.connections_first + alike * self.connections


_SET_FACT = {"name": "Nothing", "ansible.builtin.set_fact": {"nothing": True}}
_KMS_PROVIDER = {"name": "Key provider", "esx.trust.esx_kms_provider": DECLARED_PROVIDER}
_EACH_HOST = {"esx_trust_each_host": True}

NO_OP = Work("no-op task", [_SET_FACT])

AUDIT = Work("audit", playbook="audit", first=6, again=5, fails_on_difference=True)
AUDIT_EACH = replace(AUDIT, name="audit, an event for each host", variables=_EACH_HOST)
AUDIT_THREADS = Work("threads, requests of audit", paths=(PROVIDER, ISSUERS, PROVIDERS, PROVIDER), again=5)

CONVERGE = Work("converge", playbook="converge", first=13, again=3, connections_first=2)
CONVERGE_EACH = replace(CONVERGE, name="converge, an event for each host", variables=_EACH_HOST)
CONVERGE_THREADS = Work("threads, requests of converge", paths=(PROVIDER, ISSUERS), again=3)

IN_WORKER = Work("esx_kms_provider", [_KMS_PROVIDER], first=4, again=2)
AS_MODULE = replace(IN_WORKER, name="esx_kms_provider as a module", variables={"esx_trust_in_worker": False}, slow=True)


def uri(fleet: SimulatedFleet) -> Work:
    """The requests of esx_kms_provider with tasks that Ansible itself brings."""
    base = f"https://{{{{ esx_hostname }}}}:{fleet.port}"
    common = {"ca_path": str(fleet.ca_path), "return_content": True}

    login = {
        **common,
        "url": f"{base}/api/esx/authentication/token",
        "method": "POST",
        "url_username": USERNAME,
        "url_password": "{{ esx_password }}",
        "force_basic_auth": True,
        "status_code": 201,
    }

    read = {
        **common,
        "url": f"{base}{PROVIDER}",
        "headers": {"Authorization": "Bearer {{ login.json.access_token }}"},
    }

    tasks: list[dict[str, Any]] = [
        {"name": "Log in", "ansible.builtin.uri": login, "register": "login"},
        {"name": "Read", "ansible.builtin.uri": read},
    ]

    return Work("ansible.builtin.uri", tasks, again=2, connections=None, slow=True)
