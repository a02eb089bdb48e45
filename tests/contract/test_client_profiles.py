# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated service of client profiles, over REST: subjects, filters, cascade, and what entitlements allow."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from contract.samples import ISSUERS
from contract.samples import PROFILES
from contract.samples import PROVIDERS
from contract.samples import TOKEN
from contract.samples import issuer
from contract.samples import profile
from contract.samples import provider
from simulator import Fault
from simulator.faults import PutClientProfile
from support.client_profiles import grants
from support.credentials import packed_saml

if TYPE_CHECKING:
    from contract.calls import Call
    from simulator import Host

GROUP = {"external_group_name": "admins", "issuer_alias": "vc", "domain": "vsphere.local"}
SUBJECT = {"type": "EXTERNAL_GROUP", "name": "admins", "issuer_alias": "vc", "domain": "vsphere.local"}


def _reason(answer: Any) -> str:
    """The last part of the first message's id."""
    identifier: str = answer.json()["messages"][0]["id"]
    return identifier.rpartition(".")[2]


def test_a_profile_lives(call: Call, host: Host) -> None:
    host.put_issuer("vc", "https://vc.example.test/")
    answer = call("POST", PROFILES, json={**GROUP, "grants": grants("READ_ONLY")})

    assert answer.status_code == 201

    (identifier,) = host.client_profiles

    assert answer.json() == identifier

    path = f"{PROFILES}/{identifier}"

    assert call("GET", path).json() == {"subject": SUBJECT, "grants": grants("READ_ONLY")}

    both = grants("SECURITY_MGMT", "IDENTITY_MGMT")

    assert call("PATCH", path, json={"grants": both}).status_code == 204
    assert host.client_profiles[identifier].grants == both
    assert call("PATCH", path, json={}).status_code == 204
    assert host.client_profiles[identifier].grants == both
    assert call("PATCH", path, json={"grants": []}).status_code == 204
    assert call("GET", path).json()["grants"] == []
    assert call("DELETE", path).status_code == 204
    assert host.client_profiles == {}
    assert [record.wrote for record in host.writes] == [True, True, False, True, True]


@pytest.mark.parametrize(
    ("projection", "fields"),
    [
        ("BRIEF", {"summary_type", "client_profile"}),
        ("NORMAL", {"summary_type", "client_profile", "subject"}),
        ("FULL", {"summary_type", "client_profile", "subject", "grants"}),
    ],
)
def test_projections(projection: str, fields: set[str], call: Call, host: Host) -> None:
    host.put_client_profile("1", name="reader")
    (summary,) = call("GET", PROFILES, params={"projection": projection}).json()
    assert set(summary) == fields


def test_a_subject_has_one_profile(call: Call, host: Host) -> None:
    host.settings(profile_needs_issuer=False)
    for body in (profile("a"), {**GROUP, "grants": []}, {**GROUP, "domain": "other", "grants": []}):
        assert call("POST", PROFILES, json=body).status_code == 201

        answer = call("POST", PROFILES, json={**body, "grants": grants("OBSERVABILITY")})
        assert (answer.status_code, answer.json()["error_type"]) == (400, "ALREADY_EXISTS")

    assert len(host.client_profiles) == 3


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"local_user_name": "reader"}, ["1"]),
        ({"local_user_name": "READER"}, []),
        (GROUP, ["2"]),
        ({**GROUP, "domain": "other"}, []),
        ({"external_user_name": "admins", "issuer_alias": "vc", "domain": "vsphere.local"}, []),
    ],
)
def test_filters(query: dict[str, str], names: list[str], call: Call, host: Host) -> None:
    host.put_client_profile("1", name="reader")
    host.put_client_profile("2", **SUBJECT)
    assert [each["client_profile"] for each in call("GET", PROFILES, params=query).json()] == names


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"issuer_alias": "vc"}, "invalid_filterspec"),
        ({"local_user_name": "a", "domain": "d"}, "invalid_filterspec"),
        ({"local_user_name": "a", "external_user_name": "b"}, "multiple_filter_subjects"),
        ({"external_user_name": "b", "issuer_alias": "vc"}, "incomplete_filterspec"),
        ({"external_group_name": "b"}, "incomplete_filterspec"),
    ],
)
def test_refused_filters(query: dict[str, str], reason: str, call: Call) -> None:
    answer = call("GET", PROFILES, params=query)
    assert (answer.status_code, answer.json()["error_type"]) == (400, "INVALID_ARGUMENT")
    assert _reason(answer) == reason


@pytest.mark.parametrize(
    "body",
    [
        {"grants": []},
        {"local_user_name": "a"},
        {"local_user_name": "", "grants": []},
        {"local_user_name": "a", "external_user_name": "b", "grants": []},
        {"local_user_name": "a", "domain": "d", "grants": []},
        {"external_user_name": "a", "domain": "d", "grants": []},
        {"external_user_name": "a", "issuer_alias": "vc", "grants": []},
        {**GROUP, "issuer_alias": "no such", "grants": []},
        {"local_user_name": "a", "grants": grants("ROOT")},
        {"local_user_name": "a", "grants": [{"resource_type": "ENTITLEMENT"}]},
        {"local_user_name": "a", "grants": [{"resource_type": "OTHER", "entitlement": "READ_ONLY"}]},
        {"local_user_name": "a", "grants": [], "privileges": {"x": ["y"]}},
    ],
)
def test_refused_profiles(body: dict[str, Any], call: Call, host: Host) -> None:
    host.put_issuer("vc", "https://vc.example.test/")
    answer = call("POST", PROFILES, json=body)

    assert (answer.status_code, answer.json()["error_type"]) == (400, "INVALID_ARGUMENT")
    assert host.client_profiles == {}


