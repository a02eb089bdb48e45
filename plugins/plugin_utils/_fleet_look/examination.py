# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines the hosts of a fleet side by side in threads. Which login is tried where is decided here."""

from __future__ import annotations

import contextlib
import socket
import warnings
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.transport import tls_context
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import has_accepted
from ansible_collections.esx.trust.plugins.module_utils._module.perform import failed
from ansible_collections.esx.trust.plugins.module_utils._signals import stoppable

Params = Mapping[str, Any]
Result = dict[str, Any]

#: Seconds that the examinations under way may still take when a signal has come.
_GRACE = 3.0
#: Seconds in which a host must take a connection to be asked before others whether a login is good.
_CONNECT = 5.0


@dataclass
class _Login:
    """A name and its password, and the hosts on which they have not been tried.

    sought: those hosts were sorted already, so that one that answers comes first.
    """

    waiting: list[str]
    refused_by: list[str] = field(default_factory=list)
    sought: bool = False


class Examination:
    """One look at a fleet.

    fleet: the options for each host, checked, or None for a host whose options were refused. ask: what is done for a
    host of the fleet, in a thread. forbid: notes that the login of a host shall not be tried later in this run.
    threads: how many hosts at a time. refusals: how many hosts may refuse the same login, one after the other, before
    it is tried on no other host.
    """

    def __init__(
        self,
        fleet: Mapping[str, Optional[Params]],
        ask: Callable[[str], Result],
        forbid: Callable[[str], None],
        threads: int,
        refusals: int,
    ) -> None:
        self._fleet = fleet
        self._ask = ask
        self._forbid = forbid
        self._threads = threads
        self._refusals = refusals
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="esx-trust-look")
        self._results: dict[str, Result] = {}
        #: Examinations under way: which host, and the login that it is the one to try.
        self._asked: dict[Future[Result], tuple[str, Optional[_Login]]] = {}
        #: Searches for a host that answers, and for which login.
        self._sought: dict[Future[list[str]], _Login] = {}

    def results(self) -> dict[str, Result]:
        """The result for each host, in the order of the fleet.

        A signal ends it: no further host is begun, and those under way have a few seconds.
        """
        _make_contexts(params for params in self._fleet.values() if params)
        logins, others = _by_login(self._fleet)
        try:
            # The filters of warnings belong to the whole process, and threads would restore each other's.
            with stoppable(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._ask_all(others)
                for login in logins:
                    self._try_next(login)
                while self._asked or self._sought:
                    self._take_in()
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            wait(self._asked, timeout=_GRACE)
        return {host: self._results[host] for host in self._fleet}

    def _ask_all(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            self._asked[self._pool.submit(self._ask, host)] = (host, None)

    def _try_next(self, login: _Login) -> None:
        if login.waiting:
            host = login.waiting.pop(0)
            self._asked[self._pool.submit(self._ask, host)] = (host, login)

    def _take_in(self) -> None:
        under_way: list[Future[Any]] = [*self._asked, *self._sought]
        done, _others = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            if future in self._sought:
                self._found(self._sought.pop(future), future.result())
                continue
            host, login = self._asked.pop(future)
            self._results[host] = _outcome(host, future)
            if login is not None:
                self._tried(login, host)

    def _tried(self, login: _Login, host: str) -> None:
        """Go on after a host was the one to try a login."""
        result = self._results[host]
        failure = result.get("failure") or {}
        code = failure.get("code", "invalid_input" if result.get("failed") else "")
        if failure.get("login_refused"):
            login.refused_by.append(host)
            if len(login.refused_by) < self._refusals:
                self._try_next(login)
                return
            for other in login.waiting:
                self._results[other] = failed(_not_tried(other, login.refused_by))
                self._forbid(other)
            login.waiting.clear()
        elif has_accepted(result, (self._fleet[host] or {}).get("auth_method", "")):
            self._ask_all(login.waiting)
            login.waiting.clear()
        elif code == "unreachable" and not login.sought and len(login.waiting) > 1:
            login.sought = True
            self._sought[self._pool.submit(self._answering, list(login.waiting))] = login
        else:
            self._try_next(login)

    def _found(self, login: _Login, answering: list[str]) -> None:
        if answering:
            login.waiting = [*answering, *(host for host in login.waiting if host not in set(answering))]
            self._try_next(login)
        else:
            self._ask_all(login.waiting)
            login.waiting.clear()

    def _answering(self, hosts: list[str]) -> list[str]:
        """Those of the hosts that take a connection. Nothing is sent over it."""
        with ThreadPoolExecutor(max_workers=self._threads) as pool:
            answers = list(pool.map(lambda host: _takes_connections(self._fleet[host] or {}), hosts))
        return [host for host, answer in zip(hosts, answers) if answer]


def _outcome(host: str, future: Future[Result]) -> Result:
    error = future.exception()
    if isinstance(error, Exception):
        # A mistake of ours about one host must not cost the others their result. Its text may hold anything.
        return {
            "failed": True,
            "changed": False,
            "msg": f"{host}: the examination broke off ({type(error).__name__}). This is a mistake in esx.trust.",
        }
    return future.result()


def _make_contexts(fleet: Iterable[Params]) -> None:
    """Make the settings of TLS that the threads will share. What is wrong with them is told host by host."""
    for params in fleet:
        verify = bool(params["validate_certs"]) and not params["thumbprint"]
        with contextlib.suppress(TrustError, OSError, ValueError):
            tls_context(params["ca_path"] if verify else None, verify)


def _by_login(fleet: Mapping[str, Optional[Params]]) -> tuple[list[_Login], list[str]]:
    """The logins with their hosts, and the hosts that need not wait for another."""
    logins: dict[tuple[str, str], _Login] = {}
    others = []
    for host, params in fleet.items():
        if params is None or params["access_token"] or params["saml_token"] or not params["password"]:
            others.append(host)
            continue
        who = (str(params["username"]), params["password"])
        logins.setdefault(who, _Login([])).waiting.append(host)
    return list(logins.values()), others


def _takes_connections(params: Params) -> bool:
    try:
        connection = Connection.from_params(params)
        if connection.proxy:
            return True
        with socket.create_connection((connection.hostname, connection.port), timeout=_CONNECT):
            return True
    except (TrustError, OSError, ValueError):
        return False


def _not_tried(host: str, refused_by: list[str]) -> Unauthenticated:
    """The error for a host that was not asked, because others refused the login that it would have been sent."""
    return Unauthenticated(
        f"{host}: was not examined, because {' and '.join(refused_by)} refused the same login, and hosts lock an"
        " account after five refusals.",
        "Check username and password; in lockdown mode only exception users may log in.",
        error_type="UNAUTHENTICATED",
    )
