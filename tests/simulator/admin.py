# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin interface: plain HTTP on loopback, to look into the hosts and to steer them by hand or by script."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
import time
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Annotated
from typing import Any

from aiohttp import web
from pydantic import Field
from pydantic import ValidationError

from simulator import openapi
from simulator.certificates import BEGIN
from simulator.certificates import END
from simulator.documents import StateDocument
from simulator.documents import changed
from simulator.documents import first_state
from simulator.documents import state_of
from simulator.faults import Fault
from simulator.models import Identifier
from simulator.models import Model
from simulator.server import Listeners
from simulator.server import ListeningHost
from simulator.server import Power
from simulator.state import HostState
from simulator.vcenter import VcenterDocument
from simulator.vcenter import VcenterState

Days = Annotated[int, Field(ge=-36500, le=36500)]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Clock(Model):
    advance: float


class Renewal(Model):
    """How a host's new certificate is made; see ListeningHost.renew_certificate."""

    trusted: bool = True
    name: Identifier | None = None
    starts: Days = -1
    ends: Days = 365


class Turn(Model):
    power: Power


def _summary(host: ListeningHost) -> dict[str, Any]:
    state = host.state
    return {
        "kind": state.kind,
        "name": state.name,
        "address": state.address,
        "port": host.port,
        "power": host.power,
        "fingerprint": host.identity.fingerprint,
        "providers": len(state.providers),
        "issuers": len(state.issuers),
        "client_profiles": len(state.client_profiles),
        "requests": len(state.journal.records),
        "connections": vars(state.connections),
        "open_sessions": len(state.accounts.sessions),
        "login_attempts": state.accounts.login_attempts,
        "failed_logins": state.accounts.failed_logins,
    }


