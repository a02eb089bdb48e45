# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for a client profile: every row of the table, and what holds in all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ENTITLEMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import shown
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import difference
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import difference_from_written
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import plan
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import touched
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import was_carried_out
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import carry_out

GROUP = Subject("EXTERNAL_GROUP", "Administrators", "vc", "vsphere.local")
USER = replace(GROUP, type="EXTERNAL_USER")
LOCAL = Subject("LOCAL_USER", "automation")
SUBJECTS = [
    GROUP,
    USER,
    LOCAL,
    replace(GROUP, name="administrators"),
    replace(GROUP, issuer_alias="other"),
    replace(GROUP, domain="other"),
]
FUTURE = Grant("ENTITLEMENT", "FUTURE_MGMT")
ROLE = Grant("ROLE", None, '{"role": "auditor"}')
STRANGE = [FUTURE, ROLE, replace(FUTURE, unknown_fields='{"until": "2030"}')]

Observed = Optional[list[ClientProfile]]


def noted(entitlement: str) -> Grant:
    """A known entitlement with a field that the reference does not have."""
    return Grant("ENTITLEMENT", entitlement, '{"granted_by": "root"}')


def profile(subject: Subject, *grants: Any, identifier: str = "1") -> ClientProfile:
    made = tuple(Grant.of_entitlement(each) if isinstance(each, str) else each for each in grants)
    return ClientProfile(subject, made, identifier)


def desired(subject: Subject, *entitlements: str, **changes: Any) -> DesiredClientProfile:
    return DesiredClientProfile(subject, frozenset(entitlements), **changes)


def params(**changes: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("local_user_name", "external_group_name", "external_user_name", "issuer_alias", "domain", "type")
    )
    return {
        **nothing,
        "local_user_name": "automation",
        "entitlements": ["READ_ONLY"],
        "entitlements_mode": "exact",
        "state": "present",
        **changes,
    }


subjects = st.sampled_from(SUBJECTS)
entitlements = st.frozensets(st.sampled_from(ENTITLEMENTS))
noted_grants = st.sampled_from(ENTITLEMENTS).map(noted)
grant_lists = st.lists(
    st.one_of(st.sampled_from(ENTITLEMENTS).map(Grant.of_entitlement), noted_grants, st.sampled_from(STRANGE))
)
profiles = st.builds(
    ClientProfile,
    st.one_of(subjects, st.just(Subject("PRIVILEGES", None, "vc"))),
    grant_lists.map(tuple),
    st.uuids().map(str),
)
hosts = st.lists(profiles, max_size=5)
declarations = st.builds(
    DesiredClientProfile,
    subjects,
    entitlements,
    st.sampled_from(["exact", "merge"]),
    st.sampled_from(["present", "absent"]),
)
accounts = st.sampled_from([UNKNOWN, Account.of_user("automation"), Account.of_user("root")])


def carried_out(observed: list[ClientProfile], planned: Any) -> list[ClientProfile]:
    """What a host holds after the steps."""
    return list(carry_out(observed, planned.steps))


@given(hosts, declarations, accounts)
def test_one_run_is_enough(observed: list[ClientProfile], declared: DesiredClientProfile, account: Account) -> None:
    planned = plan(observed, declared, account)
    if planned.conflict:
        assert planned.steps == ()
        assert planned.before == planned.after

        return

    again = plan(carried_out(observed, planned), declared, account)

    assert (again.steps, again.conflict) == ((), None)
    assert shown(again.before) == shown(planned.after)


@given(hosts, declarations)
def test_only_its_own_subject_is_touched(observed: list[ClientProfile], declared: DesiredClientProfile) -> None:
    after = carried_out(observed, plan(observed, declared))
    others = [held for held in observed if held.subject != declared.subject]
    assert [held for held in after if held.subject != declared.subject] == others


@given(hosts, declarations)
def test_merge_takes_nothing_away(observed: list[ClientProfile], declared: DesiredClientProfile) -> None:
    declared = replace(declared, entitlements_mode="merge", state="present")
    after = {held.subject: set(held.grants) for held in carried_out(observed, plan(observed, declared))}

    for held in observed:
        if held.subject in SUBJECTS and [each.subject for each in observed].count(held.subject) == 1:
            assert set(held.grants) <= after[held.subject]


