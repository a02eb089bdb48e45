# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A renaming that fails: the issuer is trusted again, or its chains are still there and the message says what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from support.client_profiles import grants
from support.converging import ISSUER
from support.converging import NEW
from support.converging import OLD
from support.converging import broken
from support.converging import failure
from support.converging import host_with_leftover
from support.converging import invalid
from support.converging import issuer
from support.converging import operations
from support.converging import refused
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.steps import actions

RENAMED = [("update", "leftover"), ("create", "vc"), ("delete", "leftover")]
RESTORED = [("update", "leftover"), ("update", "leftover")]


def test_a_renaming_is_reported_in_its_three_steps() -> None:
    client = ScriptedClient(host_with_leftover())
    outcome = converge(client.as_client(), issuer(), check_mode=False)

    assert actions(outcome) == RENAMED
    assert outcome.before["issuer_alias"] == "leftover"
    assert outcome.after["issuer_alias"] == "vc"
    assert set(client.memory.issuers) == {"vc"}


@pytest.mark.parametrize("lost", ["update", "create", "delete"])
@pytest.mark.parametrize("way", ["loses_answer", "loses_request"])
def test_a_renaming_survives_a_lost_answer(lost: str, way: str) -> None:
    client = ScriptedClient(host_with_leftover(), retries=1)
    getattr(client, way)(lost)
    outcome = converge(client.as_client(), issuer(), check_mode=False)

    assert actions(outcome) == RENAMED
    assert set(client.memory.issuers) == {"vc"}
    assert client.writes.count(lost) == (1 if way == "loses_answer" else 2)


@pytest.mark.parametrize(
    "make",
    [invalid, broken, refused, lambda: UnexpectedAnswer("page", status=400)],
    ids=["invalid", "broken", "refused", "page"],
)
def test_a_renaming_whose_second_step_is_refused_puts_back_the_first(make: Callable[[], TrustError]) -> None:
    client = ScriptedClient(host_with_leftover())
    before = client.memory.state()
    client.fails("create", make)
    error = failure(client, issuer())

    assert client.memory.state() == before
    assert error.message.endswith(" The token_issuer 'leftover' was put back as it was.")
    assert operations(error) == RESTORED
    assert error.not_restored == []


def test_an_issuer_is_put_back_although_the_first_look_for_that_failed() -> None:
    client = ScriptedClient(host_with_leftover(), retries=0)
    before = client.memory.state()
    client.fails("create", invalid)
    for _look in ("of the run", "after the failed step"):
        client.passes("list")
    client.fails("list", broken)
    error = failure(client, issuer())

    assert client.memory.state() == before
    assert error.message.endswith(" The token_issuer 'leftover' was put back as it was.")


def test_a_renaming_whose_first_step_is_refused_has_nothing_to_put_back() -> None:
    client = ScriptedClient(host_with_leftover())
    client.fails("update", invalid)
    error = failure(client, issuer())

    assert client.writes == ["update"]
    assert "put back" not in error.message


def login_down() -> TrustError:
    error = UnexpectedAnswer("esx01: answered with code 503.", status=503, outcome_unknown=True, retriable=True)
    error.operation = TOKEN_CREATE.id
    return error


def test_a_step_for_which_no_login_was_possible_has_nothing_to_put_back() -> None:
    """The host refused the token of the step, and was too busy for a new login. So the step was not carried out."""
    client = ScriptedClient(host_with_leftover(), retries=0)
    before = client.memory.state()
    client.fails("update", login_down)
    client.passes("list")
    client.fails("list", login_down, times=9)
    error = failure(client, issuer())

    assert client.memory.state() == before
    assert "put back" not in error.message
    assert "nobody knows" not in error.message
    assert (error.not_restored, error.operations) == ([], [])


def test_a_step_in_doubt_stays_so_if_no_login_is_possible_for_its_repetition() -> None:
    client = ScriptedClient(host_with_leftover(), retries=1)
    client.loses_request("update")
    client.fails("update", login_down)
    client.passes("list")
    client.passes("list")
    client.fails("list", login_down, times=9)
    error = failure(client, issuer())

    assert "nobody knows" in error.message


