# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issuers that move or go, and the client profiles that name them, on hosts that cascade and on hosts that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.certificates import chain
from support.client_profiles import grants
from support.constants import ISSUER
from support.modules import fault

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from support.modules import Ran

SERVICE = "com.vmware.esx.authentication.client_profiles"
OLD, NEW = chain(1, subject="old"), chain(1, subject="new")
CHAINS = [{"cert_chain": NEW}]
RENAMED = {"issuer_alias": "new", "issuer": ISSUER, "signing_cert_chains": CHAINS, "issuer_conflict": "rename"}


@pytest.fixture(autouse=True, params=[True, False], ids=["cascade", "no cascade"])
def cascade(host: Host, request: pytest.FixtureRequest) -> bool:
    """The end is the same on hosts of both kinds."""
    host.settings(profiles_cascade=request.param)
    host.put_issuer("old", ISSUER, [OLD])
    return bool(request.param)


def put(host: Host, name: str, *entitlements: str, alias: str = "old", **fields: Any) -> str:
    subject = {"type": "EXTERNAL_GROUP", "name": name, "issuer_alias": alias, "domain": "d"}
    return host.put_client_profile(**{**subject, "grants": grants(*entitlements), **fields})


def rights(host: Host) -> dict[tuple[str | None, str | None], set[str]]:
    return {(profile.issuer_alias, profile.name): profile.entitlements for profile in host.client_profiles.values()}


def rename(modules: Modules, way: str, **changes: Any) -> Ran:
    """With the module of issuers, or with that of the whole host."""
    if way == "esx_token_issuer":
        return modules.run(way, diff=True, **{**RENAMED, **changes})
    check = changes.pop("check", False)
    return modules.run("esx_host_trust", check=check, diff=True, token_issuers=[{**RENAMED, **changes}])


#: No issuer moves or goes, so that no host could take profiles along.
nothing_cascades = pytest.mark.parametrize("cascade", [True], indirect=True)
ways = pytest.mark.parametrize("way", ["esx_token_issuer", "esx_host_trust"])


@ways
def test_a_renaming_carries_the_rights_along(modules: Modules, host: Host, way: str) -> None:
    put(host, "admins", "READ_ONLY", "SECURITY_MGMT")
    put(host, "nobody")
    local = host.put_client_profile(name="root", grants=grants("IDENTITY_MGMT"))
    checked = rename(modules, way, check=True)

    assert host.writes == []

    ran = rename(modules, way)

    assert not ran.failed, ran.message
    assert ran.result["operations"] == checked.result["operations"]
    assert ran.result["diff"] == checked.result["diff"]
    assert set(host.issuers) == {"new"}

    assert rights(host) == {
        ("new", "admins"): {"READ_ONLY", "SECURITY_MGMT"},
        ("new", "nobody"): set(),
        (None, "root"): {"IDENTITY_MGMT"},
    }

    assert local in host.client_profiles

    writes = len(host.writes)

    assert not rename(modules, way).changed
    assert len(host.writes) == writes


@pytest.mark.not_quick
@pytest.mark.parametrize("kind", ["reset_before", "lose_answer"])
@pytest.mark.parametrize("number", range(6))
def test_a_killed_renaming_is_finished_with_its_rights(modules: Modules, host: Host, number: int, kind: str) -> None:
    """Nothing arrives any more from a certain write on, or from its answer on, as if the run had been killed there."""
    put(host, "admins", "READ_ONLY")
    put(host, "people", "OBSERVABILITY")
    writes = ["token_issuers.update", "token_issuers.create"]
    writes += ["profiles.create"] * 2 + ["profiles.delete"] * 2
    skipped = writes[:number].count(writes[number])
    # Both lists are read before the first write. A run that was killed looks at nothing behind it, and mends nothing.
    looks = {"kind": "reset_before", "operation": "*.list", "skip": 2, "times": None}
    host.queue(fault(kind=kind, operation=f"*{writes[number]}", skip=skipped, times=None), fault(**looks))

    assert rename(modules, "esx_token_issuer", retries=0).failed

    done = sum(record.wrote for record in host.writes)

    assert done == number + (kind == "lose_answer")

    host.clear_faults()

    assert not rename(modules, "esx_token_issuer").failed
    assert set(host.issuers) == {"new"}
    assert rights(host) == {("new", "admins"): {"READ_ONLY"}, ("new", "people"): {"OBSERVABILITY"}}


