# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issuers of a whole host that move to other aliases while things go wrong: what was trusted stays trusted."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error
from support.steps import actions
from support.whole_hosts import DEEP
from support.whole_hosts import NEW
from support.whole_hosts import OLD
from support.whole_hosts import RENAME
from support.whole_hosts import desired
from support.whole_hosts import host_with
from support.whole_hosts import issuer
from support.whole_hosts import run
from support.whole_hosts import trusted


def test_a_write_in_doubt_is_reported_whatever_the_order_of_the_rest() -> None:
    host = host_with(("a", "https://w", OLD))
    client = ScriptedClient(host)
    client.loses_answer("update")
    wanted = desired(issuers=[issuer("d", "https://w"), issuer("a", "https://x", **RENAME), issuer("b", "https://z")])

    assert ("update", "a") in actions(run(client, wanted))
    assert trusted(host) == {"d": "https://w", "a": "https://x", "b": "https://z"}


def test_a_marking_that_never_arrived_is_not_reported() -> None:
    """Although it is no longer planned: somebody has made the other alias as it is declared."""
    host = host_with(("former", "https://vc", NEW))
    client = ScriptedClient(host)
    client.loses_request("update")
    client.passes("list")
    client.is_raced("list", lambda memory: memory.hold_issuer("former", "https://vc", [OLD]))
    outcome = run(client, desired(issuers=[issuer("vc", "https://vc", OLD, **RENAME)]))

    assert actions(outcome) == []
    assert trusted(host) == {"former": "https://vc"}


@pytest.mark.parametrize("lost", range(1, 6))
def test_every_write_of_a_chain_of_moves_is_reported_whichever_answer_is_lost(lost: int) -> None:
    host = host_with(("a", "https://w", OLD), ("b", "https://y", OLD), ("d", "https://x", OLD))
    client = ScriptedClient(host)
    for _passed in range(lost - 1):
        client.passes("update")
    client.loses_answer("update")
    moves = {"a": "https://x", "b": "https://w", "d": "https://z"}
    outcome = run(client, desired(issuers=[issuer(alias, name, **RENAME) for alias, name in moves.items()]))

    assert actions(outcome) == [("update", alias) for alias in "abdad"]
    assert client.writes == ["update"] * 5
    assert trusted(host) == moves


def test_an_issuer_that_had_to_make_room_is_trusted_again_if_its_new_alias_is_refused() -> None:
    host = host_with(("a", "https://x", OLD))
    client = ScriptedClient(host)
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    with pytest.raises(TrustError) as caught:
        run(client, desired(issuers=[issuer("a", "https://y"), issuer("b", "https://x")]))

    assert trusted(host) == {"a": "https://x"}
    assert "'a' was put back as it was" in caught.value.message


@pytest.mark.parametrize("failing", range(5))
def test_a_swap_that_fails_anywhere_costs_no_trust(failing: int) -> None:
    before = {"a": "https://x", "b": "https://y"}
    host = host_with(("a", "https://x", OLD), ("b", "https://y", NEW))
    client = ScriptedClient(host)
    call, passed = [("create", 0), ("update", 0), ("update", 1), ("update", 2), ("delete", 0)][failing]
    for _number in range(passed):
        client.passes(call)
    client.fails(call, lambda: api_error("INVALID_ARGUMENT"))
    wanted = desired(issuers=[issuer("a", "https://y", **RENAME), issuer("b", "https://x", **RENAME)])
    with pytest.raises(TrustError) as caught:
        run(client, wanted)

    assert "could not be put back" not in caught.value.message

    after = {"a": "https://y", "b": "https://x"}

    assert trusted(host) == (after if call == "delete" else before)

    run(ScriptedClient(host), wanted)

    assert trusted(host) == {"a": "https://y", "b": "https://x"}


def test_what_cannot_be_put_back_is_reported() -> None:
    host = host_with(("a", "https://x", OLD))
    client = ScriptedClient(host)
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    client.passes("update")
    client.fails("update", lambda: api_error("INVALID_ARGUMENT"), times=5)
    with pytest.raises(TrustError) as caught:
        run(client, desired(issuers=[issuer("a", "https://y"), issuer("b", "https://x")]))

    assert "'a' could not be put back" in caught.value.message
    assert caught.value.not_restored[0]["issuer"] == "https://x"


@pytest.mark.parametrize(
    ("refusals", "sentence", "hint"),
    [
        (1, " These were put back as they were: token_issuer 'a', token_issuer 'b'.", ""),
        (
            9,
            " These could not be put back: token_issuer 'a', token_issuer 'b'. The next run deletes the marker at 'b'.",
            "Run the task again now: until then the host does not have them.",
        ),
    ],
    ids=["restored", "lost"],
)
def test_several_issuers_of_a_failed_swap_stand_in_one_sentence(refusals: int, sentence: str, hint: str) -> None:
    """The last of its updates is refused, after both issuers have left their aliases."""
    client = ScriptedClient(host_with(("a", "https://x", OLD), ("b", "https://y", NEW)), retries=0)
    client.passes("update")
    client.passes("update")
    client.fails("update", lambda: api_error("INVALID_ARGUMENT"), times=refusals)
    with pytest.raises(TrustError) as caught:
        run(client, desired(issuers=[issuer("a", "https://y", **RENAME), issuer("b", "https://x", **RENAME)]))

    assert caught.value.message == f"esx01: failed (400 INVALID_ARGUMENT).{sentence}"
    assert caught.value.hint.endswith(hint)


def test_merge_keeps_the_chains_of_an_issuer_whose_alias_is_given_away() -> None:
    host = MemoryHost()
    host.hold_issuer("b", "https://x", [NEW, DEEP])
    wanted = desired(issuers=[issuer("d", "https://x", OLD, chains_mode="merge"), issuer("b", "https://z")])
    run(ScriptedClient(host), wanted)

    assert len(host.issuers["d"]["signing_cert_chains"]) == 3


def test_an_audit_reports_a_renaming_that_was_interrupted() -> None:
    held = write_marker("vc", "https://vc", ())
    host = host_with(("former", held, OLD))

    for wanted, status, says in (
        (desired(issuers=[issuer("vc", "https://vc")]), "extra", "goes to the alias 'vc'"),
        (desired(issuers=[issuer("other", "https://o")]), "differs", "gets its issuer back"),
        (desired(issuers=[], purge=True), "extra", "is deleted"),
    ):
        outcome = run(ScriptedClient(host), wanted, check_mode=True)
        (part,) = (part for part in outcome.found["resources"] if part["id"] == "former")

        assert part["status"] == status
        assert "interrupted renaming" in part["message"]
        assert says in part["message"]


def test_a_swap_that_stops_in_doubt_where_nobody_can_look_names_what_may_be_lost() -> None:
    host = host_with(("a", "https://x", OLD), ("b", "https://y", NEW))
    client = ScriptedClient(host, retries=0)
    client.loses_answer("update")
    client.passes("list")
    client.fails("list", lambda: api_error("INTERNAL_SERVER_ERROR", 500), times=9)
    with pytest.raises(TrustError) as caught:
        run(client, desired(issuers=[issuer("a", "https://y", **RENAME), issuer("b", "https://x", **RENAME)]))

    assert "'b' could not be put back" in caught.value.message
    assert [lost_issuer["issuer"] for lost_issuer in caught.value.not_restored] == ["https://y"]
