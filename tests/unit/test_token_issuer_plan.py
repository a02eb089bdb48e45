# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for a token issuer: every row of the table, and what holds in all of them."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
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
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_restoring import restoring_steps
from support.certificates import chain
from support.certificates import encodings
from support.examples import examples
from support.memory import MemoryHost
from support.memory import plan_one as plan
from support.memory import request_of
from support.steps import actions
from support.whole_hosts import observe_issuers as observe

ALIAS, ISSUER = "vc", "https://vc/openidconnect/vsphere.local"
OLD, NEW, DEEP = chain(subject="old"), chain(subject="new"), chain(3, subject="deep")
CHAINS = [OLD, NEW, DEEP, chain(2, subject="spare")]
#: What a host may hold and nobody can declare: a chain upside down, no chain, and what is no certificate.
ODD_CHAINS = [DEEP[::-1], [], ["no certificate"]]


def desired(**changes: Any) -> DesiredTokenIssuer:
    chains: Any = changes.pop("chains", [OLD])
    params = {
        "issuer_alias": ALIAS,
        "issuer": ISSUER,
        "signing_cert_chains": chains and [{"cert_chain": list(pems)} for pems in chains],
        "chains_mode": "exact",
        "issuer_conflict": "fail",
        "state": "present",
    }
    return DesiredTokenIssuer.from_params({**params, **changes})


def host_with(*issuers: tuple[str, str, Iterable[Sequence[str]]]) -> MemoryHost:
    host = MemoryHost()
    for alias, issuer, chains in issuers:
        host.hold_issuer(alias, issuer, chains)
    return host


def body_of(step: Step) -> Any:
    return request_of(step)[2]


def path_of(step: Step) -> dict[str, str]:
    return request_of(step)[1]


def chains_of(host: MemoryHost, issuer: str) -> set[Chain]:
    chains: set[Chain] = set()
    for held in observe(host):
        if held.issuer == issuer:
            chains.update(held.chains)

    return chains


@st.composite
def hosts(draw: st.DrawFn) -> MemoryHost:
    count = draw(st.integers(0, 4))
    aliases = draw(st.permutations([ALIAS, "b", "c", "d"]))
    issuers = draw(st.permutations([ISSUER, "https://other", f"{ISSUER}/", "https://third"]))
    host = MemoryHost()

    for alias, issuer in list(zip(aliases, issuers))[:count]:
        held = draw(st.lists(st.sampled_from([*CHAINS, *ODD_CHAINS]), max_size=3))
        how = draw(st.sampled_from(sorted(encodings(OLD[0]))))
        texts = [[encodings(pem)[how] if "BEGIN" in pem else pem for pem in pems] for pems in held]
        host.hold_issuer(alias, issuer, texts)

    return host


@st.composite
def declarations(draw: st.DrawFn, /, **fixed: Any) -> DesiredTokenIssuer:
    state = draw(st.sampled_from(["present", "present", "present", "absent"]))

    options: dict[str, Any] = {
        "chains": draw(st.lists(st.sampled_from(CHAINS), min_size=1, max_size=3)),
        "chains_mode": draw(st.sampled_from(["exact", "merge"])),
        "issuer_conflict": draw(st.sampled_from(["fail", "adopt", "rename"])),
        "state": state,
    }

    if state == "absent" and draw(st.booleans()):
        options.update(issuer=None, chains=None)

    return desired(**{**options, **fixed})


# The table, row by row.


def test_an_unknown_issuer_is_created() -> None:
    planned = plan((), desired(chains=[OLD, DEEP]))
    assert actions(planned) == [("create", ALIAS)]

    assert body_of(planned.steps[0]) == {
        "issuer_alias": ALIAS,
        "issuer": ISSUER,
        "signing_cert_chains": [{"cert_chain": OLD}, {"cert_chain": DEEP}],
    }

    assert planned.before == {}
    assert planned.after["issuer_alias"] == ALIAS


def test_an_equal_issuer_is_left_alone() -> None:
    host = host_with((ALIAS, ISSUER, [OLD, DEEP]))
    planned = plan(observe(host), desired(chains=[OLD, DEEP]))

    assert planned.steps == ()
    assert planned.warnings == ()
    assert planned.before == planned.after


