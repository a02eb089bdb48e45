# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request as it came, and an answer before it is sent."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from simulator.bodies import BODIES


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def content_type(self) -> str:
        """Without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON, which knows no NaN and no Infinity.

        ValueError or RecursionError: the body is no JSON, or too deep to be read.
        """
        return json.loads(self.body.decode("utf-8"), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")


@dataclass
class Answer:
    """An answer before it is sent."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def ready(name: str, status: int, size: int | None = None) -> Answer:
    """A ready-made body, with the status it usually has or else the given one."""
    made = BODIES[name](size)
    return Answer(made.status or status, made.content, made.content_type)


# What a hostile host repeats.


def in_three_encodings(value: str) -> str:
    """A value as it is, in Base64, and URL-encoded."""
    data = value.encode("utf-8", "surrogatepass")
    return f"{value} {base64.b64encode(data).decode('ascii')} {urllib.parse.quote(data, safe='')}"


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The texts in decoded JSON, each with the name of the field that it is in."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from leaves(entry, key)
    elif isinstance(value, list):
        for entry in value:
            yield from leaves(entry, name)
    elif isinstance(value, str):
        yield name, value
