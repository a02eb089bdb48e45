# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run remembers of the steps that it sent, on a host whose answers are lost."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.sent import Sent
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from support.constants import KEY_ID
from support.memory import MemoryHost
from support.memory import ScriptedClient
from support.whole_hosts import desired
from support.whole_hosts import group
from support.whole_hosts import host_with
from support.whole_hosts import provider
from support.whole_hosts import run

WANTED = desired([provider("site-a"), provider("site-b")])


def sent_by(client: ScriptedClient) -> tuple[Sent, tuple[Step, ...]]:
    """A run that has looked and has sent nothing, and the steps of its plan."""
    sent = Sent(client.as_client(), WANTED.host)
    return sent, WANTED.host.plan(sent.look()).steps


def test_each_step_that_was_sent_makes_the_last_look_an_old_one() -> None:
    """A deletion looks once more, unless the run has just looked. Else the new key of another would be deleted."""
    sent, (first, second) = sent_by(ScriptedClient(MemoryHost()))

    has_just_looked = [sent.has_just_looked]
    for step in (first, second):
        sent.send(step)
        has_just_looked.append(sent.has_just_looked)
        sent.look()
        has_just_looked.append(sent.has_just_looked)

    assert has_just_looked == [True, False, True, False, True]


def test_a_step_whose_answers_are_lost_is_in_doubt_once() -> None:
    client = ScriptedClient(MemoryHost())
    sent, (first, _second) = sent_by(client)
    client.loses_request("create", times=2)
    for _turn in range(2):
        with pytest.raises(AnswerLost):
            sent.send(first)

    assert sent.steps == [first]


def test_a_run_returns_which_step_was_answered_with_which_value() -> None:
    client = ScriptedClient(host_with(providers={"site-a": KEY_ID}))
    outcome = run(client, desired([provider("site-b")], profiles=[group("admins", "vc", "READ_ONLY")]))
    (identifier,) = client.memory.profiles

    assert [(step.resource, step.action, answer) for step, answer in outcome.answers] == [
        ("client_profile", "create", identifier)
    ]