@pytest.mark.parametrize(
    ("held", "changed"),
    [
        (("https://elsewhere", [OLD]), {"issuer"}),
        ((ISSUER, [NEW]), {"signing_cert_chains"}),
        (("https://elsewhere", [NEW]), {"issuer", "signing_cert_chains"}),
    ],
)
def test_a_known_alias_gets_one_patch_with_only_what_differs(held: tuple[str, Any], changed: set[str]) -> None:
    planned = plan(observe(host_with((ALIAS, *held))), desired())
    assert actions(planned) == [("update", ALIAS)]
    assert set(body_of(planned.steps[0])) == changed
    assert path_of(planned.steps[0]) == {"issuer_alias": ALIAS}


@pytest.mark.parametrize("policy", ["fail", "adopt", "rename"])
def test_the_same_issuer_under_another_alias_is_left_so_with_a_warning(policy: str) -> None:
    host = host_with(("b", ISSUER, [OLD]))
    planned = plan(observe(host), desired(issuer_conflict=policy))

    assert planned.steps == ()
    assert planned.conflict is None
    assert len(planned.warnings) == 1
    assert "'b'" in planned.warnings[0]


def test_other_chains_under_another_alias_are_a_conflict_that_names_it() -> None:
    planned = plan(observe(host_with(("b", ISSUER, [NEW]))), desired())
    assert planned.steps == ()
    assert planned.conflict == (
        f"the issuer {ISSUER!r} is saved under the alias 'b' with other certificates;"
        " to use that alias, set issuer_conflict to adopt; to rename it, set issuer_conflict to rename."
    )


def test_adopting_changes_what_the_other_alias_holds() -> None:
    planned = plan(observe(host_with(("b", ISSUER, [NEW]))), desired(issuer_conflict="adopt"))
    assert actions(planned) == [("update", "b")]
    assert path_of(planned.steps[0]) == {"issuer_alias": "b"}
    assert set(body_of(planned.steps[0])) == {"signing_cert_chains"}
    assert "'b'" in planned.warnings[0]
    assert planned.after["issuer_alias"] == "b"


def test_renaming_marks_the_other_alias_creates_ours_and_deletes_the_other() -> None:
    planned = plan(observe(host_with(("b", ISSUER, [NEW, DEEP]))), desired(issuer_conflict="rename"))
    assert actions(planned) == [("update", "b"), ("create", ALIAS), ("delete", "b")]
    # The chains stay where they are until they are saved anew.
    assert body_of(planned.steps[0]) == {"issuer": write_marker(ALIAS, ISSUER, ())}
    assert body_of(planned.steps[1]) == desired_spec([OLD])


def test_renaming_in_merge_mode_takes_the_chains_along() -> None:
    planned = plan(
        observe(host_with(("b", ISSUER, [NEW, DEEP]))), desired(issuer_conflict="rename", chains_mode="merge")
    )
    assert body_of(planned.steps[1]) == desired_spec([NEW, DEEP, OLD])


def desired_spec(chains: list[list[str]]) -> dict[str, Any]:
    return {
        "issuer_alias": ALIAS,
        "issuer": ISSUER,
        "signing_cert_chains": [{"cert_chain": pems} for pems in chains],
    }


def test_what_a_renaming_takes_away_can_be_put_back_as_it_was() -> None:
    texts = [[encodings(DEEP[0])["base64 der"], *DEEP[1:]], ["no certificate"]]
    host = host_with(("b", ISSUER, texts), ("c", "https://other", [NEW]))
    held = observe(host)
    wanted = desired(issuer_conflict="rename")
    marking = plan(held, wanted).steps[:1]
    host.apply(marking)

    assert set(observe(host)) != set(held)

    host.apply(restoring_steps(by_alias(observe(host)), marking, DeclaredIssuers((wanted,), complete=False)))

    assert set(observe(host)) == set(held)


@pytest.mark.parametrize("policy", ["fail", "adopt"])
def test_an_alias_and_an_issuer_that_belong_to_two_entries_are_a_conflict(policy: str) -> None:
    host = host_with((ALIAS, "https://other", [OLD]), ("b", ISSUER, [OLD]))
    planned = plan(observe(host), desired(issuer_conflict=policy))

    assert planned.steps == ()
    assert planned.conflict == (
        f"the issuer {ISSUER!r} is saved under the alias 'b', and {ALIAS!r} holds another issuer;"
        " to put the declared issuer in its place, set issuer_conflict to rename."
    )


@pytest.mark.parametrize("mode", ["exact", "merge"])
def test_renaming_frees_the_issuer_before_our_alias_gets_it_and_leaves_equal_chains_alone(mode: str) -> None:
    host = host_with((ALIAS, "https://other", [NEW, OLD]), ("b", ISSUER, [OLD, NEW]))
    planned = plan(observe(host), desired(chains=[OLD, NEW], issuer_conflict="rename", chains_mode=mode))

    assert actions(planned) == [("update", "b"), ("update", ALIAS), ("delete", "b")]
    assert body_of(planned.steps[1]) == {"issuer": ISSUER}


