# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole host while things go wrong: what was done is told, and what was trusted stays trusted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from typing import Optional
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.credentials import NoCredentials
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import Outcome
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
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
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from support.certificates import chain
from support.client_profiles import grants
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.examples import examples
from support.memory import DroppingHost
from support.memory import MemoryHost
from support.memory import NormalizingHost
from support.memory import ScriptedClient
from support.memory import api_error
from support.whole_hosts import ALIASES
from support.whole_hosts import CHAINS
from support.whole_hosts import NAMES
from support.whole_hosts import NEW
from support.whole_hosts import OLD
from support.whole_hosts import absent
from support.whole_hosts import declarations
from support.whole_hosts import desired
from support.whole_hosts import group
from support.whole_hosts import holdings
from support.whole_hosts import host_with
from support.whole_hosts import issuer
from support.whole_hosts import issuers_of
from support.whole_hosts import planned
from support.whole_hosts import provider
from support.whole_hosts import trusted

DEEP = chain(2, subject="deep")
RENAME = {"issuer_conflict": "rename"}


def run(client: ScriptedClient, wanted: HostTrust, check_mode: bool = False) -> Outcome:
    return converge(client.as_client(), wanted.host, check_mode=check_mode)


def told(outcome: Any) -> list[tuple[str, str]]:
    return [(step.action, step.id) for step in outcome.steps]


def test_a_write_in_doubt_is_told_although_somebody_else_did_some_of_the_rest() -> None:
    host = host_with(("a", "https://a", OLD), ("s", "https://s", OLD))
    client = ScriptedClient(host)
    client.loses_answer("update")
    client.passes("list")
    client.is_raced("list", lambda memory: memory.issuers.pop("s"))
    outcome = run(client, desired(issuers=[issuer("a", "https://a", NEW)], purge=True))

    assert told(outcome) == [("update", "a")]


def test_a_write_in_doubt_is_told_whatever_the_order_of_the_rest() -> None:
    host = host_with(("a", "https://w", OLD))
    client = ScriptedClient(host)
    client.loses_answer("update")
    wanted = desired(issuers=[issuer("d", "https://w"), issuer("a", "https://x", **RENAME), issuer("b", "https://z")])

    assert ("update", "a") in told(run(client, wanted))
    assert trusted(host) == {"d": "https://w", "a": "https://x", "b": "https://z"}


@pytest.mark.parametrize("key_id", [KEY_ID, None])
def test_a_provider_that_was_replaced_while_the_run_wrote_is_not_deleted(key_id: Optional[str]) -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))
    client.is_raced("create", lambda memory: memory.hold_provider("site-a", key_id=OTHER_KEY_ID))
    wanted = desired([provider("site-a", state="absent", key_id=key_id)], [issuer("a", "https://a")])
    with pytest.raises(Conflict) as caught:
        run(client, wanted)

    assert client.writes == ["create"]
    assert [entry["id"] for entry in caught.value.operations] == ["a"]
    assert client.memory.key_providers["site-a"]["native_info"]["key_id"] == OTHER_KEY_ID


def test_a_provider_that_was_replaced_while_the_run_waited_is_not_deleted() -> None:
    """Nothing was written, but the host was slow to tell its issuers."""
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))

    def replace_and_fail() -> TrustError:
        client.memory.hold_provider("site-a", key_id=OTHER_KEY_ID)
        return AnswerLost("esx01: the answer was lost (silence).")

    client.fails("list", replace_and_fail)
    with pytest.raises(Conflict):
        run(client, desired([provider("site-a", state="absent")], [absent("a")]))

    assert client.writes == []


def test_a_provider_that_somebody_else_deleted_meanwhile_is_not_claimed() -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))
    client.is_raced("create", lambda memory: memory.key_providers.clear())
    outcome = run(client, desired([provider("site-a", state="absent")], [issuer("a", "https://a")]))

    assert told(outcome) == [("create", "a")]


@pytest.mark.parametrize("raced", ["get", "delete"], ids=["seen before the deletion", "seen by the deletion"])
def test_a_removal_goes_on_without_a_retry_where_somebody_else_removed_a_part(raced: str) -> None:
    host = host_with(*((alias, f"https://{alias}", OLD) for alias in "abc"))
    client = ScriptedClient(host, retries=0)
    if raced == "delete":
        client.passes("delete")
    client.is_raced(raced, lambda memory: memory.issuers.pop("b"))
    outcome = run(client, desired(issuers=[], purge=True))

    assert told(outcome) == [("delete", "a"), ("delete", "c")]
    assert host.issuers == {}


