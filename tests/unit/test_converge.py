# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's memory: what a run says it did is what it did, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import Any
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker
from support.certificates import chain
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.converging import ISSUER
from support.converging import NEW
from support.converging import OLD
from support.converging import broken
from support.converging import busy
from support.converging import failure
from support.converging import host_with_leftover
from support.converging import invalid
from support.converging import issuer
from support.converging import operations
from support.converging import provider
from support.converging import refused
from support.converging import steps
from support.memory import DroppingHost
from support.memory import MemoryHost
from support.memory import NormalizingHost
from support.memory import ScriptedClient
from support.memory import TurningHost
from support.memory import api_error

OTHER = chain(subject="other")


# Without trouble


def test_a_difference_is_mended_and_told() -> None:
    client = ScriptedClient(MemoryHost())
    outcome = converge(client.as_client(), provider(), check_mode=False)

    assert steps(outcome) == [("create", "nkp")]
    assert (outcome.before, outcome.after["key_id"]) == ({}, KEY_ID)
    # What else is there is looked at before something is made.
    assert client.calls == ["get", "list", "create"]


def test_a_second_run_writes_nothing() -> None:
    host = host_with_leftover()
    converge(ScriptedClient(host).as_client(), issuer(), check_mode=False)
    client = ScriptedClient(host)
    outcome = converge(client.as_client(), issuer(), check_mode=False)

    assert outcome.steps == ()
    assert client.calls == ["list"]


@given(
    st.sampled_from(["fail", "adopt", "rename"]),
    st.sampled_from(["exact", "merge"]),
    st.sampled_from(["present", "absent"]),
    st.sampled_from(["vc", "leftover", None]),
    st.sampled_from([ISSUER, "https://other"]),
)
def test_check_mode_writes_nothing_and_tells_what_a_run_then_does(
    policy: str, mode: str, state: str, alias: Optional[str], held: str
) -> None:
    host = MemoryHost()
    if alias:
        host.hold_issuer(alias, held, [OLD])
    declared = issuer(issuer_conflict=policy, chains_mode=mode, state=state)
    before = host.state()
    checking, running = ScriptedClient(host), ScriptedClient(host)

    try:
        told: Any = converge(checking.as_client(), declared, check_mode=True)
    except Conflict as error:
        told = str(error)

    assert checking.writes == []
    assert host.state() == before

    try:
        done: Any = converge(running.as_client(), declared, check_mode=False)
    except Conflict as error:
        done = str(error)

    assert told == done


def test_a_conflict_sends_nothing_and_names_the_host() -> None:
    host = MemoryHost()
    host.hold_provider("nkp", key_id=OTHER_KEY_ID)
    client = ScriptedClient(host)
    error = failure(client, provider())

    assert isinstance(error, Conflict)
    assert error.message.startswith("esx01: ")
    assert error.message.endswith(". Nothing was sent.")
    assert client.writes == []
    assert error.operations == []


# Lost answers


def provider_there() -> MemoryHost:
    host = MemoryHost()
    host.hold_provider("nkp", key_id=KEY_ID)
    return host


def issuer_there() -> MemoryHost:
    host = MemoryHost()
    host.hold_issuer("vc", ISSUER, [OLD])
    return host


@dataclass(frozen=True)
class Case:
    """A declaration of the resource `name` that takes one write on the host that it starts with."""

    declare: Callable[[], DeclaredHost]
    start: Callable[[], MemoryHost]
    write: str
    name: str