def test_a_renaming_whose_last_step_is_refused_has_lost_nothing() -> None:
    client = ScriptedClient(host_with_leftover())
    client.fails("delete", invalid)
    error = failure(client, issuer())

    assert set(client.memory.issuers) == {"leftover", "vc"}
    assert error.message.endswith(" The next run deletes the marker at 'leftover'.")
    assert operations(error) == RENAMED[:2]
    assert actions(converge(ScriptedClient(client.memory).as_client(), issuer(), check_mode=False)) == RENAMED[2:]


def test_a_renaming_whose_second_step_is_lost_for_good_puts_back_the_first() -> None:
    client = ScriptedClient(host_with_leftover(), retries=1)
    before = client.memory.state()
    client.loses_request("create", times=2)
    error = failure(client, issuer())

    assert isinstance(error, AnswerLost)
    assert client.memory.state() == before
    assert operations(error) == RESTORED


@pytest.mark.parametrize("way", ["loses_answer", "loses_request"])
def test_putting_back_is_reported_and_tried_again_when_it_was_lost(way: str) -> None:
    client = ScriptedClient(host_with_leftover(), retries=0)
    before = client.memory.state()
    client.fails("create", invalid)
    client.passes("update")
    getattr(client, way)("update")
    error = failure(client, issuer())

    assert client.memory.state() == before
    assert "was put back" in error.message
    assert operations(error) == RESTORED


def test_what_could_not_be_put_back_is_reported_with_what_to_do_and_is_still_on_the_host() -> None:
    client = ScriptedClient(host_with_leftover(), retries=0)

    def refusal() -> TrustError:
        error = invalid()
        error.hint = "As it was."
        return error

    client.fails("create", refusal)
    client.passes("update")
    client.fails("update", refusal, times=50)
    error = failure(client, issuer())

    assert error.message == "esx01: failed (400 INVALID_ARGUMENT). The token_issuer 'leftover' could not be put back."
    assert error.hint == "As it was. Run the task again now: until then the host does not have it."
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
    client = ScriptedClient(host_with_leftover(), retries=0)
    client.fails("create", invalid)
    client.passes("update")
    client.fails("update", lambda: Unauthorized("no", status=403, error_type="UNAUTHORIZED"), times=9)

    assert "could not be put back" in failure(client, issuer()).message
    assert client.writes.count("update") == 2


def test_nothing_is_said_to_be_put_back_where_ours_was_created_after_all() -> None:
    client = ScriptedClient(host_with_leftover(), retries=0)
    client.passes("list")
    client.loses_answer("create")
    client.loses_request("list")  # looking again
    error = failure(client, issuer())

    assert set(client.memory.issuers) == {"leftover", "vc"}
    assert client.memory.issuers["vc"]["issuer"] == ISSUER
    assert "was put back" not in error.message
    assert operations(error) == RENAMED[:2]


def test_what_somebody_else_put_back_is_not_claimed() -> None:
    client = ScriptedClient(host_with_leftover(), retries=0)
    client.fails("create", invalid)
    client.passes("list")
    client.passes("list")
    client.is_raced("list", lambda host: host.hold_issuer("leftover", ISSUER, [OLD]))
    error = failure(client, issuer())

    assert "put back" not in error.message
    assert operations(error) == [("update", "leftover")]


def test_a_refused_login_in_the_middle_of_a_renaming_is_not_repeated_until_the_account_is_locked() -> None:
    client = ScriptedClient(host_with_leftover())
    for call in ("create", "list"):
        if call == "list":
            client.passes("list")
        client.fails(call, refused, times=50)

    error = failure(client, issuer())

    # The login is sent again only to look once.
    assert client.calls == ["list", "update", "create", "list"]
    assert "could not be put back" in error.message


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("call", ["update", "create", "delete"])
def test_a_run_that_is_stopped_leaves_the_issuer_trusted(stop: type[BaseException], call: str) -> None:
    client = ScriptedClient(host_with_leftover())

    def stopped(_host: MemoryHost) -> None:
        raise stop

    client.is_raced(call, stopped)
    with pytest.raises(stop):
        converge(client.as_client(), issuer(), check_mode=False)
    trusted = [alias for alias, spec in client.memory.issuers.items() if spec["issuer"] == ISSUER]

    assert trusted == ["vc" if call == "delete" else "leftover"]


def test_a_renaming_onto_an_alias_in_use_puts_back_when_the_update_fails() -> None:
    host = host_with_leftover()
    host.hold_issuer("vc", "https://other", [OLD])
    before = host.state()
    client = ScriptedClient(host)
    client.passes("update")
    client.fails("update", invalid)
    error = failure(client, issuer())

    assert operations(error) == RESTORED
    assert host.state() == before


