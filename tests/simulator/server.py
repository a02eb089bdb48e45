# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sockets of the fleet: one listener and one certificate per host, one event loop for all."""

from __future__ import annotations

import asyncio
import errno
import pathlib
import resource
import socket
import ssl
import tempfile
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from simulator import certificates
from simulator import exchange
from simulator.certificates import Identity
from simulator.delivery import Delivery
from simulator.messages import Answer
from simulator.messages import Request
from simulator.state import HostState

BACKLOG = 1024
BODY_LIMIT = 8 * 1024 * 1024
PORT_TRIES = 20

Power = Literal["on", "off", "hung"]


def address_of(index: int) -> str:
    """127.0.1.1, 127.0.1.2, … without the octets 0 and 255."""
    return f"127.0.{1 + index // 254}.{1 + index % 254}"


def vcenter_address_of(index: int) -> str:
    """127.1.0.1, 127.1.0.2, … which no host has."""
    return f"127.1.0.{1 + index}"


def bound(address: str, port: int) -> socket.socket:
    """A socket that has the address and does not listen yet: a connection to it is refused."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)

    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, port))
    except OSError:
        opened.close()
        raise

    return opened


def listeners(addresses: list[str], port: int) -> list[socket.socket]:
    """One listening socket per address, all on one port; a free one when it is 0."""
    for _attempt in range(PORT_TRIES):
        opened: list[socket.socket] = []
        chosen = port

        try:
            for address in addresses:
                listener = bound(address, chosen)
                opened.append(listener)
                listener.listen(BACKLOG)
                chosen = listener.getsockname()[1]

            return opened
        except OSError as error:
            for listener in opened:
                listener.close()
            if port != 0 and error.errno == errno.EADDRINUSE:
                raise OSError(error.errno, f"Port {port} is not free on {address}.") from error
            if error.errno != errno.EADDRINUSE:
                raise

    raise OSError(errno.EADDRINUSE, "No port is free on every address.")


class ListeningHost:
    """One host: its state, its socket, its certificate."""

    def __init__(
        self, state: HostState, listener: socket.socket, authority: Identity, identity: Identity | None = None
    ) -> None:
        self.state = state
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self.power: Power = "on"
        self.turning = asyncio.Lock()
        self.site: web.SockSite | None = None
        self.released = asyncio.Event()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.sni_callback = self._handshake
        self.authority = authority

        if identity is None:
            self.renew_certificate(ends=certificates.LONG)
        else:
            self._take(identity)

    def renew_certificate(
        self, *, trusted: bool = True, name: str | None = None, starts: int = -1, ends: int = 365
    ) -> None:
        """A new certificate for the connections to come; `name` stands in place of the host's own address."""
        names = (name,) if name else (self.state.address, self.state.name)
        self._take(
            certificates.issue(
                self.state.name, self.authority if trusted else None, names=names, starts=starts, ends=ends
            )
        )

    def _take(self, identity: Identity) -> None:
        self.identity = identity

        # The ssl module reads certificates from files only.
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "identity.pem")
            path.touch(mode=0o600)
            path.write_text(self.identity.key_pem + self.identity.pem, encoding="ascii")
            self.context.load_cert_chain(path)

    def release(self) -> None:
        """Requests that wait in a fault are given up; they do not act any more."""
        self.released.set()
        self.released = asyncio.Event()

    def _handshake(self, _connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        self.state.connections.handshakes += 1


class _Server(web.Server):
    """Knows which host a connection belongs to, and counts."""

    def __init__(self, fleet: Listeners) -> None:
        super().__init__(fleet.handle, access_log=None)
        self._fleet = fleet
        self._last = 0
        self.numbers: dict[RequestHandler, tuple[ListeningHost, int]] = {}
        self._transports: dict[RequestHandler, asyncio.Transport] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        host = self._fleet.by_address[transport.get_extra_info("sockname")[0]]
        self._last += 1
        self.numbers[handler] = (host, self._last)
        self._transports[handler] = transport
        counts = host.state.connections
        counts.opened += 1
        counts.open_now += 1
        counts.peak = max(counts.peak, counts.open_now)
        if host.power != "on":
            # Its handshake had begun before.
            transport.abort()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        host, _number = self.numbers.pop(handler)
        del self._transports[handler]
        host.state.connections.open_now -= 1

    async def abort(self, host: ListeningHost | None = None) -> None:
        """Ends what is still open, of one host or of all: a client may not take part in closing TLS."""

        def still_open() -> list[asyncio.Transport]:
            return [
                transport
                for handler, transport in self._transports.items()
                if host is None or self.numbers[handler][0] is host
            ]

        for transport in still_open():
            transport.abort()
        while still_open():
            await asyncio.sleep(0)


class Listeners:
    """All hosts of the fleet."""

    def __init__(
        self,
        states: list[HostState],
        port: int,
        authority: Identity,
        identities: Mapping[str, Identity] = MappingProxyType({}),
    ) -> None:
        """`identities`, by the places of hosts, are those that they had before."""
        _allow_descriptors(len(states))
        sockets = listeners([state.address for state in states], port)
        self.hosts = [
            ListeningHost(state, sock, authority, identities.get(state.place))
            for state, sock in zip(states, sockets, strict=True)
        ]
        self.by_address = {host.state.address: host for host in self.hosts}
        self._server = _Server(self)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=1.0)

    async def start(self) -> None:
        await self._runner.setup()
        for host in self.hosts:
            await self._listen(host)

    async def stop(self) -> None:
        for host in self.hosts:
            host.release()
        await self._runner.cleanup()
        await self._server.abort()
        for host in self.hosts:
            host.listener.close()

    async def turn(self, host: ListeningHost, power: Power) -> None:
        """Off: its connections end and new ones are refused. Hung: new ones are taken, and nothing is answered."""
        async with host.turning:
            if power != host.power:
                await self._turn(host, power)

    async def _turn(self, host: ListeningHost, power: Power) -> None:
        host.release()
        if host.site is not None:
            await host.site.stop()
            host.site = None
        host.listener.close()
        await self._server.abort(host)

        host.listener = bound(host.state.address, host.port)
        host.power = power

        if power == "on":
            await self._listen(host)
        elif power == "hung":
            host.listener.listen(BACKLOG)

    async def reset(self, host: ListeningHost) -> None:
        """The host as at the start; its certificate, and the connections that are open, stay."""
        host.release()
        host.state.reset()
        await self.turn(host, "on")

    async def _listen(self, host: ListeningHost) -> None:
        host.site = web.SockSite(self._runner, host.listener, ssl_context=host.context, backlog=BACKLOG)
        await host.site.start()

    async def handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        host, number = self._server.numbers[incoming.protocol]
        transport = incoming.transport
        released = host.released
        body = await _content(incoming)
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        request = Request(incoming.method, incoming.raw_path, headers, body or b"")
        record = exchange.note(host.state, request, number)
        fault = host.state.faults.take(record.operation)

        assert isinstance(transport, asyncio.Transport)

        delivery = Delivery(host.state, request, record, transport, released)
        if body is None:
            return delivery.send(Answer(413))

        return await delivery.run(fault)


async def _content(incoming: web.BaseRequest) -> bytes | None:
    """The request's body; None when it is too big."""
    content = bytearray()
    async for piece in incoming.content.iter_any():
        content += piece
        if len(content) > BODY_LIMIT:
            return None
    return bytes(content)


def _allow_descriptors(hosts: int) -> None:
    """A listener per host, and room for clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1024 + 8 * hosts
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
