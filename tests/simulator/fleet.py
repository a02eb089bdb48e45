# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as tests use it: hosts that listen in a background thread, and one object per host to steer it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import copy
import pathlib
import tempfile
import threading
import time
from collections.abc import Callable
from collections.abc import Coroutine
from collections.abc import Sequence
from typing import Any
from typing import TypeVar

from simulator import certificates
from simulator import vcenter
from simulator.accounts import ALL_ENTITLEMENTS
from simulator.accounts import Account
from simulator.accounts import Principal
from simulator.admin import Admin
from simulator.documents import FirstState
from simulator.faults import Fault
from simulator.host_profiles import settings_of
from simulator.identities import Identities
from simulator.journal import Record
from simulator.server import Listeners
from simulator.server import ListeningHost
from simulator.server import Power
from simulator.server import address_of
from simulator.server import vcenter_address_of
from simulator.settings import Settings
from simulator.state import ClientProfile
from simulator.state import Connections
from simulator.state import HostState
from simulator.state import Issuer
from simulator.state import Provider
from simulator.vcenter import VcenterState

DEFAULT_PASSWORD = "VMware1!"
START_TIMEOUT = 120.0
Result = TypeVar("Result")


class Host:
    """One host. Everything is read and changed inside the fleet's event loop, so any thread may ask."""

    def __init__(self, fleet: Fleet, host: ListeningHost) -> None:
        self._fleet = fleet
        self._host = host
        self._state = host.state
        self.address = host.state.address
        self.port = host.port
        self.name = host.state.name
        self.username = host.state.username
        self.password = host.state.password

    def __repr__(self) -> str:
        return f"<Host {self.name} {self.address}:{self.port}>"

    @property
    def url(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"https://{address}:{self.port}"

    @property
    def fingerprint(self) -> str:
        return self._do(lambda: self._host.identity.fingerprint)

    @property
    def certificate(self) -> str:
        return self._do(lambda: self._host.identity.pem)

    @property
    def providers(self) -> dict[str, Provider]:
        return self._do(lambda: self._state.snapshot().providers)

    @property
    def issuers(self) -> dict[str, Issuer]:
        return self._do(lambda: self._state.snapshot().issuers)

    @property
    def client_profiles(self) -> dict[str, ClientProfile]:
        """By the ids that the host gave them."""
        return self._do(lambda: self._state.snapshot().client_profiles)

    @property
    def journal(self) -> list[Record]:
        return self._do(self._state.journal.copy)

    @property
    def requests(self) -> int:
        """How many requests have arrived."""
        return self._do(lambda: len(self._state.journal.records))

    @property
    def writes(self) -> list[Record]:
        """The requests that would write to one of the services, whatever became of them."""
        return [record for record in self.journal if record.writes]

    @property
    def connections(self) -> Connections:
        return self._do(lambda: copy.copy(self._state.connections))

    @property
    def open_sessions(self) -> int:
        return self._do(lambda: len(self._state.accounts.sessions))

    @property
    def tokens(self) -> list[str]:
        """The access tokens that the host gave out and remembers."""
        return self._do(lambda: list(self._state.accounts.tokens))

    @property
    def login_attempts(self) -> int:
        """Passwords and assertions that were presented, right ones included."""
        return self._do(lambda: self._state.accounts.login_attempts)

    @property
    def failed_logins(self) -> int:
        return self._do(lambda: self._state.accounts.failed_logins)

    @property
    def locked(self) -> bool:
        """The standard account is locked."""
        return self._do(lambda: self._state.accounts.locked(self.username))

    @property
    def unused_faults(self) -> list[Fault]:
        return self._do(lambda: self._state.faults.unused)

    def put_provider(self, name: str, **fields: Any) -> None:
        """Creates it or changes the given fields: type, key_id, key_derivation_key, available, details."""
        self._do(lambda: self._state.put_provider(name, **fields))

    def delete_provider(self, name: str) -> None:
        self._do(lambda: self._state.providers.pop(name, None))

    def put_issuer(self, alias: str, issuer: str | None = None, chains: list[list[str]] | None = None) -> None:
        """Creates it or changes what is given."""
        self._do(lambda: self._state.put_issuer(alias, issuer, chains))

    def delete_issuer(self, alias: str) -> None:
        self._do(lambda: self._state.issuers.pop(alias, None))

    def put_client_profile(self, identifier: str | None = None, **fields: Any) -> str:
        """Creates it or changes the given fields: type, name, issuer_alias, domain, grants, privileges. Its id."""
        return self._do(lambda: self._state.put_client_profile(identifier, **fields))

    def delete_client_profile(self, identifier: str) -> None:
        self._do(lambda: self._state.client_profiles.pop(identifier, None))

    def put_account(self, name: str, password: str, entitlements: tuple[str, ...] = ALL_ENTITLEMENTS) -> None:
        self._do(lambda: self._state.accounts.accounts.update({name: Account(password, entitlements)}))

    def create_token(self) -> str:
        """A valid access token, as somebody else would have got it."""

        def create() -> str:
            state = self._state
            return state.accounts.create_token(Principal(self.username), state.settings.token_lifetime)

        return self._do(create)

    def settings(self, **changes: Any) -> Settings:
        """Changes the given settings; the settings after that."""

        def change() -> Settings:
            now = {**self._state.settings.model_dump(), **changes}
            self._state.settings = self._state.settings_type.model_validate(now)
            return self._state.settings.model_copy(deep=True)

        return self._do(change)

    def behave_as(self, host_profile: str) -> Settings:
        """Takes on the settings of a named profile of hosts, until the next reset."""
        return self.settings(**settings_of(host_profile))

    def queue(self, *faults: Fault) -> None:
        def add() -> None:
            for fault in faults:
                self._state.faults.add(fault)

        self._do(add)

    def clear_faults(self) -> None:
        """Takes back the faults that still wait for a request."""
        self._do(self._state.faults.clear)

    def advance(self, seconds: float) -> None:
        """Sets the host's clock forward: tokens and locks expire."""

        def forward() -> None:
            self._state.clock.advanced += seconds

        self._do(forward)

    def renew_certificate(
        self, *, trusted: bool = True, name: str | None = None, starts: int = -1, ends: int = 365
    ) -> None:
        """A new certificate for the connections to come, by the fleet's authority or self-signed."""
        self._do(lambda: self._host.renew_certificate(trusted=trusted, name=name, starts=starts, ends=ends))

    def turn(self, power: Power) -> None:
        """Off: connections are refused. Hung: they are taken, and nothing is answered. On: as before."""
        self._fleet.run(self._fleet.listeners.turn(self._host, power))

    def wait_closed(self, timeout: float = 5.0) -> bool:
        """Waits until no connection is open: a server sees a client's farewell a moment later."""
        return self.wait_until(lambda: self.connections.open_now == 0, timeout)

    def wait_until(self, condition: Callable[[], bool], timeout: float = 5.0) -> bool:
        """Looks again and again until the condition holds."""
        end = time.monotonic() + timeout
        while not (held := condition()) and time.monotonic() < end:
            self._fleet.breathe()
        return held

    def reset(self) -> None:
        """A fresh host; its certificate, and connections that are open, stay."""
        self._fleet.run(self._fleet.listeners.reset(self._host))

    def _do(self, action: Callable[[], Result]) -> Result:
        return self._fleet.do(action)


class Vcenter(Host):
    """One vCenter. It has none of a host's services; what it tells about its tokens is its own."""

    def __init__(self, fleet: Fleet, host: ListeningHost) -> None:
        super().__init__(fleet, host)
        assert isinstance(host.state, VcenterState)

        self._vcenter = host.state

    @property
    def issuer(self) -> str:
        """What its OpenID Connect tokens name as their issuer."""
        return self._do(lambda: self._vcenter.oidc_issuer)

    @property
    def entity_id(self) -> str:
        """What its SAML tokens name as their issuer."""
        return self._do(lambda: self._vcenter.entity_id)

    @property
    def signing_cert_chains(self) -> list[list[str]]:
        """The chain that signs, and behind it those that are still good for verifying."""
        return self._do(lambda: copy.deepcopy(self._vcenter.signing_cert_chains))

    def rotate(self, chain: list[str]) -> None:
        """The chain signs from now on; the others stay good for verifying."""
        self._do(lambda: self._vcenter.rotate(chain))

    def put_signing_cert_chains(self, chains: list[list[str]]) -> None:
        """These and no others; the first signs."""
        self._do(lambda: self._vcenter.put_signing_cert_chains(chains))


class Fleet:
    """Starts a fleet and stops it; a context manager."""

    def __init__(
        self,
        hosts: int = 1,
        port: int = 0,
        ipv6: bool = False,
        vcenters: int = 0,
        *,
        username: str = "root",
        password: str = DEFAULT_PASSWORD,
        admin_port: int = 0,
        clock: Callable[[], float] = time.monotonic,
        state: FirstState | None = None,
        host_profile: str | None = None,
        names: Sequence[str] = (),
        identities: Identities | None = None,
    ) -> None:
        """`names` are those of the hosts, in place of esx01, esx02, …; `identities` those of a fleet before.

        Raises:
            ValueError: The first state names a host that is not there, or has a setting that does not exist.
        """
        addresses = [address_of(index) for index in range(hosts)] + (["::1"] if ipv6 else [])
        width = max(2, len(str(len(addresses))))

        first = state or FirstState()
        self._states: list[HostState] = []

        for index, address in enumerate(addresses):
            name = names[index] if index < len(names) else f"esx{index + 1:0{width}d}"
            first_state = first.of(name)
            settings = {**settings_of(host_profile, index), **first_state.settings}
            self._states.append(HostState(address, name, username, password, clock, first_state.load, settings))

        for index in range(vcenters):
            address, name = vcenter_address_of(index), f"vcenter{index + 1:02d}"
            signs = first.of_vcenter(name)
            load, settings = (signs.load, signs.settings) if signs else (None, {})
            self._states.append(VcenterState(address, name, vcenter.USERNAME, password, clock, load, settings))

        first.check_names([each.name for each in self._states])
        known = identities or Identities(certificates.issue("Simulated hosts", authority=True, ends=certificates.LONG))

        self._port = port or known.port
        self._admin_port = admin_port or known.admin_port
        self._identities = known.hosts
        self._ready: concurrent.futures.Future[list[ListeningHost]] = concurrent.futures.Future()
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._stop_requested = False
        self._thread = threading.Thread(target=self._work, name="simulator", daemon=True)
        self._listeners: Listeners | None = None
        self.authority = known.authority
        self.hosts: list[Host] = []
        self.vcenters: list[Vcenter] = []
        self.admin_url = ""
        self.ca_path = ""

    @property
    def port(self) -> int:
        return self.hosts[0].port

    @property
    def listeners(self) -> Listeners:
        """The sockets; whoever uses them does it in the event loop."""
        if self._listeners is None:
            raise RuntimeError("The fleet is not running.")
        return self._listeners

    @property
    def identities(self) -> Identities:
        """What the next fleet needs to be taken for this one."""
        hosts = {host.state.place: host.identity for host in self.listeners.hosts}
        return Identities(self.authority, self.port, int(self.admin_url.rpartition(":")[2]), hosts)

    def __enter__(self) -> Fleet:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()
        for host in self._ready.result(START_TIMEOUT):
            if isinstance(host.state, VcenterState):
                self.vcenters.append(Vcenter(self, host))
            else:
                self.hosts.append(Host(self, host))

    def stop(self) -> None:
        """Returns when every socket is closed."""
        self.request_stop()
        self._thread.join()

    def request_stop(self) -> None:
        """Does not wait for the end; a signal handler may call it."""
        self._stop_requested = True
        if self._loop is not None and self._stop is not None and not self._stopped.is_set():
            # The loop may just have ended by itself, when somebody asked the admin interface to stop.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)

    def wait(self) -> None:
        """Until somebody stops the fleet."""
        self._stopped.wait()

    def reset(self) -> None:
        for host in (*self.hosts, *self.vcenters):
            host.reset()

    def do(self, action: Callable[[], Result]) -> Result:
        """Runs the action inside the event loop, where all state lives."""

        async def inside() -> Result:
            return action()

        return self.run(inside())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Runs the coroutine inside the event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._running()).result()

    def breathe(self) -> None:
        """Lets the event loop do some of its work, whatever it is."""
        self.run(asyncio.sleep(0.002))

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._stopped.is_set():
            raise RuntimeError("The fleet is not running.")
        return self._loop

    def _work(self) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="simulator-") as folder:
                path = pathlib.Path(folder, "ca.pem")
                path.write_text(self.authority.pem, encoding="ascii")
                self.ca_path = str(path)
                asyncio.run(self._serve())
        except BaseException as error:
            # Whoever starts the fleet has to learn why it did not start.
            if self._ready.done():
                raise
            self._ready.set_exception(error)
        finally:
            self._stopped.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        listeners = self._listeners = Listeners(self._states, self._port, self.authority, self._identities)
        admin = Admin(listeners, self.authority.pem, self._stop.set)

        try:
            await listeners.start()
            self.admin_url = await admin.start(self._admin_port)
            self._ready.set_result(listeners.hosts)
            if self._stop_requested:
                self._stop.set()
            await self._stop.wait()
        finally:
            await admin.stop()
            await listeners.stop()
