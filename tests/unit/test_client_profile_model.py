# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client profile as options declare it, as modules return it and as a diff shows it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Grant
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import Subject
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import label_of
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import shown
from support.whole_hosts import group

READ_ONLY = Grant.of_entitlement("READ_ONLY")
ADMINS = ClientProfile(Subject("EXTERNAL_GROUP", "admins", "vc", "d"), (READ_ONLY,), "7")
#: A profile that cannot be declared: the host holds privileges in the place of a name.
PRIVILEGES = ClientProfile(Subject("PRIVILEGES", None, "vc"), (), "9", privileges=["Host.Config"])


def declared(**changes: Any) -> DesiredClientProfile:
    return DesiredClientProfile.from_params({**group("admins", "vc", "READ_ONLY"), **changes})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"external_group_name": None},
            "local_user_name, external_group_name, external_user_name: one of them is needed.",
        ),
        (
            {"external_user_name": "ann"},
            "external_group_name, external_user_name: only one of them can be given, because a profile has one"
            " subject.",
        ),
        (
            {"entitlements": None},
            "entitlements: is needed with state present; an empty list grants nothing.",
        ),
        (
            {"entitlements": ["ROOT"]},
            "entitlements: can be IDENTITY_MGMT, SECURITY_MGMT, READ_ONLY, OBSERVABILITY.",
        ),
    ],
)
def test_a_wrong_declaration_is_refused_with_what_to_correct(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        declared(**changes)

    assert caught.value.message == sentence


@pytest.mark.parametrize("option", ["external_group_name", "issuer_alias", "domain"])
def test_each_name_of_a_subject_is_checked(option: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{option}: "):
        declared(**{option: " a"})


def test_a_declaration_that_merges_says_so() -> None:
    assert declared(entitlements_mode="merge").entitlements_mode == "merge"


def test_the_record_shows_everything_that_the_host_holds() -> None:
    assert PRIVILEGES.record() == {
        "profile": "9",
        "type": "PRIVILEGES",
        "local_user_name": None,
        "external_group_name": None,
        "external_user_name": None,
        "issuer_alias": "vc",
        "domain": None,
        "entitlements": [],
        "other_grants": [],
        "privileges": ["Host.Config"],
    }


def test_a_diff_shows_neither_the_id_nor_empty_fields_but_an_empty_list_of_entitlements() -> None:
    assert shown(ADMINS.record()) == {
        "type": "EXTERNAL_GROUP",
        "external_group_name": "admins",
        "issuer_alias": "vc",
        "domain": "d",
        "entitlements": ["READ_ONLY"],
    }
    assert shown(ClientProfile(Subject("LOCAL_USER", "root"), (), "1").record()) == {
        "type": "LOCAL_USER",
        "local_user_name": "root",
        "entitlements": [],
    }


@pytest.mark.parametrize("profile", [ADMINS, PRIVILEGES], ids=["declarable", "not declarable"])
def test_a_record_has_the_label_of_its_profile(profile: ClientProfile) -> None:
    assert label_of(profile.record()) == profile.label
