# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_client_profile and esx_client_profile_info against a simulated host: every row of their contract."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.client_profiles import grants
from support.modules import fault

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from support.modules import Ran

SERVICE = "com.vmware.esx.authentication.client_profiles"
GROUP = {"external_group_name": "Administrators", "issuer_alias": "vc", "domain": "vsphere.local"}
SUBJECT = {"type": "EXTERNAL_GROUP", "name": "Administrators", "issuer_alias": "vc", "domain": "vsphere.local"}
LABEL = "external group vsphere.local\\Administrators of vc"
ODD = {"resource_type": "ROLE", "role": "auditor"}


def noted(*entitlements: str) -> list[dict[str, Any]]:
    """Grants with a field that the reference does not have."""
    return [{**each, "granted_by": "root"} for each in grants(*entitlements)]


@pytest.fixture(autouse=True)
def _issuer(host: Host) -> None:
    host.put_issuer("vc", "https://vc.example.com")


def declare(modules: Modules, *, check: bool = False, **options: Any) -> Ran:
    """The group may read, changed by `options`."""
    return modules.run(
        "esx_client_profile", check=check, diff=True, **{**GROUP, "entitlements": ["READ_ONLY"], **options}
    )


def rights(host: Host) -> dict[str | None, set[str]]:
    return {profile.name: profile.entitlements for profile in host.client_profiles.values()}


def operation(kind: str, label: str = LABEL) -> dict[str, str]:
    return {"operation": kind, "resource": "client_profile", "id": label}


# No profile of this subject


@pytest.mark.parametrize(
    ("subject", "label"),
    [
        (GROUP, LABEL),
        ({**GROUP, "external_group_name": None, "external_user_name": "ann"}, "external user vsphere.local\\ann of vc"),
        ({"local_user_name": "automation"}, "local user automation"),
    ],
)
def test_creates_what_is_not_there(modules: Modules, host: Host, subject: dict[str, Any], label: str) -> None:
    ran = modules.run("esx_client_profile", **subject, entitlements=["SECURITY_MGMT", "IDENTITY_MGMT"])
    assert not ran.failed, ran.message
    assert ran.result["operations"] == [operation("create", label)]

    ((identifier, profile),) = host.client_profiles.items()

    assert ran.result["client_profile"]["profile"] == identifier
    assert ran.result["client_profile"]["entitlements"] == ["IDENTITY_MGMT", "SECURITY_MGMT"]
    assert profile.entitlements == {"IDENTITY_MGMT", "SECURITY_MGMT"}

    again = modules.run("esx_client_profile", **subject, entitlements=["IDENTITY_MGMT", "SECURITY_MGMT"])

    assert not again.changed
    assert again.result["client_profile"] == ran.result["client_profile"]
    assert len(host.writes) == 1


@pytest.mark.parametrize("known", [None, ["SECURITY_MGMT"], "absent"])
def test_check_mode_reports_the_same_and_writes_nothing(modules: Modules, host: Host, known: Any) -> None:
    if known:
        host.put_client_profile(**SUBJECT, grants=grants("SECURITY_MGMT"))
    state = "absent" if known == "absent" else "present"
    checked = declare(modules, check=True, state=state)

    assert checked.changed
    assert host.writes == []

    real = declare(modules, state=state)

    assert real.result["operations"] == checked.result["operations"]
    assert real.result["diff"] == checked.result["diff"]
    assert len(host.writes) == 1


def test_nothing_is_granted_by_an_empty_list(modules: Modules, host: Host) -> None:
    assert declare(modules, entitlements=[]).changed
    assert rights(host) == {"Administrators": set()}
    assert not declare(modules, entitlements=[]).changed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"entitlements": None}, "entitlements"),
        ({"external_group_name": None}, "local_user_name"),
        ({"local_user_name": "ann"}, "only one"),
        ({"external_group_name": None, "local_user_name": "ann"}, "issuer_alias"),
        ({"issuer_alias": None}, "issuer_alias"),
        ({"domain": " "}, "domain"),
        ({"entitlements": ["ROOT"]}, "entitlements"),
        ({"external_group_name": "x "}, "external_group_name"),
        ({"external_group_name": "********"}, "external_group_name"),
        ({"type": "PRIVILEGES"}, "type"),
    ],
)
def test_refused_options(modules: Modules, host: Host, options: dict[str, Any], named: str) -> None:
    ran = declare(modules, **options)
    assert ran.failed
    assert named in ran.message
    assert host.journal == []


