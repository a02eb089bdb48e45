# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client profiles of a whole host, alone and with their issuers, while things go wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.credentials import NoCredentials
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import HostTrust
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import IssuersAndProfiles
from support.client_profiles import grants
from support.examples import examples
from support.memory import MemoryHost
from support.memory import NormalizingHost
from support.memory import ScriptedClient
from support.memory import api_error
from support.steps import actions
from support.whole_hosts import ALIASES
from support.whole_hosts import CHAINS
from support.whole_hosts import NAMES
from support.whole_hosts import NEW
from support.whole_hosts import OLD
from support.whole_hosts import RENAME
from support.whole_hosts import absent
from support.whole_hosts import desired
from support.whole_hosts import group
from support.whole_hosts import host_with
from support.whole_hosts import issuer
from support.whole_hosts import issuers_of
from support.whole_hosts import planned
from support.whole_hosts import run
from support.whole_hosts import trusted


def test_a_host_that_drops_an_entitlement_is_warned_of() -> None:
    client = ScriptedClient(NormalizingHost())
    wanted = desired(profiles=[group("admins", "vc", "READ_ONLY", "SECURITY_MGMT")])
    first, second = run(client, wanted), run(ScriptedClient(client.memory), wanted)

    assert [first.changed, second.changed] == [True, False]
    assert "it grants READ_ONLY, not SECURITY_MGMT, READ_ONLY." in first.warnings[-1]
    assert "it grants READ_ONLY, not SECURITY_MGMT, READ_ONLY; it holds the same" in second.warnings[-1]
    assert [profile["entitlements"] for profile in first.after["client_profiles"]] == [["READ_ONLY"]]


def pair(host: MemoryHost, alias: str, *identifiers: str) -> None:
    """Let the host hold profiles of one subject with different grants, which a host should not."""
    for identifier, entitlement in zip(identifiers, ("READ_ONLY", "SECURITY_MGMT")):
        host.profiles[identifier] = {
            "subject": {"type": "EXTERNAL_GROUP", "name": "admins", "issuer_alias": alias, "domain": "d"},
            "grants": grants(entitlement),
        }


def test_two_profiles_of_one_subject_are_purged() -> None:
    client = ScriptedClient(MemoryHost())
    pair(client.memory, "vc", "1", "2")
    label = "external group d\\admins of vc"
    wanted = HostTrust((IssuersAndProfiles(profiles=(), purge_profiles=True),))

    assert actions(run(client, wanted)) == [("delete", label), ("delete", label)]
    assert client.memory.profiles == {}


@pytest.mark.parametrize("lost", [1, 2])
def test_two_profiles_of_one_subject_go_with_their_issuer(lost: int) -> None:
    client = ScriptedClient(host_with(("vc", "https://vc", OLD)))
    pair(client.memory, "vc", "1", "2")
    for _passed in range(lost - 1):
        client.passes("delete")
    client.loses_answer("delete")
    done = actions(run(client, desired(issuers=[absent("vc")])))

    assert [action for action, _name in done] == ["delete", "delete", "delete"]
    assert client.memory.profiles == {}


def test_a_profile_that_was_made_anew_while_two_of_its_subject_went_is_left_alone() -> None:
    client = ScriptedClient(MemoryHost())
    pair(client.memory, "vc", "1", "2")
    client.loses_answer("delete")

    def anew(memory: MemoryHost) -> None:
        pair(memory, "vc", "3")
        memory.profiles["3"]["grants"] = []

    client.is_raced("list_profiles", lambda memory: None)
    client.is_raced("list_profiles", anew)
    with pytest.raises(Conflict, match="created again"):
        run(client, HostTrust((IssuersAndProfiles(profiles=(), purge_profiles=True),)))

    assert "3" in client.memory.profiles


