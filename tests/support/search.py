# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets in texts, in every encoding in which somebody could read them. Shares nothing with the plugins."""

from __future__ import annotations

import base64
import binascii
import functools
import html
import json
import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from urllib.parse import quote_plus

#: Shorter pieces of an encoding stand in innocent text by chance.
SHORTEST_CORE = 6
SHORTEST_HEX = 8
SHORTEST_WHOLE = 24
_PERCENT = re.compile("%[0-9A-F]{2}")


def _aligned(data: bytes) -> Iterator[str]:
    """What stays of the Base64 of `data` wherever it begins and ends in a longer text."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        spoiled = len(data) + before
        core = text[(0, 2, 3)[before] : len(text) - (1 if spoiled % 3 else 0)]

        if len(core) >= SHORTEST_CORE:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _parts(text: str) -> Iterator[str]:
    """Parts of a long text, one of which is in every piece of it that is half as long again as they are."""
    for start in range(0, len(text) - SHORTEST_WHOLE + 1, SHORTEST_WHOLE // 2):
        yield text[start : start + SHORTEST_WHOLE]


@functools.cache
def encodings(secret: str) -> frozenset[str]:
    """The secret as it is, percent-encoded, in Base64, in JSON, in HTML, as a literal, in hex, and parts of it."""
    data = secret.encode()
    percent = quote(data, safe="")
    forms = {secret, percent, quote(data), quote_plus(data), quote(percent, safe="")}
    forms.add(_PERCENT.sub(lambda match: match[0].lower(), percent))
    forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    forms |= {json.dumps(json.dumps(secret))[3:-3], html.escape(secret), html.escape(secret, quote=False)}
    forms |= {repr(secret)[1:-1], "\\x".join(["", *(f"{byte:02x}" for byte in data)])}
    cores = set(_aligned(data))
    forms |= cores
    hexadecimal = [data.hex()]

    try:
        raw = base64.b64decode(secret, validate=True)
        hexadecimal.append(raw.hex())
    except (binascii.Error, ValueError):
        pass

    for text in hexadecimal:
        if len(text) >= SHORTEST_HEX:
            forms |= {text, text.upper()}

    # Where a text was cut, a part is left.
    for text in (secret, *cores):
        forms.update(_parts(text))

    if secret.endswith("="):
        forms.add(secret.rstrip("="))

    return frozenset(forms)


def pieces(key: str) -> Iterator[str]:
    """The lines of a private key in PEM, and its body as one text."""
    body = [line.strip() for line in key.splitlines() if line.strip() and "-----" not in line and ":" not in line]
    yield from (line for line in body if len(line) >= SHORTEST_WHOLE)
    yield "".join(body)


def words(value: Any) -> Iterator[str]:
    """Every text in a result, as a program that reads the JSON gets it."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield str(key)
            yield from words(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from words(entry)
    else:
        yield str(value)


class Search:
    """Compares, and keeps count of it."""

    def __init__(self) -> None:
        self.comparisons = 0
        self.runs = 0
        self.secrets: set[str] = set()
        self.places = 0

    def find(self, secrets: Mapping[str, Iterable[str]], places: Mapping[str, str]) -> list[str]:
        """Where a secret was found, and in which encoding."""
        findings = []
        self.runs += 1
        self.places += len(places)

        for name, values in secrets.items():
            for secret in set(values):
                self.secrets.add(secret)
                forms = encodings(secret)
                self.comparisons += len(forms) * len(places)
                for place, text in places.items():
                    findings += [f"{name} in {place}, as {form!r}" for form in forms if form in text]

        return findings

    def counts(self) -> dict[str, int]:
        return {
            "runs": self.runs,
            "secrets": len(self.secrets),
            "places": self.places,
            "comparisons": self.comparisons,
        }
