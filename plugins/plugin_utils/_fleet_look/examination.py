# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines the hosts of a fleet side by side in threads. Which login is tried where is decided here."""

from __future__ import annotations

import contextlib
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
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.reach import reachable

Params = Mapping[str, Any]
Result = dict[str, Any]

#: Seconds that the examinations under way may still take when a signal has come.
_GRACE = 3.0


@dataclass
class _Login:
    """A name and its password, and the hosts on which they have not been tried.

    trying: a host is being asked whether it accepts the login. sought: it was looked which hosts answer, so that those
    come first. seeking: hosts of which that is not known yet. silent: hosts that do not answer.
    """

    waiting: list[str]
    refused_by: list[str] = field(default_factory=list)
    trying: bool = False
    sought: bool = False
    seeking: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    def take_all(self) -> list[str]:
        """Every host on which the login was not tried; none is left."""
        hosts = [*self.waiting, *self.seeking, *self.silent]
        for each in (self.waiting, self.seeking, self.silent):
            each.clear()
        return hosts


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
        self._seekers = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="esx-trust-look-seek")
        self._results: dict[str, Result] = {}
        #: Examinations under way: which host, and the login that it is the one to try.
        self._asked: dict[Future[Result], tuple[str, Optional[_Login]]] = {}
        #: Hosts of which is awaited whether they answer, and for which login.
        self._sought: dict[Future[bool], tuple[str, _Login]] = {}

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
            for pool in (self._pool, self._seekers):
                pool.shutdown(wait=False, cancel_futures=True)
            wait(self._asked, timeout=_GRACE)
        return {host: self._results[host] for host in self._fleet}

    def _ask_all(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            self._asked[self._pool.submit(self._ask, host)] = (host, None)

    def _try_next(self, login: _Login) -> None:
        """Ask one more host whether it accepts a login.

        Hosts that do not answer are the last, all at the same time: without a connection none of them gets the login.
        """
        login.trying = bool(login.waiting)
        if login.waiting:
            host = login.waiting.pop(0)
            self._asked[self._pool.submit(self._ask, host)] = (host, login)
        elif not login.seeking:
            self._ask_all(login.silent)
            login.silent.clear()

    def _take_in(self) -> None:
        under_way: list[Future[Any]] = [*self._asked, *self._sought]
        done, _others = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            if future in self._sought:
                self._found(*self._sought.pop(future), answers=future.exception() is None and future.result())
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
            if len(login.refused_by) >= self._refusals:
                for other in login.take_all():
                    self._results[other] = failed(_not_tried(other, login.refused_by))
                    self._forbid(other)
        elif has_accepted(result, (self._fleet[host] or {}).get("auth_method", "")):
            self._ask_all(login.take_all())
        elif code == "unreachable" and not login.sought and len(login.waiting) > 1:
            self._seek(login)
        self._try_next(login)

    def _seek(self, login: _Login) -> None:
        """Look which of the waiting hosts answer, all at the same time: each silent one would take several timeouts."""
        login.sought = True
        login.seeking, login.waiting = login.waiting, []
        for host in login.seeking:
            self._sought[self._seekers.submit(_answers, self._fleet[host] or {})] = (host, login)

    def _found(self, host: str, login: _Login, answers: bool) -> None:
        """Go on when it is known whether a host answers."""
        if host not in login.seeking:
            # Meanwhile another host has decided about the login.
            return
        login.seeking.remove(host)
        (login.waiting if answers else login.silent).append(host)
        if not login.trying:
            self._try_next(login)


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


def _answers(params: Params) -> bool:
    """True if the host, or the host behind its proxy, completes a TLS handshake in time. No request is sent."""
    try:
        connection = Connection.from_params(params)
        return reachable(connection)
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
