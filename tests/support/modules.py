# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real `main()` of a module against a simulated host, over real TLS."""

from __future__ import annotations

import contextlib
import importlib
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as ansible_warnings

from ansible_collections.esx.trust.plugins.module_utils._api import retries
from simulator import Fault
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from simulator.journal import Record
try:
    from ansible.module_utils import _internal as controller
except ImportError:  # before 2.19
    controller = None


#: The operations of a login and of a look, as the API calls them.
TOKEN = "com.vmware.esx.authentication.token.create"
GET = "com.vmware.esx.trusted_infrastructure.kms.providers.get"


def fault(**fields: Any) -> Fault:
    """A fault for a host's queue."""
    return Fault.model_validate(fields)


def understood(host: Host) -> list[Record]:
    """The requests in a form that the host speaks: with which form a client begins is looked at elsewhere."""
    spoken = host.settings().protocols
    return [record for record in host.journal if spoken in ("both", record.protocol)]


def schemes(host: Host) -> list[str | None]:
    """The way in which each request was authenticated."""
    return [record.authentication for record in understood(host)]


@dataclass(frozen=True)
class Ran:
    """What a module printed when it ended."""

    result: dict[str, Any]
    output: str

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def changed(self) -> bool:
        return bool(self.result["changed"])

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def warnings(self) -> str:
        return " ".join(str(warning) for warning in self.result.get("warnings", []))

    @property
    def operations(self) -> list[tuple[str, str]]:
        return [(entry["operation"], entry["id"]) for entry in self.result["operations"]]


class Modules:
    """Calls modules by their names, with the connection options of one host unless told otherwise."""

    def __init__(self, host: Host, fleet: Fleet, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.host = host

        self.connection: dict[str, Any] = {
            "hostname": host.address,
            "port": host.port,
            "username": host.username,
            "password": host.password,
            "ca_path": fleet.ca_path,
        }

        self._capsys = capsys
        self._patch = patch

    def run(self, name: str, *, check: bool = False, diff: bool = False, **options: Any) -> Ran:
        """An option given as None is left out."""
        merged = {**self.connection, **options}
        arguments = {option: value for option, value in merged.items() if value is not None}
        arguments.update(_ansible_check_mode=check, _ansible_diff=diff, _ansible_remote_tmp="/tmp")
        self._patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        # Cores from 2.19 on also want to know how the arguments are encoded.
        self._patch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        module = importlib.import_module(f"ansible_collections.esx.trust.plugins.modules.{name}")
        self._capsys.readouterr()
        # A module is not the controller, although tests of actions in this process may have made it one.
        if controller is not None:
            # The package of ansible-core 2.18 does not have this yet.
            self._patch.setattr(controller, "is_controller", False, raising=False)
        # Ansible keeps warnings for the life of the process, which is that of one module anywhere else.
        for kept in ("_global_warnings", "_global_deprecations"):
            getattr(ansible_warnings, kept).clear()
        with pytest.raises(SystemExit):
            module.main()
        captured = self._capsys.readouterr()

        assert captured.err == ""

        result = json.loads(captured.out)
        # From ansible-core 2.22 on, a module tells the controller this way what to mask; nobody else gets to see it.
        result.pop("_ansible_new_secrets", None)

        return Ran(result, json.dumps(result))

    def kms_provider(self, *, check: bool = False, diff: bool = False, **options: Any) -> Ran:
        """esx_kms_provider with a good declaration, changed by `options`."""
        declared = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY, **options}
        return self.run("esx_kms_provider", check=check, diff=diff, **declared)

    def token_issuer(self, *, check: bool = False, diff: bool = False, **options: Any) -> Ran:
        """esx_token_issuer with alias and issuer of a vCenter, changed by `options`."""
        declared = {"issuer_alias": "vcenter01", "issuer": ISSUER, **options}
        return self.run("esx_token_issuer", check=check, diff=diff, **declared)


@contextlib.contextmanager
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Repetitions follow at once; the handler of SIGTERM, which a module sets for its process, is given back."""
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.001)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


class OverJsonRpc(Modules):
    """Calls modules on a host that speaks JSON-RPC, and tells them so."""

    def run(self, name: str, *, check: bool = False, diff: bool = False, **options: Any) -> Ran:
        self.host.settings(protocols="jsonrpc")
        return super().run(name, check=check, diff=diff, api_protocol="jsonrpc", **options)


@pytest.fixture(
    params=[
        "module",
        pytest.param("action", marks=pytest.mark.other_way),
        pytest.param("jsonrpc", marks=pytest.mark.other_way),
    ]
)
def modules(
    request: pytest.FixtureRequest,
    host: Host,
    fleet: Fleet,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Modules]:
    """Everything holds for the module, for the action of its name, and for the module where a host speaks JSON-RPC."""
    from support.actions import Actions  # which is built on what stands above

    if request.param == "jsonrpc":
        host.settings(protocols="jsonrpc")
    way = Actions if request.param == "action" else Modules
    with without_pauses(monkeypatch):
        yield way(host, fleet, capsys, monkeypatch)
