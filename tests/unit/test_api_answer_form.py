# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of an answer: its media type, the kind of its body, its error and its fields."""

from __future__ import annotations

from typing import Any
from typing import Optional

import pytest

from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import STRANGE
from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import body_word
from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import content_type
from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import error_in
from ansible_collections.esx.trust.plugins.module_utils._services.api_answer_form import field_paths
from support.answers import answer


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; Charset=UTF-8", "application/json; charset=utf-8"),
        ("text/html;charset=utf-8; x=esx01.example.com", "text/html; charset=utf-8"),
        ("", None),
        ("esx01.example.com", STRANGE),
    ],
)
def test_content_types(header: str, read: Optional[str]) -> None:
    assert content_type(header) == read


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error_type": "NOT_FOUND", "messages": []}, "NOT_FOUND"),
        ({"type": "com.vmware.vapi.std.errors.not_found", "value": {}}, "NOT_FOUND"),
        ({"jsonrpc": "2.0", "result": {"error": {"ERROR": {"com.vmware.vapi.std.errors.not_found": {}}}}}, "NOT_FOUND"),
        ({"jsonrpc": "2.0", "error": {"code": -32700}}, "JSON-RPC -32700"),
        ({"jsonrpc": "2.0", "error": {"code": "verwalter"}}, "JSON-RPC"),
        ({"jsonrpc": "2.0", "result": {"output": []}}, None),
        ({"error_type": "verwalter@esx01"}, None),
        ({"error_type": {"a": 1}}, None),
        ([], None),
    ],
)
def test_errors_in_answers(body: Any, error: Optional[str]) -> None:
    assert error_in(answer(200, body)) == error


def test_fields_are_named_and_never_what_is_in_them() -> None:
    value = [
        {"provider": "schluessel", "available": True, "details": []},
        {"provider": "other", "available": False, "details": [{"id": "a", "args": [1]}], "native": None},
    ]
    assert field_paths(value) == (
        "[].provider: string",
        "[].available: boolean",
        "[].details: empty list",
        "[].details[].id: string",
        "[].details[].args[]: number",
        "[].native: null",
    )


@pytest.mark.parametrize("name", ["esx01.example.com", "a b", "https://vc1", "x" * 60, "5f0b1f4e", "", "Schlüssel"])
def test_what_no_api_calls_a_field_is_not_shown(name: str) -> None:
    assert field_paths({name: 1}) == (f"{STRANGE}: number",)


def test_body_kind_of_a_long_document() -> None:
    assert body_word(answer(200, b"<p>" + b"x" * 10_000)) == "html"
    assert body_word(answer(200, b"<fault>" + b"x" * 10_000)) == "xml"


def test_a_type_of_error_that_the_api_does_not_have_is_not_repeated() -> None:
    """A host that names a secret as the type would have it shown in capitals, where nothing masks it."""
    assert error_in(answer(200, {"error_type": "verylongpasswordindeed", "messages": []})) is None
    assert error_in(answer(200, {"error_type": "NOT_FOUND", "messages": []})) == "NOT_FOUND"
