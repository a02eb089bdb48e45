# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin interface: plain HTTP on loopback, to look into the hosts and to steer them by hand or by script."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import hashlib
import json
import os
import re
import time
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any
from typing import Literal

from aiohttp import web
from pydantic import Field
from pydantic import ValidationError

from simulator import openapi
from simulator.accounts import ALL_ENTITLEMENTS
from simulator.accounts import Account
from simulator.certificates import BEGIN
from simulator.certificates import END
from simulator.faults import Fault
from simulator.models import Certificate
from simulator.models import Identifier
from simulator.models import LocalizableMessage
from simulator.models import Model
from simulator.server import ListeningHost
from simulator.state import ClientProfile
from simulator.state import HostState
from simulator.state import Issuer
from simulator.state import Provider
from simulator.vcenter import VcenterDocument
from simulator.vcenter import VcenterState

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ProviderDocument(Model):
    """The key goes in and never comes out; its digest does."""

    type: str = "NATIVE"
    key_id: str | None = None
    key_derivation_key: str | None = None
    key_derivation_key_sha256: str | None = None
    available: bool = True
    details: list[LocalizableMessage] = Field(default_factory=list)


class IssuerDocument(Model):
    issuer: Identifier
    chains: list[list[Certificate]] = Field(default_factory=list)


class ClientProfileDocument(Model):
    type: Literal["LOCAL_USER", "EXTERNAL_GROUP", "EXTERNAL_USER", "PRIVILEGES"] = "LOCAL_USER"
    name: str | None = None
    issuer_alias: str | None = None
    domain: str | None = None
    grants: list[dict[str, Any]] = Field(default_factory=list)
    privileges: dict[str, list[str]] | None = None


class AccountDocument(Model):
    password: str
    entitlements: list[str] = Field(default_factory=lambda: list(ALL_ENTITLEMENTS))


class StateDocument(Model):
    """A host's state as a file or a request brings it."""

    providers: dict[str, ProviderDocument] = Field(default_factory=dict)
    issuers: dict[str, IssuerDocument] = Field(default_factory=dict)
    client_profiles: dict[str, ClientProfileDocument] = Field(default_factory=dict)
    """By their ids."""
    accounts: dict[str, AccountDocument] = Field(default_factory=dict)
    """Added to the accounts that the host has."""

    def load(self, state: HostState) -> None:
        kept = {_digest(entry.key_derivation_key): entry.key_derivation_key for entry in state.providers.values()}
        state.providers = {}

        for name, document in self.providers.items():
            fields = document.model_dump(exclude={"key_derivation_key_sha256"})
            if document.key_derivation_key is None:
                fields["key_derivation_key"] = kept.get(document.key_derivation_key_sha256)
            state.providers[name] = Provider(**fields)

        state.issuers = {alias: Issuer(entry.issuer, entry.chains) for alias, entry in self.issuers.items()}
        state.client_profiles = {
            identifier: ClientProfile(**entry.model_dump()) for identifier, entry in self.client_profiles.items()
        }
        for name, account in self.accounts.items():
            state.accounts.accounts[name] = Account(account.password, tuple(account.entitlements))


class Clock(Model):
    advance: float


def _digest(key: str | None) -> str | None:
    return None if key is None else hashlib.sha256(key.encode()).hexdigest()


def _state(state: HostState) -> dict[str, Any]:
    if isinstance(state, VcenterState):
        return {"signing_cert_chains": state.signing_cert_chains}
    providers = {}

    for name, provider in state.providers.items():
        fields = copy.deepcopy(vars(provider))
        fields["key_derivation_key_sha256"] = _digest(fields.pop("key_derivation_key"))
        providers[name] = fields

    return {
        "providers": providers,
        "issuers": {alias: vars(issuer) for alias, issuer in state.issuers.items()},
        "client_profiles": {identifier: vars(profile) for identifier, profile in state.client_profiles.items()},
    }


def _summary(host: ListeningHost) -> dict[str, Any]:
    state = host.state
    return {
        "kind": state.kind,
        "name": state.name,
        "address": state.address,
        "port": host.port,
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

    def __init__(self, hosts: list[ListeningHost], ca_pem: str, stop: Callable[[], None]) -> None:
        self._hosts = {host.state.address: host for host in hosts}
        self._ca_pem = ca_pem
        self._stop = stop
        self._started = time.monotonic()
        app = web.Application(middlewares=[_guard])

        app.add_routes(
            [
                web.get("/hosts", self._list),
                web.get("/hosts/{address}/state", self._get_state),
                web.put("/hosts/{address}/state", self._put_state),
                web.get("/hosts/{address}/settings", self._get_settings),
                web.patch("/hosts/{address}/settings", self._patch_settings),
                web.get("/hosts/{address}/journal", self._get_journal),
                web.delete("/hosts/{address}/journal", self._delete_journal),
                web.get("/hosts/{address}/faults", self._get_faults),
                web.post("/hosts/{address}/faults", self._post_faults),
                web.delete("/hosts/{address}/faults", self._delete_faults),
                web.post("/hosts/{address}/clock", self._post_clock),
                web.post("/hosts/{address}/rotate", self._rotate),
                web.post("/hosts/{address}/reset", self._reset_host),
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
        return web.json_response([_summary(host) for host in self._hosts.values()])

    async def _get_state(self, request: web.Request) -> web.Response:
        return web.json_response(_state(self._host(request).state))

    async def _put_state(self, request: web.Request) -> web.Response:
        host = self._host(request)
        document = await request.read()

        if isinstance(host.state, VcenterState):
            VcenterDocument.model_validate_json(document).load(host.state)
        else:
            StateDocument.model_validate_json(document).load(host.state)

        return web.json_response(_state(host.state))

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
        self._host(request).reset()
        return web.Response(status=204)

    async def _reset(self, _request: web.Request) -> web.Response:
        for host in self._hosts.values():
            host.reset()
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
    except ValueError:
        return web.Response(status=400, text="The body is not JSON.\n")
