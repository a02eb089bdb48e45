# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What messages quote of a host, and which names of error types are believed."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import EXCERPT
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import HINT_NOT_THE_API
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import error_type_name
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import excerpt
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from support.answers import READ
from support.answers import answer

#: A secret that is longer than the text in its place, so that more of a long text can be quoted.
SECRET = "s" * 960


def masked(text: str) -> str:
    return text.replace(SECRET, "***")


@pytest.mark.parametrize(("length", "name"), [(128, "NOT_FOUND"), (129, None)])
def test_the_name_of_an_error_type_has_an_end(length: int, name: object) -> None:
    assert error_type_name("com.example.not_found".rjust(length, "x"), masked) == name


def test_a_text_that_is_searched_whole_is_quoted_to_its_end() -> None:
    text = (SECRET * 4 + " and the end").ljust(4096, ".")
    assert excerpt(text, 1000, masked) == masked(text)


def test_of_a_longer_text_only_the_last_part_is_left_out_because_it_may_hold_half_a_secret() -> None:
    text = "begins" + " " * 1000 + "goes on" + " " * 2900 + SECRET
    assert excerpt(text, EXCERPT, masked) == "begins goes on"


@pytest.mark.parametrize("text", ["no", " " * 5000 + "no", "\ufeffno", "\ufeff no"])
def test_blanks_and_a_mark_before_a_text_are_not_quoted(text: str) -> None:
    assert excerpt(text, EXCERPT, masked) == "no"


def json_rpc_error(status: int) -> UnexpectedAnswer:
    with pytest.raises(UnexpectedAnswer) as caught:
        JSON_RPC.decode(READ, answer(status, b"no"), "esx01", masked)
    return caught.value


def test_only_a_server_that_did_not_fail_itself_may_speak_rest() -> None:
    assert "api_protocol rest" in json_rpc_error(400).hint
    assert "api_protocol rest" in json_rpc_error(499).hint
    assert json_rpc_error(500).hint == HINT_NOT_THE_API


def test_the_other_form_may_be_tried_after_a_redirect_from_the_address_of_json_rpc() -> None:
    assert json_rpc_error(302).may_try_other_form is True