@given(hosts, declarations)
def test_exact_never_loses_what_it_does_not_know(observed: list[ClientProfile], declared: DesiredClientProfile) -> None:
    declared = replace(declared, entitlements_mode="exact", state="present")
    planned = plan(observed, declared)
    same_subject = [held for held in observed if held.subject == declared.subject]
    if any(held.unknown_grants for held in same_subject):
        assert planned.conflict


@given(hosts, declarations)
def test_nobody_locks_himself_out(observed: list[ClientProfile], declared: DesiredClientProfile) -> None:
    def in_control(held: list[ClientProfile]) -> bool:
        return any(profile.subject == LOCAL and "IDENTITY_MGMT" in profile.entitlements for profile in held)

    after = carried_out(observed, plan(observed, declared, Account.of_user("automation")))
    assert in_control(after) or not in_control(observed)


@given(hosts, declarations)
def test_order_means_nothing(observed: list[ClientProfile], declared: DesiredClientProfile) -> None:
    same_subject = [held for held in observed if held.subject == declared.subject]
    turned = [replace(held, grants=held.grants[::-1]) for held in observed[::-1]]
    straight, reverse = plan(observed, declared), plan(turned, declared)

    assert (bool(straight.conflict), [step.action for step in straight.steps]) == (
        bool(reverse.conflict),
        [step.action for step in reverse.steps],
    )

    if len(same_subject) == 1:
        assert shown(straight.after).get("entitlements") == shown(reverse.after).get("entitlements")


@pytest.mark.parametrize("state", ["present", "absent"])
def test_two_profiles_of_one_subject(state: str) -> None:
    observed = [profile(GROUP, "READ_ONLY"), profile(GROUP, "READ_ONLY", identifier="2")]
    planned = plan(observed, desired(GROUP, "READ_ONLY", state=state))

    assert planned.conflict == (
        "the host holds 2 client profiles of the external group vsphere.local\\Administrators of vc ('1', '2'); delete"
        " all but one."
    )
    assert planned.before == planned.after == observed[0].record()


def test_a_host_without_the_service() -> None:
    absent = plan(None, desired(GROUP, state="absent"))
    assert (absent.steps, absent.conflict, absent.after) == ((), None, {})
    assert plan(None, desired(LOCAL, "READ_ONLY")).conflict == (
        "the host has no service of client profiles, so it cannot hold a client profile of the local user automation."
    )


@pytest.mark.parametrize("strange", STRANGE)
def test_a_strange_grant(strange: Grant) -> None:
    observed = [profile(GROUP, strange, "OBSERVABILITY")]
    assert plan(observed, desired(GROUP, "OBSERVABILITY")).conflict

    merged = plan(observed, desired(GROUP, "OBSERVABILITY", entitlements_mode="merge"))

    assert (merged.steps, merged.conflict) == ((), None)

    more = plan(observed, desired(GROUP, "READ_ONLY", entitlements_mode="merge"))

    if strange.unknown_fields:
        assert more.conflict
    else:
        (step,) = more.steps
        assert step.after.grants[0] == strange

    assert [step.action for step in plan(observed, desired(GROUP, state="absent")).steps] == ["delete"]


@pytest.mark.parametrize("mode", ["exact", "merge"])
def test_a_field_that_nobody_knows_does_not_make_another_right(mode: str) -> None:
    held = profile(GROUP, noted("READ_ONLY"))
    planned = plan([held], desired(GROUP, "READ_ONLY", entitlements_mode=mode))

    assert (planned.steps, planned.conflict) == ((), None)
    assert (planned.before["entitlements"], planned.before["other_grants"]) == (["READ_ONLY"], [])


