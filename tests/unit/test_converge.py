# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's memory: what a run says it did is what it did, whatever happens on the way."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import Outcome
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.host import Host
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import one_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider import KmsProviders
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from support.certificates import chain
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.memory import api_error

KEY = base64.b64encode(bytes(range(32))).decode()
KEY_ID = "12345678-abcd-1234-cdef-123456789abc"
OTHER_KEY_ID = "99999999-abcd-1234-cdef-123456789abc"
ISSUER = "https://vc/openidconnect/vsphere.local"
OLD, NEW, OTHER = chain(subject="old"), chain(subject="new"), chain(subject="other")


def provider(**changes: Any) -> Host:
    params = {"provider": "nkp", "key_id": KEY_ID, "key_derivation_key": KEY, "state": "present", **changes}
    return Host((KmsProviders((DesiredKmsProvider.from_params(params),)),), single=True)


def issuer(**changes: Any) -> Host:
    chains = changes.pop("chains", [NEW])
    params = {
        "issuer_alias": "vc",
        "issuer": ISSUER,
        "signing_cert_chains": [{"cert_chain": pems} for pems in chains],
        "chains_mode": "exact",
        "issuer_conflict": "rename",
        "state": "present",
        **changes,
    }
    return one_issuer(DesiredTokenIssuer.from_params(params))


def renaming() -> MemoryHost:
    """A host where declaring `issuer()` takes a deletion and a creation."""
    host = MemoryHost()
    host.hold_issuer("leftover", ISSUER, [OLD])
    return host


def steps(outcome: Outcome) -> list[tuple[str, str]]:
    return [(step.action, step.id) for step in outcome.steps]


def failure(client: ScriptedClient, declaration: Host) -> TrustError:
    with pytest.raises(TrustError) as caught:
        converge(client.as_client(), declaration, check_mode=False)
    return caught.value


def operations(error: TrustError) -> list[tuple[str, str]]:
    return [(entry["operation"], entry["id"]) for entry in error.operations]


def busy() -> TrustError:
    return api_error("SERVICE_UNAVAILABLE", 503)


def broken() -> TrustError:
    return api_error("INTERNAL_SERVER_ERROR", 500)


def refused() -> TrustError:
    return Unauthenticated("esx01: refused.", status=401, error_type="UNAUTHENTICATED")


# Without trouble.


def test_a_difference_is_mended_and_told() -> None:
    client = ScriptedClient(MemoryHost())
    outcome = converge(client.as_client(), provider(), check_mode=False)
    assert steps(outcome) == [("create", "nkp")]
    assert (outcome.before, outcome.after["key_id"]) == ({}, KEY_ID)
    # What else is there is looked at before something is made.
    assert client.calls == ["get", "list", "create"]


def test_a_second_run_writes_nothing() -> None:
    host = renaming()
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
    assert client.writes == []
    assert error.operations == []


# Lost answers.


def provider_there() -> MemoryHost:
    host = MemoryHost()
    host.hold_provider("nkp", key_id=KEY_ID)
    return host


def issuer_there() -> MemoryHost:
    host = MemoryHost()
    host.hold_issuer("vc", ISSUER, [OLD])
    return host


SINGLE: list[Any] = [
    pytest.param(provider, MemoryHost, "create", "nkp", id="create provider"),
    pytest.param(lambda: provider(state="absent"), provider_there, "delete", "nkp", id="delete provider"),
    pytest.param(issuer, MemoryHost, "create", "vc", id="create issuer"),
    pytest.param(issuer, issuer_there, "update", "vc", id="update issuer"),
    pytest.param(lambda: issuer(state="absent"), issuer_there, "delete", "vc", id="delete issuer"),
]
single = pytest.mark.parametrize(("declare", "start", "write", "name"), SINGLE)


@single
def test_what_was_done_is_told_although_its_answer_was_lost(
    declare: Callable[[], Host], start: Callable[[], MemoryHost], write: str, name: str
) -> None:
    client = ScriptedClient(start(), retries=0)
    client.loses_answer(write)
    outcome = converge(client.as_client(), declare(), check_mode=False)
    assert steps(outcome) == [(write, name)]
    assert client.writes == [write]


