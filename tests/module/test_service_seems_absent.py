# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose service of client profiles seems not to be there for a moment loses no right by that.

The service of another host restarts while a run is under way, or something between the two answers in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.certificates import chain
from support.client_profiles import grants
from support.constants import ISSUER
from support.modules import fault

pytestmark = pytest.mark.not_quick

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from support.modules import Ran

SERVICE = "com.vmware.esx.authentication.client_profiles"
LIST = f"{SERVICE}.list"
OLD, NEW = chain(1, subject="old"), chain(1, subject="new")
RENAMED: dict[str, Any] = {
    "issuer_alias": "new",
    "issuer": ISSUER,
    "signing_cert_chains": [{"cert_chain": NEW}],
    "issuer_conflict": "rename",
}
RIGHTS = grants("READ_ONLY")
ADMINS = "external group d\\admins of old"
#: How warnings name them; a backslash in them is shown in different ways.
TOLD = "admins of old (READ_ONLY)"
AUTOMATION: dict[str, Any] = {"local_user_name": "automation", "state": "absent"}

#: The answers to the list that say, or could be taken to say, that there are no profiles.
ANSWERS: dict[str, dict[str, Any]] = {
    "no such thing": {"kind": "status", "status": 404, "error_type": "NOT_FOUND"},
    "no such operation": {"kind": "status", "status": 404, "error_type": "OPERATION_NOT_FOUND"},
    "a page": {"kind": "answer", "status": 404, "ready": "not_found_page"},
    "later": {"kind": "status", "status": 503},
    "empty": {"kind": "answer", "ready": "empty"},
    "none": {"kind": "answer", "status": 200, "body": []},
    "strange": {"kind": "answer", "status": 200, "body": {"profiles": 0}},
}
SAYS_ABSENT = ("no such thing", "no such operation", "a page")

answers = pytest.mark.parametrize("answer", ANSWERS)


@pytest.fixture(autouse=True)
def host_with_profiles(host: Host) -> None:
    host.put_issuer("old", ISSUER, [OLD])
    host.put_client_profile(type="EXTERNAL_GROUP", name="admins", issuer_alias="old", domain="d", grants=RIGHTS)
    host.put_client_profile(type="LOCAL_USER", name="automation", grants=RIGHTS)


def answers_once(host: Host, answer: str, skip: int) -> None:
    host.queue(fault(operation=LIST, skip=skip, **ANSWERS[answer]))


def subjects(host: Host) -> set[tuple[str | None, str | None]]:
    return {
        (profile.issuer_alias, profile.name)
        for profile in host.client_profiles.values()
        if profile.entitlements == {"READ_ONLY"}
    }


def again(modules: Modules, host: Host, name: str, **options: Any) -> list[Ran]:
    """What a run and, where it failed, the next one say. The second one meets no fault."""
    runs = [modules.run(name, **options)]
    host.clear_faults()

    if runs[0].failed:
        runs.append(modules.run(name, **options))
        assert not runs[1].failed, runs[1].message

    return runs


@answers
@pytest.mark.parametrize(
    ("trouble", "skip", "cascade"),
    [
        ("", 0, True),
        ("", 0, False),
        ("", 1, True),
        ("", 1, False),
        # Until the issuer is under its new alias, nothing was deleted that could take profiles along.
        ("token_issuers.create", 1, True),
        ("token_issuers.create", 2, True),
        ("profiles.delete", 1, True),
        ("profiles.delete", 1, False),
    ],
)
def test_a_renaming_loses_no_right(
    modules: Modules, host: Host, answer: str, trouble: str, skip: int, cascade: bool
) -> None:
    """The answer comes at one of the looks; more of them follow a write whose answer was lost."""
    host.settings(profiles_cascade=cascade)
    answers_once(host, answer, skip)
    if trouble:
        host.queue(fault(kind="lose_answer", operation=f"*{trouble}"))
    again(modules, host, "esx_token_issuer", **RENAMED)

    assert set(host.issuers) == {"new"}
    assert subjects(host) == {("new", "admins"), (None, "automation")}


@pytest.mark.parametrize("answer", SAYS_ABSENT)
def test_a_service_that_goes_in_the_middle_loses_no_right(modules: Modules, host: Host, answer: str) -> None:
    """It answered before, so nobody believes that it is not there, and nothing is taken away."""
    host.queue(fault(operation=LIST, skip=1, times=None, **ANSWERS[answer]))
    assert modules.run("esx_token_issuer", retries=1, **RENAMED).failed
    assert ISSUER in {issuer.issuer for issuer in host.issuers.values()}
    assert {name for _alias, name in subjects(host)} == {"admins", "automation"}

    host.clear_faults()

    assert not modules.run("esx_token_issuer", **RENAMED).failed
    assert subjects(host) == {("new", "admins"), (None, "automation")}


