# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When two key_ids are the same. The modules, the comparison of a fleet and the audit have one rule."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import canonical_key_id
from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import is_key_id
from ansible_collections.esx.trust.plugins.module_utils._services.key_ids import same_key_id
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import DesiredKmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_model import KmsProvider
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_plan import plan
from ansible_collections.esx.trust.plugins.plugin_utils._audit.differences import differences
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import differences as differences_of_fleet
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import keys
from support.constants import KEY_ID

DIGITS = KEY_ID.replace("-", "")
SAME = [KEY_ID, KEY_ID.upper(), DIGITS, DIGITS.upper()]
#: Python's uuid.UUID takes them for the same UUID. A module refuses them, and a host has not been seen to write them.
OTHER = [f"{{{KEY_ID}}}", f"urn:uuid:{KEY_ID}", f"{DIGITS[:8]}-{DIGITS[8:]}", KEY_ID.replace("1", "\uff11"), "", "none"]


def is_conflict(key_id: str) -> bool:
    desired = DesiredKmsProvider("nkp", key_id=KEY_ID)
    return bool(plan(KmsProvider("nkp", "NATIVE", key_id), desired).conflict)


@pytest.mark.parametrize("key_id", SAME)
def test_spellings_of_one_key_id(key_id: str) -> None:
    assert is_key_id(key_id)
    assert canonical_key_id(key_id) == KEY_ID
    assert not is_conflict(key_id)


@pytest.mark.parametrize("key_id", OTHER)
def test_another_form_is_another_key_id(key_id: str) -> None:
    assert not is_key_id(key_id)
    assert not same_key_id(key_id, KEY_ID)
    assert is_conflict(key_id)


@pytest.mark.parametrize("key_id", SAME + OTHER)
def test_the_audit_reports_a_difference_exactly_if_the_module_has_a_conflict(key_id: str) -> None:
    told_differences = differences({"key_id": key_id, "type": "NATIVE"}, {"key_id": KEY_ID, "type": "NATIVE"})
    assert bool(told_differences) == is_conflict(key_id)


@pytest.mark.parametrize("key_id", [key_id for key_id in SAME + OTHER if key_id])
def test_the_comparison_of_a_fleet_has_the_same_rule(key_id: str) -> None:
    fleet = {"a": keys([{"provider": "nkp", "key_id": KEY_ID}]), "b": keys([{"provider": "nkp", "key_id": key_id}])}
    assert bool(differences_of_fleet(fleet)) == is_conflict(key_id)