@single
def test_what_was_not_done_is_sent_again_once_and_told_once(
    declare: Callable[[], Host], start: Callable[[], MemoryHost], write: str, name: str
) -> None:
    client = ScriptedClient(start(), retries=1)
    client.loses_request(write)
    outcome = converge(client.as_client(), declare(), check_mode=False)
    assert steps(outcome) == [(write, name)]
    assert client.writes == [write, write]
    # Never sent again without looking first. Hosts may keep issuers in a form of their own, so there is one look more.
    look = client.calls[: client.calls.index(write)]
    assert client.calls == [*look, write, *look, write, *(look if name == "vc" and write != "delete" else [])]


@single
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_writes_that_are_lost_for_good_end_with_the_budget(
    declare: Callable[[], Host], start: Callable[[], MemoryHost], write: str, name: str, retries: int
) -> None:
    client = ScriptedClient(start(), retries=retries)
    before = client.memory.state()
    client.loses_request(write, times=50)
    error = failure(client, declare())
    assert isinstance(error, AnswerLost)
    assert client.writes == [write] * (retries + 1)
    assert operations(error) == []
    assert client.memory.state() == before


@single
def test_nothing_is_claimed_where_looking_again_fails(
    declare: Callable[[], Host], start: Callable[[], MemoryHost], write: str, name: str
) -> None:
    client = ScriptedClient(start(), retries=0)
    client.loses_answer(write)
    read = "get" if name == "nkp" else "list"
    client.is_raced(read, lambda host: None)
    client.loses_request(read)
    error = failure(client, declare())
    assert operations(error) == []
    assert "nobody knows" in error.message
    assert f"{name!r}" in error.message
    assert write in error.message
    assert error.hint
    assert client.writes == [write]


@single
@pytest.mark.parametrize("times", [1, 2])
def test_a_busy_host_is_asked_again(
    declare: Callable[[], Host], start: Callable[[], MemoryHost], write: str, name: str, times: int
) -> None:
    client = ScriptedClient(start(), retries=times)
    client.fails(write, busy, times)
    assert steps(converge(client.as_client(), declare(), check_mode=False)) == [(write, name)]
    assert client.retries_left == 0


@single
def test_a_host_that_fails_and_has_done_it_all_the_same_has_done_it(
    declare: Callable[[], Host], start: Callable[[], MemoryHost], write: str, name: str
) -> None:
    client = ScriptedClient(start(), retries=0)
    client.does_and_fails(write, broken)
    assert steps(converge(client.as_client(), declare(), check_mode=False)) == [(write, name)]


@single
def test_a_host_that_fails_and_has_not_done_it_is_believed(
    declare: Callable[[], Host], start: Callable[[], MemoryHost], write: str, name: str
) -> None:
    client = ScriptedClient(start())
    client.fails(write, broken)
    error = failure(client, declare())
    assert error.error_type == "INTERNAL_SERVER_ERROR"
    assert client.writes == [write]
    assert operations(error) == []


@single
def test_a_refusal_is_told_and_not_tried_again(
    declare: Callable[[], Host], start: Callable[[], MemoryHost], write: str, name: str
) -> None:
    for error_type in ("INVALID_ARGUMENT", "UNABLE_TO_ALLOCATE_RESOURCE", "NOT_ALLOWED_IN_CURRENT_STATE"):
        client = ScriptedClient(start())
        client.fails(write, lambda error_type=error_type: api_error(error_type))  # type: ignore[misc]
        error = failure(client, declare())
        assert error.error_type == error_type
        assert client.writes == [write]


@single
def test_an_unfit_account_is_told_at_once(
    declare: Callable[[], Host], start: Callable[[], MemoryHost], write: str, name: str
) -> None:
    for make in (refused, lambda: Unauthorized("no", status=403, error_type="UNAUTHORIZED")):
        client = ScriptedClient(start())
        client.fails(write, make)
        failure(client, declare())
        assert client.writes == [write]
        # Nothing is looked at afterwards.
        assert client.calls[-1] == write