@ways
def test_a_profile_that_the_host_refuses_leaves_everything_as_it_was(modules: Modules, host: Host, way: str) -> None:
    put(host, "admins", "READ_ONLY")
    put(host, "people", "OBSERVABILITY")
    before = rights(host)
    refusal = {"kind": "status", "operation": f"{SERVICE}.create", "error_type": "INVALID_ARGUMENT", "skip": 1}
    host.queue(fault(**refusal, times=None))
    ran = rename(modules, way)

    assert ran.failed
    assert {alias: issuer.issuer for alias, issuer in host.issuers.items()} == {"old": ISSUER}
    assert rights(host) == before
    assert "'old' was put back" in ran.message


@ways
@pytest.mark.parametrize("there", ["privileges", "unknown grant", "other grants"])
@nothing_cascades
def test_what_cannot_be_carried_is_a_conflict(modules: Modules, host: Host, way: str, there: str) -> None:
    put(host, "admins", "READ_ONLY")

    if there == "privileges":
        host.put_client_profile(type="PRIVILEGES", issuer_alias="old", privileges={"a": ["b"]})
    elif there == "unknown grant":
        put(host, "odd", grants=[{"resource_type": "ROLE", "role": "x"}])
    else:
        put(host, "admins", "SECURITY_MGMT", alias="new")

    assert rename(modules, way).result["failure"]["code"] == "conflict"
    assert host.writes == []


@ways
def test_profiles_that_may_not_be_read(modules: Modules, host: Host, way: str) -> None:
    put(host, "admins", "READ_ONLY")
    unreadable = fault(kind="status", operation=f"{SERVICE}.list", error_type="UNAUTHORIZED", status=403, times=None)
    host.queue(unreadable)

    assert rename(modules, way).result["failure"]["code"] == "conflict"
    assert host.writes == []

    gone = rename(modules, way, issuer_alias="old", state="absent")

    assert gone.changed
    assert "may not be read" in gone.warnings
    assert host.issuers == {}


@ways
def test_a_host_without_the_service_has_nothing_to_lose(modules: Modules, host: Host, way: str) -> None:
    host.settings(client_profiles_service=False)
    assert rename(modules, way).changed
    assert set(host.issuers) == {"new"}

    gone = rename(modules, way, issuer_alias="new", state="absent")

    assert gone.changed
    assert "profile" not in gone.warnings


@ways
def test_an_issuer_that_goes_takes_its_profiles_along(modules: Modules, host: Host, way: str) -> None:
    put(host, "admins", "READ_ONLY")
    put(host, "others", "SECURITY_MGMT", alias="third")
    ran = rename(modules, way, issuer_alias="old", state="absent")

    assert ran.operations == [("delete", "external group d\\admins of old"), ("delete", "old")]
    assert "admins of old (READ_ONLY)" in ran.warnings
    assert "external group d\\admins of old" in ran.result["diff"]["before"]["client_profiles"]
    assert "admins" not in str(ran.result["diff"]["after"])
    assert rights(host) == {("third", "others"): {"SECURITY_MGMT"}}


def test_purging_issuers_does_the_same(modules: Modules, host: Host) -> None:
    put(host, "admins", "READ_ONLY")
    ran = modules.run("esx_host_trust", token_issuers=[], purge_token_issuers=True)

    assert ran.operations == [("delete", "external group d\\admins of old"), ("delete", "old")]
    assert "READ_ONLY" in ran.warnings
    assert rights(host) == {}


