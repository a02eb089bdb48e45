# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer of a host, and the kind of its body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

#: The most levels of a value in an answer. No answer of the API has so many, and the functions that handle values call
#: themselves for each level.
DEEPEST = 64
#: The most levels of a body. In JSON-RPC, up to three more levels stand around each level of a value: for an optional
#: value, for a structure, and for its name.
_DEEPEST_BODY = 4 * DEEPEST
#: The first characters of a body in which the kind of a page is looked for.
_SEARCHED = 4096
#: An element that only web pages have. Pages of proxies often lack the element html.
_PAGE_ELEMENT = re.compile(r"<(!doctype html|html|head|title|body|center|div|h[1-6]|p)(?=[\s/>])", re.IGNORECASE)


class BodyKind(Enum):
    """The kind of a body."""

    EMPTY = "empty"
    JSON = "json"
    JSON_RPC = "json_rpc"
    #: A text that begins like JSON and is none.
    BROKEN_JSON = "broken_json"
    HTML = "html"
    XML = "xml"
    TEXT = "text"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer with its whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The value that the body holds; None if the body is not JSON."""
        value, _is_json = self._read
        return value

    @property
    def is_json(self) -> bool:
        """True if the body is JSON."""
        _value, is_json = self._read
        return is_json

    @property
    def is_json_rpc(self) -> bool:
        """True if the body is that of a JSON-RPC answer."""
        return isinstance(self.json, dict) and "jsonrpc" in self.json

    @property
    def text(self) -> str:
        """The body as text, with a replacement character for each byte that is no UTF-8."""
        return self.body.decode("utf-8-sig", "replace")

    @cached_property
    def kind(self) -> BodyKind:
        """The kind of the body."""
        if self.is_json_rpc:
            return BodyKind.JSON_RPC
        if self.is_json:
            return BodyKind.JSON

        beginning = self.text.lstrip()[:_SEARCHED].lower()
        if not beginning:
            return BodyKind.EMPTY
        if beginning.startswith("<"):
            return BodyKind.HTML if _PAGE_ELEMENT.search(beginning) else BodyKind.XML
        if beginning.startswith(("{", "[")):
            return BodyKind.BROKEN_JSON

        return BodyKind.TEXT

    @cached_property
    def _read(self) -> tuple[Any, bool]:
        """The value that the body holds, and True; None and False if the body is not JSON, or has too many levels."""
        try:
            value = json.loads(self.body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            return None, False

        return (None, False) if is_deeper(value, _DEEPEST_BODY) else (value, True)


def is_deeper(value: Any, most: int) -> bool:
    """True if a value of JSON has more levels than `most`. A text or a number has one level."""
    level = [value]
    for _level in range(most):
        inner: list[Any] = []
        for entry in level:
            if isinstance(entry, dict):
                inner.extend(entry.values())
            elif isinstance(entry, list):
                inner.extend(entry)

        if not inner:
            return False

        level = inner

    return True


def is_list_of_texts(value: Any) -> bool:
    """True for a list of JSON in which every entry is a text."""
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