def test_a_removal_of_providers_goes_on_without_a_retry() -> None:
    host = host_with(providers=dict.fromkeys("abc", KEY_ID))
    client = ScriptedClient(host, retries=0)
    for _look in "abc":
        client.passes("get")
    client.is_raced("get", lambda memory: memory.key_providers.pop("b"))
    wanted = desired([provider(name, state="absent") for name in "abc"])

    assert told(run(client, wanted)) == [("delete", "a"), ("delete", "c")]
    assert host.key_providers == {}


def test_a_plan_that_somebody_else_made_larger_costs_a_retry() -> None:
    """The new plan is not shorter than the rest of the old one, so the run may not go on for nothing."""
    host = host_with(("a", "https://a", OLD), ("b", "https://b", OLD))
    client = ScriptedClient(host, retries=0)

    def exchange(memory: MemoryHost) -> None:
        del memory.issuers["b"]
        memory.hold_issuer("d", "https://d", [OLD])

    client.is_raced("get", exchange)
    with pytest.raises(TrustError) as caught:
        run(client, desired(issuers=[], purge=True))

    assert "since the last look" in caught.value.message
    assert list(host.issuers) == ["d"]


def test_a_run_of_one_step_looks_no_second_time() -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))
    run(client, desired([provider("site-a", state="absent")]))
    assert client.calls == ["get", "delete"]


def test_an_alias_that_got_another_issuer_while_the_run_wrote_is_not_deleted() -> None:
    client = ScriptedClient(host_with(("a", "https://a", OLD), ("b", "https://b", OLD)))
    client.is_raced("delete", lambda memory: memory.hold_issuer("b", "https://theirs", [OLD]))
    with pytest.raises(Conflict, match="created again"):
        run(client, desired(issuers=[absent("a"), absent("b")]))

    assert trusted(client.memory) == {"b": "https://theirs"}


def test_chains_are_not_given_to_the_issuer_of_somebody_else() -> None:
    client = ScriptedClient(host_with(("a", "https://a", OLD), ("b", "https://b", OLD)))
    bodies: list[Any] = []
    perform = client.memory.perform

    def watched(call: Call) -> Any:
        if call.operation.name == "update":
            bodies.append((call.arguments["issuer_alias"], sorted(call.arguments["spec"])))
        return perform(call)

    client.is_raced("update", lambda memory: memory.hold_issuer("b", "https://theirs", [OLD]))
    with mock.patch.object(client.memory, "perform", watched):
        run(client, desired(issuers=[issuer("a", "https://a", NEW), issuer("b", "https://b", NEW)]))

    # The alias was declared of https://b, so it gets all that is declared, and not only the chains.
    assert bodies == [("a", ["signing_cert_chains"]), ("b", ["issuer", "signing_cert_chains"])]


def test_a_marking_that_never_arrived_is_not_told() -> None:
    """Although it is no longer planned: somebody has made the other alias as it is declared."""
    host = host_with(("former", "https://vc", NEW))
    client = ScriptedClient(host)
    client.loses_request("update")
    client.passes("list")
    client.is_raced("list", lambda memory: memory.hold_issuer("former", "https://vc", [OLD]))
    outcome = run(client, desired(issuers=[issuer("vc", "https://vc", OLD, **RENAME)]))

    assert told(outcome) == []
    assert trusted(host) == {"former": "https://vc"}


@pytest.mark.parametrize("lost", range(1, 6))
def test_every_write_of_a_chain_of_moves_is_told_whichever_answer_is_lost(lost: int) -> None:
    host = host_with(("a", "https://w", OLD), ("b", "https://y", OLD), ("d", "https://x", OLD))
    client = ScriptedClient(host)
    for _passed in range(lost - 1):
        client.passes("update")
    client.loses_answer("update")
    moves = {"a": "https://x", "b": "https://w", "d": "https://z"}
    outcome = run(client, desired(issuers=[issuer(alias, name, **RENAME) for alias, name in moves.items()]))

    assert told(outcome) == [("update", alias) for alias in "abdad"]
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


