# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules against a simulated vCenter in place of a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api import retries
from support.modules import Modules
from support.vcenters import OLD

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Vcenter


@pytest.fixture
def modules(
    vcenter: Vcenter, fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Modules:
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.001)
    vcenter.put_signing_cert_chains([OLD])
    return Modules(vcenter, fleet, capsys, monkeypatch)
