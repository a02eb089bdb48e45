# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection ends after every single byte of a conversation, in both directions and in several ways."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator.certificates import issue
from wire.checks import assert_one_sentence
from wire.checks import front
from wire.checks import served_by
from wire.proxy import FaultProxy
from wire.scenarios import CREATES
from wire.scenarios import SCENARIOS
from wire.scenarios import Scenario
from wire.ways import Cut
from wire.ways import Way

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from support.modules import Modules
    from wire.ways import Direction

DIRECTIONS = ("to_client", "to_host")
#: Login, read, the list of names before a creation, write.
ANSWERS = 4

scenarios = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
directions = pytest.mark.parametrize("direction", DIRECTIONS)


def conversation(scenario: Scenario, modules: Modules, proxy: FaultProxy, host: Host, direction: Direction) -> Any:
    """The lengths of the TLS records of a run that meets no fault; the same in each run but for some signatures."""
    scenario.start(host)
    proxy.script()
    ran = scenario.run(modules)

    assert ran.changed

    (link,) = proxy.links

    return link.records[direction].lengths


def all_bytes(lengths: list[int], whole: Iterable[int], step: int) -> list[tuple[int, int]]:
    """Each byte of some records, and of the others what is around their ends and each so many bytes between."""
    places = {(record, offset) for record in whole for offset in range(lengths[record] + 1)}
    return sorted(places | set(around_boundaries(lengths, step)))


def around_boundaries(lengths: list[int], step: int = 0) -> list[tuple[int, int]]:
    """Every end of a record and two bytes before and after it; with `step`, each so many bytes between them, too."""
    places = set()
    for record, length in enumerate(lengths):
        offsets = {0, 1, 2, 4, 5, 6, length - 2, length - 1, length}
        offsets |= set(range(0, length, step)) if step else set()
        places |= {(record, offset) for offset in offsets if 0 <= offset <= length}

    return sorted(places)


def sweep(
    scenario: Scenario,
    modules: Modules,
    proxy: FaultProxy,
    host: Host,
    ways: Iterable[Way],
    *,
    must_succeed: bool = True,
    **options: Any,
) -> int:
    """One run for each way of the first connection; all later connections are good."""
    wrong = {}
    count = 0

    for way in ways:
        count += 1
        scenario.start(host)
        proxy.script(way)
        ran = scenario.run(modules, **options)
        verdict = "two connections at a time" if proxy.peak > 1 else None
        verdict = verdict or scenario.verdict(modules, host, ran, must_succeed=must_succeed)
        if verdict:
            wrong[str(way.cut)] = verdict

    assert not wrong, f"{len(wrong)} of {count}: " + "; ".join(
        f"{where}: {complaint}" for where, complaint in wrong.items()
    )

    return count


@scenarios
@directions
def test_a_cut_at_any_byte_hides_and_doubles_nothing(
    modules: Modules, proxy: FaultProxy, host: Host, scenario: Scenario, direction: Direction
) -> None:
    lengths = conversation(scenario, modules, proxy, host, direction)
    assert len(lengths) > ANSWERS

    # The write itself, byte by byte, and its answer.
    places = all_bytes(lengths, [len(lengths) - 1] if scenario is CREATES else [], step=24)
    sweep(scenario, modules, proxy, host, (Way(Cut(direction, place)) for place in places), retries=1)


@scenarios
@directions
def test_a_reset_at_any_boundary_hides_and_doubles_nothing(
    modules: Modules, proxy: FaultProxy, host: Host, scenario: Scenario, direction: Direction
) -> None:
    places = around_boundaries(conversation(scenario, modules, proxy, host, direction), step=64)
    sweep(scenario, modules, proxy, host, (Way(Cut(direction, place, "reset")) for place in places), retries=1)


@scenarios
@directions
@pytest.mark.parametrize("how", ["close", "reset"])
def test_without_retries_it_reports_the_truth_or_says_that_it_cannot(
    modules: Modules, proxy: FaultProxy, host: Host, scenario: Scenario, direction: Direction, how: Any
) -> None:
    places = around_boundaries(conversation(scenario, modules, proxy, host, direction), step=128)
    ways = (Way(Cut(direction, place, how)) for place in places)
    sweep(scenario, modules, proxy, host, ways, must_succeed=False, retries=0)


@scenarios
@directions
def test_a_connection_that_falls_silent_at_any_boundary_is_given_up(
    modules: Modules, proxy: FaultProxy, host: Host, scenario: Scenario, direction: Direction
) -> None:
    lengths = conversation(scenario, modules, proxy, host, direction)
    ways = (Way(Cut(direction, (record, 0), "stall")) for record in range(len(lengths)))
    sweep(scenario, modules, proxy, host, ways, retries=1, timeout=0.25)


