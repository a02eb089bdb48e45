# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A renaming that stops anywhere: every chain that is to be kept is on the host, and the same plan finishes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import by_alias
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import carry_out
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import Marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_plan import IssuerPlan
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_plan import plan_issuers
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_restoring import restoring_steps
from support.certificates import chain
from support.examples import examples
from support.memory import MemoryHost
from support.steps import actions
from support.whole_hosts import ALIASES
from support.whole_hosts import CHAINS as COMMON_CHAINS
from support.whole_hosts import NAMES
from support.whole_hosts import NEW
from support.whole_hosts import OLD
from support.whole_hosts import absent
from support.whole_hosts import desired
from support.whole_hosts import issuer
from support.whole_hosts import issuers_of
from support.whole_hosts import observe_issuers as observe

CHAINS = [*COMMON_CHAINS, chain(2, subject="spare")]
RENAME = {"issuer_conflict": "rename"}

Held = Mapping[str, TokenIssuer]


def declared(*issuers: dict[str, Any], purge: bool = False, complete: bool = True) -> DeclaredIssuers:
    return DeclaredIssuers(issuers_of(desired(issuers=list(issuers))).issuers or (), purge, complete)


def holding(*issuers: tuple[str, str, list[list[str]]]) -> Held:
    host = MemoryHost()
    for alias, name, chains in issuers:
        host.hold_issuer(alias, name, chains)
    return by_alias(observe(host))


def plan(held: Held, wanted: DeclaredIssuers) -> IssuerPlan:
    return plan_issuers(held.values(), wanted)


def trusted(held: Held) -> dict[str, str]:
    return {alias: issuer.issuer for alias, issuer in held.items()}


def normal(held: Held) -> dict[str, tuple[str, frozenset[Chain]]]:
    return {alias: (issuer.issuer, frozenset(issuer.chains)) for alias, issuer in held.items()}


def chains_of(held: Held, name: str) -> set[Chain]:
    """The chains that belong to an issuer: those that sign for it, or else those that wait behind a marker."""
    for token_issuer in held.values():
        if token_issuer.issuer == name:
            return set(token_issuer.chains)

    return chains_on(held, name)


def chains_on(held: Held, name: str) -> set[Chain]:
    """All chains that belong to an issuer, wherever they are."""
    chains: set[Chain] = set()
    for token_issuer in held.values():
        if token_issuer.true_issuer == name:
            chains.update(token_issuer.chains)

    return chains


def marker(alias: str, name: str) -> str:
    return write_marker(alias, name, ())


# The marker itself


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_marker_holds_what_was_put_into_it(alias: str, name: str) -> None:
    if read_marker(name) is None and not name.strip().lower().startswith("urn:esx.trust"):
        assert read_marker(marker(alias, name)) == Marker(alias, name)


def test_markers_of_one_issuer_differ_where_the_host_has_one_already() -> None:
    first = marker("vc", "https://vc")
    second = write_marker("vc", "https://vc", [first])

    assert second != first
    assert read_marker(second) == read_marker(first)
    assert parking_alias("vc", [parking_alias("vc", ())]) != parking_alias("vc", ())


@pytest.mark.parametrize(
    "text", ["", "https://vc", "urn:esx.trust:renaming:", "urn:esx.trust:renaming:a", "urn:other:a:b"]
)
def test_what_is_no_marker_is_an_issuer(text: str) -> None:
    assert read_marker(text) is None


def test_a_marker_inside_a_marker_is_not_read() -> None:
    assert read_marker(marker("a", marker("b", "https://x"))) is None


@pytest.mark.parametrize("name", [marker("vc", "https://vc"), " URN:esx.trust:renaming:x:y"])
def test_a_marker_is_never_declared(name: str) -> None:
    with pytest.raises(InvalidInput, match="issuer: "):
        desired(issuers=[issuer("vc", name.strip())])


def test_an_alias_for_parking_is_never_declared() -> None:
    with pytest.raises(InvalidInput, match="issuer_alias: "):
        desired(issuers=[issuer(parking_alias("vc", ()), "https://vc")])


# The steps


def test_a_renaming_marks_the_old_alias_creates_the_new_one_and_deletes_the_old_one() -> None:
    held = holding(("former", "https://vc", [NEW]))
    planned = plan(held, declared(issuer("vc", "https://vc", OLD, **RENAME)))

    assert actions(planned) == [("update", "former"), ("create", "vc"), ("delete", "former")]

    marked = planned.steps[0].after

    assert marked.marker == Marker("vc", "https://vc")
    assert marked.chains == held["former"].chains


