# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON with very many levels is no answer of the API, and no function calls itself until Python gives up."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer import DEEPEST
from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Codec
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from support.answers import READ

FORMS = [REST, JSON_RPC]
#: What stands around the inner value in one level, before and after it, and what the levels become.
LEVELS = {"list": ("[", "]"), "field": ('{"a": ', "}"), "field of two": ('{"b": 1, "a": ', "}")}
FRAMED = {**LEVELS, "structure": ('{"STRUCTURE": {"x": {"b": 1, "a": {"OPTIONAL": ', "}}}}")}


def decoded(codec: Codec, level: tuple[str, str], levels: int, status: int = 200) -> Any:
    before, after = level
    nested = before * levels + "1" + after * levels
    if codec is JSON_RPC:
        nested = '{"jsonrpc": "2.0", "id": "0", "result": {"output": ' + nested + "}}"

    return codec.decode(READ, Answer(status, {}, nested.encode()), "esx01", str)


@pytest.mark.parametrize("codec", FORMS)
@pytest.mark.parametrize("kind", LEVELS)
def test_some_levels_are_read(codec: Codec, kind: str) -> None:
    value = decoded(codec, LEVELS[kind], DEEPEST - 2)
    for _level in range(DEEPEST - 2):
        value = value[0] if kind == "list" else value["a"]
    assert value == 1


def test_the_frames_of_json_rpc_do_not_count() -> None:
    value = decoded(JSON_RPC, FRAMED["structure"], DEEPEST - 2)
    for _level in range(DEEPEST - 2):
        value = value["a"]
    assert value == 1


@pytest.mark.parametrize("codec", FORMS)
@pytest.mark.parametrize("kind", FRAMED)
@pytest.mark.parametrize("levels", [DEEPEST, 4 * DEEPEST, 600, 100_000])
def test_too_many_levels_are_no_answer_of_the_api(codec: Codec, kind: str, levels: int) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        decoded(codec, FRAMED[kind], levels)
    assert caught.value.message.startswith("esx01: ")
    assert codec.title(READ) in caught.value.message
    assert len(caught.value.message) < 500
