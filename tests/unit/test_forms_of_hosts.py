# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine on hosts that keep an issuer in a form of their own."""

from __future__ import annotations

from typing import Any
from typing import Optional

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from support.certificates import chain
from support.converging import ISSUER
from support.converging import NEW
from support.converging import OLD
from support.converging import failure
from support.converging import issuer
from support.memory import DroppingHost
from support.memory import ForgettingHost
from support.memory import MemoryHost
from support.memory import NormalizingHost
from support.memory import ScriptedClient
from support.memory import TurningHost
from support.memory import api_error


def test_a_host_that_drops_certificates_is_warned_of_and_written_to_once() -> None:
    deep = chain(2, subject="deep")
    client = ScriptedClient(DroppingHost())
    outcome = converge(client.as_client(), issuer(chains=[deep]), check_mode=False)

    assert outcome.changed
    assert client.calls == ["list", "create", "list"]

    (warning,) = outcome.warnings

    assert "it dropped 'CN=deep root'" in warning
    assert outcome.after["signing_cert_chains"] == [{"cert_chain": deep[:1]}]

    again = ScriptedClient(client.memory)
    outcome = converge(again.as_client(), issuer(chains=[deep]), check_mode=False)

    assert not outcome.changed
    assert again.calls == ["list", "update", "list"]
    assert "nothing was changed" in outcome.warnings[0]


def test_merge_does_not_grow_on_a_host_that_drops_certificates() -> None:
    deep = chain(2, subject="deep")
    host = DroppingHost()
    host.hold_issuer("vc", ISSUER, [deep[:1], OLD])
    merged = issuer(chains=[deep], chains_mode="merge")
    outcomes = [converge(ScriptedClient(host).as_client(), merged, check_mode=False) for _run in range(4)]

    # The host saves the same chain once more, which is no change.
    assert [outcome.changed for outcome in outcomes] == [False, False, False, False]
    assert all("it dropped 'CN=deep root'" in outcome.warnings[0] for outcome in outcomes)
    assert len(host.issuers["vc"]["signing_cert_chains"]) == 3
    assert {"cert_chain": OLD} in host.issuers["vc"]["signing_cert_chains"]


@pytest.mark.parametrize("mode", ["exact", "merge"])
@pytest.mark.parametrize("held", [None, [], [OLD]], ids=["no issuer", "no chain", "another chain"])
def test_a_second_run_changes_nothing_on_a_host_that_drops_certificates(
    held: Optional[list[list[str]]], mode: str
) -> None:
    deep = chain(2, subject="deep")
    host = DroppingHost()
    if held is not None:
        host.hold_issuer("vc", ISSUER, held)

    declared = issuer(chains=[deep], chains_mode=mode)
    outcomes = [converge(ScriptedClient(host).as_client(), declared, check_mode=False) for _run in range(3)]

    assert [outcome.changed for outcome in outcomes] == [True, False, False]
    assert all("it dropped 'CN=deep root'" in outcome.warnings[0] for outcome in outcomes)
    assert outcomes[1].before == outcomes[1].after == outcomes[0].after


def test_merge_recognises_a_new_chain_on_a_host_that_drops_certificates() -> None:
    deep = chain(2, subject="deep")
    host = DroppingHost()
    host.hold_issuer("vc", ISSUER, [deep[:1]])
    outcome = converge(
        ScriptedClient(host).as_client(), issuer(chains=[deep, NEW], chains_mode="merge"), check_mode=False
    )

    assert outcome.changed
    assert {"cert_chain": NEW} in outcome.after["signing_cert_chains"]


@pytest.mark.parametrize("held", [None, ISSUER, "https://former"])
def test_a_host_that_saves_another_issuer_is_warned_of_and_shown_as_it_is(held: Optional[str]) -> None:
    """It strips a slash at the end, for instance."""
    client = ScriptedClient(NormalizingHost())
    if held is not None:
        client.memory.hold_issuer("vc", held, [NEW])
    declared = issuer(issuer=f"{ISSUER}/")
    outcome = converge(client.as_client(), declared, check_mode=False)

    assert outcome.changed == (held != ISSUER)
    assert outcome.after["issuer"] == ISSUER
    assert f"it saved '{ISSUER}', not '{ISSUER}/'" in outcome.warnings[-1]

    again = converge(ScriptedClient(client.memory).as_client(), declared, check_mode=False)

    assert not again.changed
    assert again.warnings[-1].endswith("nothing was changed.")


@pytest.mark.parametrize("retries", [0, 3])
def test_an_issuer_is_not_lost_on_a_host_that_confirms_its_new_alias_and_keeps_nothing(retries: int) -> None:
    host = ForgettingHost()
    host.hold_issuer("leftover", ISSUER, [OLD])
    before = host.state()
    client = ScriptedClient(host, retries=retries)
    error = failure(client, issuer())

    assert host.state() == before
    assert "delete" not in client.calls
    assert "does not list it" in error.message
    assert "The token_issuer 'leftover' was put back as it was." in error.message


class UrlHost(MemoryHost):
    """Takes an issuer only if it is the URL of a server."""

    def perform(self, call: Call) -> Any:
        name = call.arguments.get("spec", {}).get("issuer", ISSUER)
        if not name.startswith("https://"):
            raise api_error("INVALID_ARGUMENT")

        return super().perform(call)


def test_a_host_that_takes_no_marker_is_reported_as_such() -> None:
    host = UrlHost()
    host.hold_issuer("leftover", ISSUER, [OLD])
    before = host.state()
    error = failure(ScriptedClient(host), issuer())

    assert host.state() == before
    assert "set issuer_conflict to adopt" in error.hint
    assert converge(ScriptedClient(host).as_client(), issuer(issuer_conflict="adopt"), check_mode=False).changed

    other = failure(ScriptedClient(host), issuer(issuer_alias="new", issuer="urn:other"))

    assert "issuer_conflict" not in other.hint


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_host_that_stores_each_write_otherwise_is_not_written_to_for_ever(retries: int) -> None:
    """Each answer is lost, and each look shows that the write was carried out, in another form each time."""
    client = ScriptedClient(TurningHost(), retries=retries)
    client.memory.hold_issuer("vc", ISSUER, [OLD])
    client.loses_answer("update", times=50)
    error = failure(client, issuer(chains=[chain(3, subject="deep")]))

    assert isinstance(error, AnswerLost)
    assert client.writes == ["update"] * (retries + 1)
