# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audits of several sites held against each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build
from ansible_collections.esx.trust.plugins.plugin_utils._audit.forms import compare_audits
from support.audits import NOW
from support.audits import entry
from support.audits import provider
from support.audits import resource

ONE = "0a1b2c3d-0000-4000-8000-000000000001"
TWO = "0a1b2c3d-0000-4000-8000-000000000002"


def site(*hosts: tuple[str, str]) -> Any:
    """The record of a site, as it is read from its file: each host holds the provider with this key_id."""
    entries = [
        entry(name, resource("ok", {**provider("keys"), "key_id": key_id}, {**provider("keys"), "key_id": key_id}))
        for name, key_id in hosts
    ]
    return json.loads(json.dumps(build(entries, NOW)))


def test_another_key_under_the_same_name() -> None:
    compared = compare_audits({"berlin": site(("a", ONE), ("b", ONE)), "bremen": site(("c", TWO))})
    assert compared["sites"] == ["berlin", "bremen"]
    assert not compared["same_keys"]

    assert compared["key_disagreements"] == [
        {
            "provider": "keys",
            "keys": [
                {"key_id": ONE, "sites": [{"site": "berlin", "hosts": ["a", "b"]}]},
                {"key_id": TWO, "sites": [{"site": "bremen", "hosts": ["c"]}]},
            ],
        }
    ]

    (sentence,) = compared["sentences"]

    assert sentence == f"The key provider keys holds different keys: {ONE} at berlin (2); {TWO} at bremen (1)."


def test_the_same_key_however_it_is_written() -> None:
    compared = compare_audits({"berlin": site(("a", ONE)), "bremen": site(("b", ONE.upper()))})
    assert compared["same_keys"]
    assert compared["sentences"] == []


@pytest.mark.parametrize("audits", [[], "text", None, {"berlin": {}}, {"berlin": {"version": 1}}])
def test_what_is_no_audit_is_refused(audits: Any) -> None:
    with pytest.raises(AnsibleError, match="compare_audits"):
        compare_audits(audits)
