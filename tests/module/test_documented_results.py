# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a module returns is documented by it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest
import yaml

import environment
from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

PROVIDER = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}
DECLARED_ISSUER = {
    "issuer_alias": "vcenter01",
    "issuer": ISSUER,
    "signing_cert_chains": [{"cert_chain": chain(2)}],
}
PROFILE = {"local_user_name": "automation", "entitlements": ["READ_ONLY"]}

#: Each module that asks a host, with options that a host takes.
MODULES: dict[str, dict[str, Any]] = {
    "esx_api_info": {},
    "esx_api_probe": {},
    "esx_client_profile": PROFILE,
    "esx_client_profile_info": {},
    "esx_host_trust": {"kms_providers": [PROVIDER], "token_issuers": [DECLARED_ISSUER], "client_profiles": [PROFILE]},
    "esx_kms_provider": PROVIDER,
    "esx_kms_provider_info": {},
    "esx_token_issuer": DECLARED_ISSUER,
    "esx_token_issuer_info": {},
}

#: What Ansible documents for all modules.
COMMON = {"changed", "diff", "exception", "failed", "invocation", "msg", "warnings"}


def documented(module: str) -> dict[str, Any]:
    text = (environment.ROOT / f"plugins/modules/{module}.py").read_text("utf-8")
    returns: dict[str, Any] = yaml.safe_load(text.partition('\nRETURN = r"""')[2].partition('"""')[0])
    return returns


@pytest.mark.parametrize("module", MODULES)
def test_a_run_that_succeeds(modules: Modules, host: Host, module: str) -> None:
    host.put_account("automation", "Automation1!")
    ran = modules.run(module, diff=True, **MODULES[module])

    assert not ran.failed, ran.output
    assert ran.result.keys() - COMMON - documented(module).keys() == set()


@pytest.mark.parametrize("module", MODULES)
def test_a_login_that_is_refused(modules: Modules, module: str) -> None:
    ran = modules.run(module, password="wrong", **MODULES[module])
    failure = documented(module)["failure"]["contains"]

    assert ran.result["failure"]["code"] == "unauthenticated"
    assert ran.result["failure"].keys() - failure.keys() == set()
    # A failure of a module that only reads has an empty list of operations, too.
    assert ran.result.keys() - COMMON - documented(module).keys() <= {"operations"}
    assert ran.result.get("operations") == []


@pytest.mark.parametrize("module", MODULES)
def test_every_code_of_a_failure_has_its_meaning(module: str) -> None:
    """A module that only reads compares nothing, so it has no conflict."""
    codes = " ".join(documented(module)["failure"]["contains"]["code"]["description"])
    assert ("V(conflict)" in codes) == (
        module in ("esx_client_profile", "esx_host_trust", "esx_kms_provider", "esx_token_issuer")
    )