def test_renaming_onto_an_alias_in_use_loses_no_chain_of_the_issuer_in_merge_mode() -> None:
    host = host_with((ALIAS, "https://other", [OLD]), ("b", ISSUER, [NEW]))
    planned = plan(observe(host), desired(issuer_conflict="rename", chains_mode="merge"))
    host.apply(planned.steps)

    assert {certificate.pem for held in chains_of(host, ISSUER) for certificate in held.certificates} >= {
        OLD[0],
        NEW[0],
    }


def test_absent_deletes_the_alias() -> None:
    planned = plan(observe(host_with((ALIAS, ISSUER, [OLD]))), desired(state="absent", issuer=None, chains=None))
    assert actions(planned) == [("delete", ALIAS)]
    assert planned.after == {}


def test_absent_of_what_is_absent_is_nothing_to_do() -> None:
    planned = plan(observe(host_with(("b", "https://other", [OLD]))), desired(state="absent"))
    assert (planned.steps, planned.warnings, planned.conflict) == ((), (), None)


def test_absent_leaves_the_issuer_under_another_alias_and_says_so() -> None:
    planned = plan(observe(host_with(("b", ISSUER, [OLD]))), desired(state="absent"))
    assert planned.steps == ()
    assert "'b'" in planned.warnings[0]
    assert "stays trusted" in planned.warnings[0]


def test_absent_of_an_alias_that_holds_another_issuer_is_a_conflict() -> None:
    planned = plan(observe(host_with((ALIAS, "https://other", [OLD]))), desired(state="absent"))
    assert planned.steps == ()
    assert "holds the issuer 'https://other'" in (planned.conflict or "")


def test_merging_adds_behind_what_is_there() -> None:
    planned = plan(observe(host_with((ALIAS, ISSUER, [NEW]))), desired(chains=[OLD], chains_mode="merge"))
    assert body_of(planned.steps[0]) == {"signing_cert_chains": [{"cert_chain": NEW}, {"cert_chain": OLD}]}


def test_merging_what_is_there_is_nothing_to_do() -> None:
    host = host_with((ALIAS, ISSUER, [NEW, OLD, ["no certificate"]]))
    assert plan(observe(host), desired(chains=[OLD], chains_mode="merge")).steps == ()


def test_rotation_goes_from_old_over_both_to_new() -> None:
    host = host_with((ALIAS, ISSUER, [OLD]))
    for chains, trusted in (([OLD, NEW], {OLD[0], NEW[0]}), ([NEW], {NEW[0]})):
        planned = plan(observe(host), desired(chains=chains))
        assert actions(planned) == [("update", ALIAS)]

        host.apply(planned.steps)

        assert {certificate.pem for held in chains_of(host, ISSUER) for certificate in held.certificates} == trusted


def test_the_issuer_is_compared_to_the_letter() -> None:
    host = host_with((ALIAS, f"{ISSUER}/", [OLD]))
    assert body_of(plan(observe(host), desired()).steps[0]) == {"issuer": ISSUER}


# What is equal and what is not.


@pytest.mark.parametrize("how", sorted(encodings(OLD[0])))
def test_the_hosts_own_way_of_writing_a_certificate_is_no_change(how: str) -> None:
    host = host_with((ALIAS, ISSUER, [[encodings(pem)[how] for pem in DEEP]]))
    assert plan(observe(host), desired(chains=[DEEP])).steps == ()


@pytest.mark.parametrize("how", sorted(encodings(OLD[0])))
def test_the_users_way_of_writing_a_certificate_is_no_change(how: str) -> None:
    host = host_with((ALIAS, ISSUER, [DEEP]))
    assert plan(observe(host), desired(chains=[[encodings(pem)[how] for pem in DEEP]])).steps == ()


@given(st.permutations(CHAINS), st.permutations(CHAINS))
def test_the_order_of_chains_never_matters(held: list[list[str]], declared: list[list[str]]) -> None:
    planned = plan(observe(host_with((ALIAS, ISSUER, held))), desired(chains=declared))
    assert planned.steps == ()
    assert planned.before == plan(observe(host_with((ALIAS, ISSUER, CHAINS))), desired(chains=CHAINS)).before