def test_what_is_put_back_is_called_by_its_kind() -> None:
    """A renaming whose second profile is refused: the first copy goes, and the issuer comes back."""
    client = ScriptedClient(host_with(("old", "https://vc", OLD)))

    for name in ("admins", "people"):
        client.memory.profiles[name] = {
            "subject": {"type": "EXTERNAL_GROUP", "name": name, "issuer_alias": "old", "domain": "d"},
            "grants": [],
        }

    before = client.memory.state()
    for _passed in range(2):
        client.passes("create")
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    with pytest.raises(TrustError) as caught:
        run(client, desired(issuers=[issuer("new", "https://vc", NEW, **RENAME)], profiles=[]))

    assert caught.value.message.endswith("The token_issuer 'old' was put back as it was.")
    assert client.memory.state() == before


class JsonRpcHost(MemoryHost):
    """Takes only what JSON-RPC can carry: the fields that the API has."""

    def perform(self, call: Call) -> Any:
        JSON_RPC.encode(call, NoCredentials())
        return super().perform(call)


def test_grants_are_put_back_without_the_fields_that_the_host_adds() -> None:
    """The copy of a second profile is refused after the first one was changed as declared."""
    client = ScriptedClient(JsonRpcHost(), retries=0)
    memory = client.memory
    memory.hold_issuer("old", "https://vc", [OLD])
    memory.hold_issuer("new", "https://other", [OLD])
    (right,) = grants("SECURITY_MGMT")

    for name, alias, grant in (("u", "old", right), ("w", "old", right), ("u", "new", {**right, "granted_by": "root"})):
        memory.profiles[f"{name} of {alias}"] = {
            "subject": {"type": "EXTERNAL_GROUP", "name": name, "issuer_alias": alias, "domain": "d"},
            "grants": [grant],
        }

    before = client.memory.state()
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))

    with pytest.raises(TrustError) as caught:
        run(
            client,
            desired(
                issuers=[issuer("new", "https://vc", NEW, **RENAME)],
                profiles=[group("u", "new", "READ_ONLY")],
            ),
        )

    assert "were put back as they were: client_profile 'external group" in caught.value.message
    assert caught.value.not_restored == []

    before[2]["u of new"]["grants"] = [right]

    assert memory.state() == before


def test_a_grant_that_cannot_be_written_is_refused_before_it_is_sent() -> None:
    profile = ClientProfile(Subject("LOCAL_USER", "u"), (Grant("ROLE", None, '{"role": "auditor"}'),))
    memory = JsonRpcHost()
    with pytest.raises(TrustError, match="fields that this collection does not know"):
        memory.apply([Step.between("client_profile", "u", None, profile)])

    assert memory.profiles == {}


entitlements = st.lists(st.sampled_from(["READ_ONLY", "IDENTITY_MGMT"]), unique=True)


@st.composite
def hosts_with_rights(draw: st.DrawFn) -> MemoryHost:
    host = MemoryHost()
    aliases = draw(st.lists(st.sampled_from(ALIASES[:3]), unique=True))
    for alias, name in zip(aliases, draw(st.permutations(NAMES[:3]))):
        host.hold_issuer(alias, name, [draw(st.sampled_from(CHAINS))])

    # Some name an alias that is not there.
    for alias in draw(st.lists(st.sampled_from(ALIASES[:3]), unique=True)):
        for name in draw(st.lists(st.sampled_from("uv"), unique=True)):
            subject = {"type": "EXTERNAL_GROUP", "name": name, "issuer_alias": alias, "domain": "d"}
            host.profiles[f"{name} of {alias}"] = {"subject": subject, "grants": grants(*draw(entitlements))}

    return host


