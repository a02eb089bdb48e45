# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The input of an operation by the introspection of a host and by our declaration."""

from __future__ import annotations

from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services.api_operation_input import declared_fields
from ansible_collections.esx.trust.plugins.module_utils._services.api_operation_input import input_fields


def plain(kind: str) -> dict[str, Any]:
    return {"type": kind}


def test_a_definition_is_compared_field_by_field() -> None:
    service = "com.vmware.esx.trusted_infrastructure.kms.providers"

    native = {
        "type": "STRUCTURE",
        "name": f"{service}.native_provider_create_spec",
        "fields": [
            {"key": "key_id", "value": plain("ID")},
            {"key": "key_derivation_key", "value": plain("SECRET")},
        ],
    }

    spec = {
        "type": "STRUCTURE",
        "name": f"{service}.create_spec",
        "fields": [
            {"key": "provider", "value": plain("ID")},
            {"key": "native_spec", "value": {"type": "OPTIONAL", "element_definition": native}},
        ],
    }

    definition = {"type": "STRUCTURE", "name": "operation-input", "fields": [{"key": "spec", "value": spec}]}

    assert input_fields(definition) == declared_fields(kms_provider.CREATE)

    native["name"] = f"{service}.native_spec"

    assert input_fields(definition) != declared_fields(kms_provider.CREATE)
    assert input_fields(None) is None
    assert input_fields({"fields": "x", "element_definition": 5}) == set()
