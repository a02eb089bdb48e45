# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with the same declaration share its validation, and no host gets the options of another."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.plugin_utils._validated import ValidatedOptions

DECLARED: dict[str, Any] = {
    "username": "root",
    "password": "a password",
    "client_profiles": [{"local_user_name": "backup", "entitlements": ["READ_ONLY"]}],
    "hostname": "esx01",
}


def validated(**options: Any) -> ValidatedOptions:
    args = ARGUMENTS.given({**DECLARED, **options})
    return ValidatedOptions.of(ARGUMENTS, args, "esx.trust.esx_host_trust", shows_invocation=False)


def test_a_host_that_differs_in_its_address_only() -> None:
    other = {**DECLARED, "hostname": "esx02"}

    shared = validated().of_other_host(other)

    assert shared is not None
    assert shared.args == other
    assert shared.params == validated(hostname="esx02").params
    assert (validated().params or {})["hostname"] == "esx01"


@pytest.mark.parametrize(
    ("options", "other_options"),
    [
        ({"password": "a password"}, {"password": "another"}),
        ({"password": 12345678}, {"password": 12345678.0}),
        ({"password": 1}, {"password": True}),
        ({"port": 1}, {"port": "1"}),
        ({"client_profiles": [{"local_user_name": 7}]}, {"client_profiles": [{"local_user_name": 7.0}]}),
        ({"username": "root"}, {"admin": "root"}),
        ({}, {"kms_providers": []}),
        ({}, {"hostname": 1}),
    ],
    ids=["text", "number", "truth", "kind", "nested", "alias", "further option", "address that is no text"],
)
def test_a_host_that_differs_in_anything_else(options: dict[str, Any], other_options: dict[str, Any]) -> None:
    assert validated(**options).of_other_host({**DECLARED, "hostname": "esx02", **other_options}) is None


def test_options_that_ansible_refused_are_not_shared() -> None:
    refused = validated(port="no number")

    assert refused.params is None
    assert refused.of_other_host({**refused.args, "hostname": "esx02"}) is None
