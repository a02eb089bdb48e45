# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that may happen to a request, each with a name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from simulator import Fault
from simulator.bodies import BODIES

#: Seconds, for the faults that make a client wait; all others must not need their time.
SHORT = 0.25
LONG = 20.0
#: In place of 16 MiB, which would make the sweep slow and prove no more.
LARGEST_BODY = 64 * 1024

ONCE, TWICE, FOR_GOOD, ALWAYS = "once", "twice", "for good", "always"
#: How often a fault strikes, beginning with one request: it alone, it and so many more, all that follow; or every
#: request to its operation and to no other.
TIMES: dict[str, int | None] = {ONCE: 1, TWICE: 2, "3 times": 3, "4 times": 4, FOR_GOOD: None, ALWAYS: None}

COLUMNS = ("reset", "lost", "cut", "slow", "expired", "status", "redirect", "body")


@dataclass(frozen=True)
class Trouble:
    """A fault with a name. column: its place in the table. slow: it makes a client wait until the timeout."""

    name: str
    column: str
    fields: dict[str, Any]
    spans: tuple[str, ...] = (ONCE,)
    settings: dict[str, Any] = field(default_factory=dict)
    slow: bool = False

    def fault(self, index: int, operation: str, span: str) -> Fault:
        where = {"operation": operation} if span == ALWAYS else {"skip": index}
        return Fault.model_validate({**self.fields, **where, "times": TIMES[span]})


def _troubles() -> Iterator[Trouble]:
    every = tuple(TIMES)
    main = (ONCE, TWICE, FOR_GOOD, ALWAYS)
    ends = (ONCE, ALWAYS)

    for abort in ("reset", "close"):
        spans = every if abort == "reset" else ends
        yield Trouble(f"reset_before {abort}", "reset", {"kind": "reset_before", "abort": abort}, spans)
        yield Trouble(f"lose_answer {abort}", "lost", {"kind": "lose_answer", "abort": abort}, spans)

    for count in (0, 7, 40):
        yield Trouble(
            f"cut at {count}", "cut", {"kind": "cut_answer", "raw_bytes": count}, main if count == 40 else ends
        )

    for count in (0, 5):
        yield Trouble(f"cut in the body at {count}", "cut", {"kind": "cut_answer", "bytes": count}, ends)
    yield Trouble("late", "slow", {"kind": "delay", "seconds": 2 * SHORT}, main, slow=True)
    yield Trouble("late answer", "slow", {"kind": "delay_answer", "seconds": 4 * SHORT}, main, slow=True)
    yield Trouble("drip", "slow", {"kind": "drip", "seconds": SHORT / 4}, ends, slow=True)
    yield Trouble("expired", "expired", {"kind": "expire_tokens"}, main)

    for status in (429, 500, 502, 503, 504, 408, 409, 401, 403, 404, 400):
        spans = every if status in (500, 503) else main
        yield Trouble(f"{status}", "status", {"kind": "status", "status": status}, spans)
        old = {"dialect": "rest", "error_type_present": False, "echo_requests": True}
        yield Trouble(f"{status} older form", "status", {"kind": "status", "status": status}, ends, old)

    untyped = {"messages": [{"id": "com.vmware.x", "default_message": "No.", "args": []}]}
    yield Trouble("400 without error_type", "status", {"kind": "status", "status": 400, "body": untyped}, ends)
    yield Trouble("404 unknown", "status", {"kind": "status", "error_type": "OPERATION_NOT_FOUND"}, ends)

    for seconds in ("1", "9999", "soon"):
        later = {"kind": "status", "status": 503, "headers": {"Retry-After": seconds}}
        yield Trouble(f"503 retry after {seconds}", "status", later, ends)

    for status in (500, 502, 503, 504, 408):
        fields = {"kind": "answer", "status": status, "body": "upstream failed"}
        yield Trouble(f"done and {status}", "status", fields, main)

    for location in ("https://127.0.0.1:1/elsewhere", "/api/session", "https://[", "\u00e4"):
        for kind in ("redirect", "answer"):
            fields = {"kind": "redirect", "location": location}
            if kind == "answer":
                fields = {"kind": "answer", "status": 302, "body": "moved", "headers": {"Location": location}}
            yield Trouble(f"{kind} {location}", "redirect", fields, ends)

    for name in sorted(BODIES):
        sizes = (LARGEST_BODY, LARGEST_BODY + 1) if name == "huge" else (None,)
        for size, kind in itertools.product(sizes, ("status", "answer")):
            fields = {"kind": kind, "ready": name, "status": 200, "bytes": size}
            done = "done and " if kind == "answer" else ""
            yield Trouble(f"{done}{name}{size or ''}", "body", fields, ends)

        if BODIES[name](1).status not in (None, 200):
            yield Trouble(f"{name} with its own code", "body", {"kind": "status", "ready": name}, ends)


TROUBLES = tuple(_troubles())