@answers
@pytest.mark.parametrize("skip", range(2))
def test_a_removal_names_whose_rights_go(modules: Modules, host: Host, answer: str, skip: int) -> None:
    answers_once(host, answer, skip)
    runs = again(modules, host, "esx_token_issuer", issuer_alias="old", state="absent")

    assert host.issuers == {}
    assert subjects(host) == {(None, "automation")}
    assert any(TOLD in ran.warnings for ran in runs)


def test_a_purge_of_issuers_names_whose_rights_go(modules: Modules, host: Host) -> None:
    answers_once(host, "none", 0)
    ran = modules.run("esx_host_trust", token_issuers=[], purge_token_issuers=True)

    assert host.issuers == {}
    assert subjects(host) == {(None, "automation")}
    assert TOLD in ran.warnings


@pytest.mark.parametrize("kind", ["lose_answer", "reset_before"])
def test_a_removal_that_takes_two_attempts_names_whose_rights_went(modules: Modules, host: Host, kind: str) -> None:
    host.queue(fault(kind="status", operation="*token_issuers.delete", status=503), fault(kind=kind, operation=LIST))
    ran = modules.run("esx_token_issuer", issuer_alias="old", state="absent")

    assert ran.operations == [("delete", ADMINS), ("delete", "old")]
    assert TOLD in ran.warnings


def test_a_removal_that_fails_half_way_names_whose_rights_went(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="status", operation="*token_issuers.delete", status=500, error_type="ERROR", times=None))
    ran = modules.run("esx_token_issuer", issuer_alias="old", state="absent")

    assert ran.failed
    assert ran.operations == [("delete", ADMINS)]
    assert TOLD in ran.warnings


def test_a_profile_that_somebody_adds_before_the_issuer_goes_is_reported(modules: Modules, host: Host) -> None:
    late = {"change": "put_client_profile", "type": "EXTERNAL_GROUP", "name": "late", "issuer_alias": "old"}
    change = [{**late, "domain": "d", "grants": RIGHTS}]
    host.queue(fault(kind="race_after", operation="*profiles.delete", change=change))
    ran = modules.run("esx_token_issuer", issuer_alias="old", state="absent")

    assert [name for _action, name in ran.operations] == [ADMINS, "external group d\\late of old", "old"]
    assert "late of old (READ_ONLY)" in ran.warnings


def test_a_host_without_the_service_is_asked_once_more_before_an_issuer_goes(modules: Modules, host: Host) -> None:
    host.settings(client_profiles_service=False)
    assert modules.run("esx_token_issuer", issuer_alias="old", state="absent", retries=0).changed

    # Twice at the look, and twice right before.
    asked = [record for record in host.journal if record.operation == LIST]

    assert len(asked) == 4


@answers
@pytest.mark.parametrize("skip", range(2))
def test_an_alias_that_passes_on_names_whose_rights_it_gives(
    modules: Modules, host: Host, answer: str, skip: int
) -> None:
    answers_once(host, answer, skip)
    replaced = {**RENAMED, "issuer_alias": "old", "issuer": "https://other.example.com"}
    runs = again(modules, host, "esx_token_issuer", **replaced)

    assert host.issuers["old"].issuer == "https://other.example.com"
    assert any(TOLD in ran.warnings for ran in runs)


@pytest.mark.parametrize("answer", SAYS_ABSENT)
def test_a_new_alias_names_whose_rights_it_gives(modules: Modules, host: Host, answer: str) -> None:
    host.delete_issuer("old")
    answers_once(host, answer, 0)
    ran = modules.run("esx_token_issuer", **{**RENAMED, "issuer_alias": "old"})

    assert ran.changed
    assert TOLD in ran.warnings


@pytest.mark.parametrize("answer", SAYS_ABSENT)
def test_what_shall_be_absent_is_absent_afterwards(modules: Modules, host: Host, answer: str) -> None:
    answers_once(host, answer, 0)
    assert modules.run("esx_client_profile", **AUTOMATION).changed
    assert subjects(host) == {("old", "admins")}


@pytest.mark.parametrize("answer", SAYS_ABSENT)
def test_a_purge_of_profiles_finds_them(modules: Modules, host: Host, answer: str) -> None:
    answers_once(host, answer, 0)
    assert modules.run("esx_host_trust", client_profiles=[], purge_client_profiles=True).changed
    assert subjects(host) == set()


@pytest.mark.parametrize("answer", SAYS_ABSENT)
def test_an_audit_and_the_info_module_see_them(modules: Modules, host: Host, answer: str) -> None:
    answers_once(host, answer, 0)
    audit = modules.run("esx_host_trust", check=True, client_profiles=[])

    assert {row["id"] for row in audit.result["resources"]} == {ADMINS, "local user automation"}

    answers_once(host, answer, 0)
    info = modules.run("esx_client_profile_info")

    assert len(info.result["client_profiles"]) == 2
    assert info.warnings == ""
