# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP proxy that stands between a client and a host and does to the connection whatever can happen to one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from wire.background import Background
from wire.tls_records import APPLICATION_DATA
from wire.tls_records import Records
from wire.ways import CHUNK
from wire.ways import CLEAN
from wire.ways import Direction
from wire.ways import Way

#: A state of TCP, by its number in Linux.
ESTABLISHED = 1
#: Seconds for the other side to take part in closing.
FAREWELL = 0.5


@dataclass
class Link:
    """One connection of a client, and all that was seen on it."""

    way: Way
    to_host: bytearray = field(default_factory=bytearray)
    to_client: bytearray = field(default_factory=bytearray)
    records: dict[str, Records] = field(default_factory=lambda: {"to_host": Records(), "to_client": Records()})
    #: The client is still connected, as far as this side knows.
    open: bool = True
    #: The client closed it in an orderly way, before anybody else did.
    ended_by_client: bool = False

    def application_data(self) -> list[int]:
        """Lengths of the client's records of application data (since TLS 1.3 also what ends a handshake)."""
        seen = self.records["to_host"]
        return [length for kind, length in zip(seen.kinds, seen.lengths, strict=True) if kind == APPLICATION_DATA]


class _Ended(Exception):
    """The cut was reached."""


class FaultProxy:
    """Listens on a free port of the host's own address, so that the host's certificate is good for it, too.

    terminate: this TLS context serves the clients in place of the host's own; cuts are then bytes of what is inside.
    """

    def __init__(
        self,
        address: str,
        port: int | None,
        *,
        terminate: ssl.SSLContext | None = None,
        upstream: ssl.SSLContext | None = None,
    ) -> None:
        self.address = address
        self._port_of_host = port
        self._terminate = terminate
        self._upstream = upstream
        self._background = Background("fault proxy")
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._ways: deque[Way] = deque()
        self._otherwise = CLEAN
        self._links: list[Link] = []
        self._sockets: list[tuple[Link, Any]] = []
        self._peak = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._reserved: socket.socket | None = None
        self._stopping = False
        self.port = 0

    def __enter__(self) -> FaultProxy:
        self._background.start()
        self._background.run(self._listen())
        return self

    def __exit__(self, *exception: object) -> None:
        self._background.run(self._stop())
        self._background.stop()
        if self._reserved is not None:
            self._reserved.close()

        assert not self._background.errors, self._background.errors[:3]

    # What the tests say and ask; from any thread.

    def script(self, *ways: Way, otherwise: Way = CLEAN) -> None:
        """The next connections go these ways, and all after them goes `otherwise`. Forgets what was seen."""

        def change() -> None:
            self._ways = deque(ways)
            self._otherwise = otherwise
            self._links = []
            self._sockets = []
            self._peak = 0

        self._background.do(change)

    def refuse(self) -> None:
        """From now on connections are refused; the port stays ours."""

        async def close() -> None:
            assert self._server is not None

            self._server.close()
            self._server = None
            self._reserved = self._bound(self.port)

        self._background.run(close())

    def break_off(self) -> None:
        """End every connection, as a host that goes down does."""

        def abort() -> None:
            for writer in self._writers:
                writer.transport.abort()

        self._background.do(abort)

    @property
    def links(self) -> list[Link]:
        """Every connection since the last script."""
        return self._background.do(lambda: list(self._links))

    @property
    def total(self) -> int:
        return len(self.links)

    @property
    def open_now(self) -> int:
        """Connections that the client holds open at this moment: the kernel knows it before any event loop."""
        return self._background.do(self._held)

    @property
    def peak(self) -> int:
        return self._background.do(lambda: self._peak)

    def wait_until(self, condition: Callable[[], bool], timeout: float = 5.0) -> bool:
        """Looks again and again, inside the loop, until the condition about `seen` holds."""
        return self._background.wait_until(condition, timeout)

    def wait_closed(self, timeout: float = 5.0) -> bool:
        return self.wait_until(lambda: self._held() == 0, timeout)

    def wait_for_bytes(self, count: int, direction: Direction = "to_host", timeout: float = 5.0) -> bool:
        """Waits until so many bytes were seen on all connections together."""
        return self.wait_until(lambda: sum(len(getattr(link, direction)) for link in self._links) >= count, timeout)

    def sent_by_client(self) -> bytes:
        """All that clients sent, on all connections."""
        return b"".join(bytes(link.to_host) for link in self.links)

    # Inside the loop.

    def _bound(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        # asyncio sends without delay only where the protocol is named.
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((self.address, port))

        return sock

    async def _listen(self) -> None:
        sock = self._bound(0)
        self.port = sock.getsockname()[1]
        self._server = await asyncio.start_server(self._accepted, sock=sock, ssl=self._terminate, backlog=1024)

    async def _stop(self) -> None:
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in list(self._writers):
            writer.transport.abort()
        # Transports close their sockets in a turn of the loop that is still to come.
        for _turn in range(3):
            await asyncio.sleep(0)

    def _held(self) -> int:
        return sum(1 for link, sock in self._sockets if link.open and _established(sock))

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None

        self._tasks.add(task)
        self._writers.add(writer)
        link = Link(self._ways.popleft() if self._ways else self._otherwise)
        self._links.append(link)
        self._sockets.append((link, writer.get_extra_info("socket")))
        self._peak = max(self._peak, self._held())

        try:
            await self._serve(link, reader, writer)
        except (OSError, _Ended, asyncio.IncompleteReadError):
            pass
        finally:
            link.open = False
            await self._leave(writer)
            self._tasks.discard(task)

    async def _leave(self, writer: asyncio.StreamWriter) -> None:
        """Closes and waits a little for the other side's farewell; at the end of a test, not at all."""
        _end(writer, "close")
        try:
            if not self._stopping:
                with contextlib.suppress(OSError, asyncio.TimeoutError):
                    await asyncio.wait_for(writer.wait_closed(), FAREWELL)
        finally:
            writer.transport.abort()
            self._writers.discard(writer)

    async def _serve(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = link.way
        if way.silent or way.instead is not None:
            await self._answer_instead(link, reader, writer)
            return

        port = way.elsewhere or self._port_of_host
        connecting = asyncio.create_task(self._connect(port))

        try:
            host_reader, host_writer = await asyncio.shield(connecting)
        except asyncio.CancelledError:
            # A connection that is given up half-way is not closed by asyncio.
            with contextlib.suppress(OSError):
                (await connecting)[1].transport.abort()
            raise

        self._writers.add(host_writer)

        try:
            pumps = [
                asyncio.create_task(self._pump(link, "to_host", reader, host_writer)),
                asyncio.create_task(self._pump(link, "to_client", host_reader, writer)),
            ]
            done, waiting = await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
            for pump in waiting:
                pump.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

            if any(isinstance(pump.exception(), _Ended) for pump in done):
                how = way.cut.how if way.cut else "close"
                if how == "stall":
                    await self._until_left(link, reader)
                link.open = False
                _end(writer, how)
            elif any(pump.exception() for pump in done):
                # A reset on one side is a reset on the other.
                link.open = False
                _end(writer, "reset")
        finally:
            host_writer.transport.abort()
            self._writers.discard(host_writer)

    async def _connect(self, port: int | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.address, port, ssl=self._upstream)

    async def _answer_instead(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = link.way
        if way.silent:
            await self._until_left(link, reader)
            return

        self._see(link, "to_host", await reader.read(CHUNK))
        answer = way.instead or b""

        for start in range(0, len(answer), way.piece):
            await asyncio.sleep(way.latency)
            writer.write(answer[start : start + way.piece])
            link.to_client += answer[start : start + way.piece]
            await writer.drain()

        if way.then == "stall":
            await self._until_left(link, reader)
        link.open = False
        _end(writer, way.then)

    async def _until_left(self, link: Link, reader: asyncio.StreamReader) -> None:
        """Takes whatever the client says, until it leaves."""
        while data := await reader.read(CHUNK):
            self._see(link, "to_host", data)
        link.ended_by_client = True

    async def _pump(
        self, link: Link, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        way = link.way
        cut = way.cut if way.cut and way.cut.direction == direction else None
        seen = getattr(link, direction)
        records = link.records[direction]
        if cut and cut.at == 0:
            raise _Ended

        while data := await reader.read(way.piece if direction == "to_client" else CHUNK):
            before = len(seen)
            self._see(link, direction, data)
            if way.one_request and direction == "to_host" and link.to_client:
                raise _Ended

            if direction == "to_client":
                data = self._spoilt(way, records, data, before)
                if way.latency:
                    await asyncio.sleep(way.latency)

            place = records.place(cut.at) if cut else None

            if place is not None and place <= before + len(data):
                del seen[place:]
                writer.write(data[: max(place - before, 0)])
                await writer.drain()
                raise _Ended

            writer.write(data)
            await writer.drain()

        if direction == "to_host":
            link.ended_by_client = True
        elif way.withhold_end:
            return

        # TLS has no half-open connections.
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()

    def _see(self, link: Link, direction: Direction, data: bytes) -> None:
        stream: bytearray = getattr(link, direction)
        stream.extend(data)
        if self._terminate is None:
            link.records[direction].follow(stream)

    def _spoilt(self, way: Way, records: Records, data: bytes, before: int) -> bytes:
        if way.falsify is not None:
            place = records.place(way.falsify)
            if place is not None and before <= place < before + len(data):
                index = place - before
                return data[:index] + bytes([data[index] ^ 0x40]) + data[index + 1 :]

        if way.repeat is not None and way.repeat + 1 < len(records.starts):
            start, end = (records.starts[way.repeat + each] - before for each in (0, 1))
            if start >= 0 and end <= len(data):
                return data[:end] + data[start:end] + data[end:]

        return data


def _established(sock: Any) -> bool:
    """Neither side has said goodbye."""
    try:
        return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED)
    except OSError:
        return False


def _end(writer: asyncio.StreamWriter, how: str) -> None:
    if writer.transport.is_closing():
        return
    if how in ("close", "stall"):
        writer.close()
        return

    if how == "reset":
        with contextlib.suppress(OSError):
            # No lingering: closing now sends a reset.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    writer.transport.abort()