@single
def test_a_web_page_for_an_answer_is_settled_by_looking(
    declare: Callable[[], Host], start: Callable[[], MemoryHost], write: str, name: str
) -> None:
    client = ScriptedClient(start(), retries=0)
    client.does_and_fails(write, lambda: UnexpectedAnswer("page", status=200, retriable=True, outcome_unknown=True))
    assert steps(converge(client.as_client(), declare(), check_mode=False)) == [(write, name)]


def test_an_adoption_is_called_one_although_its_answer_was_lost() -> None:
    client = ScriptedClient(renaming(), retries=0)
    client.loses_answer("update")
    outcome = converge(client.as_client(), issuer(issuer_conflict="adopt"), check_mode=False)
    assert steps(outcome) == [("update", "leftover")]
    assert not [text for text in outcome.warnings if "nothing was changed" in text]
    assert [text for text in outcome.warnings if "'leftover'" in text]


# Races.


def test_who_comes_second_with_the_same_has_nothing_done() -> None:
    client = ScriptedClient(MemoryHost(), retries=0)
    client.is_raced("create", lambda host: host.hold_provider("nkp", key_id=KEY_ID))
    outcome = converge(client.as_client(), provider(), check_mode=False)
    assert outcome.steps == ()
    assert outcome.after["key_id"] == KEY_ID


def test_who_comes_second_with_another_key_has_a_conflict() -> None:
    client = ScriptedClient(MemoryHost())
    client.is_raced("create", lambda host: host.hold_provider("nkp", key_id=OTHER_KEY_ID))
    error = failure(client, provider())
    assert isinstance(error, Conflict)
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


# Renaming: an issuer that must not stay away.

RENAMED = [("update", "leftover"), ("create", "vc"), ("delete", "leftover")]
PUT_BACK = [("update", "leftover"), ("update", "leftover")]


def test_a_renaming_is_told_in_its_three_steps() -> None:
    client = ScriptedClient(renaming())
    outcome = converge(client.as_client(), issuer(), check_mode=False)
    assert steps(outcome) == RENAMED
    assert outcome.before["issuer_alias"] == "leftover"
    assert outcome.after["issuer_alias"] == "vc"
    assert set(client.memory.issuers) == {"vc"}


@pytest.mark.parametrize("lost", ["update", "create", "delete"])
@pytest.mark.parametrize("way", ["loses_answer", "loses_request"])
def test_a_renaming_survives_a_lost_answer(lost: str, way: str) -> None:
    client = ScriptedClient(renaming(), retries=1)
    getattr(client, way)(lost)
    outcome = converge(client.as_client(), issuer(), check_mode=False)
    assert steps(outcome) == RENAMED
    assert set(client.memory.issuers) == {"vc"}
    assert client.writes.count(lost) == (1 if way == "loses_answer" else 2)


@pytest.mark.parametrize(
    "make",
    [lambda: api_error("INVALID_ARGUMENT"), broken, refused, lambda: UnexpectedAnswer("page", status=400)],
    ids=["invalid", "broken", "refused", "page"],
)
def test_a_renaming_whose_second_step_is_refused_puts_back_the_first(make: Callable[[], TrustError]) -> None:
    client = ScriptedClient(renaming())
    before = client.memory.state()
    client.fails("create", make)
    error = failure(client, issuer())
    assert client.memory.state() == before
    assert error.message.endswith(" The token_issuer 'leftover' was put back as it was.")
    assert operations(error) == PUT_BACK
    assert error.not_restored == []


def test_a_renaming_whose_first_step_is_refused_has_nothing_to_put_back() -> None:
    client = ScriptedClient(renaming())
    client.fails("update", lambda: api_error("INVALID_ARGUMENT"))
    error = failure(client, issuer())
    assert client.writes == ["update"]
    assert "put back" not in error.message


def test_a_renaming_whose_last_step_is_refused_has_lost_nothing() -> None:
    client = ScriptedClient(renaming())
    client.fails("delete", lambda: api_error("INVALID_ARGUMENT"))
    error = failure(client, issuer())
    assert set(client.memory.issuers) == {"leftover", "vc"}
    assert error.message.endswith(" The next run deletes the marker at 'leftover'.")
    assert operations(error) == RENAMED[:2]
    assert steps(converge(ScriptedClient(client.memory).as_client(), issuer(), check_mode=False)) == RENAMED[2:]