@ways
def test_an_alias_that_passes_to_another_issuer(modules: Modules, host: Host, way: str) -> None:
    put(host, "admins", "READ_ONLY")
    ran = rename(modules, way, issuer_alias="old", issuer="https://another.example.com")

    assert ran.operations == [("update", "old")]
    assert "admins of old (READ_ONLY)" in ran.warnings
    assert rights(host) == {("old", "admins"): {"READ_ONLY"}}


@ways
def test_a_new_alias_that_left_over_profiles_name(modules: Modules, host: Host, way: str) -> None:
    put(host, "admins", "READ_ONLY", alias="new")
    ran = rename(modules, way, issuer="https://another.example.com")

    assert ran.operations == [("create", "new")]
    assert "admins of new (READ_ONLY)" in ran.warnings

    # Where they cannot be read, the issuer is made all the same.
    host.queue(fault(kind="status", operation=f"{SERVICE}.list", status=500, error_type="ERROR", times=None))
    ran = rename(modules, way, issuer_alias="newer", issuer="https://third.example.com")

    assert ran.operations == [("create", "newer")]
    assert "may not be read (ERROR)" in ran.warnings


@ways
@nothing_cascades
def test_nobody_takes_away_the_issuer_of_his_own_token(modules: Modules, host: Host, way: str) -> None:
    assertion = (
        f'<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion"><a:Issuer>{ISSUER}</a:Issuer></a:Assertion>'
    )
    host.settings(saml_tokens=[assertion])
    login: dict[str, Any] = {"saml_token": assertion, "username": None, "password": None}
    absent = {"issuer_alias": "old", "state": "absent"}
    declared: dict[str, Any] = absent if way == "esx_token_issuer" else {"token_issuers": [absent]}
    ran = modules.run(way, **login, **declared)

    assert ran.result["failure"]["code"] == "conflict"
    assert "'old'" in ran.message
    assert host.writes == []


@pytest.mark.parametrize("way", ["esx_client_profile", "esx_host_trust", "with issuers"])
def test_a_group_of_the_same_name_under_another_alias_is_another_one(modules: Modules, host: Host, way: str) -> None:
    """Every vCenter has Administrators of vsphere.local; those of another one do not keep the account in control."""
    second_issuer = "https://vcenter02.example.com/oidc"
    host.put_issuer("other", second_issuer, [OLD])
    for alias in ("old", "other"):
        put(host, "admins", "IDENTITY_MGMT", alias=alias)

    parts = (
        f"<a:Issuer>{ISSUER}</a:Issuer>",
        '<a:Attribute Name="GroupIdentity"><a:AttributeValue>d\\admins</a:AttributeValue></a:Attribute>',
    )
    assertion = f'<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">{"".join(parts)}</a:Assertion>'
    host.settings(saml_tokens=[assertion])
    login: dict[str, Any] = {"saml_token": assertion, "username": None, "password": None}
    trusted = [
        {"issuer_alias": alias, "issuer": name, "signing_cert_chains": [{"cert_chain": OLD}]}
        for alias, name in (("old", ISSUER), ("other", second_issuer))
    ]

    def remove(alias: str) -> Ran:
        absent: dict[str, Any] = {
            "external_group_name": "admins",
            "issuer_alias": alias,
            "domain": "d",
            "state": "absent",
        }

        if way == "esx_client_profile":
            return modules.run(way, **login, **absent)
        issuers: dict[str, Any] = {"token_issuers": trusted} if way == "with issuers" else {}

        return modules.run("esx_host_trust", client_profiles=[absent], **login, **issuers)

    assert remove("old").result["failure"]["code"] == "conflict"
    assert host.writes == []
    assert remove("other").changed
    assert rights(host) == {("old", "admins"): {"IDENTITY_MGMT"}}


# The whole host


GROUP = {"external_group_name": "admins", "issuer_alias": "new", "domain": "d"}


