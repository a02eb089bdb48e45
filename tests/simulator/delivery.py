# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an answer gets to the client, or does not: the faults that act on the connection."""

from __future__ import annotations

import asyncio
import http
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from simulator import exchange
from simulator.bodies import JSON
from simulator.bodies import TEXT
from simulator.errors import TYPE_OF_STATUS
from simulator.errors import ApiError
from simulator.errors import message
from simulator.faults import Fault
from simulator.journal import Record
from simulator.messages import Answer
from simulator.messages import Request
from simulator.messages import ready
from simulator.state import HostState


class Handled(web.StreamResponse):
    """Tells the HTTP server that the answer was already written, or will never be."""

    def __init__(self) -> None:
        super().__init__()
        self.force_close()

    async def prepare(self, request: Any) -> None:
        del request

    async def write_eof(self, data: bytes = b"") -> None:
        del data


class Interrupted(Exception):
    """The simulator stops or the host was reset while a request waited: it must not act any more."""


@dataclass
class Late:
    """A request on which the host acts after so many others have come, and before the next one is looked at."""

    left: int
    perform: Callable[[], Answer]
    answer: Answer | None = None

    def another_came(self) -> None:
        if self.answer is None and self.left == 0:
            self.answer = self.perform()
        self.left -= 1


class Delivery:
    """Performs one request under one fault, and sends the answer."""

    def __init__(
        self, host: HostState, request: Request, record: Record, transport: asyncio.Transport, released: asyncio.Event
    ) -> None:
        self.host = host
        self.request = request
        self.record = record
        self.transport = transport
        self.released = released

    async def run(self, fault: Fault | None) -> web.StreamResponse:
        for late in self.host.late:
            late.another_came()
        if fault is not None:
            self.record.fault = fault.kind

        try:
            if self.host.settings.latency:
                await self._wait(self.host.settings.latency)
            if fault is None:
                return self.send(self._perform())

            return await self._meet(fault)
        except Interrupted:
            self.transport.abort()
            return Handled()

    async def _meet(self, fault: Fault) -> web.StreamResponse:
        steps: dict[str, Callable[[Fault], Any]] = {
            "reset_before": self._abort,
            "lose_answer": self._lose_answer,
            "cut_answer": self._cut_answer,
            "delay": self._delay,
            "delay_answer": self._delay_answer,
            "drip": self._drip,
            "status": self._status,
            "answer": self._answer,
            "expire_tokens": self._expire_tokens,
            "race": self._race,
            "race_after": self._race_after,
            "redirect": self._redirect,
        }

        done = steps[fault.kind](fault)
        response: web.StreamResponse = await done if asyncio.iscoroutine(done) else done

        return response

    def _perform(self) -> Answer:
        return exchange.perform(self.host, self.request, self.record)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.released.wait(), seconds)
        except asyncio.TimeoutError:
            return

        raise Interrupted

    def send(self, answer: Answer) -> web.StreamResponse:
        self.record.status = answer.status
        response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)

        if answer.content_type is not None:
            response.headers["Content-Type"] = answer.content_type
        elif not answer.body:
            response.headers.pop("Content-Type", None)

        return response

    def _raw(self, answer: Answer) -> tuple[bytes, bytes]:
        """The answer's head and body as bytes."""
        try:
            reason = http.HTTPStatus(answer.status).phrase
        except ValueError:
            reason = "Unknown"

        headers = {"Content-Length": str(len(answer.body)), "Connection": "close", **answer.headers}
        if answer.content_type is not None:
            headers["Content-Type"] = answer.content_type
        lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]

        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), answer.body

    def _abort(self, fault: Fault) -> web.StreamResponse:
        if fault.abort == "close":
            self.transport.close()
            return Handled()

        raw: socket.socket | None = self.transport.get_extra_info("socket")

        if raw is not None:
            # No lingering: closing now sends a reset.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        self.transport.abort()

        return Handled()

    def _lose_answer(self, fault: Fault) -> web.StreamResponse:
        self._perform()
        return self._abort(fault)

    def _cut_answer(self, fault: Fault) -> web.StreamResponse:
        head, body = self._raw(self._perform())
        if fault.raw_bytes is not None:
            self.transport.write((head + body)[: fault.raw_bytes])
        else:
            self.transport.write(head + body[: fault.bytes])

        self.transport.close()

        return Handled()

    async def _delay(self, fault: Fault) -> web.StreamResponse:
        if fault.requests is None:
            await self._wait(fault.seconds)
            return self.send(self._perform())

        late = Late(fault.requests, self._perform)
        self.host.late.append(late)
        while late.answer is None:
            await self._wait(0.01)

        return self.send(late.answer)

    async def _delay_answer(self, fault: Fault) -> web.StreamResponse:
        answer = self._perform()
        await self._wait(fault.seconds)
        return self.send(answer)

    async def _drip(self, fault: Fault) -> web.StreamResponse:
        answer = self._perform()
        self.record.status = answer.status
        head, body = self._raw(answer)

        for byte in head + body:
            if self.transport.is_closing():
                break
            self.transport.write(bytes([byte]))
            await self._wait(fault.seconds)

        self.transport.close()

        return Handled()

    def _status(self, fault: Fault) -> web.StreamResponse:
        if fault.body is not None or fault.ready is not None:
            return self.send(_made(fault, Answer(fault.status or 200)))
        error_type = fault.error_type or TYPE_OF_STATUS.get(fault.status or 0, "ERROR")
        error = ApiError(error_type, message("An error was asked for.", "fault"), status=fault.status)
        answer = exchange.refusal(self.host, self.request, error)
        answer.headers.update(fault.headers)
        answer.content_type = fault.content_type or answer.content_type

        return self.send(answer)

    def _answer(self, fault: Fault) -> web.StreamResponse:
        return self.send(_made(fault, self._perform()))

    def _expire_tokens(self, _fault: Fault) -> web.StreamResponse:
        self.host.accounts.expire()
        return self.send(self._perform())

    def _race(self, fault: Fault) -> web.StreamResponse:
        self._change(fault)
        return self.send(self._perform())

    def _race_after(self, fault: Fault) -> web.StreamResponse:
        answer = self._perform()
        self._change(fault)
        return self.send(answer)

    def _change(self, fault: Fault) -> None:
        self.host.apply([change.model_dump() for change in fault.change])

    def _redirect(self, fault: Fault) -> web.StreamResponse:
        headers = {"Location": fault.location or "", **fault.headers}
        return self.send(Answer(fault.status or 307, b"", None, headers))


def _made(fault: Fault, real: Answer) -> Answer:
    """The answer a fault describes, on top of the real one."""
    if fault.ready is not None:
        answer = ready(fault.ready, real.status, fault.bytes)
    elif isinstance(fault.body, str):
        answer = Answer(real.status, fault.body.encode(), TEXT)
    elif fault.body is not None:
        answer = Answer(real.status, json.dumps(fault.body).encode(), JSON)
    else:
        answer = Answer(real.status, real.body, real.content_type)

    answer.status = fault.status or answer.status
    answer.content_type = fault.content_type or answer.content_type
    answer.headers = {**answer.headers, **fault.headers}

    return answer