def test_a_chain_of_moves_needs_no_other_alias() -> None:
    held = holding(("a", "https://w", [OLD]), ("b", "https://y", [OLD]), ("d", "https://x", [OLD]))
    wanted = declared(*(issuer(alias, f"https://{name}", **RENAME) for alias, name in ("ax", "bw", "dz")))
    planned = plan(held, wanted)

    assert actions(planned) == [("update", alias) for alias in "abdad"]
    assert trusted(planned.held) == {"a": "https://x", "b": "https://w", "d": "https://z"}


def test_a_swap_keeps_one_issuer_under_an_alias_of_its_own() -> None:
    held = holding(("a", "https://x", [OLD]), ("b", "https://y", [NEW]))
    wanted = declared(issuer("a", "https://y", OLD, **RENAME), issuer("b", "https://x", NEW, **RENAME))
    planned = plan(held, wanted)
    parked = parking_alias("b", ())

    assert actions(planned) == [
        ("create", parked),
        ("update", "b"),
        ("update", "a"),
        ("update", "b"),
        ("delete", parked),
    ]
    assert trusted(planned.held) == {"a": "https://y", "b": "https://x"}


def test_a_marker_is_no_holder_of_its_issuer() -> None:
    held = holding(("former", marker("vc", "https://vc"), [OLD]))
    planned = plan(held, declared(issuer("vc", "https://vc", OLD)))
    assert actions(planned) == [("create", "vc"), ("delete", "former")]


@pytest.mark.parametrize("policy", ["fail", "rename"])
def test_a_begun_renaming_goes_on_whatever_the_policy_and_keeps_what_merge_keeps(policy: str) -> None:
    held = holding(("former", marker("vc", "https://vc"), [NEW]))
    wanted = declared(issuer("vc", "https://vc", OLD, chains_mode="merge", issuer_conflict=policy))
    planned = plan(held, wanted)

    assert trusted(planned.held) == {"vc": "https://vc"}
    assert len(planned.held["vc"].chains) == 2


def test_a_begun_renaming_goes_back_where_the_old_alias_is_adopted() -> None:
    held = holding(("former", marker("vc", "https://vc"), [NEW]))
    planned = plan(held, declared(issuer("vc", "https://vc", OLD, issuer_conflict="adopt")))

    assert actions(planned) == [("update", "former")]
    assert trusted(planned.held) == {"former": "https://vc"}


def test_the_old_alias_declared_again_is_one_patch() -> None:
    held = holding(("former", marker("vc", "https://vc"), [NEW]))
    planned = plan(held, declared(issuer("former", "https://vc", OLD)))

    assert actions(planned) == [("update", "former")]
    assert trusted(planned.held) == {"former": "https://vc"}


def test_a_marker_that_nobody_declares_is_undone() -> None:
    held = holding(("former", marker("vc", "https://vc"), [NEW]))
    planned = plan(held, declared(issuer("other", "https://other")))
    assert trusted(planned.held) == {"former": "https://vc", "other": "https://other"}


def test_a_marker_whose_issuer_is_trusted_elsewhere_goes() -> None:
    held = holding(("former", marker("vc", "https://vc"), [NEW]), ("vc", "https://vc", [NEW]))
    assert trusted(plan(held, declared()).held) == {"vc": "https://vc"}


def test_a_purge_deletes_a_marker() -> None:
    held = holding(("former", marker("vc", "https://vc"), [NEW]))
    assert trusted(plan(held, declared(purge=True)).held) == {}


def test_a_single_declaration_leaves_the_markers_of_others_alone() -> None:
    held = holding(("former", marker("vc", "https://vc"), [NEW]))
    assert actions(plan(held, declared(issuer("other", "https://other"), complete=False))) == [("create", "other")]
    assert actions(plan(held, declared(absent("other", "https://vc"), complete=False))) == []


@pytest.mark.parametrize(("alias", "expected"), [("former", {}), ("vc", {"former": "https://vc"})])
def test_absent_of_either_alias_before_the_new_one_was_made(alias: str, expected: dict[str, str]) -> None:
    held = holding(("former", marker("vc", "https://vc"), [NEW]))
    assert trusted(plan(held, declared(absent(alias), complete=False)).held) == expected


@pytest.mark.parametrize("complete", [True, False])
def test_absent_of_the_new_alias_after_it_was_made(complete: bool) -> None:
    held = holding(("former", marker("vc", "https://vc"), [NEW]), ("vc", "https://vc", [NEW]))
    planned = plan(held, declared(absent("vc"), complete=complete))
    assert actions(planned) == [("delete", "former"), ("delete", "vc")]