@pytest.mark.parametrize("cascade", [True, False])
def test_a_deleted_issuer_takes_its_profiles_along(cascade: bool, call: Call, host: Host) -> None:
    host.settings(profiles_cascade=cascade)
    for alias in ("vc", "other"):
        host.put_issuer(alias, f"https://{alias}.example.test/")
        host.put_client_profile(alias, type="EXTERNAL_USER", name="u", issuer_alias=alias, domain="d")

    host.put_client_profile("local", name="vc")

    assert call("DELETE", ISSUERS + "/vc").status_code == 204
    assert set(host.client_profiles) == ({"other", "local"} if cascade else {"vc", "other", "local"})


def test_what_newer_hosts_have_is_shown(call: Call, host: Host) -> None:
    odd = {"resource_type": "ROLE", "role": "x"}
    host.put_client_profile("1", type="PRIVILEGES", privileges={"scope": ["a"]}, grants=[odd])
    (summary,) = call("GET", PROFILES, params={"projection": "FULL"}).json()

    assert summary["subject"] == {"type": "PRIVILEGES", "privileges": {"scope": ["a"]}}
    assert summary["grants"] == [odd]


def test_a_host_without_the_service(call: Call, host: Host) -> None:
    host.settings(client_profiles_service=False)
    assert call("GET", PROFILES).status_code == 404
    assert call("POST", PROFILES, json=profile()).json()["error_type"] == "OPERATION_NOT_FOUND"


def test_profiles_grant_what_an_account_lacks(call: Call, host: Host, chain: list[str]) -> None:
    host.put_account("automation", "password", ())
    login = {"auth": ("automation", "password")}

    assert call("GET", ISSUERS, **login).status_code == 401

    identifier = host.put_client_profile(name="automation", grants=grants("IDENTITY_MGMT"))

    assert call("GET", ISSUERS, **login).status_code == 200
    assert call("POST", ISSUERS, json=issuer(chain), **login).status_code == 204
    assert call("POST", PROVIDERS, json=provider(), **login).status_code == 403

    host.put_client_profile(identifier, grants=grants("SECURITY_MGMT"))

    assert call("POST", PROVIDERS, json=provider(), **login).status_code == 204
    assert call("DELETE", ISSUERS + "/vc", **login).status_code == 401


def test_a_group_of_a_trusted_issuer(call: Call, host: Host, chain: list[str]) -> None:
    subject = {"name": "ann", "domain": "vsphere.local", "issuer_alias": "vc", "groups": ["admins"]}
    host.settings(saml_subjects={"<Assertion/>": subject}, token_needs_entitlements=True)
    packed = packed_saml("<Assertion/>")
    signed = {"auth": lambda request: request, "headers": {"Authorization": f'SIGN token="{packed}"'}}

    assert call("POST", TOKEN, **signed).status_code == 401

    host.put_issuer("vc", "https://vc.example.test/", [chain])

    assert _reason(call("POST", TOKEN, **signed)) == "no_entitlements"

    host.put_client_profile(**SUBJECT, grants=grants("READ_ONLY"))
    token = call("POST", TOKEN, **signed).json()["access_token"]
    bearer = {"auth": lambda request: request, "headers": {"Authorization": f"Bearer {token}"}}

    assert call("GET", ISSUERS, **bearer).status_code == 200
    assert call("DELETE", ISSUERS + "/vc", **bearer).status_code == 401


def test_only_oauth(call: Call, host: Host) -> None:
    host.settings(oauth_only=["client_profiles"])
    answer = call("GET", PROFILES)

    assert (answer.status_code, _reason(answer)) == (401, "bad_authn_scheme")
    assert host.login_attempts == 0
    assert call("GET", ISSUERS).status_code == 200


def test_another_client_comes_first(call: Call, host: Host) -> None:
    change = PutClientProfile(change="put_client_profile", name="reader")
    host.queue(Fault(kind="race", operation="*client_profiles.create", change=[change]))
    assert call("POST", PROFILES, json=profile()).json()["error_type"] == "ALREADY_EXISTS"


def test_a_host_that_standardises_certificates(call: Call, host: Host, chain: list[str]) -> None:
    host.settings(standardises_certificates=True)
    call("POST", ISSUERS, json=issuer(chain))

    assert host.issuers["vc"].chains == [chain[:1]]

    ((text,),) = (each["cert_chain"] for each in call("GET", ISSUERS + "/vc").json()["signing_cert_chains"])

    assert text != chain[0]
    assert "".join(text.split()) == "".join(chain[0].split())


def test_empty_chains(call: Call, host: Host) -> None:
    assert call("POST", ISSUERS, json=issuer([])).json()["error_type"] == "INVALID_ARGUMENT"

    host.settings(empty_chains_refused=False)

    assert call("POST", ISSUERS, json=issuer([])).status_code == 204
    assert host.issuers["vc"].chains == [[]]

    host.settings(standardises_certificates=True)

    assert call("PATCH", ISSUERS + "/vc", json={"signing_cert_chains": [{"cert_chain": []}]}).status_code == 204