@pytest.mark.parametrize("mode", ["exact", "merge"])
def test_a_field_that_nobody_knows_is_not_written_again(mode: str) -> None:
    held = profile(GROUP, noted("READ_ONLY"))
    planned = plan([held], desired(GROUP, "READ_ONLY", "SECURITY_MGMT", entitlements_mode=mode))
    assert "fields that this collection does not know" in (planned.conflict or "")


def test_a_right_goes_with_all_its_fields() -> None:
    held = profile(GROUP, noted("READ_ONLY"), "SECURITY_MGMT")
    (step,) = plan([held], desired(GROUP, "SECURITY_MGMT")).steps
    assert step.after.grants == (Grant.of_entitlement("SECURITY_MGMT"),)


@pytest.mark.parametrize("change", [desired(LOCAL, state="absent"), desired(LOCAL, "READ_ONLY")])
def test_a_field_that_nobody_knows_does_not_hide_who_is_in_control(change: DesiredClientProfile) -> None:
    held = [profile(LOCAL, noted("IDENTITY_MGMT"))]
    assert "another account" in (plan(held, change, Account.of_user("automation")).conflict or "")


def test_a_creation_in_doubt_is_found_with_the_fields_that_the_host_adds() -> None:
    (creation,) = plan([], desired(GROUP, "READ_ONLY")).steps
    assert was_carried_out([profile(GROUP, noted("READ_ONLY"))], creation)


@pytest.mark.parametrize("account", [UNKNOWN, Account.of_user("root"), Account.of_user("Administrators")])
def test_others_may_lose_control(account: Account) -> None:
    for subject in (GROUP, USER, LOCAL):
        planned = plan([profile(subject, "IDENTITY_MGMT")], desired(subject, "READ_ONLY"), account)
        assert [step.action for step in planned.steps] == ["update"]


