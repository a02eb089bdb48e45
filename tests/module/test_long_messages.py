# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""However much a host says, and however long the names are that it holds, a message stays readable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.certificates import chain
from support.constants import ISSUER
from support.modules import fault

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

ONE, TWO = chain(1, subject="one"), chain(1, subject="two")
#: Characters of a message, which is what a failure says, and of a warning.
LONGEST = 4000
#: Around a warning, where a core says from which plugin it is.
ROOM = 500
#: Of what a host says in one place.
LONG = 60_000


def test_a_conflict_with_a_long_name_keeps_its_beginning_and_its_end(modules: Modules, host: Host) -> None:
    host.put_issuer("a" * LONG, ISSUER, [ONE])

    ran = modules.token_issuer(signing_cert_chains=[{"cert_chain": TWO}])

    assert ran.failed
    assert ran.message.startswith(f"{host.address}:")
    assert ran.message.endswith("Nothing was sent.")
    assert "characters are left out" in ran.message
    assert len(ran.message) <= LONGEST
    assert len(ran.result["failure"]["message"]) <= LONGEST
    assert host.writes == []


def test_a_warning_with_long_names_is_shortened_too(modules: Modules, host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER, [ONE])
    for number in range(3):
        host.put_client_profile(
            type="EXTERNAL_GROUP", domain="d", name=f"{number}{'n' * LONG}", issuer_alias="vcenter01", grants=[]
        )

    ran = modules.token_issuer(state="absent", issuer=None)

    assert not ran.failed, ran.message
    assert "removing the issuer 'vcenter01' also removes the client profiles" in ran.warnings
    assert len(ran.warnings) < LONGEST + ROOM


def test_a_long_name_is_given_back_whole_where_it_is_no_sentence(modules: Modules, host: Host) -> None:
    host.put_issuer("a" * LONG, ISSUER, [ONE])
    ran = modules.run("esx_token_issuer_info")
    assert [issuer["issuer_alias"] for issuer in ran.result["token_issuers"]] == ["a" * LONG]


@pytest.mark.parametrize("later", ["ERROR", None])
def test_errors_that_add_up(modules: Modules, host: Host, later: str | None) -> None:
    """The refusal of a write, and of the look after it, each with many long texts."""
    words = [{"id": "com.vmware.x", "default_message": f"{number}{'w' * LONG}", "args": []} for number in range(9)]
    body = {"messages": words, "error_type": "INTERNAL_SERVER_ERROR", "data": {"a": "d" * LONG, "b": "d" * LONG}}
    host.queue(fault(kind="answer", operation="*issuers.create", status=500, body=body, times=None))
    if later:
        host.queue(fault(kind="status", operation="*issuers.list", skip=1, status=500, body=body, times=None))

    ran = modules.token_issuer(signing_cert_chains=[{"cert_chain": TWO}], retries=0)

    assert ran.failed == bool(later), ran.message
    assert len(ran.message) < 1000
    assert len(ran.warnings) < LONGEST + ROOM
