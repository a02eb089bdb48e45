# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines the hosts of a fleet side by side in threads. Which login is tried where is decided here."""

from __future__ import annotations

import contextlib
import os
import time
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
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.transport import tls_context
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import has_accepted
from ansible_collections.esx.trust.plugins.module_utils._module.perform import failed
from ansible_collections.esx.trust.plugins.module_utils._signals import Stopped
from ansible_collections.esx.trust.plugins.module_utils._signals import stoppable
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.reach import reachable

Params = Mapping[str, Any]
Result = dict[str, Any]

#: Seconds that the examinations under way may still take when a signal has come.
_GRACE = 5.0
#: Seconds in which a host must complete a TLS handshake to be asked before others whether a login is good.
_CONNECT = 5.0
#: Seconds after which a host that tries a login for others is asked for such a handshake.
_PATIENCE = 5.0
#: Seconds after which the look is about itself: whether a host is silent, and whether Ansible is still there.
_GLANCE = 1.0


@dataclass
class _Login:
    """A name and its password, and the hosts on which they have not been tried.

    sought: hosts that answer were sought among them already. silent: those that did not answer.
    """

    waiting: list[str]
    refused_by: list[str] = field(default_factory=list)
    sought: bool = False
    silent: list[str] = field(default_factory=list)

    def take_all(self) -> list[str]:
        """Every host on which the login was not tried; none is left."""
        hosts = [*self.waiting, *self.silent]
        self.waiting.clear()
        self.silent.clear()
        return hosts


@dataclass(eq=False)
class _Asked:
    """A host that is being examined.

    login: the one that it is the first to try, if others wait for that. since: when it began. doubted: it was asked
    whether it speaks at all. left: it does not, so that another host tries the login.
    """

    host: str
    login: Optional[_Login] = None
    since: float = field(default_factory=time.monotonic)
    doubted: bool = False
    left: bool = False


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
        #: Examinations under way.
        self._asked: dict[Future[Result], _Asked] = {}
        #: Searches for a host that answers, and for which login.
        self._sought: dict[Future[list[str]], _Login] = {}
        #: Questions whether a host speaks at all for which others wait.
        self._doubts: dict[Future[bool], _Asked] = {}
        #: A worker of Ansible is told nothing when a job runner kills Ansible.
        self._parent = os.getppid()

    def results(self) -> dict[str, Result]:
        """The result for each host, in the order of the fleet.

        A signal ends it: no further host is begun, and those under way have a few seconds. So does the end of the
        process that wants the results.
        """
        _make_contexts(params for params in self._fleet.values() if params)
        # The filters of warnings belong to the whole process, and threads would restore each other's.
        with stoppable(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._go()
            finally:
                # In here, because the signal ends the process where stoppable() ends.
                self._pool.shutdown(wait=False, cancel_futures=True)
                wait(self._asked, timeout=_GRACE)
        return {host: self._results[host] for host in self._fleet}

    def _go(self) -> None:
        logins, others = _by_login(self._fleet)
        self._ask_all(others)
        for login in logins:
            self._try_next(login)
        while self._asked or self._sought:
            self._take_in()
            self._look_around()

    def _ask_all(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            self._asked[self._pool.submit(self._ask, host)] = _Asked(host)

    def _try_next(self, login: _Login) -> None:
        """Ask one more host whether it accepts a login.

        Silent hosts are the last, all at the same time: without a connection none of them gets the login.
        """
        if login.waiting:
            host = login.waiting.pop(0)
            self._asked[self._pool.submit(self._ask, host)] = _Asked(host, login)
        else:
            self._ask_all(login.take_all())

    def _take_in(self) -> None:
        under_way: list[Future[Any]] = [*self._asked, *self._sought, *self._doubts]
        done, _others = wait(under_way, timeout=_GLANCE, return_when=FIRST_COMPLETED)
        for future in done:
            if future in self._sought:
                self._found(self._sought.pop(future), future.result())
            elif future in self._doubts:
                self._answered(self._doubts.pop(future), future.result())
            else:
                asked = self._asked.pop(future)
                self._results[asked.host] = _outcome(asked.host, future)
                self._tried(asked)

    def _look_around(self) -> None:
        """Doubt the hosts that others wait for too long. Raises Stopped if nobody wants the results any more."""
        if os.getppid() != self._parent:
            raise Stopped

        now = time.monotonic()
        for asked in self._asked.values():
            waited_for = asked.login is not None and asked.login.waiting
            if waited_for and not asked.doubted and now - asked.since > _PATIENCE:
                asked.doubted = True
                self._doubts[self._pool.submit(_answers, self._fleet[asked.host] or {})] = asked

    def _answered(self, asked: _Asked, speaks: bool) -> None:
        """Go on without a host that is silent: it has no password of ours, and cannot refuse it."""
        still_asked = asked in self._asked.values()
        if still_asked and asked.login is not None and not speaks:
            asked.left = True
            self._seek(asked.login)

    def _tried(self, asked: _Asked) -> None:
        """Go on after a host was the one to try a login."""
        login, host = asked.login, asked.host
        if login is None:
            return

        result = self._results[host]
        failure = result.get("failure") or {}
        code = failure.get("code", "invalid_input" if result.get("failed") else "")
        if failure.get("login_refused"):
            login.refused_by.append(host)
            if len(login.refused_by) >= self._refusals:
                self._give_up(login)
                return
        elif has_accepted(result, (self._fleet[host] or {}).get("auth_method", "")):
            self._ask_all(login.take_all())

        if asked.left:
            # Another host tries the login already.
            return
        if code == "unreachable":
            self._seek(login)
        else:
            self._try_next(login)

    def _give_up(self, login: _Login) -> None:
        """Try a login nowhere else."""
        for other in login.take_all():
            self._results[other] = failed(_not_tried(other, login.refused_by))
            self._forbid(other)

    def _seek(self, login: _Login) -> None:
        """Try a login on a host that answers, of those that are left."""
        if login.sought or len(login.waiting) < 2:
            self._try_next(login)
            return
        login.sought = True
        self._sought[self._pool.submit(self._answering, list(login.waiting))] = login

    def _found(self, login: _Login, answering: list[str]) -> None:
        # A host that was left may have said yes or no meanwhile.
        answering = [host for host in answering if host in set(login.waiting)]
        login.silent = [host for host in login.waiting if host not in set(answering)]
        login.waiting = answering
        self._try_next(login)

    def _answering(self, hosts: list[str]) -> list[str]:
        """Those of the hosts that speak TLS."""
        with ThreadPoolExecutor(max_workers=self._threads) as pool:
            answers = list(pool.map(lambda host: _answers(self._fleet[host] or {}), hosts))
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


def _answers(params: Params) -> bool:
    """True if the host, or the host behind its proxy, completes a TLS handshake in time. No request is sent."""
    try:
        connection = Connection.from_params(params)
        return reachable(replace(connection, timeout=min(connection.timeout, _CONNECT)))
    except TrustError:
        return False


def _not_tried(host: str, refused_by: list[str]) -> Unauthenticated:
    """The error for a host that was not asked, because others refused the login that it would have been sent."""
    return Unauthenticated(
        f"{host}: was not examined, because {' and '.join(refused_by)} refused the same login, and hosts lock an"
        " account after five refusals.",
        "Check username and password; in lockdown mode only exception users may log in.",
        error_type="UNAUTHENTICATED",
    )