# Subject there


def test_the_order_of_entitlements_is_no_change(modules: Modules, host: Host) -> None:
    host.put_client_profile(**SUBJECT, grants=grants("READ_ONLY", "OBSERVABILITY", "READ_ONLY"))
    assert not declare(modules, entitlements=["OBSERVABILITY", "READ_ONLY", "OBSERVABILITY"]).changed
    assert host.writes == []


@pytest.mark.parametrize(
    ("mode", "ends"), [("exact", {"READ_ONLY"}), ("merge", {"READ_ONLY", "SECURITY_MGMT", "OBSERVABILITY"})]
)
def test_one_patch_with_the_whole_list(modules: Modules, host: Host, mode: str, ends: set[str]) -> None:
    identifier = host.put_client_profile(**SUBJECT, grants=grants("SECURITY_MGMT", "OBSERVABILITY"))
    ran = declare(modules, entitlements_mode=mode)

    assert ran.result["operations"] == [operation("update")]
    assert rights(host) == {"Administrators": ends}

    (write,) = host.writes

    assert write.operation == f"{SERVICE}.update"
    assert list(write.body) == ["grants"]
    assert (ran.result["client_profile"]["profile"], set(ran.result["client_profile"]["entitlements"])) == (
        identifier,
        ends,
    )
    assert not declare(modules, entitlements_mode=mode).changed


def test_merge_takes_nothing_away(modules: Modules, host: Host) -> None:
    host.put_client_profile(**SUBJECT, grants=grants("SECURITY_MGMT", "READ_ONLY"))
    assert not declare(modules, entitlements_mode="merge").changed


@pytest.mark.parametrize("spelling", ["administrators", "Administrators "])
def test_subjects_are_compared_to_the_letter(modules: Modules, host: Host, spelling: str) -> None:
    host.put_client_profile(**{**SUBJECT, "name": spelling}, grants=grants("IDENTITY_MGMT"))
    ran = declare(modules)

    assert ran.result["operations"] == [operation("create")]
    assert "differs" in ran.warnings
    assert rights(host) == {spelling: {"IDENTITY_MGMT"}, "Administrators": {"READ_ONLY"}}


def test_two_profiles_of_one_subject(modules: Modules, host: Host) -> None:
    for _number in range(2):
        host.put_client_profile(**SUBJECT, grants=grants("READ_ONLY"))
    for state in ("present", "absent"):
        ran = declare(modules, state=state)
        assert ran.result["failure"]["code"] == "conflict"

    assert host.writes == []


# What nobody knows yet


@pytest.mark.parametrize("odd", [ODD, *grants("FUTURE_MGMT"), {**grants("FUTURE_MGMT")[0], "until": "2030"}])
def test_an_unknown_grant_is_not_lost(modules: Modules, host: Host, odd: dict[str, Any]) -> None:
    host.put_client_profile(**SUBJECT, grants=[*grants("READ_ONLY"), odd])
    ran = declare(modules)

    assert ran.result["failure"]["code"] == "conflict"

    merged = declare(modules, entitlements_mode="merge")

    assert not merged.changed
    assert merged.result["client_profile"]["other_grants"] == [odd]
    assert host.writes == []


def test_an_unknown_grant_without_unknown_fields_is_sent_again(modules: Modules, host: Host) -> None:
    future = grants("FUTURE_MGMT")
    host.put_client_profile(**SUBJECT, grants=future)
    ran = declare(modules, entitlements_mode="merge")

    # The simulated host knows no such entitlement in a request, and says so.
    assert ran.result["failure"]["error_type"] == "INVALID_ARGUMENT"

    (write,) = host.writes

    assert write.body == {"grants": [*future, *grants("READ_ONLY")]}


def test_an_unknown_grant_with_unknown_fields_is_not_written_again(modules: Modules, host: Host) -> None:
    host.put_client_profile(**SUBJECT, grants=[ODD])
    ran = declare(modules, entitlements_mode="merge")

    assert ran.result["failure"]["code"] == "conflict"
    assert host.writes == []