def test_what_cannot_be_put_back_is_told() -> None:
    host = host_with(("a", "https://x", OLD))
    client = ScriptedClient(host)
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    client.passes("update")
    client.fails("update", lambda: api_error("INVALID_ARGUMENT"), times=5)
    with pytest.raises(TrustError) as caught:
        run(client, desired(issuers=[issuer("a", "https://y"), issuer("b", "https://x")]))

    assert "'a' could not be put back" in caught.value.message
    assert caught.value.not_restored[0]["issuer"] == "https://x"


def test_merge_keeps_the_chains_of_an_issuer_whose_alias_is_given_away() -> None:
    host = MemoryHost()
    host.hold_issuer("b", "https://x", [NEW, DEEP])
    wanted = desired(issuers=[issuer("d", "https://x", OLD, chains_mode="merge"), issuer("b", "https://z")])
    run(ScriptedClient(host), wanted)

    assert len(host.issuers["d"]["signing_cert_chains"]) == 3


@pytest.mark.parametrize("alias", ["..", "", "\ud800"])
def test_what_cannot_be_asked_for_is_a_conflict_before_anything_is_written(alias: str) -> None:
    client = ScriptedClient(host_with((alias, "https://s", OLD)))
    with pytest.raises(Conflict) as caught:
        run(client, desired([provider("site")], [issuer("vc", "https://vc")], purge=True))

    assert client.writes == []
    assert caught.value.message.startswith("esx01: ")


def test_a_second_alias_of_a_declared_issuer_is_nobody_s() -> None:
    """The API says that there is none; a host may say otherwise."""
    host = host_with(("vc", "https://vc", OLD), ("shadow", "https://vc", NEW))
    outcome = run(ScriptedClient(host), desired(issuers=[issuer("vc", "https://vc")]))

    assert [part["status"] for part in outcome.found["resources"]] == ["ok", "undeclared"]
    assert told(run(ScriptedClient(host), desired(issuers=[issuer("vc", "https://vc")], purge=True))) == [
        ("delete", "shadow")
    ]


def test_an_alias_that_is_listed_twice_ends_in_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    client = ScriptedClient(host_with(("s", "https://s", OLD)))
    listed = client.memory._list_issuers

    def twice(path: Any, body: Any) -> Any:
        return listed(path, body) * 2

    monkeypatch.setattr(client.memory, "_list_issuers", twice)
    run(client, desired(issuers=[absent("other")], purge=True), check_mode=True)


def test_an_audit_tells_of_a_renaming_that_was_interrupted() -> None:
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


@settings(max_examples=examples(300))
@given(host=holdings(), wanted=declarations(), trouble=st.integers(0, 6), refused=st.booleans())
def test_one_lost_answer_or_refusal_hides_nothing_and_costs_no_trust(
    host: MemoryHost, wanted: HostTrust, trouble: int, refused: bool
) -> None:
    before = set(trusted(host).values())
    client = ScriptedClient(host)
    done: list[tuple[str, str]] = []
    perform, count = host.perform, 0

    def watched(call: Call) -> Any:
        nonlocal count
        action = call.operation.name
        if call.operation.reads:
            return perform(call)
        count += 1
        if count == trouble and refused:
            raise api_error("INVALID_ARGUMENT")
        answer = perform(call)
        names = {**call.arguments, **call.arguments.get("spec", {})}
        done.append((action, names.get("provider") or names["issuer_alias"]))
        if count == trouble:
            raise api_error("INTERNAL_SERVER_ERROR", 500)

        return answer

    try:
        with mock.patch.object(host, "perform", watched):
            said = told(run(client, wanted))
        message = ""
    except TrustError as error:
        said = [(one["operation"], one["id"]) for one in error.operations]
        message = "" if isinstance(error, Conflict) else error.message

    assert sorted(said) == sorted(done), message

    if message:
        kept = {one.issuer for one in issuers_of(wanted).issuers or () if one.state == "present"}
        assert not (before & kept) - set(trusted(host).values()), message

        run(ScriptedClient(host), wanted)

        assert not planned(host, wanted).steps


