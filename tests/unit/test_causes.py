# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for the cause of an error of the libraries."""

from __future__ import annotations

from http.client import BadStatusLine
from http.client import IncompleteRead
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from urllib3 import exceptions

from ansible_collections.esx.trust.plugins.module_utils._api.causes import reason

CHUNKED: Any = SimpleNamespace(tell=lambda: 3, length_remaining=None)


@pytest.mark.parametrize(
    "cause",
    [
        IncompleteRead(b"abc", 97),
        exceptions.IncompleteRead(3, 97),
        # Older urllib3 raises this, too, if the answer ends where a length of a chunk should be.
        exceptions.InvalidChunkLength(CHUNKED, b""),
    ],
)
def test_an_answer_that_was_cut_is_said_to_have_ended_too_early(cause: Exception) -> None:
    wrapped = exceptions.ProtocolError(f"Connection broken: {cause!r}", cause)
    reasons = {reason(error) for error in (cause, wrapped, requests.ConnectionError(wrapped))}

    assert reasons == {"the connection ended too early"}


@pytest.mark.parametrize(
    "cause",
    [
        BadStatusLine("zz"),
        exceptions.InvalidChunkLength(CHUNKED, b"zz"),
        ValueError("zz"),
    ],
)
def test_an_answer_of_another_protocol_is_said_to_be_no_http(cause: Exception) -> None:
    assert reason(exceptions.ProtocolError("Connection broken", cause)) == "the answer is not HTTP"


def test_the_words_of_a_proxy_move_no_cursor_and_are_not_long() -> None:
    words = "Tunnel connection failed: 502 \x1b[2J\x07gone\r\n" + "x" * 1000
    cause = reason(OSError(words))

    assert cause.isprintable()
    assert cause.startswith("Tunnel connection failed: 502 ?[2J?gone x")
    assert len(cause) < 300