@pytest.mark.parametrize("mode", ["exact", "merge"])
def test_a_host_that_notes_who_gave_a_right(modules: Modules, host: Host, mode: str) -> None:
    host.put_client_profile(**SUBJECT, grants=noted("READ_ONLY"))
    ran = declare(modules, entitlements_mode=mode)

    assert not ran.failed, ran.message
    assert not ran.changed
    assert (ran.result["client_profile"]["entitlements"], ran.result["client_profile"]["other_grants"]) == (
        ["READ_ONLY"],
        [],
    )

    more = declare(modules, entitlements_mode=mode, entitlements=["READ_ONLY", "SECURITY_MGMT"])

    assert more.result["failure"]["code"] == "conflict"
    assert host.writes == []


def test_privileges_are_shown_and_never_touched(modules: Modules, host: Host) -> None:
    host.put_client_profile("p", type="PRIVILEGES", privileges={"scope": ["a"]}, grants=grants("IDENTITY_MGMT"))
    (shown,) = modules.run("esx_client_profile_info").result["client_profiles"]

    assert (shown["profile"], shown["type"], shown["privileges"]) == ("p", "PRIVILEGES", {"scope": ["a"]})
    assert shown["entitlements"] == ["IDENTITY_MGMT"]

    ran = modules.run("esx_client_profile", **shown)

    assert ran.result["failure"]["code"] == "invalid_input"
    assert declare(modules).changed
    assert "p" in host.client_profiles


# Absent


def test_absent_deletes_the_profile_of_the_subject_alone(modules: Modules, host: Host) -> None:
    kept = host.put_client_profile(name="Administrators", grants=grants("READ_ONLY"))
    host.put_client_profile(**SUBJECT, grants=[ODD])
    ran = declare(modules, state="absent", entitlements=None)

    assert ran.result["operations"] == [operation("delete")]
    assert ran.result["client_profile"] == {}
    assert set(host.client_profiles) == {kept}
    assert not declare(modules, state="absent").changed


def test_two_profiles_of_one_subject_are_purged(modules: Modules, host: Host) -> None:
    for identifier, entitlement in (("1", "READ_ONLY"), ("2", "SECURITY_MGMT")):
        host.put_client_profile(identifier, **SUBJECT, grants=grants(entitlement))
    ran = modules.run("esx_host_trust", client_profiles=[], purge_client_profiles=True)

    assert ran.result["operations"] == [operation("delete")] * 2
    assert host.client_profiles == {}


def test_a_host_that_drops_an_entitlement(modules: Modules, host: Host) -> None:
    identifier = host.put_client_profile(**SUBJECT, grants=grants("READ_ONLY"))
    kept = {"change": "put_client_profile", "client_profile": identifier, "grants": grants("READ_ONLY")}
    host.queue(fault(kind="race_after", operation=f"{SERVICE}.update", change=[kept]))
    ran = declare(modules, entitlements=["READ_ONLY", "OBSERVABILITY"])

    assert not ran.changed
    assert ran.result["client_profile"]["entitlements"] == ["READ_ONLY"]
    assert "it grants READ_ONLY, not READ_ONLY, OBSERVABILITY" in ran.output


# No run locks out its own account


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("change", [{"entitlements": ["READ_ONLY"]}, {"state": "absent"}])
def test_nobody_locks_himself_out(modules: Modules, host: Host, change: dict[str, Any], check: bool) -> None:
    host.put_client_profile(name=host.username, grants=grants("IDENTITY_MGMT", "READ_ONLY"))
    host.put_client_profile(name="other", grants=grants("IDENTITY_MGMT"))
    ran = modules.run("esx_client_profile", check=check, local_user_name=host.username, **change)

    assert ran.result["failure"]["code"] == "conflict"
    assert "IDENTITY_MGMT" in ran.message
    assert host.writes == []

    others = modules.run("esx_client_profile", check=check, local_user_name="other", **change)

    assert others.changed


@pytest.mark.parametrize("check", [True, False])
def test_a_host_that_notes_who_gave_a_right_locks_nobody_out(modules: Modules, host: Host, check: bool) -> None:
    host.put_client_profile(name=host.username, grants=noted("IDENTITY_MGMT"))
    absent = modules.run("esx_client_profile", check=check, local_user_name=host.username, state="absent")
    purge = modules.run("esx_host_trust", check=check, client_profiles=[], purge_client_profiles=True)

    for ran in (absent, purge):
        assert ran.result["failure"]["code"] == "conflict"
        assert "IDENTITY_MGMT" in ran.message

    assert host.writes == []