class Admin:
    """The site and its handlers."""

    def __init__(self, listeners: Listeners, ca_pem: str, stop: Callable[[], None]) -> None:
        self._listeners = listeners
        self._hosts = {name: host for host in listeners.hosts for name in (host.state.address, host.state.name)}
        self._ca_pem = ca_pem
        self._stop = stop
        self._started = time.monotonic()
        app = web.Application(middlewares=[_guard])

        app.add_routes(
            [
                web.get("/hosts", self._list),
                web.get("/hosts/{address}/state", self._get_state),
                web.put("/hosts/{address}/state", self._put_state),
                web.patch("/hosts/{address}/state", self._patch_state),
                web.get("/hosts/{address}/settings", self._get_settings),
                web.patch("/hosts/{address}/settings", self._patch_settings),
                web.get("/hosts/{address}/journal", self._get_journal),
                web.delete("/hosts/{address}/journal", self._delete_journal),
                web.get("/hosts/{address}/faults", self._get_faults),
                web.post("/hosts/{address}/faults", self._post_faults),
                web.delete("/hosts/{address}/faults", self._delete_faults),
                web.post("/hosts/{address}/clock", self._post_clock),
                web.post("/hosts/{address}/power", self._post_power),
                web.post("/hosts/{address}/certificate", self._post_certificate),
                web.post("/hosts/{address}/rotate", self._rotate),
                web.post("/hosts/{address}/reset", self._reset_host),
                web.get("/state", self._get_all_states),
                web.post("/reset", self._reset),
                web.get("/openapi.json", self._openapi),
                web.get("/ca.pem", self._ca),
                web.get("/cpu", self._cpu),
                web.post("/stop", self._post_stop),
            ]
        )

        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def start(self, port: int) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def _host(self, request: web.Request) -> ListeningHost:
        try:
            return self._hosts[request.match_info["address"]]
        except KeyError:
            raise web.HTTPNotFound(text="There is no such host.\n") from None

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response([_summary(host) for host in self._listeners.hosts])

    async def _get_state(self, request: web.Request) -> web.Response:
        return web.json_response(state_of(self._host(request).state))

    async def _get_all_states(self, _request: web.Request) -> web.Response:
        return web.json_response(first_state(host.state for host in self._listeners.hosts))

    async def _put_state(self, request: web.Request) -> web.Response:
        return self._loaded(self._host(request).state, await request.read())

    async def _patch_state(self, request: web.Request) -> web.Response:
        state = self._host(request).state
        changes = json.loads(await request.read())

        return self._loaded(state, json.dumps(changed(state_of(state), changes)))

    def _loaded(self, state: HostState, document: bytes | str) -> web.Response:
        kind = VcenterDocument if isinstance(state, VcenterState) else StateDocument
        kind.model_validate_json(document).load(state)

        return web.json_response(state_of(state))

    async def _get_settings(self, request: web.Request) -> web.Response:
        return web.json_response(self._host(request).state.settings.model_dump(mode="json"))

    async def _patch_settings(self, request: web.Request) -> web.Response:
        host = self._host(request)
        changes = json.loads(await request.read())
        if not isinstance(changes, dict):
            raise web.HTTPBadRequest(text="An object of settings is wanted.\n")
        merged = {**host.state.settings.model_dump(mode="json"), **changes}
        host.state.settings = host.state.settings_type.model_validate_json(json.dumps(merged))

        return web.json_response(host.state.settings.model_dump(mode="json"))

    async def _get_journal(self, request: web.Request) -> web.Response:
        return web.json_response([dataclasses.asdict(record) for record in self._host(request).state.journal.records])

    async def _delete_journal(self, request: web.Request) -> web.Response:
        self._host(request).state.journal.records.clear()
        return web.Response(status=204)

    async def _get_faults(self, request: web.Request) -> web.Response:
        unused = self._host(request).state.faults.unused
        return web.json_response([fault.model_dump(mode="json", exclude_defaults=True) for fault in unused])

    async def _post_faults(self, request: web.Request) -> web.Response:
        host = self._host(request)
        host.state.faults.add(Fault.model_validate_json(await request.read()))
        return web.Response(status=204)

    async def _delete_faults(self, request: web.Request) -> web.Response:
        host = self._host(request)
        host.state.faults.clear()
        host.release()

        return web.Response(status=204)

    async def _post_clock(self, request: web.Request) -> web.Response:
        host = self._host(request)
        host.state.clock.advanced += Clock.model_validate_json(await request.read()).advance
        return web.Response(status=204)

    async def _post_power(self, request: web.Request) -> web.Response:
        host = self._host(request)
        await self._listeners.turn(host, Turn.model_validate_json(await request.read()).power)

        return web.Response(status=204)

    async def _post_certificate(self, request: web.Request) -> web.Response:
        host = self._host(request)
        renewal = Renewal.model_validate_json(await request.read() or "{}")
        host.renew_certificate(**renewal.model_dump())

        return web.json_response({"fingerprint": host.identity.fingerprint})

    async def _rotate(self, request: web.Request) -> web.Response:
        state = self._host(request).state
        if not isinstance(state, VcenterState):
            raise web.HTTPBadRequest(text="Only a vCenter signs tokens.\n")

        try:
            state.rotate(re.findall(f"{BEGIN}.*?{END}", await request.text(), re.DOTALL))
        except ValueError:
            raise web.HTTPBadRequest(text="A chain of PEM certificates is wanted.\n") from None

        return web.Response(status=204)

    async def _reset_host(self, request: web.Request) -> web.Response:
        await self._listeners.reset(self._host(request))
        return web.Response(status=204)

    async def _reset(self, _request: web.Request) -> web.Response:
        for host in self._listeners.hosts:
            await self._listeners.reset(host)
        return web.Response(status=204)

    async def _openapi(self, request: web.Request) -> web.Response:
        return web.json_response(openapi.document("rest" if request.query.get("dialect") == "rest" else "api"))

    async def _ca(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._ca_pem, content_type="application/x-pem-file")

    async def _cpu(self, _request: web.Request) -> web.Response:
        used = os.times()
        return web.json_response(
            {"cpu_seconds": used.user + used.system, "uptime_seconds": time.monotonic() - self._started}
        )

    async def _post_stop(self, _request: web.Request) -> web.Response:
        # After the answer is on its way.
        asyncio.get_running_loop().call_later(0.05, self._stop)
        return web.Response(status=202)


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keeps web pages out, and turns bad input into 400."""
    if request.headers.get("Origin") or request.host.partition(":")[0] not in ("127.0.0.1", "localhost"):
        raise web.HTTPForbidden(text="Only for local programs.\n")
    try:
        return await handler(request)
    except ValidationError as error:
        return web.Response(status=400, text=error.json(include_input=False, include_context=False))
    except (json.JSONDecodeError, UnicodeDecodeError):
        return web.Response(status=400, text="The body is not JSON.\n")
    except ValueError as error:
        return web.Response(status=400, text=f"{error}\n")
