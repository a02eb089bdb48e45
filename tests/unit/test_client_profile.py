# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids that a host gives to new client profiles, and the hint for one that it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import CREATE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import perform
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile import with_ids
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from support.memory import MemoryHost
from support.memory import ScriptedClient

GROUP = Subject("EXTERNAL_GROUP", "Administrators", "vc", "vsphere.local")
CREATED = ClientProfile(GROUP, (Grant.of_entitlement("READ_ONLY"),))
HELD = ClientProfile(Subject("LOCAL_USER", "automation"), (), "held")


def test_the_id_of_a_new_profile_comes_into_a_new_record() -> None:
    """The records of a plan stay as they are, because a diff shows them too."""
    records = [CREATED.record(), HELD.record(), {}]
    creation = Step.between(RESOURCE, CREATED.label, None, CREATED)

    returned = with_ids(records, [(creation, "new")])

    assert [record.get("profile") for record in returned] == ["new", "held", None]
    assert [record.get("profile") for record in records] == [None, "held", None]


def test_an_id_goes_only_to_the_record_of_its_own_subject() -> None:
    """Not to a record that has an id, nor to another subject, and answers to other steps are no ids."""
    other = ClientProfile(replace(GROUP, name="Operators"), CREATED.grants)
    user = ClientProfile(replace(GROUP, type="EXTERNAL_USER"), CREATED.grants)
    records = [{**CREATED.record(), "profile": "held"}, other.record(), user.record(), HELD.record()]
    answers = [
        (Step.between(RESOURCE, CREATED.label, None, CREATED), "new"),
        (Step.between(RESOURCE, HELD.label, HELD, None), "deleted"),
        (Step.between("token_issuer", "vc", None, object()), "issuer"),
    ]

    assert [record.get("profile") for record in with_ids(records, answers)] == ["held", None, None, "held"]


@pytest.mark.parametrize(
    ("message_id", "words"),
    [
        ("com.example.invalid_createspec", "declare the token issuer 'vc' first"),
        ("vapi.data.structure.name.mismatch", "as it was"),
    ],
)
def test_an_unknown_alias_is_suspected_only_if_the_host_refused_a_value(message_id: str, words: str) -> None:
    step = Step.between(RESOURCE, GROUP.label, None, CREATED)
    error = ApiError(
        "refused", "as it was", operation=CREATE.id, error_type="INVALID_ARGUMENT", message_ids=(message_id,)
    )

    client = ScriptedClient(MemoryHost())
    client.fails("create", lambda: error)

    with pytest.raises(ApiError) as caught:
        perform(client.as_client(), step)

    assert words in caught.value.hint