@scenarios
@directions
@pytest.mark.parametrize("how", ["close", "reset"])
def test_if_every_connection_is_cut_the_run_ends(
    modules: Modules, proxy: FaultProxy, host: Host, scenario: Scenario, direction: Direction, how: Any
) -> None:
    lengths = conversation(scenario, modules, proxy, host, direction)
    wrong = {}

    for place in around_boundaries(lengths):
        scenario.start(host)
        proxy.script(otherwise=Way(Cut(direction, place, how)))
        ran = scenario.run(modules, retries=2)
        # The login, and three attempts to read, to list and to write. After the first loss each has its own connection.
        if proxy.total > 10:
            wrong[place] = f"{proxy.total} connections"
        if host.login_attempts > 2:
            wrong[place] = f"the password was sent {host.login_attempts} times"
        proxy.script()
        verdict = scenario.verdict(modules, host, ran, must_succeed=False)
        if verdict:
            wrong[place] = verdict

    assert not wrong


@pytest.fixture
def inside(host: Host, fleet: Fleet, modules: Modules) -> Iterator[FaultProxy]:
    """A front that cuts what is inside TLS, with a proper farewell of TLS where it closes."""
    with front(host, served_by(issue("front", fleet.authority, names=(host.address,)))) as running:
        modules.connection["port"] = running.port
        yield running


def telling(answers: bytes) -> list[int]:
    """Each byte of status lines, headers and the last answer, and every seventh of the other bodies.

    No byte of a certificate or of a token is more than another.
    """
    places = set(range(0, len(answers), 7))
    begin = 0

    while (begin := answers.find(b"HTTP/1.1 ", begin)) >= 0:
        end = answers.index(b"\r\n\r\n", begin) + len(b"\r\n\r\n")
        places.update(range(begin, end + 1))
        last = begin
        begin = end

    places.update(range(last, len(answers) + 1))

    return sorted(places)


@scenarios
@pytest.mark.parametrize(("how", "step"), [("close", 1), ("truncate", 5)])
def test_an_answer_that_ends_after_any_byte_inside_tls_hides_nothing(
    modules: Modules, inside: FaultProxy, host: Host, scenario: Scenario, how: Any, step: int
) -> None:
    scenario.start(host)
    inside.script()

    assert scenario.run(modules).changed

    # The heads are those of the creation again, and the list of issuers is long.
    step *= 1 if scenario is CREATES else 5
    places = telling(bytes(inside.links[0].to_client))[::step]
    ways = (Way(Cut("to_client", place, how)) for place in places)
    sweep(scenario, modules, inside, host, ways, retries=1)


def test_a_conversation_of_single_bytes_is_understood(modules: Modules, proxy: FaultProxy, host: Host) -> None:
    for scenario in SCENARIOS:
        scenario.start(host)
        proxy.script(otherwise=Way(piece=1))
        ran = scenario.run(modules)

        assert scenario.verdict(modules, host, ran, must_succeed=True) is None


def test_records_of_single_bytes_are_understood(modules: Modules, inside: FaultProxy, host: Host) -> None:
    for scenario in SCENARIOS:
        scenario.start(host)
        inside.script(otherwise=Way(piece=1))
        ran = scenario.run(modules)

        assert scenario.verdict(modules, host, ran, must_succeed=True) is None


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("how", ["close", "reset"])
def test_cuts_of_tls_1_2(modules: Modules, host: Host, fleet: Fleet, direction: Direction, how: Any) -> None:
    identity = issue("front", fleet.authority, names=(host.address,))
    older = served_by(identity, newest=ssl.TLSVersion.TLSv1_2)

    with front(host, older) as behind, FaultProxy(host.address, behind.port) as proxy:
        modules.connection["port"] = proxy.port
        places = around_boundaries(conversation(CREATES, modules, proxy, host, direction), step=48)
        sweep(CREATES, modules, proxy, host, (Way(Cut(direction, place, how)) for place in places), retries=1)


@scenarios
@pytest.mark.parametrize("kind", ["falsify", "repeat"])
def test_a_stream_that_was_tampered_with_is_a_broken_connection(
    modules: Modules, proxy: FaultProxy, host: Host, scenario: Scenario, kind: str
) -> None:
    lengths = conversation(scenario, modules, proxy, host, "to_client")

    ways = {
        "falsify": [
            Way(falsify=(record, offset)) for record, length in enumerate(lengths) for offset in (0, 5, length - 1)
        ],
        "repeat": [Way(repeat=record) for record in range(len(lengths))],
    }[kind]

    wrong = {}

    for way in ways:
        scenario.start(host)
        proxy.script(way)
        ran = scenario.run(modules, retries=1, timeout=2)
        verdict = scenario.verdict(modules, host, ran, must_succeed=False)
        if verdict:
            wrong[str(way)] = verdict

    assert not wrong


def test_a_tampered_handshake_gets_no_login(modules: Modules, proxy: FaultProxy, host: Host) -> None:
    lengths = conversation(CREATES, modules, proxy, host, "to_client")
    handshake = len(lengths) - ANSWERS - 2  # two tickets follow it

    for record in range(handshake):
        # The second record means nothing; it is there for old middleboxes.
        if lengths[record] == 6:
            continue
        CREATES.start(host)
        proxy.script(otherwise=Way(falsify=(record, lengths[record] - 1)))
        ran = CREATES.run(modules, retries=1, timeout=2)

        assert_one_sentence(ran, host, code="unreachable")
        assert host.journal == []
