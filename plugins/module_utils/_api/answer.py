# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer of a host, and the kind of its body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

#: The first characters of a body in which the kind of a page is looked for.
_SEARCHED = 4096


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
        return self.body.decode("utf-8", "replace")

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
            return BodyKind.HTML if "<html" in beginning else BodyKind.XML
        if beginning.startswith(("{", "[")):
            return BodyKind.BROKEN_JSON

        return BodyKind.TEXT

    @cached_property
    def _read(self) -> tuple[Any, bool]:
        """The value that the body holds, and True; None and False if the body is not JSON."""
        try:
            return json.loads(self.body.decode("utf-8-sig")), True
        except (ValueError, RecursionError):
            return None, False