def test_a_renaming_whose_second_step_is_lost_for_good_puts_back_the_first() -> None:
    client = ScriptedClient(renaming(), retries=1)
    before = client.memory.state()
    client.loses_request("create", times=2)
    error = failure(client, issuer())
    assert isinstance(error, AnswerLost)
    assert client.memory.state() == before
    assert operations(error) == PUT_BACK


@pytest.mark.parametrize("way", ["loses_answer", "loses_request"])
def test_putting_back_is_told_and_tried_again_when_it_was_lost(way: str) -> None:
    client = ScriptedClient(renaming(), retries=0)
    before = client.memory.state()
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    client.is_raced("update", lambda host: None)
    getattr(client, way)("update")
    error = failure(client, issuer())
    assert client.memory.state() == before
    assert "was put back" in error.message
    assert operations(error) == PUT_BACK


def unrestorable(error_type: str = "INVALID_ARGUMENT") -> ScriptedClient:
    """A host that refuses to create the new alias, and then to give the old one its issuer back."""
    client = ScriptedClient(renaming(), retries=0)
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    client.is_raced("update", lambda host: None)
    client.fails("update", lambda: api_error(error_type), times=50)
    return client


def test_what_could_not_be_put_back_is_told_with_what_to_do_and_is_still_on_the_host() -> None:
    client = unrestorable()
    error = failure(client, issuer())
    assert error.message.endswith(" The token_issuer 'leftover' could not be put back.")
    assert "Run the task again now" in error.hint
    assert operations(error) == [("update", "leftover")]
    assert client.writes.count("update") <= 4
    (lost,) = error.not_restored
    assert (lost["issuer_alias"], lost["issuer"]) == ("leftover", ISSUER)
    assert [each["cert_chain"] for each in lost["signing_cert_chains"]] == [OLD]
    assert [each["cert_chain"] for each in client.memory.issuers["leftover"]["signing_cert_chains"]] == [OLD]
    # And the next run needs nothing but the declaration.
    converge(ScriptedClient(client.memory).as_client(), issuer(chains_mode="merge"), check_mode=False)
    assert set(client.memory.issuers) == {"vc"}
    assert [each["cert_chain"] for each in client.memory.issuers["vc"]["signing_cert_chains"]] == [OLD, NEW]


def test_an_account_that_may_not_put_back_is_not_asked_twice() -> None:
    client = ScriptedClient(renaming(), retries=0)
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    client.is_raced("update", lambda host: None)
    client.fails("update", lambda: Unauthorized("no", status=403, error_type="UNAUTHORIZED"), times=9)
    assert "could not be put back" in failure(client, issuer()).message
    assert client.writes.count("update") == 2


def test_nothing_is_said_to_be_put_back_where_ours_was_created_after_all() -> None:
    client = ScriptedClient(renaming(), retries=0)
    client.is_raced("list", lambda host: None)
    client.loses_answer("create")
    client.loses_request("list")  # looking again
    error = failure(client, issuer())
    assert set(client.memory.issuers) == {"leftover", "vc"}
    assert client.memory.issuers["vc"]["issuer"] == ISSUER
    assert "was put back" not in error.message
    assert operations(error) == RENAMED[:2]


def test_what_somebody_else_put_back_is_not_claimed() -> None:
    client = ScriptedClient(renaming(), retries=0)
    client.fails("create", lambda: api_error("INVALID_ARGUMENT"))
    client.is_raced("list", lambda host: None)
    client.is_raced("list", lambda host: None)
    client.is_raced("list", lambda host: host.hold_issuer("leftover", ISSUER, [OLD]))
    error = failure(client, issuer())
    assert "put back" not in error.message
    assert operations(error) == [("update", "leftover")]


