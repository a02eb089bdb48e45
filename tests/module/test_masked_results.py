# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client masks what is secret among the options in its result, before the edge to Ansible masks it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Masked
from ansible_collections.esx.trust.plugins.module_utils._services import host_examination
from ansible_collections.esx.trust.plugins.module_utils._services import host_trust
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider_module
from support.constants import KEY
from support.constants import KEY_ID

if TYPE_CHECKING:
    from ansible_collections.esx.trust.plugins.module_utils._module.perform import Run
    from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
    from simulator import Fleet
    from simulator import Host

PROVIDER = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY, "state": "present"}
HOST = {"kms_providers": [PROVIDER]}


@pytest.mark.parametrize(
    ("run", "arguments", "declared"),
    [
        pytest.param(kms_provider_module.run, kms_provider_module.ARGUMENTS, PROVIDER, id="esx_kms_provider"),
        pytest.param(host_trust.run, host_trust.ARGUMENTS, HOST, id="esx_host_trust"),
        pytest.param(host_examination.examine, host_trust.ARGUMENTS, HOST, id="examination"),
    ],
)
def test_the_client_knows_that_the_key_is_a_secret(
    fleet: Fleet, host: Host, run: Run, arguments: Arguments, declared: Mapping[str, Any]
) -> None:
    params = {name: option.get("default") for name, option in arguments.options.items()}
    login = {"hostname": host.address, "port": host.port, "username": host.username, "password": host.password}
    result = run({**params, **login, "ca_path": fleet.ca_path, **declared}, False)

    assert isinstance(result, Masked)
    assert {KEY, host.password} <= result.secrets
