# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a connection on its way through the proxy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wire.tls_records import Position

Direction = Literal["to_client", "to_host"]

CHUNK = 64 * 1024


@dataclass(frozen=True)
class Cut:
    """Where a connection ends, and how.

    close: orderly, with TLS its farewell included. truncate: the TCP stream ends without TLS's farewell. reset: with
    an RST. stall: nothing more is let through, and nobody is told.
    """

    direction: Direction
    at: Position
    how: Literal["close", "truncate", "reset", "stall"] = "close"


@dataclass(frozen=True)
class Way:
    """What happens to one connection; of itself, nothing."""

    cut: Cut | None = None
    #: Seconds before each piece that goes to the client, and the largest piece.
    latency: float = 0.0
    piece: int = CHUNK
    #: The client is not told that the host closed the connection.
    withhold_end: bool = False
    #: This TLS record goes twice to the client.
    repeat: int | None = None
    #: A TLS record to the client, and the place in it whose byte is changed.
    falsify: tuple[int, int] | None = None
    #: The client gets these bytes in place of any host, once it has sent something; `then` the connection ends.
    instead: bytes | None = None
    then: Literal["close", "reset", "stall"] = "close"
    #: The client gets no answer to anything, and there is no host.
    silent: bool = False
    #: Another port of the same address answers.
    elsewhere: int | None = None
    #: The connection takes one request, and closes when the next one arrives. For a proxy that terminates TLS.
    one_request: bool = False


CLEAN = Way()
