# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of issuers one by one: for whom each is made, in which order, and what it keeps."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import by_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_plan import IssuerPlan
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_plan import Move
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_plan import plan_issuers
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_plan import was_carried_out
from support.certificates import chain
from support.issuer_rights import NEW
from support.issuer_rights import OLD
from support.issuer_rights import absent
from support.issuer_rights import present

X, Y, Z = "https://x", "https://y", "https://z"
DEEP = chains_from_host([{"cert_chain": chain(subject="deep")}])


def held(alias: str, issuer: str, chains: tuple[Chain, ...] = OLD) -> TokenIssuer:
    return TokenIssuer(alias, issuer, chains)


def marked(alias: str, new_alias: str, issuer: str, chains: tuple[Chain, ...] = OLD) -> TokenIssuer:
    return TokenIssuer(alias, write_marker(new_alias, issuer, ()), chains)


def plan(observed: list[TokenIssuer], *declared: DesiredTokenIssuer, purge: bool = False) -> IssuerPlan:
    return plan_issuers(observed, DeclaredIssuers(declared, purge))


def moves_of(planned: IssuerPlan) -> list[tuple[str, str, str]]:
    """For whom each step is made, and what it does."""
    return [(move.owner, move.step.action, move.step.id) for move in planned.moves]


def test_each_step_is_made_for_a_declared_or_an_undeclared_alias() -> None:
    observed = [
        held("former", X, NEW),
        held("gone", Y),
        marked("interrupted", "later", Z),
        held("extra", "https://extra"),
    ]
    planned = plan(observed, present("vc", X, "rename"), absent("gone"), purge=True)

    assert moves_of(planned) == [
        ("vc", "update", "former"),
        ("vc", "create", "vc"),
        ("vc", "delete", "former"),
        ("interrupted", "delete", "interrupted"),
        ("gone", "delete", "gone"),
        ("extra", "delete", "extra"),
    ]


def test_a_renaming_that_nobody_declares_and_that_had_arrived_is_finished_before_anything_else() -> None:
    planned = plan([marked("former", "vc", X), held("vc", X)], present("other", Y))
    assert moves_of(planned) == [("former", "delete", "former"), ("other", "create", "other")]


def test_a_marker_at_an_alias_that_is_declared_absent_is_deleted_after_other_renamings_were_taken_back() -> None:
    planned = plan([marked("first", "vc", X), marked("second", "third", Y)], absent("first"))
    assert moves_of(planned) == [("second", "update", "second"), ("first", "delete", "first")]


def test_chains_that_the_issuer_has_lost_leave_an_old_marker_before_the_issuer_moves() -> None:
    stale, holder = marked("stale", "vc", X, DEEP), held("former", X, NEW)
    planned = plan([stale, holder], present("vc", X, "rename", "merge"))

    assert planned.moves[0] == Move("vc", Step.between(RESOURCE, "stale", stale, marked("stale", "vc", X, NEW)))
    assert set(planned.held["vc"].chains) == {*NEW, *OLD}


def test_merge_keeps_the_chains_of_the_declared_alias_although_a_host_lists_the_issuer_twice() -> None:
    planned = plan([held("second", X, DEEP), held("vc", X, NEW)], present("vc", X, mode="merge"))
    assert planned.held["vc"].chains == NEW + OLD


def test_declarations_that_contradict_each_other_are_a_conflict_of_each_and_plan_nothing() -> None:
    observed = [held("former", X)]
    other_chains = DesiredTokenIssuer("b", X, NEW, issuer_conflict="rename")
    planned = plan(observed, present("a", X, "rename"), other_chains)
    sentence = "the declared token issuers contradict each other. See resources of the result."

    assert planned == IssuerPlan((), by_alias(observed), {"a": sentence, "b": sentence})


def test_an_alias_is_not_deleted_if_it_holds_another_issuer_than_declared() -> None:
    assert plan([held("vc", Y)], absent("vc", X)).conflicts == {
        "vc": f"the alias 'vc' holds the issuer {Y!r}, not {X!r}. Leave issuer out to delete the alias anyway, or"
        " correct issuer."
    }


# Issuers that change places


def parked(alias: str, issuer: str, chains: tuple[Chain, ...] = OLD) -> TokenIssuer:
    """The entry of the host that keeps an issuer until this alias is free."""
    return marked(parking_alias(alias, ()), alias, issuer, chains)


def first_move(planned: IssuerPlan) -> Move:
    assert not planned.conflicts
    return planned.moves[0]


def creation(after: TokenIssuer) -> Step:
    return Step.between(RESOURCE, after.issuer_alias, None, after)


def test_the_issuer_that_is_parked_is_that_which_stands_where_a_renaming_is_allowed() -> None:
    observed = [held("a", X), held("b", Y, NEW)]

    assert first_move(plan(observed, present("a", Y, "rename"), present("b", X))) == Move("a", creation(parked("b", X)))
    assert first_move(plan(observed, present("a", Y), present("b", X, "rename"))) == Move(
        "b", creation(parked("a", Y, NEW))
    )


def test_a_begun_exchange_goes_on_although_no_renaming_is_allowed() -> None:
    planned = plan([marked("a", "b", X), held("b", Y)], present("a", Y), present("b", X))

    assert moves_of(planned)[0] == ("a", "create", parking_alias("b", ()))
    assert {alias: issuer.issuer for alias, issuer in planned.held.items()} == {"a": Y, "b": X}


def test_an_issuer_that_waits_for_a_cycle_is_not_parked_in_place_of_one_of_the_cycle() -> None:
    observed = [marked("c", "b", X, NEW), marked("a", "b", X, OLD), held("b", Y)]
    planned = plan(observed, present("c", Z, "rename"), present("a", Y), present("b", X, mode="merge"))

    assert moves_of(planned)[0] == ("a", "create", parking_alias("b", ()))
    assert planned.moves[0].step.after.chains == OLD


def test_a_parked_issuer_gets_the_chains_that_its_alias_has_got_meanwhile() -> None:
    waiting = parked("b", X, OLD)
    observed = [marked("c", "b", X, OLD), waiting, held("a", X, OLD + NEW), held("b", Y)]
    planned = plan(observed, present("a", Y, "rename"), present("b", X, "rename"))
    written = parked("b", X, OLD + NEW)

    assert first_move(planned) == Move("a", Step.between(RESOURCE, waiting.issuer_alias, waiting, written))


def test_chains_that_the_issuer_has_lost_leave_its_parked_copy_before_it_is_renamed() -> None:
    waiting = parked("b", X, DEEP)
    planned = plan([waiting, held("a", X), held("b", Y)], present("a", Y, "rename"), present("b", X, "rename"))

    assert first_move(planned) == Move("a", Step.between(RESOURCE, waiting.issuer_alias, waiting, parked("b", X, OLD)))


# After a step was sent


def test_a_change_of_chains_was_not_carried_out_while_the_host_shows_the_chains_of_before() -> None:
    before, after = held("vc", X, OLD), held("vc", X, OLD + NEW)
    step = Step.between(RESOURCE, "vc", before, after)

    assert not was_carried_out([before], step)
    assert was_carried_out([after], step)


def test_a_deletion_was_carried_out_if_the_alias_is_gone_or_holds_another_issuer() -> None:
    step = Step.between(RESOURCE, "vc", held("vc", X), None)

    assert was_carried_out([], step)
    assert was_carried_out([held("vc", Y)], step)
    assert not was_carried_out([held("vc", X, NEW)], step)