def test_an_issuer_that_is_parked_already_keeps_the_chains_that_it_has_there() -> None:
    """Two runs were killed, and in a cycle the only copies of one issuer are under two markers."""
    parked = parking_alias("a", ())

    held = holding(
        (parked, marker("a", "https://z"), [OLD]),
        ("b", marker("a", "https://x"), [OLD]),
        ("d", write_marker("d", "https://z", ()), [NEW]),
    )

    wanted = declared(issuer("b", "https://z", chains_mode="merge"), issuer("d", "https://x", **RENAME))
    now = dict(held)

    for step in plan(held, wanted).steps:
        now = carry_out(now, [step])
        assert len(chains_on(now, "https://z")) == 2

    assert trusted(now) == {"b": "https://z", "d": "https://x"}


@pytest.mark.parametrize("swap", [False, True], ids=["displaced", "swapped"])
def test_a_stale_marker_gives_no_chain_back_to_an_issuer_that_is_displaced(swap: bool) -> None:
    """The marker is of an earlier run and keeps a chain that the issuer has lost since."""
    held = holding(
        ("a", "https://x", [NEW]),
        ("b", "https://y", [NEW]),
        ("m", marker("d", "https://x"), [OLD, NEW]),
    )

    new_alias = "b" if swap else "d"
    merged = issuer(new_alias, "https://x", NEW, chains_mode="merge", **RENAME)
    planned = plan(held, declared(issuer("a", "https://y", NEW, **RENAME), merged))

    assert not planned.conflicts
    assert trusted(planned.held) == {"a": "https://y", new_alias: "https://x"}
    assert set(planned.held[new_alias].chains) == set(held["a"].chains)


# What holds for every host and every declaration


#: Read once: the plans below compare them some hundred thousand times.
READ = chains_from_host([{"cert_chain": pems} for pems in CHAINS])
sets_of_chains = st.lists(st.sampled_from(READ), min_size=1, max_size=2, unique=True).map(tuple)


@st.composite
def hosts(draw: st.DrawFn) -> Held:
    """Any host, with markers of renamings that were killed, and of several at once."""
    held: dict[str, TokenIssuer] = {}
    aliases = [*ALIASES, parking_alias("a", ()), parking_alias("b", ())]

    for alias in draw(st.lists(st.sampled_from(aliases), unique=True)):
        name = draw(st.sampled_from(NAMES))
        if draw(st.booleans()) or len(alias) > 1:
            name = marker(draw(st.sampled_from(ALIASES)), name)
        if name not in [issuer.issuer for issuer in held.values()]:
            held[alias] = TokenIssuer(alias, name, draw(sets_of_chains))

    return held


@st.composite
def wholes(draw: st.DrawFn) -> DeclaredIssuers:
    aliases = draw(st.lists(st.sampled_from(ALIASES), unique=True, max_size=4))
    names = draw(st.permutations(NAMES))
    issuers = []

    for alias, name in zip(aliases, names):
        if draw(st.sampled_from([True, True, False])):
            mode = draw(st.sampled_from(["exact", "merge"]))
            policy = draw(st.sampled_from(["fail", "adopt", "rename", "rename"]))
            chains = draw(sets_of_chains)
            issuers.append(DesiredTokenIssuer(alias, name, chains, chains_mode=mode, issuer_conflict=policy))
        else:
            known = draw(st.sampled_from([None, None, name]))
            issuers.append(DesiredTokenIssuer(alias, known, state="absent"))

    if draw(st.booleans()):
        return DeclaredIssuers(tuple(issuers[:1]), complete=False)

    return DeclaredIssuers(tuple(issuers), purge=draw(st.booleans()))


def check_unique(held: Held) -> None:
    names = [issuer.issuer for issuer in held.values()]
    assert len(names) == len(set(names))


@settings(max_examples=examples(600))
@given(hosts(), wholes())
def test_from_every_prefix_the_same_plan_goes_on_to_the_same_end(held: Held, wanted: DeclaredIssuers) -> None:
    planned = plan(held, wanted)
    assert "contradict" not in "".join(planned.conflicts.values())

    if planned.conflicts:
        assert planned.steps == ()

        return

    keeps = {
        declared.issuer or "": chains_of(held, declared.issuer or "")
        for declared in wanted.present
        if declared.chains_mode == "merge"
    }
    now = dict(held)

    for number, step in enumerate(planned.steps):
        rest = plan(now, wanted)
        assert not rest.conflicts
        assert [actions(rest), normal(rest.held)] == [actions(planned)[number:], normal(planned.held)]

        before, now = now, carry_out(now, [step])

        assert normal(before) != normal(now)

        check_unique(now)
        for name, chains in keeps.items():
            assert chains <= chains_on(now, name)

        # The same alias and issuer that the step was planned for.
        assert step.before == before.get(step.id)

    assert normal(now) == normal(planned.held)
    assert plan(now, wanted).steps == ()