def test_a_refused_login_in_the_middle_of_a_renaming_is_not_repeated_until_the_account_is_locked() -> None:
    client = ScriptedClient(renaming())
    for call in ("create", "list"):
        if call == "list":
            client.is_raced("list", lambda host: None)
        client.fails(call, refused, times=50)
    error = failure(client, issuer())
    # The login is sent again only to look once.
    assert client.calls == ["list", "update", "create", "list"]
    assert "could not be put back" in error.message


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("call", ["update", "create", "delete"])
def test_a_run_that_is_stopped_leaves_the_issuer_trusted(stop: type[BaseException], call: str) -> None:
    client = ScriptedClient(renaming())

    def stopped(_host: MemoryHost) -> None:
        raise stop

    client.is_raced(call, stopped)
    with pytest.raises(stop):
        converge(client.as_client(), issuer(), check_mode=False)
    trusted = [alias for alias, spec in client.memory.issuers.items() if spec["issuer"] == ISSUER]
    assert trusted == ["vc" if call == "delete" else "leftover"]


def test_a_renaming_onto_an_alias_in_use_puts_back_when_the_update_fails() -> None:
    host = renaming()
    host.hold_issuer("vc", "https://other", [OLD])
    before = host.state()
    client = ScriptedClient(host)
    client.is_raced("update", lambda memory: None)
    client.fails("update", lambda: api_error("INVALID_ARGUMENT"))
    error = failure(client, issuer())
    assert operations(error) == PUT_BACK
    assert host.state() == before


def test_a_step_that_is_needed_a_second_time_has_an_end_too() -> None:
    # Whoever made the leftover makes it again, and from then on no marking gets through.
    client = ScriptedClient(renaming(), retries=3)
    client.is_raced("create", lambda host: host.hold_issuer("leftover", ISSUER, [OLD]))
    client.is_raced("update", lambda host: None)
    client.loses_request("update", times=1000)
    error = failure(client, issuer())
    assert isinstance(error, AnswerLost)
    assert client.writes.count("update") <= 1 + 1 + 3 + 3


# A definite answer to a repetition.


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
    client.is_raced("get", lambda host: None)
    client.is_raced("get", lambda host: host.hold_provider("nkp", key_id=OTHER_KEY_ID))
    error = failure(client, provider(state="absent", key_id=None))
    assert isinstance(error, Conflict)
    assert "made anew" in error.message
    assert operations(error) == [("delete", "nkp")]
    assert client.memory.key_providers["nkp"]["native_info"]["key_id"] == OTHER_KEY_ID


def test_two_attempts_in_doubt_at_one_change_are_told_once() -> None:
    """Somebody else changed the issuer between them, so they are not the same step."""
    client = ScriptedClient(issuer_there())
    client.loses_request("update")
    client.is_raced("list", lambda host: None)
    client.is_raced("list", lambda host: host.hold_issuer("vc", ISSUER, [OLD, OTHER]))
    client.loses_answer("update")
    outcome = converge(client.as_client(), issuer(), check_mode=False)
    assert steps(outcome) == [("update", "vc")]


# A host with a form of its own.


class DroppingHost(MemoryHost):
    """Keeps the first certificate of each chain and no other."""

    def perform(self, call: Call) -> Any:
        spec = call.arguments.get("spec", {})
        if "signing_cert_chains" in spec:
            chains = [{"cert_chain": entry["cert_chain"][:1]} for entry in spec["signing_cert_chains"]]
            call = call.operation(**{**call.arguments, "spec": {**spec, "signing_cert_chains": chains}})
        return super().perform(call)


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


def test_a_last_look_that_fails_takes_nothing_from_what_was_done() -> None:
    client = ScriptedClient(MemoryHost(), retries=0)
    client.is_raced("list", lambda host: None)
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
    host = renaming()
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
            client.fails(call, lambda: api_error("INVALID_ARGUMENT"))
        elif trouble == "raced":
            client.is_raced(call, lambda memory: None)
        else:
            getattr(client, trouble)(call)
    try:
        outcome = converge(client.as_client(), issuer(issuer_conflict=policy), check_mode=False)
    except TrustError as error:
        done = error.operations
        doubt = "nobody knows" in error.message
        if ISSUER not in [spec["issuer"] for spec in host.issuers.values()] and not doubt:
            assert "could not be put back" in error.message  # noqa: PT017
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
