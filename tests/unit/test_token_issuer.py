# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token issuers as a host lists them, and what is asked of the host before a step."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import ChangedMeanwhile
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer import GET
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer import LIST
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer import check_address
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_reading import check_unchanged
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_reading import list_issuers
from support.issuer_rights import ISSUER
from support.issuer_rights import issuers
from support.memory import MemoryHost
from support.memory import ScriptedClient


class BriefHost(MemoryHost):
    """Lists aliases alone, and answers a request for one issuer with a fixed value."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[Call] = []

    def perform(self, call: Call) -> Any:
        self.asked.append(call)
        return [{"issuer_alias": "vc"}] if call.operation is LIST else self.answer


def test_all_fields_of_the_issuers_are_asked_for_at_once() -> None:
    host = BriefHost({"issuer": ISSUER, "signing_cert_chains": []})
    list_issuers(ScriptedClient(host).as_client())

    assert [(call.operation, call.arguments) for call in host.asked] == [
        (LIST, {"projection": "FULL"}),
        (GET, {"issuer_alias": "vc"}),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        ["vc"],
        {"issuer": ISSUER},
        {"issuer": 5, "signing_cert_chains": []},
        {"issuer": ISSUER, "signing_cert_chains": ["text"]},
        {"issuer": ISSUER, "signing_cert_chains": [{"cert_chain": "text"}]},
    ],
    ids=["a list", "no chains", "a number for the issuer", "a text for a chain", "a text for certificates"],
)
def test_an_answer_of_another_form_is_an_error_that_names_the_operation(answer: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match=GET.id):
        list_issuers(ScriptedClient(BriefHost(answer)).as_client())


def test_an_alias_that_lost_its_issuer_stops_the_step() -> None:
    (expected,) = issuers(vc=ISSUER).values()
    host = MemoryHost()
    host.hold_issuer("vc", "https://theirs", [])
    with pytest.raises(ChangedMeanwhile) as caught:
        check_unchanged(ScriptedClient(host).as_client(), expected)

    assert caught.value.message == "esx01: the alias 'vc' has lost its issuer since the last look."
    assert caught.value.hint == HINT_RUN_AGAIN


def test_an_alias_of_the_host_that_cannot_be_in_a_url_is_named_before_a_request_is_sent() -> None:
    (held,) = issuers(**{"..": ISSUER}).values()
    with pytest.raises(InvalidInput, match=r"^issuer_alias: "):
        check_address(Step.between(RESOURCE, "..", held, None))
