# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_api_info and esx_api_probe on hosts that repeat every request, over both forms of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leaks.scene import PASSWORDS
from support.certificates import chain
from support.constants import KEY
from support.constants import KEY_ID
from support.credentials import basic_credentials

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from support.search import Search


@pytest.mark.parametrize("module", ["esx_api_info", "esx_api_probe"])
@pytest.mark.parametrize("form", ["rest", "jsonrpc", "both", "none"])
@pytest.mark.parametrize("password", PASSWORDS[1:3])
@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
def test_no_secret_and_no_name(
    modules: Modules,
    host: Host,
    handed_out: list[str],
    search: Search,
    module: str,
    form: str,
    password: str,
    right: bool,
) -> None:
    host.settings(protocols=form, echo_requests=True)
    host.put_account("verwalter", password if right else "Something-else-1")
    host.put_provider("schluessel", type="NATIVE", key_id=KEY_ID, key_derivation_key=KEY)
    host.put_issuer("kronprinz", "https://vc1.example.com/oidc", [chain(2)])

    ran = modules.run(module, username="verwalter", password=password, retries=0)

    assert ran.failed == (form == "none" or not right)

    secrets = {
        "password": [password, password.strip()],
        "basic": [basic_credentials("verwalter", password)],
        "key": [KEY],
    }

    assert search.find({**secrets, "tokens": handed_out}, {"result": ran.output}) == []

    names = ["verwalter", "schluessel", "kronprinz", "vc1.example.com", host.address]
    facts = str(ran.result.get("api", "")) + str(ran.result.get("api_probe", ""))

    assert search.find({"names": names}, {"facts": facts}) == []
