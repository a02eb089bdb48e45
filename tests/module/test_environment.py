# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables of the environment a module reads, and which change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator import Fleet
from support.certificates import chain
from support.modules import schemes

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

#: The host holds what a run declares of itself, so that a run that succeeds changes nothing.
pytestmark = pytest.mark.usefixtures("held_provider")


def test_the_environment_stands_in_for_options(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"hostname": "HOST", "username": "USER", "password": "PASSWORD", "port": "PORT", "ca_path": "CA_PATH"}
    for option, name in names.items():
        monkeypatch.setenv(f"VMWARE_{name}", str(modules.connection[option]))
    unset: dict[str, Any] = dict.fromkeys(names)

    assert not modules.kms_provider(**unset).failed


def test_an_option_beats_the_environment(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VMWARE_HOST", "elsewhere.invalid")
    monkeypatch.setenv("VMWARE_PASSWORD", "wrong")
    monkeypatch.setenv("VMWARE_VALIDATE_CERTS", "False")
    ran = modules.kms_provider(validate_certs=True)

    assert not ran.failed
    assert ran.warnings == ""


def test_the_built_in_credential_of_awx_works(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VMWARE_USER", modules.connection["username"])
    monkeypatch.setenv("VMWARE_PASSWORD", modules.connection["password"])
    monkeypatch.setenv("VMWARE_VALIDATE_CERTS", "False")
    ran = modules.kms_provider(username=None, password=None, ca_path=None)

    assert not ran.failed
    assert "validate_certs" in ran.warnings


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_variables_of_other_tools_do_not_change_whom_we_trust(
    modules: Modules, host: Host, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(name, fleet.ca_path)
    assert modules.kms_provider(ca_path=None).result["failure"]["code"] == "untrusted"

    (tmp_path / "other.pem").write_text(chain(1)[0])
    monkeypatch.setenv(name, str(tmp_path / "other.pem"))

    assert not modules.kms_provider().failed
    assert not modules.kms_provider(ca_path=None, validate_certs=False).failed

    monkeypatch.delenv(name)

    assert not modules.kms_provider().failed


def test_netrc_does_not_change_the_login(
    modules: Modules, host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine {host.address} login intruder password stolen\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))

    assert not modules.kms_provider().failed
    assert schemes(host) == ["basic", "bearer"]
    assert host.failed_logins == 0


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_proxy_variables_do_not_change_the_way(modules: Modules, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert not modules.kms_provider().failed