@given(st.permutations(DEEP))
def test_the_order_inside_a_chain_matters(held: list[str]) -> None:
    planned = plan(observe(host_with((ALIAS, ISSUER, [held]))), desired(chains=[DEEP]))
    assert bool(planned.steps) == (held != DEEP)


def test_a_chain_with_its_root_is_not_the_chain_without() -> None:
    assert plan(observe(host_with((ALIAS, ISSUER, [DEEP[:2]]))), desired(chains=[DEEP])).steps != ()


def test_a_chain_that_the_host_holds_twice_is_no_change() -> None:
    assert plan(observe(host_with((ALIAS, ISSUER, [OLD, OLD]))), desired(chains=[OLD])).steps == ()


# What holds for every host and every declaration.


@settings(max_examples=examples(300))
@given(hosts(), declarations())
def test_a_plan_can_be_carried_out_step_by_step_and_leaves_nothing_to_do(
    host: MemoryHost, declared: DesiredTokenIssuer
) -> None:
    first = plan(observe(host), declared)
    if first.conflict:
        assert first.steps == ()
        assert first.before == first.after

        return

    host.apply(first.steps)
    second = plan(observe(host), declared)

    assert second.conflict is None
    assert second.steps == ()


@settings(max_examples=examples(300))
@given(hosts(), declarations())
def test_before_and_after_are_what_the_host_holds_before_and_after(
    host: MemoryHost, declared: DesiredTokenIssuer
) -> None:
    planned = plan(observe(host), declared)
    before = [held.record() for held in observe(host)]

    assert planned.before in ({}, *before)

    host.apply(planned.steps)
    after = [held.record() for held in observe(host)]

    if planned.conflict:
        assert planned.after == planned.before
    elif declared.state == "absent":
        assert planned.after == {}
        assert declared.issuer_alias not in host.issuers
    else:
        assert planned.after in after

    assert (planned.before != planned.after) == bool(planned.steps)


@settings(max_examples=examples(300))
@given(hosts(), declarations(state="present", issuer=ISSUER))
def test_the_host_trusts_exactly_what_is_declared_or_more_when_merging(
    host: MemoryHost, declared: DesiredTokenIssuer
) -> None:
    known = chains_of(host, ISSUER)
    planned = plan(observe(host), declared)
    if planned.conflict:
        return
    host.apply(planned.steps)
    trusted = chains_of(host, ISSUER)

    if declared.chains_mode == "exact":
        assert trusted == set(declared.chains)
    else:
        assert trusted >= known | set(declared.chains)


@settings(max_examples=examples(300))
@given(hosts(), declarations())
def test_nobody_elses_issuer_is_touched(host: MemoryHost, declared: DesiredTokenIssuer) -> None:
    def others() -> set[TokenIssuer]:
        return {
            held
            for held in observe(host)
            if held.issuer_alias != declared.issuer_alias and held.issuer != declared.issuer
        }

    before = others()
    host.apply(plan(observe(host), declared).steps)

    assert others() == before


@settings(max_examples=examples(300))
@given(hosts(), declarations())
def test_every_patch_holds_only_what_differs(host: MemoryHost, declared: DesiredTokenIssuer) -> None:
    for step in plan(observe(host), declared).steps:
        held = {issuer.issuer_alias: issuer for issuer in observe(host)}
        if step.action == "update":
            before, body = held[step.id], body_of(step)
            assert body
            assert body.get("issuer") != before.issuer

            if "signing_cert_chains" in body:
                assert set(chains_from_host(body["signing_cert_chains"])) != set(before.chains)

        host.apply([step])


@settings(max_examples=examples(300))
@given(hosts(), declarations(issuer_conflict="fail"))
def test_without_leave_no_other_alias_is_written_to(host: MemoryHost, declared: DesiredTokenIssuer) -> None:
    assert {step.id for step in plan(observe(host), declared).steps} <= {declared.issuer_alias}


@pytest.mark.parametrize("option", ["issuer_alias", "issuer"])
@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_refused(option: str, name: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{option}: "):
        desired(**{option: name})


def test_the_record_names_each_certificate_and_its_place() -> None:
    record = observe(host_with((ALIAS, ISSUER, [DEEP])))[0].record()
    assert [(entry["chain"], entry["position"]) for entry in record["certificates"]] == [(0, 0), (0, 1), (0, 2)]
    assert record["certificates"][0]["subject"] == "CN=deep"
    assert record["certificates"][0]["issuer"] == record["certificates"][1]["subject"]
    assert record["signing_cert_chains"] == [{"cert_chain": DEEP}]