def test_a_label_names_the_type_and_the_name_of_a_subject() -> None:
    assert LOCAL.label == "local user automation"
    assert GROUP.label == "external group vsphere.local\\Administrators of vc"
    assert USER.label == "external user vsphere.local\\Administrators of vc"
    assert profile(Subject("PRIVILEGES", None, "vc"), identifier="9").label == "PRIVILEGES 9"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"local_user_name": None}, "local_user_name"),
        ({"external_user_name": "ann"}, "only one"),
        ({"domain": "d"}, "domain"),
        ({"issuer_alias": "vc"}, "issuer_alias"),
        ({"local_user_name": None, "external_user_name": "ann", "domain": "d"}, "issuer_alias"),
        ({"local_user_name": None, "external_group_name": "ann", "issuer_alias": "vc"}, "domain"),
        ({"entitlements": None}, "entitlements"),
        ({"entitlements": ["ROOT"]}, "entitlements"),
        ({"local_user_name": " a"}, "local_user_name"),
        ({"local_user_name": "a\nb"}, "local_user_name"),
        ({"local_user_name": "$REDACTED$", "state": "absent"}, "local_user_name"),
        ({"type": "PRIVILEGES"}, "type"),
    ],
)
def test_refused_options(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        DesiredClientProfile.from_params(params(**changes))


def test_a_removal_needs_no_entitlements_and_no_pretty_name() -> None:
    made = DesiredClientProfile.from_params(params(state="absent", entitlements=None, local_user_name="x "))
    assert made == DesiredClientProfile(Subject("LOCAL_USER", "x "), state="absent")


@given(profiles)
def test_what_is_read_is_what_is_declared(held: ClientProfile) -> None:
    if not held.subject.declarable:
        with pytest.raises(InvalidInput):
            DesiredClientProfile.from_params(params(**held.record()))
        return

    made = DesiredClientProfile.from_params({**params(local_user_name=None), **held.record()})
    assert (made.subject, made.entitlements) == (held.subject, frozenset(held.entitlements))


@pytest.mark.parametrize("username", ["alice@corp.example", "CORP.EXAMPLE\\alice", "Alice@Corp.Example"])
def test_a_user_of_a_directory_does_not_lock_himself_out(username: str) -> None:
    account = Account.of_user(username)
    alice = Subject("EXTERNAL_USER", "alice", "vc", "corp.example")
    held = [profile(alice, "IDENTITY_MGMT")]
    for declared in (desired(alice, "READ_ONLY"), desired(alice, state="absent")):
        assert "another account" in (plan(held, declared, account).conflict or "")

    assert plan(held, desired(alice, "IDENTITY_MGMT"), account).conflict is None

    # A second profile keeps the account in control.
    again = profile(replace(alice, issuer_alias="other"), "IDENTITY_MGMT", identifier="2")

    assert plan([*held, again], desired(alice, "READ_ONLY"), account).conflict is None

    for stranger in (replace(alice, name="bob"), replace(alice, domain="other"), replace(alice, type="EXTERNAL_GROUP")):
        assert plan([profile(stranger, "IDENTITY_MGMT")], desired(stranger, "READ_ONLY"), account).conflict is None


def test_a_deletion_in_doubt_is_judged_by_the_subject_and_its_rights() -> None:
    """The id is the host's, and it may change."""
    held = profile(GROUP, "READ_ONLY", "SECURITY_MGMT")
    (deletion,) = plan([held], desired(GROUP, state="absent")).steps
    renumbered = profile(GROUP, "SECURITY_MGMT", "READ_ONLY", identifier="7")

    assert not was_carried_out([renumbered], deletion)
    assert was_carried_out([], deletion)
    assert was_carried_out([profile(GROUP, "READ_ONLY", identifier="7")], deletion)
    assert was_carried_out([profile(USER, "READ_ONLY", "SECURITY_MGMT")], deletion)


@pytest.mark.parametrize(
    ("held", "declared", "sentence"),
    [
        (["READ_ONLY"], ["READ_ONLY"], ""),
        (["READ_ONLY"], ["READ_ONLY", "SECURITY_MGMT"], "It lacks SECURITY_MGMT."),
        (["READ_ONLY", "OBSERVABILITY"], ["OBSERVABILITY"], "It has READ_ONLY besides what is declared."),
        (
            ["SECURITY_MGMT", "READ_ONLY"],
            ["OBSERVABILITY", "IDENTITY_MGMT"],
            "It lacks IDENTITY_MGMT, OBSERVABILITY and it has SECURITY_MGMT, READ_ONLY besides what is declared.",
        ),
    ],
    ids=["equal", "lacking", "exceeding", "both"],
)
def test_the_difference_names_what_is_lacking_and_what_exceeds(
    held: list[str], declared: list[str], sentence: str
) -> None:
    assert difference(plan([profile(GROUP, *held)], desired(GROUP, *declared))) == sentence


def test_all_entitlements_of_a_new_or_removed_profile_are_its_difference() -> None:
    assert difference(plan([], desired(GROUP, "READ_ONLY"))) == "It lacks READ_ONLY."

    removal = plan([profile(GROUP, "READ_ONLY")], desired(GROUP, state="absent"))

    assert difference(removal) == "It has READ_ONLY besides what is declared."


def test_a_diff_shows_the_profiles_that_steps_change() -> None:
    created = plan([], desired(GROUP, "READ_ONLY")).steps
    updated = plan([profile(LOCAL, "READ_ONLY")], desired(LOCAL, "OBSERVABILITY")).steps
    deleted = plan([profile(USER, "READ_ONLY")], desired(USER, state="absent")).steps
    shown_profiles = touched([*created, *updated, *deleted])

    assert shown_profiles is not None

    before, after = shown_profiles

    assert {label: record["entitlements"] for label, record in before.items()} == {
        LOCAL.label: ["READ_ONLY"],
        USER.label: ["READ_ONLY"],
    }
    assert {label: record["entitlements"] for label, record in after.items()} == {
        GROUP.label: ["READ_ONLY"],
        LOCAL.label: ["OBSERVABILITY"],
    }
    assert touched([]) is None
    assert touched([replace(created[0], resource="token_issuer")]) is None


def test_a_profile_that_is_created_and_changed_was_not_there_before() -> None:
    created = plan([], desired(LOCAL, "READ_ONLY"))
    updated = plan(carried_out([], created), desired(LOCAL, "OBSERVABILITY"))
    shown_profiles = touched([*created.steps, *updated.steps])

    assert shown_profiles is not None
    assert shown_profiles[0] == {}


def test_a_new_subject_that_looks_like_another_of_its_type_is_warned_of() -> None:
    held = [profile(replace(GROUP, name="administrators"), "READ_ONLY"), profile(USER, "READ_ONLY", identifier="2")]
    (warning,) = plan(held, desired(GROUP, "READ_ONLY")).warnings

    assert "a client profile of the external group 'administrators'" in warning
    assert "the declared 'Administrators'" in warning
    assert plan(held[1:], desired(GROUP, "READ_ONLY")).warnings == ()


def test_a_change_that_would_lock_out_its_own_account_is_a_conflict() -> None:
    local = plan([profile(LOCAL, "IDENTITY_MGMT")], desired(LOCAL, state="absent"), Account.of_user("automation"))
    assert local.conflict == (
        "this would take IDENTITY_MGMT from the local user automation, which is the account that this task logs in"
        " with, and the account could not restore it. Use another account."
    )


def test_unknown_grants_are_shown_as_the_host_writes_them() -> None:
    declared = desired(GROUP, "READ_ONLY")
    assert plan([profile(GROUP, FUTURE, ROLE)], declared).conflict == (
        "the client profile of the external group vsphere.local\\Administrators of vc has grants that this collection"
        ' does not know ({"entitlement": "FUTURE_MGMT", "resource_type": "ENTITLEMENT"}, {"resource_type": "ROLE",'
        ' "role": "auditor"}); exact would remove them, entitlements_mode merge keeps them.'
    )


def test_a_grant_with_unknown_fields_is_no_reason_to_write_it_again() -> None:
    declared = desired(GROUP, "READ_ONLY", "SECURITY_MGMT")
    assert plan([profile(GROUP, noted("READ_ONLY"))], declared).conflict == (
        "the client profile of the external group vsphere.local\\Administrators of vc has grants with fields that this"
        " collection does not know, so it cannot be written again without the danger that they change."
    )


def test_a_member_of_a_group_does_not_lock_himself_out_of_the_group_of_his_issuer() -> None:
    member = Account(issuer="https://vc", groups=frozenset({("vsphere.local", "administrators")}))
    account = replace(member, aliases=frozenset({"vc"}))

    assert plan([profile(GROUP, "IDENTITY_MGMT")], desired(GROUP, state="absent"), account).conflict == (
        "this would take IDENTITY_MGMT from the external group vsphere.local\\Administrators of vc, of which the"
        " account that this task logs in with is a member, and the account could not restore it. Use another account."
    )

    of_another_issuer = replace(GROUP, issuer_alias="other")
    planned = plan([profile(of_another_issuer, "IDENTITY_MGMT")], desired(of_another_issuer, state="absent"), account)

    assert planned.conflict is None


@pytest.mark.parametrize(
    ("held", "declared"),
    [
        ([GROUP, replace(GROUP, name="administrators")], desired(GROUP, "READ_ONLY")),
        ([replace(GROUP, name="administrators")], desired(GROUP, state="absent")),
        ([replace(USER, name="administrators")], desired(GROUP, "READ_ONLY")),
    ],
    ids=["a change", "a removal", "another type"],
)
def test_only_a_new_subject_can_be_confused_with_another(held: list[Subject], declared: DesiredClientProfile) -> None:
    assert plan([profile(subject) for subject in held], declared).warnings == ()


def test_a_diff_leaves_out_the_steps_of_issuers_and_goes_on_behind_them() -> None:
    (creation,) = plan([], desired(GROUP, "READ_ONLY")).steps
    shown_profiles = touched([replace(creation, resource="token_issuer"), creation])
    assert shown_profiles == ({}, {GROUP.label: shown(creation.after.record())})


def test_a_deleted_profile_cannot_differ_from_what_was_written() -> None:
    (deletion,) = plan([profile(GROUP)], desired(GROUP, state="absent")).steps
    assert difference_from_written([profile(GROUP, "READ_ONLY")], deletion) == ""