@st.composite
def declared_rights(draw: st.DrawFn) -> HostTrust:
    issuers = []
    aliases = draw(st.lists(st.sampled_from(ALIASES[:3]), unique=True))

    for alias, name in zip(aliases, draw(st.permutations(NAMES[:3]))):
        policy = draw(st.sampled_from(["fail", "adopt", "rename", "rename", "absent"]))
        if policy == "absent":
            issuers.append(absent(alias))
        else:
            mode = draw(st.sampled_from(["exact", "merge"]))
            chains = draw(st.sampled_from(CHAINS))
            issuers.append(issuer(alias, name, chains, chains_mode=mode, issuer_conflict=policy))

    leaving = [entry["issuer_alias"] for entry in issuers if entry["state"] == "absent"]
    profiles = None

    if draw(st.booleans()):
        subjects = st.tuples(st.sampled_from("uv"), st.sampled_from(ALIASES[:3]))
        profiles = [
            {
                **group(name, alias, *draw(entitlements)),
                "entitlements_mode": draw(st.sampled_from(["exact", "merge"])),
                "state": "absent" if alias in leaving else draw(st.sampled_from(["present", "present", "absent"])),
            }
            for name, alias in draw(st.lists(subjects, unique=True, max_size=3))
        ]

    return desired(issuers=issuers, purge=draw(st.booleans()), profiles=profiles)


@settings(max_examples=examples(150))
@given(
    host=hosts_with_rights(),
    wanted=declared_rights(),
    trouble=st.integers(0, 9),
    kind=st.sampled_from(["refused", "done and failed", "lost", "done and lost"]),
)
def test_rights_and_issuers_meet_one_trouble(host: MemoryHost, wanted: HostTrust, trouble: int, kind: str) -> None:
    """Every write is told once, no declared issuer is lost, and the next run ends as declared."""
    before = set(trusted(host).values())
    done: list[tuple[str, str]] = []
    perform, count = host.perform, 0

    def watched(call: Call) -> Any:
        nonlocal count
        if call.operation.reads:
            return perform(call)
        count += 1
        troubled = count == trouble
        if troubled and kind in ("refused", "lost"):
            raise api_error("INVALID_ARGUMENT") if kind == "refused" else AnswerLost("esx01: lost.")
        answer = perform(call)
        done.append((call.operation.service.rpartition(".")[2].replace("security_", ""), call.operation.name))
        if troubled:
            raise AnswerLost("esx01: lost.") if kind == "done and lost" else api_error("INTERNAL_SERVER_ERROR", 500)

        return answer

    failure = None

    try:
        with mock.patch.object(host, "perform", watched):
            outcome = run(ScriptedClient(host), wanted)
        reported = [step.describe() for step in outcome.steps]
        subjects = [
            (profile["external_group_name"], profile["issuer_alias"]) for profile in outcome.after["client_profiles"]
        ]

        assert len(subjects) == len(set(subjects))
    except TrustError as error:
        failure, reported = error, error.operations

    assert sorted((f"{entry['resource']}s", entry["operation"]) for entry in reported) == sorted(done), failure

    if isinstance(failure, Conflict):
        return

    if failure is not None:
        kept = {declared.issuer for declared in issuers_of(wanted).issuers or () if declared.state == "present"}
        assert not (before & kept) - set(trusted(host).values()), failure

        run(ScriptedClient(host), wanted)

    ends = planned(host, wanted)

    assert (ends.steps, ends.conflict) == ((), None)


@settings(max_examples=examples(200))
@given(host=hosts_with_rights(), wanted=declared_rights(), purge=st.booleans())
def test_nobody_is_out_of_control_at_any_moment(host: MemoryHost, wanted: HostTrust, purge: bool) -> None:
    """Whatever is declared, and wherever the run is killed."""
    account = Account(groups=frozenset({("d", "u")}))

    services: list[Any] = []
    for service in wanted.logged_in(account).services:
        if isinstance(service, IssuersAndProfiles):
            services.append(replace(service, purge_profiles=purge))
        else:
            services.append(service)

    trust = HostTrust(tuple(services))

    def in_control() -> bool:
        held = [profile["grants"] for profile in host.profiles.values() if profile["subject"]["name"] == "u"]
        return "IDENTITY_MGMT" in str(held)

    before = in_control()

    for step in planned(host, trust).steps:
        host.apply([step])
        assert in_control() or not before
