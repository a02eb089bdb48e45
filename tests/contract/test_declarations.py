# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own declarations of operations against the reference."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from support.registry import KINDS
from support.registry import file_of

REFERENCE = yaml.safe_load(Path(__file__).with_name("reference.yml").read_text(encoding="utf-8"))["operations"]
DECLARED = {operation.id: operation for kind in KINDS for operation in file_of(kind).OPERATIONS}
DECLARED[TOKEN_CREATE.id] = TOKEN_CREATE
#: What the collection uses although the reference has no word of it; its documentation says so.
UNDOCUMENTED = {kms_provider.DELETE.id}


SERVICES = {name.rpartition(".")[0] for name in DECLARED}
#: Of the services that the collection has.
KNOWN = [entry for entry in REFERENCE if entry["id"].rpartition(".")[0] in SERVICES]


def test_the_same_operations() -> None:
    assert DECLARED.keys() - UNDOCUMENTED == {entry["id"] for entry in KNOWN}


def test_the_same_facts() -> None:
    for entry in KNOWN:
        operation = DECLARED[entry["id"]]
        assert (operation.method, operation.path) == (entry["method"], entry["path"]), entry["id"]
        assert operation.success == (entry["success"],), entry["id"]
        assert set(operation.errors) == set(entry["errors"]), entry["id"]


def test_only_what_is_read_is_called_reading() -> None:
    assert {operation.id.rpartition(".")[2] for operation in DECLARED.values() if operation.reads} == {"get", "list"}