CASES = {
    "create provider": Case(provider, MemoryHost, "create", "nkp"),
    "delete provider": Case(lambda: provider(state="absent"), provider_there, "delete", "nkp"),
    "create issuer": Case(issuer, MemoryHost, "create", "vc"),
    "update issuer": Case(issuer, issuer_there, "update", "vc"),
    "delete issuer": Case(lambda: issuer(state="absent"), issuer_there, "delete", "vc"),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_case
def test_what_was_done_is_told_although_its_answer_was_lost(case: Case) -> None:
    client = ScriptedClient(case.start(), retries=0)
    client.loses_answer(case.write)
    outcome = converge(client.as_client(), case.declare(), check_mode=False)

    assert steps(outcome) == [(case.write, case.name)]
    assert client.writes == [case.write]


@every_case
def test_what_was_not_done_is_sent_again_once_and_told_once(case: Case) -> None:
    client = ScriptedClient(case.start(), retries=1)
    client.loses_request(case.write)
    outcome = converge(client.as_client(), case.declare(), check_mode=False)

    assert steps(outcome) == [(case.write, case.name)]
    assert client.writes == [case.write, case.write]

    # Never sent again without looking first. Hosts may keep issuers in a form of their own, so there is one look more.
    look = client.calls[: client.calls.index(case.write)]
    once_more = look if case.name == "vc" and case.write != "delete" else []
    # There was a pause after the second look, so what the write replaces or deletes is read again.
    after_the_pause = [] if case.write == "create" else ["get"]

    assert client.calls == [*look, case.write, *look, *after_the_pause, case.write, *once_more]


@every_case
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_writes_that_are_lost_for_good_end_with_the_budget(case: Case, retries: int) -> None:
    client = ScriptedClient(case.start(), retries=retries)
    before = client.memory.state()
    client.loses_request(case.write, times=50)
    error = failure(client, case.declare())

    assert isinstance(error, AnswerLost)
    assert client.writes == [case.write] * (retries + 1)
    assert operations(error) == []
    assert client.memory.state() == before


@every_case
def test_nothing_is_claimed_where_looking_again_fails(case: Case) -> None:
    client = ScriptedClient(case.start(), retries=0)
    client.loses_answer(case.write)
    resource, read = ("kms_provider", "get") if case.name == "nkp" else ("token_issuer", "list")
    client.passes(read)
    client.fails(read, broken)
    error = failure(client, case.declare())

    assert operations(error) == []
    assert error.message == (
        f"esx01: the answer was lost (reset). Reading again failed too, so nobody knows whether the {case.write} of"
        f" {resource} {case.name!r} was carried out: esx01: failed (500 INTERNAL_SERVER_ERROR)."
    )
    assert error.hint == "Run the task again; it looks at the host first."
    assert client.writes == [case.write]


@every_case
@pytest.mark.parametrize("times", [1, 2])
def test_a_busy_host_is_asked_again(case: Case, times: int) -> None:
    client = ScriptedClient(case.start(), retries=times)
    client.fails(case.write, busy, times)

    assert steps(converge(client.as_client(), case.declare(), check_mode=False)) == [(case.write, case.name)]
    assert client.retries_left == 0


@every_case
def test_a_host_that_fails_and_has_done_it_all_the_same_has_done_it(case: Case) -> None:
    client = ScriptedClient(case.start(), retries=0)
    client.does_and_fails(case.write, broken)
    assert steps(converge(client.as_client(), case.declare(), check_mode=False)) == [(case.write, case.name)]


@every_case
def test_a_host_that_fails_and_has_not_done_it_is_believed(case: Case) -> None:
    client = ScriptedClient(case.start())
    client.fails(case.write, broken)
    error = failure(client, case.declare())

    assert error.error_type == "INTERNAL_SERVER_ERROR"
    assert client.writes == [case.write]
    assert operations(error) == []


@every_case
def test_a_refusal_is_told_and_not_tried_again(case: Case) -> None:
    for error_type in ("INVALID_ARGUMENT", "UNABLE_TO_ALLOCATE_RESOURCE", "NOT_ALLOWED_IN_CURRENT_STATE"):
        client = ScriptedClient(case.start())
        client.fails(case.write, partial(api_error, error_type))
        error = failure(client, case.declare())

        assert error.error_type == error_type
        assert client.writes == [case.write]


@every_case
def test_an_unfit_account_is_told_at_once(case: Case) -> None:
    for make in (refused, lambda: Unauthorized("no", status=403, error_type="UNAUTHORIZED")):
        client = ScriptedClient(case.start())
        client.fails(case.write, make)
        failure(client, case.declare())

        assert client.writes == [case.write]
        # Nothing is looked at afterwards.
        assert client.calls[-1] == case.write


@every_case
def test_a_web_page_for_an_answer_is_settled_by_looking(case: Case) -> None:
    client = ScriptedClient(case.start(), retries=0)
    client.does_and_fails(
        case.write, lambda: UnexpectedAnswer("page", status=200, retriable=True, outcome_unknown=True)
    )
    assert steps(converge(client.as_client(), case.declare(), check_mode=False)) == [(case.write, case.name)]


def test_an_adoption_is_called_one_although_its_answer_was_lost() -> None:
    client = ScriptedClient(host_with_leftover(), retries=0)
    client.loses_answer("update")
    outcome = converge(client.as_client(), issuer(issuer_conflict="adopt"), check_mode=False)

    assert steps(outcome) == [("update", "leftover")]
    assert not [text for text in outcome.warnings if "nothing was changed" in text]
    assert [text for text in outcome.warnings if "'leftover'" in text]


# Races


def test_who_comes_second_with_the_same_has_nothing_done() -> None:
    client = ScriptedClient(MemoryHost(), retries=0)
    client.is_raced("create", lambda host: host.hold_provider("nkp", key_id=KEY_ID))
    outcome = converge(client.as_client(), provider(), check_mode=False)

    assert outcome.steps == ()
    assert outcome.after["key_id"] == KEY_ID


@pytest.mark.parametrize("trouble", ["lost", "refused"])
def test_who_comes_second_with_another_key_has_a_conflict(trouble: str) -> None:
    client = ScriptedClient(MemoryHost())
    raced = "create"

    if trouble == "lost":
        client.loses_request("create")
        client.passes("get")
        raced = "get"

    client.is_raced(raced, lambda host: host.hold_provider("nkp", key_id=OTHER_KEY_ID))
    error = failure(client, provider())

    assert isinstance(error, Conflict)
    assert "othing was sent" not in error.message
    assert error.message.endswith(".")
    assert client.writes == ["create"]
    assert operations(error) == []


def test_who_comes_second_with_other_chains_updates() -> None:
    client = ScriptedClient(MemoryHost())
    client.is_raced("create", lambda host: host.hold_issuer("vc", ISSUER, [OLD]))
    outcome = converge(client.as_client(), issuer(), check_mode=False)

    assert steps(outcome) == [("update", "vc")]
    assert client.memory.issuers["vc"]["signing_cert_chains"] == [{"cert_chain": NEW}]


def test_what_somebody_else_deleted_meanwhile_is_not_claimed() -> None:
    client = ScriptedClient(issuer_there(), retries=0)
    client.is_raced("delete", lambda host: host.issuers.clear())
    assert converge(client.as_client(), issuer(state="absent"), check_mode=False).steps == ()


def test_what_somebody_else_deleted_before_an_update_is_created() -> None:
    client = ScriptedClient(issuer_there())
    client.is_raced("update", lambda host: host.issuers.clear())
    assert steps(converge(client.as_client(), issuer(), check_mode=False)) == [("create", "vc")]


def test_a_race_that_undoes_itself_is_run_again_once() -> None:
    # "Already exists", and then it is not there: somebody made it and took it away.
    client = ScriptedClient(MemoryHost())
    client.fails("create", lambda: api_error("ALREADY_EXISTS"))
    assert steps(converge(client.as_client(), provider(), check_mode=False)) == [("create", "nkp")]


def test_a_host_that_contradicts_itself_is_not_asked_for_ever() -> None:
    client = ScriptedClient(MemoryHost(), retries=50)
    client.fails("create", lambda: api_error("ALREADY_EXISTS"), times=50)

    assert failure(client, provider()).error_type == "ALREADY_EXISTS"
    assert len(client.writes) <= 3


def test_a_host_without_a_delete_says_so_in_a_sentence() -> None:
    host = MemoryHost(deletes_providers=False)
    host.hold_provider("nkp", key_id=KEY_ID)
    client = ScriptedClient(host)
    error = failure(client, provider(state="absent"))

    assert "no operation that deletes key providers" in error.message
    assert client.writes == ["delete"]


def test_no_connection_uses_up_the_budget_and_writes_nothing() -> None:
    client = ScriptedClient(MemoryHost(), retries=2)
    client.fails("get", lambda: Unreachable("esx01: no connection."), times=50)

    assert isinstance(failure(client, provider()), Unreachable)
    assert client.calls == ["get"] * 3


# What is explained


@dataclass(frozen=True)
class Recording(DeclaredHost):
    """A host that remembers what it was asked to explain."""

    explained: list[tuple[TrustError, Step, str]] = field(default_factory=list)

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        self.explained.append((error, step, host))
        return super().explain(error, step, host)


@pytest.mark.parametrize("error_type", ["INVALID_ARGUMENT", "UNAUTHORIZED", "SERVICE_UNAVAILABLE"])
@pytest.mark.parametrize("looks", [True, False])
def test_a_refused_write_is_explained_as_what_it_is(error_type: str, looks: bool) -> None:
    refusal: TrustError = api_error(error_type)
    if error_type == "UNAUTHORIZED":
        refusal = Unauthorized("esx01: no.", status=403, error_type=error_type)
    client = ScriptedClient(MemoryHost(), retries=0)
    client.fails("create", lambda: refusal)
    client.passes("get")
    if not looks:
        client.fails("get", broken)
    declaration = Recording(provider().services, single=True)

    assert failure(client, declaration) is refusal
    assert {(error, step.action, step.id, host) for error, step, host in declaration.explained} == {
        (refusal, "create", "nkp", "esx01")
    }


# A definite answer to a repetition


def test_an_attempt_in_doubt_stays_so_when_its_repetition_is_answered() -> None:
    """The host acts on the first attempt after it was looked at for the second time."""
    client = ScriptedClient(MemoryHost())
    client.loses_request("create")
    client.is_raced("create", lambda host: host.hold_provider("nkp", key_id=KEY_ID))
    outcome = converge(client.as_client(), provider(), check_mode=False)

    assert steps(outcome) == [("create", "nkp")]
    assert outcome.changed


def test_a_provider_that_was_made_anew_meanwhile_is_not_deleted() -> None:
    client = ScriptedClient(provider_there())
    client.loses_answer("delete")
    client.passes("get")
    client.is_raced("get", lambda host: host.hold_provider("nkp", key_id=OTHER_KEY_ID))
    error = failure(client, provider(state="absent", key_id=None))

    assert isinstance(error, Conflict)
    assert "created again" in error.message
    assert operations(error) == [("delete", "nkp")]
    assert client.memory.key_providers["nkp"]["native_info"]["key_id"] == OTHER_KEY_ID


def test_two_attempts_in_doubt_at_one_change_are_told_once() -> None:
    """Somebody else changed the issuer between them, so they are not the same step."""
    client = ScriptedClient(issuer_there())
    client.loses_request("update")
    client.passes("list")
    client.is_raced("list", lambda host: host.hold_issuer("vc", ISSUER, [OLD, OTHER]))
    client.loses_answer("update")
    outcome = converge(client.as_client(), issuer(), check_mode=False)

    assert steps(outcome) == [("update", "vc")]


# A host with a form of its own


def test_a_host_that_drops_certificates_is_warned_of_and_written_to_once() -> None:
    deep = chain(2, subject="deep")
    client = ScriptedClient(DroppingHost())
    outcome = converge(client.as_client(), issuer(chains=[deep]), check_mode=False)

    assert outcome.changed
    assert client.calls == ["list", "create", "list"]

    (warning,) = outcome.warnings

    assert "it dropped 'CN=deep root'" in warning
    assert outcome.after["signing_cert_chains"] == [{"cert_chain": deep[:1]}]

    again = ScriptedClient(client.memory)
    outcome = converge(again.as_client(), issuer(chains=[deep]), check_mode=False)

    assert not outcome.changed
    assert again.calls == ["list", "update", "list"]
    assert "nothing was changed" in outcome.warnings[0]


def test_merge_does_not_grow_on_a_host_that_drops_certificates() -> None:
    deep = chain(2, subject="deep")
    host = DroppingHost()
    host.hold_issuer("vc", ISSUER, [deep[:1], OLD])
    merged = issuer(chains=[deep], chains_mode="merge")
    outcomes = [converge(ScriptedClient(host).as_client(), merged, check_mode=False) for _run in range(4)]

    # The host saves the same chain once more, which is no change.
    assert [outcome.changed for outcome in outcomes] == [False, False, False, False]
    assert all("it dropped 'CN=deep root'" in outcome.warnings[0] for outcome in outcomes)
    assert len(host.issuers["vc"]["signing_cert_chains"]) == 3
    assert {"cert_chain": OLD} in host.issuers["vc"]["signing_cert_chains"]


@pytest.mark.parametrize("mode", ["exact", "merge"])
@pytest.mark.parametrize("held", [None, [], [OLD]], ids=["no issuer", "no chain", "another chain"])
def test_a_second_run_changes_nothing_on_a_host_that_drops_certificates(
    held: Optional[list[list[str]]], mode: str
) -> None:
    deep = chain(2, subject="deep")
    host = DroppingHost()
    if held is not None:
        host.hold_issuer("vc", ISSUER, held)

    declared = issuer(chains=[deep], chains_mode=mode)
    outcomes = [converge(ScriptedClient(host).as_client(), declared, check_mode=False) for _run in range(3)]

    assert [outcome.changed for outcome in outcomes] == [True, False, False]
    assert all("it dropped 'CN=deep root'" in outcome.warnings[0] for outcome in outcomes)
    assert outcomes[1].before == outcomes[1].after == outcomes[0].after


def test_merge_tells_a_new_chain_on_a_host_that_drops_certificates() -> None:
    deep = chain(2, subject="deep")
    host = DroppingHost()
    host.hold_issuer("vc", ISSUER, [deep[:1]])
    outcome = converge(
        ScriptedClient(host).as_client(), issuer(chains=[deep, NEW], chains_mode="merge"), check_mode=False
    )

    assert outcome.changed
    assert {"cert_chain": NEW} in outcome.after["signing_cert_chains"]


@pytest.mark.parametrize("held", [None, ISSUER, "https://former"])
def test_a_host_that_saves_another_issuer_is_warned_of_and_told_as_it_is(held: Optional[str]) -> None:
    """It strips a slash at the end, for instance."""
    client = ScriptedClient(NormalizingHost())
    if held is not None:
        client.memory.hold_issuer("vc", held, [NEW])
    declared = issuer(issuer=f"{ISSUER}/")
    outcome = converge(client.as_client(), declared, check_mode=False)

    assert outcome.changed == (held != ISSUER)
    assert outcome.after["issuer"] == ISSUER
    assert f"it saved '{ISSUER}', not '{ISSUER}/'" in outcome.warnings[-1]

    again = converge(ScriptedClient(client.memory).as_client(), declared, check_mode=False)

    assert not again.changed
    assert again.warnings[-1].endswith("nothing was changed.")


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_host_that_stores_each_write_otherwise_is_not_written_to_for_ever(retries: int) -> None:
    """Each answer is lost, and each look shows that the write was carried out, in another form each time."""
    client = ScriptedClient(TurningHost(), retries=retries)
    client.memory.hold_issuer("vc", ISSUER, [OLD])
    client.loses_answer("update", times=50)
    error = failure(client, issuer(chains=[chain(3, subject="deep")]))

    assert isinstance(error, AnswerLost)
    assert client.writes == ["update"] * (retries + 1)


@pytest.mark.parametrize("lost", ["update", "create", "delete"])
def test_a_renaming_needs_no_retry_where_each_answer_is_settled_by_a_look(lost: str) -> None:
    client = ScriptedClient(host_with_leftover(), retries=0)
    client.loses_answer(lost)
    outcome = converge(client.as_client(), issuer(), check_mode=False)

    assert steps(outcome) == [("update", "leftover"), ("create", "vc"), ("delete", "leftover")]


def test_a_last_look_that_fails_takes_nothing_from_what_was_done() -> None:
    client = ScriptedClient(MemoryHost(), retries=0)
    client.passes("list")
    client.fails("list", broken)
    outcome = converge(client.as_client(), issuer(), check_mode=False)

    assert steps(outcome) == [("create", "vc")]
    assert outcome.changed


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["create", "delete", "update", "list"]),
            st.sampled_from(["loses_answer", "loses_request", "busy", "broken", "invalid", "raced"]),
        ),
        max_size=6,
    ),
    st.sampled_from(["fail", "adopt", "rename"]),
    st.integers(0, 3),
    st.booleans(),
)
def test_whatever_goes_wrong_the_issuer_is_never_lost_silently_and_the_steps_are_true(
    troubles: list[tuple[str, str]], policy: str, retries: int, other: bool
) -> None:
    host = host_with_leftover()
    if other:
        host.hold_issuer("vc", "https://other", [OLD])
    before = host.state()
    client = ScriptedClient(host, retries=retries)

    for call, trouble in troubles:
        if trouble == "busy":
            client.fails(call, busy)
        elif trouble == "broken":
            client.fails(call, broken)
        elif trouble == "invalid":
            client.fails(call, invalid)
        elif trouble == "raced":
            client.passes(call)
        else:
            getattr(client, trouble)(call)

    try:
        outcome = converge(client.as_client(), issuer(issuer_conflict=policy), check_mode=False)
    except TrustError as error:
        done = error.operations
        doubt = "nobody knows" in error.message

        if ISSUER not in [spec["issuer"] for spec in host.issuers.values()] and not doubt:
            assert "could not be put back" in error.message  # noqa: PT017 - no error is as good

            # Its chains are there, and the next run finds them.
            held = [read_marker(spec["issuer"]) for spec in host.issuers.values()]
            assert ISSUER in [marker.issuer for marker in held if marker]
    else:
        done = [step.describe() for step in outcome.steps]
        doubt = False
        trusted = [spec["signing_cert_chains"] for spec in host.issuers.values() if spec["issuer"] == ISSUER]

        assert trusted == [[{"cert_chain": NEW}]]

    if not doubt:
        assert bool(done) or host.state() == before