def test_the_order_on_a_host(modules: Modules, host: Host) -> None:
    put(host, "gone", "SECURITY_MGMT")
    host.put_client_profile(name="leaver", grants=grants("READ_ONLY"))

    declared: dict[str, Any] = {
        "token_issuers": [
            {"issuer_alias": "new", "issuer": "https://new.example.com", "signing_cert_chains": CHAINS},
            {"issuer_alias": "old", "state": "absent"},
        ],
        "client_profiles": [
            {"local_user_name": "leaver", "state": "absent"},
            {**GROUP, "entitlements": ["READ_ONLY"]},
        ],
    }

    checked = modules.run("esx_host_trust", check=True, diff=True, **declared)

    assert host.writes == []

    ran = modules.run("esx_host_trust", diff=True, **declared)

    assert ran.operations == [
        ("create", "new"),
        ("create", "external group d\\admins of new"),
        ("delete", "local user leaver"),
        ("delete", "external group d\\gone of old"),
        ("delete", "old"),
    ]

    assert (checked.result["operations"], checked.result["diff"]) == (ran.result["operations"], ran.result["diff"])

    (identifier,) = host.client_profiles

    assert [profile["profile"] for profile in ran.result["host_trust"]["client_profiles"]] == [identifier]
    assert not modules.run("esx_host_trust", **declared).changed


def test_profiles_are_rows_of_the_report(modules: Modules, host: Host) -> None:
    put(host, "admins", "SECURITY_MGMT", alias="new")
    host.put_client_profile(name="stranger", grants=grants("IDENTITY_MGMT"))
    host.put_client_profile("p", type="PRIVILEGES", privileges={"a": ["b"]})
    declared = [{**GROUP, "entitlements": ["READ_ONLY"]}, {"local_user_name": "x", "entitlements": []}]

    for purge, status in ((False, "undeclared"), (True, "extra")):
        ran = modules.run("esx_host_trust", check=True, client_profiles=declared, purge_client_profiles=purge)
        rows = {resource["id"]: (resource["status"], resource["message"]) for resource in ran.result["resources"]}

        assert rows["local user stranger"] == (status, "It grants IDENTITY_MGMT.")
        assert rows["local user x"][0] == "missing"
        assert rows["PRIVILEGES p"][0] == "undeclared"

        differs = rows["external group d\\admins of new"]

        assert differs == ("differs", "It lacks READ_ONLY and it has SECURITY_MGMT besides what is declared.")

    modules.run("esx_host_trust", client_profiles=declared, purge_client_profiles=True)

    assert set(rights(host)) == {("new", "admins"), (None, "x"), (None, None)}


@nothing_cascades
def test_nobody_purges_himself(modules: Modules, host: Host) -> None:
    host.put_client_profile(name=host.username, grants=grants("IDENTITY_MGMT"))
    ran = modules.run("esx_host_trust", client_profiles=[], purge_client_profiles=True)

    assert ran.result["failure"]["code"] == "conflict"
    assert ran.message.count("IDENTITY_MGMT") == 1
    assert host.writes == []


@nothing_cascades
def test_profiles_are_not_read_without_need(modules: Modules, host: Host) -> None:
    modules.run("esx_host_trust", token_issuers=[{**RENAMED, "issuer_alias": "old"}])
    assert not [record for record in host.journal if (record.operation or "").startswith(SERVICE)]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"client_profiles": [{**GROUP, "entitlements": []}] * 2}, "more than once"),
        ({"purge_client_profiles": True, "token_issuers": []}, "client_profiles"),
        (
            {
                "client_profiles": [{**GROUP, "entitlements": []}],
                "token_issuers": [{"issuer_alias": "new", "state": "absent"}],
            },
            "client_profiles[0].issuer_alias",
        ),
        ({"client_profiles": [{"entitlements": []}]}, "client_profiles[0].local_user_name"),
        ({"client_profiles": [{"local_user_name": "x"}]}, "entitlements"),
    ],
)
@nothing_cascades
def test_refused_options(modules: Modules, host: Host, options: dict[str, Any], named: str) -> None:
    ran = modules.run("esx_host_trust", **options)
    assert ran.failed
    assert named in ran.message
    assert host.journal == []
