# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX's own code makes of the collection's credential types."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
import yaml

from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import HOST_CONNECTION
from support.constants import KEY
from support.constants import KEY_ID

if TYPE_CHECKING:
    from awx.code import Inside

Types = dict[str, dict[str, Any]]

PASSWORD = "{{ not a template }} 'Pässwörd'"
CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "env").mkdir()
    return tmp_path


def injected(inside: Inside, folder: Path, kind: Any, **inputs: str) -> dict[str, Any]:
    given: dict[str, Any] = inside.ask("inject", folder=str(folder), credentials=[{"type": kind, "inputs": inputs}])
    return given


def test_the_variables_are_those_that_the_modules_read(credential_types: Types) -> None:
    read = {option["fallback"][1][0] for option in HOST_CONNECTION.options.values() if "fallback" in option}
    assert set(credential_types["ESX host"]["injectors"]["env"]) <= read


def test_an_account_with_a_ca(inside: Inside, folder: Path, credential_types: Types) -> None:
    inputs = {"username": "root", "password": PASSWORD, "ca_certificate": CA, "port": "9443", "api_protocol": "rest"}
    given = injected(inside, folder, credential_types["ESX host"], **inputs)
    file = Path(given["env"].pop("VMWARE_CA_PATH"))

    assert given["env"] == {
        "VMWARE_USER": "root",
        "VMWARE_PASSWORD": PASSWORD,
        "VMWARE_PORT": "9443",
        "VMWARE_API_PROTOCOL": "rest",
    }

    assert file.parent == folder / "env"
    assert file.read_text("utf-8") == CA
    assert file.stat().st_mode & 0o077 == 0
    assert given["safe_env"]["VMWARE_PASSWORD"] == "*" * 10
    assert given["args"] == []


def test_an_account_alone(inside: Inside, folder: Path, credential_types: Types) -> None:
    """What is not given is empty, and so not there for the modules."""
    given = injected(inside, folder, credential_types["ESX host"], username="root", password=PASSWORD)
    for name in ("VMWARE_PORT", "VMWARE_API_PROTOCOL", "VMWARE_CA_PATH"):
        assert given["env"][name] == ""


def test_a_key(inside: Inside, folder: Path, credential_types: Types) -> None:
    """It is in a file that only the job can read, and not in the environment or on the command line."""
    inputs = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}
    given = injected(inside, folder, credential_types["ESX native key"], **inputs)

    assert given["env"] == {}
    assert KEY not in str(given)

    option, name = given["args"]
    file = Path(name.removeprefix("@"))

    assert option == "-e"
    assert file.parent == folder / "env"
    assert file.stat().st_mode & 0o077 == 0

    assert yaml.safe_load(file.read_text("utf-8")) == {
        "esx_native_key_provider": "site-a",
        "esx_native_key_id": inputs["key_id"],
        "esx_native_key": KEY,
    }


def test_every_secret_input_is_marked(credential_types: Types) -> None:
    secret = {
        field["id"] for kind in credential_types.values() for field in kind["inputs"]["fields"] if "secret" in field
    }
    assert secret == {"password", "key_derivation_key"}