def test_what_leaves_the_account_in_control_is_done(modules: Modules, host: Host) -> None:
    host.put_client_profile(name=host.username, grants=grants("IDENTITY_MGMT", "READ_ONLY"))
    assert modules.run("esx_client_profile", local_user_name=host.username, entitlements=["IDENTITY_MGMT"]).changed


# The host changes, or lacks the service


def test_another_client_creates_the_profile_first(modules: Modules, host: Host) -> None:
    change = {"change": "put_client_profile", **SUBJECT, "grants": grants("READ_ONLY")}
    host.queue(fault(kind="race", operation=f"{SERVICE}.create", change=[change]))
    ran = declare(modules)

    assert not ran.failed, ran.message
    assert not ran.changed
    assert list(host.client_profiles) == [ran.result["client_profile"]["profile"]]


def test_a_lost_answer_makes_no_second_profile(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="lose_answer", operation=f"{SERVICE}.create"))
    ran = declare(modules)

    assert ran.changed
    assert list(host.client_profiles) == [ran.result["client_profile"]["profile"]]


def test_a_host_without_the_service(modules: Modules, host: Host) -> None:
    host.settings(client_profiles_service=False)
    present = declare(modules)

    assert present.failed
    assert "no service of client profiles" in present.message
    assert present.message.count(". ") <= 1

    absent = declare(modules, state="absent")

    assert not absent.failed
    assert not absent.changed

    info = modules.run("esx_client_profile_info")

    assert info.result["client_profiles"] == []
    assert "no service of client profiles" in info.warnings


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_host_that_fails_is_no_host_without_the_service(modules: Modules, host: Host, state: str) -> None:
    host.queue(fault(kind="status", operation=f"{SERVICE}.list", status=503, times=None))
    assert declare(modules, state=state).failed


def test_only_oauth(modules: Modules, host: Host) -> None:
    host.settings(oauth_only=["client_profiles"])
    assert declare(modules).changed

    refused = declare(modules, auth_method="basic")

    assert "auth_method token" in refused.message


# Reading


def test_what_is_read_can_be_given_to_another_host(modules: Modules, host: Host) -> None:
    host.put_client_profile("1", name="automation", grants=grants("IDENTITY_MGMT", "SECURITY_MGMT"))
    host.put_client_profile("2", **SUBJECT, grants=grants("READ_ONLY"))
    profiles = modules.run("esx_client_profile_info").result["client_profiles"]

    assert [profile["profile"] for profile in profiles] == ["2", "1"]

    before = rights(host)
    host.client_profiles.clear()
    for profile in profiles:
        assert not modules.run("esx_client_profile", **profile).failed

    assert rights(host) == before


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"local_user_name": "automation"}, ["automation"]),
        ({"issuer_alias": "vc"}, ["Administrators", "ann"]),
        ({"issuer_alias": "vc", "external_user_name": "ann"}, ["ann"]),
        ({"domain": "other"}, []),
        ({"external_group_name": "administrators"}, []),
    ],
)
def test_reading_some(modules: Modules, host: Host, options: dict[str, Any], names: list[str]) -> None:
    host.put_client_profile(name="automation")
    host.put_client_profile(**SUBJECT)
    host.put_client_profile(**{**SUBJECT, "type": "EXTERNAL_USER", "name": "ann"})
    profiles = modules.run("esx_client_profile_info", **options).result["client_profiles"]
    named = [
        profile["local_user_name"] or profile["external_group_name"] or profile["external_user_name"]
        for profile in profiles
    ]

    assert named == names


@pytest.mark.parametrize("levels", [50, 70, 600])
def test_a_host_that_answers_with_very_many_levels_gets_no_traceback(modules: Modules, host: Host, levels: int) -> None:
    nested = "[" * levels + "]" * levels
    body = (
        '[{"client_profile": "1", "subject": {"type": "LOCAL_USER", "name": "x"},'
        f' "grants": [{{"resource_type": "X", "y": {nested}}}]}}]'
    )

    if host.settings().protocols == "jsonrpc":
        body = f'{{"jsonrpc": "2.0", "id": "0", "result": {{"output": {body}}}}}'
    host.queue(fault(kind="answer", operation="*client_profiles.list", status=200, body=body, times=None))
    ran = modules.run("esx_client_profile_info")

    assert ran.failed == (levels > 64), ran.message

    if ran.failed:
        assert ran.result["failure"]["code"] == "unexpected_answer"
