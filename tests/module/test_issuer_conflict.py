# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_token_issuer where the host saves the issuer under another alias: fail, adopt and rename."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.constants import ISSUER
from support.modules import fault
from support.token_issuers import CHAIN
from support.token_issuers import OTHER_CHAIN
from support.token_issuers import SERVICE
from support.token_issuers import declared
from support.token_issuers import expected
from support.token_issuers import held
from support.token_issuers import operation

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

#: Everything holds in both dialects of errors.
pytestmark = pytest.mark.usefixtures("dialect")


def test_the_same_issuer_with_equal_chains_is_ok_with_a_warning(modules: Modules, host: Host) -> None:
    host.put_issuer("leftover", ISSUER, [CHAIN])
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN))

    assert not ran.changed
    assert "'leftover'" in ran.warnings
    assert ran.result["token_issuer"]["issuer_alias"] == "leftover"
    assert host.writes == []


@pytest.mark.parametrize("check", [False, True])
def test_with_other_chains_it_fails_by_default(modules: Modules, host: Host, check: bool) -> None:
    host.put_issuer("leftover", ISSUER, [OTHER_CHAIN])
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN), check=check)

    assert ran.failed
    assert "'leftover'" in ran.message
    assert ran.result["failure"]["code"] == "conflict"
    assert host.writes == []


def test_adopt_gives_the_chains_to_the_other_alias(modules: Modules, host: Host) -> None:
    host.put_issuer("leftover", ISSUER, [OTHER_CHAIN])
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict="adopt")

    assert ran.result["operations"] == [operation("update", "leftover")]
    assert list(host.issuers) == ["leftover"]
    assert held(host, "leftover") == expected(CHAIN)
    assert not modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict="adopt").changed


def test_rename_replaces_the_other_alias(modules: Modules, host: Host) -> None:
    host.put_issuer("leftover", ISSUER, [OTHER_CHAIN])
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict="rename")

    assert ran.operations == [("update", "leftover"), ("create", "vcenter01"), ("delete", "leftover")]
    assert list(host.issuers) == ["vcenter01"]
    assert held(host, "vcenter01") == expected(CHAIN)
    assert not modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict="rename").changed


def test_rename_with_merge_keeps_the_old_chains(modules: Modules, host: Host) -> None:
    host.put_issuer("leftover", ISSUER, [OTHER_CHAIN])
    modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict="rename", chains_mode="merge")
    assert held(host, "vcenter01") == expected(CHAIN, OTHER_CHAIN)


def test_rename_puts_the_old_one_back_when_the_host_refuses_the_new(modules: Modules, host: Host) -> None:
    host.put_issuer("leftover", ISSUER, [OTHER_CHAIN])
    host.queue(fault(kind="status", operation=f"{SERVICE}.create", error_type="INVALID_ARGUMENT"))
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict="rename")

    assert ran.failed
    assert "put back" in ran.message
    assert ran.operations == [("update", "leftover"), ("update", "leftover")]
    assert list(host.issuers) == ["leftover"]
    assert held(host, "leftover") == expected(OTHER_CHAIN)


def test_rename_says_so_when_nothing_can_be_put_back(modules: Modules, host: Host) -> None:
    host.put_issuer("leftover", ISSUER, [OTHER_CHAIN])
    host.queue(
        fault(kind="status", operation=f"{SERVICE}.create", error_type="INVALID_ARGUMENT"),
        fault(kind="status", operation=f"{SERVICE}.update", error_type="INVALID_ARGUMENT", skip=1, times=None),
    )
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict="rename")

    assert ran.failed
    assert ran.result["changed"]
    assert "could not be put back" in ran.message
    # Its certificates are there all the same, and everybody is told what the alias holds.
    assert host.issuers["leftover"].chains == [OTHER_CHAIN]

    info = modules.run("esx_token_issuer_info")

    assert "interrupted renaming" in info.warnings
    assert repr(ISSUER) in info.warnings

    host.clear_faults()

    assert modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict="rename").changed
    assert list(host.issuers) == ["vcenter01"]


@pytest.mark.parametrize("conflict", ["fail", "adopt"])
def test_two_aliases_in_the_way_are_a_conflict(modules: Modules, host: Host, conflict: str) -> None:
    host.put_issuer("vcenter01", "https://elsewhere", [CHAIN])
    host.put_issuer("leftover", ISSUER, [OTHER_CHAIN])
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict=conflict)

    assert ran.failed
    assert "'leftover'" in ran.message
    assert host.writes == []


def test_rename_also_solves_two_aliases_in_the_way(modules: Modules, host: Host) -> None:
    host.put_issuer("vcenter01", "https://elsewhere", [OTHER_CHAIN])
    host.put_issuer("leftover", ISSUER, [OTHER_CHAIN])
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict="rename")

    assert ran.operations == [("update", "leftover"), ("update", "vcenter01"), ("delete", "leftover")]
    assert list(host.issuers) == ["vcenter01"]
    assert host.issuers["vcenter01"].issuer == ISSUER