def test_a_swap_that_stops_in_doubt_where_nobody_can_look_tells_what_may_be_lost() -> None:
    host = host_with(("a", "https://x", OLD), ("b", "https://y", NEW))
    client = ScriptedClient(host, retries=0)
    client.loses_answer("update")
    client.passes("list")
    client.fails("list", lambda: api_error("INTERNAL_SERVER_ERROR", 500), times=9)
    with pytest.raises(TrustError) as caught:
        run(client, desired(issuers=[issuer("a", "https://y", **RENAME), issuer("b", "https://x", **RENAME)]))

    assert "'b' could not be put back" in caught.value.message
    assert [one["issuer"] for one in caught.value.not_restored] == ["https://y"]


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "in doubt"])
def test_the_last_look_counts_each_write_once(lost: bool) -> None:
    """The profile that was made is one, whether it was seen before or is assumed."""
    client = ScriptedClient(DroppingHost())
    if lost:
        client.passes("create")
        client.loses_answer("create")

    profiles = [group("admins", "vc", "READ_ONLY"), group("people", "vc", "READ_ONLY")]
    outcome = run(client, desired(issuers=[issuer("vc", "https://vc", DEEP)], profiles=profiles))

    assert len(outcome.warnings) == 1
    assert [one["external_group_name"] for one in outcome.after["client_profiles"]] == ["admins", "people"]


def test_a_host_that_drops_an_entitlement_is_warned_of() -> None:
    client = ScriptedClient(NormalizingHost())
    wanted = desired(profiles=[group("admins", "vc", "READ_ONLY", "SECURITY_MGMT")])
    first, second = run(client, wanted), run(ScriptedClient(client.memory), wanted)

    assert [first.changed, second.changed] == [True, False]
    assert "it grants READ_ONLY, not SECURITY_MGMT, READ_ONLY." in first.warnings[-1]
    assert "it grants READ_ONLY, not SECURITY_MGMT, READ_ONLY; it holds the same" in second.warnings[-1]
    assert [one["entitlements"] for one in first.after["client_profiles"]] == [["READ_ONLY"]]


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

    assert told(run(client, wanted)) == [("delete", label), ("delete", label)]
    assert client.memory.profiles == {}


@pytest.mark.parametrize("lost", [1, 2])
def test_two_profiles_of_one_subject_go_with_their_issuer(lost: int) -> None:
    client = ScriptedClient(host_with(("vc", "https://vc", OLD)))
    pair(client.memory, "vc", "1", "2")
    for _passed in range(lost - 1):
        client.passes("delete")
    client.loses_answer("delete")
    said = told(run(client, desired(issuers=[absent("vc")])))

    assert [action for action, _name in said] == ["delete", "delete", "delete"]
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

    assert "was put back as it was" in caught.value.message
    assert caught.value.not_restored == []

    before[2]["u of new"]["grants"] = [right]

    assert memory.state() == before


def test_a_grant_that_cannot_be_written_is_refused_before_it_is_sent() -> None:
    profile = ClientProfile(Subject("LOCAL_USER", "u"), (Grant("ROLE", None, '{"role": "auditor"}'),))
    memory = JsonRpcHost()
    with pytest.raises(TrustError, match="fields that this collection does not know"):
        memory.apply([Step.between("client_profile", "u", None, profile)])

    assert memory.profiles == {}


# Issuers and client profiles together


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

    leaving = [one["issuer_alias"] for one in issuers if one["state"] == "absent"]
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
        said = [step.describe() for step in outcome.steps]
        subjects = [(one["external_group_name"], one["issuer_alias"]) for one in outcome.after["client_profiles"]]

        assert len(subjects) == len(set(subjects))
    except TrustError as error:
        failure, said = error, error.operations

    assert sorted((f"{one['resource']}s", one["operation"]) for one in said) == sorted(done), failure

    if isinstance(failure, Conflict):
        return

    if failure is not None:
        kept = {one.issuer for one in issuers_of(wanted).issuers or () if one.state == "present"}
        assert not (before & kept) - set(trusted(host).values()), failure

        run(ScriptedClient(host), wanted)

    ends = planned(host, wanted)

    assert (ends.steps, ends.conflict) == ((), None)


@settings(max_examples=examples(200))
@given(host=hosts_with_rights(), wanted=declared_rights(), purge=st.booleans())
def test_nobody_is_out_of_control_at_any_moment(host: MemoryHost, wanted: HostTrust, purge: bool) -> None:
    """Whatever is declared, and wherever the run is killed."""
    account = Account(groups=frozenset({("d", "u")}))

    trust = HostTrust(
        tuple(
            replace(service, purge_profiles=purge) if isinstance(service, IssuersAndProfiles) else service
            for service in wanted.logged_in(account).services
        )
    )

    def in_control() -> bool:
        held = [one["grants"] for one in host.profiles.values() if one["subject"]["name"] == "u"]
        return "IDENTITY_MGMT" in str(held)

    before = in_control()

    for step in planned(host, trust).steps:
        host.apply([step])
        assert in_control() or not before