@settings(max_examples=examples(600))
@given(hosts(), wholes())
def test_the_end_is_as_declared_and_without_a_marker(held: Held, wanted: DeclaredIssuers) -> None:
    planned = plan(held, wanted)
    if planned.conflicts:
        return
    end = planned.held

    for declared in wanted.issuers:
        held_issuer = end.get(declared.issuer_alias)
        if declared.state == "absent":
            assert held_issuer is None

            continue

        (holder,) = (each for each in end.values() if each.issuer == declared.issuer)
        kept = chains_of(held, declared.issuer or "")

        if declared.chains_mode == "exact":
            assert set(holder.chains) == set(declared.chains)
        else:
            assert set(holder.chains) == kept | set(declared.chains)

        assert holder.issuer_alias == declared.issuer_alias or held_issuer is None

    for left in end.values():
        assert left.marker is None or not wanted.concerns(left)

    # Nobody else's issuer is touched.
    for alias, before in held.items():
        if wanted.purge or before.marker or wanted.of_alias(alias) or wanted.of_issuer(before.issuer):
            continue
        assert end.get(alias) == before


@settings(max_examples=examples(600))
@given(hosts(), wholes(), st.data())
def test_what_a_failure_takes_back_is_trusted_again(held: Held, wanted: DeclaredIssuers, data: st.DataObject) -> None:
    """And the next run ends as declared all the same."""
    planned = plan(held, wanted)
    count = data.draw(st.integers(0, len(planned.steps)))
    sent = planned.steps[:count]
    now = carry_out(held, sent)

    for step in restoring_steps(now, sent, wanted):
        assert step.before == now.get(step.id)

        now = carry_out(now, [step])
        check_unique(now)

    for declared in wanted.present:
        if any(each.issuer == declared.issuer for each in held.values()):
            assert any(each.issuer == declared.issuer for each in now.values())

    assert normal(plan(now, wanted).held) == normal(planned.held)


def test_chains_that_were_only_under_markers_survive_a_failure_that_gives_their_new_alias_back() -> None:
    """Two killed runs left two markers of one issuer, and a third run fails after it put their chains together."""
    spare, deep = CHAINS[-1], COMMON_CHAINS[-1]
    held = holding(
        ("a", marker("b", "https://z"), [OLD, NEW]),
        ("b", marker("b", "https://x"), [NEW]),
        ("c", marker("a", "https://w"), [OLD]),
        ("d", "https://x", [spare, deep]),
        (parking_alias("a", ()), marker("a", "https://z"), [deep, OLD]),
    )
    wanted = declared(
        issuer("d", "https://z", deep, chains_mode="merge", **RENAME),
        issuer("a", "https://w", OLD, NEW, **RENAME),
        issuer("b", "https://x", spare, NEW, issuer_conflict="adopt"),
    )
    planned = plan(held, wanted)
    written = next(number for number, step in enumerate(planned.steps) if step.id == "a")
    sent = planned.steps[: written + 1]
    now = carry_out(held, sent)
    now = carry_out(now, restoring_steps(now, sent, wanted))

    assert trusted(now)["d"] == "https://x"
    assert chains_on(now, "https://z") >= chains_on(held, "https://z")
    assert normal(plan(now, wanted).held) == normal(planned.held)


def test_an_issuer_that_another_client_has_deleted_is_not_kept_under_a_marker() -> None:
    held = holding(("b", "https://x", [OLD]))
    wanted = declared(issuer("b", "https://x", NEW, chains_mode="merge"))
    planned = plan(held, wanted)

    assert actions(planned) == [("update", "b")]
    assert restoring_steps({}, planned.steps, wanted) == []


def test_an_alias_from_which_two_issuers_were_taken_gets_one_back_once() -> None:
    """A run that was planned again, because another client wrote in between."""
    first, second, last = (holding(("a", name, [OLD]))["a"] for name in ("https://x", "https://y", "https://z"))
    sent = [Step.between(RESOURCE, "a", first, replace(first, issuer="https://w"))]
    sent.append(Step.between(RESOURCE, "a", second, last))
    wanted = declared(issuer("a", "https://x", OLD), issuer("b", "https://y", OLD))

    (step,) = restoring_steps({"a": last}, sent, wanted)

    assert step.after == second


@settings(max_examples=examples(600))
@given(hosts(), wholes())
def test_no_issuer_gets_the_chains_of_another(held: Held, wanted: DeclaredIssuers) -> None:
    given_to = {declared.issuer: set(declared.chains) for declared in wanted.present}
    may = {name: chains_on(held, name) | given_to.get(name, set()) for name in NAMES}
    now = dict(held)

    for step in plan(held, wanted).steps:
        now = carry_out(now, [step])
        for name in NAMES:
            assert chains_on(now, name) <= may[name]