def test_a_step_that_is_needed_a_second_time_has_an_end_too() -> None:
    # Whoever made the leftover makes it again, and from then on no marking gets through.
    client = ScriptedClient(host_with_leftover(), retries=3)
    client.is_raced("create", lambda host: host.hold_issuer("leftover", ISSUER, [OLD]))
    client.passes("update")
    client.loses_request("update", times=1000)
    error = failure(client, issuer())

    assert isinstance(error, AnswerLost)
    assert client.writes.count("update") <= 1 + 1 + 3 + 3


def test_a_race_in_the_middle_of_a_renaming_is_renamed_too() -> None:
    client = ScriptedClient(host_with_leftover())

    def race(host: MemoryHost) -> None:
        host.hold_issuer("elsewhere", ISSUER, [OLD])
        host.hold_issuer("vc", "https://another", [OLD])

    client.is_raced("create", race)
    done = converge(client.as_client(), issuer(), check_mode=False)

    assert [(step.action, step.id) for step in done.steps] == [
        ("update", "leftover"),
        ("update", "elsewhere"),
        ("update", "vc"),
        ("delete", "leftover"),
        ("delete", "elsewhere"),
    ]

    assert list(client.memory.issuers) == ["vc"]


def doubtful(lose: Callable[[ScriptedClient], None]) -> ScriptedClient:
    """The answer to the marking is lost, and so is the look after it."""
    client = ScriptedClient(host_with_leftover(), retries=0)
    lose(client)
    client.passes("list")
    client.fails("list", broken)

    return client


def test_a_marking_in_doubt_that_happened_is_put_back() -> None:
    client = doubtful(lambda client: client.loses_answer("update"))
    error = failure(client, issuer())

    assert error.message.endswith(" The token_issuer 'leftover' was put back as it was.")
    assert client.memory.issuers["leftover"]["issuer"] == ISSUER
    assert client.calls == ["list", "update", "list", "list", "update"]


def test_a_marking_in_doubt_that_did_not_happen_needs_nothing() -> None:
    client = doubtful(lambda client: client.loses_request("update"))
    error = failure(client, issuer())

    assert "put back" not in error.message
    assert error.not_restored == []
    assert error.operations == []
    assert client.calls == ["list", "update", "list", "list"]


def test_what_cannot_be_looked_at_is_handed_over_whole() -> None:
    client = ScriptedClient(host_with_leftover(), retries=0)
    client.loses_answer("update")
    client.passes("list")
    client.fails("list", broken, times=9)
    error = failure(client, issuer())

    assert error.message.endswith(" The token_issuer 'leftover' could not be put back.")

    (lost,) = error.not_restored

    assert (lost["issuer_alias"], lost["issuer"]) == ("leftover", ISSUER)
    assert client.writes == ["update"]


def group(name: str, entitlement: str) -> dict[str, object]:
    """A client profile, as the host holds it, of a group that the issuer at the alias leftover names."""
    return {
        "subject": {"type": "EXTERNAL_GROUP", "name": name, "issuer_alias": "leftover", "domain": "vsphere.local"},
        "grants": grants(entitlement),
    }


def unknown_grant() -> dict[str, object]:
    return {**group("others", "READ_ONLY"), "grants": [{"resource_type": "PRIVILEGE", "privilege": "x"}]}


@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("added", [lambda: group("others", "READ_ONLY"), unknown_grant], ids=["plain", "unknown"])
def test_a_profile_that_appears_during_a_renaming_costs_no_other_its_rights(
    added: Callable[[], dict[str, object]], retries: int
) -> None:
    memory = host_with_leftover()
    memory.profiles["0"] = group("admins", "IDENTITY_MGMT")
    client = ScriptedClient(memory, retries=retries)
    client.passes("list_profiles")
    client.is_raced("list_profiles", lambda host: host.profiles.update(added=added()))
    lost: list[object] = []

    try:
        converge(client.as_client(), issuer(), check_mode=False)
    except TrustError as error:
        lost = list(error.not_restored)

    assert lost == []

    (alias,) = memory.issuers

    (rights,) = [
        profile["grants"]
        for profile in memory.profiles.values()
        if profile["subject"]["name"] == "admins" and profile["subject"]["issuer_alias"] == alias
    ]

    assert rights == grants("IDENTITY_MGMT")
