# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_token_issuer when another client changes the host at the same time, or an answer is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

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


def race(**fields: Any) -> Any:
    change = {"change": "put_issuer", **fields}
    return fault(kind="race", operation=f"{SERVICE}.create", change=[change])


def test_a_race_for_the_same_ends_well(modules: Modules, host: Host) -> None:
    host.queue(race(issuer_alias="vcenter01", issuer=ISSUER, chains=[CHAIN]))
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN))

    assert not ran.failed
    assert not ran.changed


def test_a_race_for_the_alias_ends_in_an_update(modules: Modules, host: Host) -> None:
    host.queue(race(issuer_alias="vcenter01", issuer=ISSUER, chains=[OTHER_CHAIN]))
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN))

    assert ran.result["operations"] == [operation("update", "vcenter01")]
    assert held(host, "vcenter01") == expected(CHAIN)


def test_a_race_for_the_issuer_ends_by_the_rules(modules: Modules, host: Host) -> None:
    host.queue(race(issuer_alias="theirs", issuer=ISSUER, chains=[CHAIN]))
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN))

    assert not ran.changed
    assert "'theirs'" in ran.warnings

    host.delete_issuer("theirs")
    host.queue(race(issuer_alias="theirs", issuer=ISSUER, chains=[OTHER_CHAIN]))
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN))

    assert ran.failed
    assert "'theirs'" in ran.message


@pytest.mark.parametrize("broken", ["lose_answer", "reset_before"])
@pytest.mark.parametrize("kind", ["create", "update", "delete"])
def test_a_broken_connection_never_doubles_or_hides_a_write(
    modules: Modules, host: Host, kind: str, broken: str
) -> None:
    if kind != "create":
        host.put_issuer("vcenter01", ISSUER, [OTHER_CHAIN])
    host.queue(fault(kind=broken, operation=f"{SERVICE}.{kind}"))

    if kind == "delete":
        ran = modules.token_issuer(state="absent", issuer=None)
        assert host.issuers == {}
    else:
        ran = modules.token_issuer(signing_cert_chains=declared(CHAIN))
        assert held(host, "vcenter01") == expected(CHAIN)

    assert ran.changed
    assert ran.operations == [(kind, "vcenter01")]
    assert sum(record.wrote for record in host.writes) == 1


@pytest.mark.parametrize("broken", ["lose_answer", "reset_before"])
@pytest.mark.parametrize("kind", ["update", "create", "delete"])
def test_a_broken_connection_in_a_rename_is_survived(modules: Modules, host: Host, kind: str, broken: str) -> None:
    host.put_issuer("leftover", ISSUER, [OTHER_CHAIN])
    host.queue(fault(kind=broken, operation=f"{SERVICE}.{kind}"))
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN), issuer_conflict="rename")

    assert ran.operations == [("update", "leftover"), ("create", "vcenter01"), ("delete", "leftover")]
    assert list(host.issuers) == ["vcenter01"]


def test_an_alias_that_vanishes_is_created_again(modules: Modules, host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER, [OTHER_CHAIN])
    gone = {"change": "delete_issuer", "issuer_alias": "vcenter01"}
    host.queue(fault(kind="race", operation=f"{SERVICE}.update", change=[gone]))
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN))

    assert ran.operations == [("create", "vcenter01")]
