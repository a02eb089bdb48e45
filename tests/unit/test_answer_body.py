# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of an answer: an answer that is not whole is lost, and the hint is the one for this connection."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.answer_body import BodyReader
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost

HINT = "Check the proxy http://192.0.2.1:3128. Run the task again."


def answer(status: int, headers: dict[str, str], body: bytes = b"") -> Any:
    raw = SimpleNamespace(stream=lambda _size, decode_content: [body], version=11)
    return SimpleNamespace(status_code=status, headers=headers, raw=raw)


@pytest.mark.parametrize(
    "lost",
    [
        answer(103, {}),
        answer(200, {}),
        answer(200, {"Content-Length": "10"}, b"abc"),
        answer(200, {"Content-Length": "ten"}),
    ],
    ids=["interim", "broken off in the headers", "broken off in the body", "no length"],
)
def test_every_lost_answer_has_the_hint_of_the_connection(lost: Any) -> None:
    with pytest.raises(AnswerLost) as caught:
        BodyReader("esx01", HINT).read(lost)

    assert caught.value.hint == HINT
