# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines the hosts of a fleet side by side in threads, and decides on which host a login is tried first."""

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
from ansible_collections.esx.trust.plugins.module_utils._api.login import LOGIN_OPERATIONS
from ansible_collections.esx.trust.plugins.module_utils._api.transport import tls_context
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._module.perform import failed
from ansible_collections.esx.trust.plugins.module_utils._signals import stoppable

Params = Mapping[str, Any]
Result = dict[str, Any]

#: After a signal, the examinations under way have so many seconds to end.
_GRACE = 3.0
#: A host that accepts a connection within so many seconds is asked before the others.
_CONNECT = 5.0
#: The codes of failures that do not prove whether the host accepts the login.
_UNPROVEN = (
    "unreachable",
    "untrusted",
    "invalid_input",
    "answer_lost",
    "unexpected_answer",
    "unauthenticated",
)
#: The code of failures that come from comparing the host with the declaration. Only a host that was read has them.
_COMPARED = "conflict"


@dataclass
class _Login:
    """A user name with its password, and the hosts on which they have not been tried yet.

    waiting: the hosts that are not asked before this login is known to be good.
    refused_by: the hosts that refused it.
    sorted_by_answer: the waiting hosts that accept connections were already moved to the front.
    """

    waiting: list[str]
    refused_by: list[str] = field(default_factory=list)
    sorted_by_answer: bool = False


class Examination:
    """One look at a fleet.

    fleet: the validated options for each host. None for a host whose options were refused.
    ask: examines one host; called in a thread.
    forbid: notes that the login of a host must not be tried later in this run.
    threads: the number of hosts that are examined at a time.
    refusals: after so many hosts in a row have refused a login, it is tried on no other host.
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
        #: The examinations under way: the host, and the login if this host is the one that tries it.
        self._examined: dict[Future[Result], tuple[str, Optional[_Login]]] = {}
        #: The searches for hosts that accept a connection, and the login for which the search is made.
        self._searches: dict[Future[list[str]], _Login] = {}

    def results(self) -> dict[str, Result]:
        """The result for each host, in the order of the fleet.

        A signal stops the examination: no further host is begun, and the hosts under way have a few seconds to end.
        """
        _make_contexts(params for params in self._fleet.values() if params)
        logins, hosts_without_wait = _by_login(self._fleet)

        try:
            # The filters of warnings belong to the whole process. If each thread set and restored them, the threads
            # would restore each other's filters.
            with stoppable(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._ask_all(hosts_without_wait)

                for login in logins:
                    self._try_next(login)

                while self._examined or self._searches:
                    self._wait_for_next()
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            wait(self._examined, timeout=_GRACE)

        return {host: self._results[host] for host in self._fleet}

    def _ask_all(self, hosts: Iterable[str]) -> None:
        """Begin the examination of these hosts. None of them has to try a login for the others."""
        for host in hosts:
            examination = self._pool.submit(self._ask, host)
            self._examined[examination] = (host, None)

    def _try_next(self, login: _Login) -> None:
        """Begin the examination of the next waiting host, which tries the login for the others."""
        if login.waiting:
            host = login.waiting.pop(0)
            examination = self._pool.submit(self._ask, host)
            self._examined[examination] = (host, login)

    def _release(self, login: _Login) -> None:
        """Begin the examination of all hosts that wait for this login."""
        self._ask_all(login.waiting)
        login.waiting.clear()

    def _wait_for_next(self) -> None:
        """Wait until at least one examination or search has ended, and go on from its result."""
        under_way: list[Future[Any]] = [*self._examined, *self._searches]
        ended, _still_under_way = wait(under_way, return_when=FIRST_COMPLETED)

        for future in ended:
            if future in self._searches:
                login_of_search = self._searches.pop(future)
                self._go_on_after_search(login_of_search, future.result())
                continue

            host, login = self._examined.pop(future)
            self._results[host] = _outcome(host, future)
            if login is not None:
                self._go_on_after_trial(login, host)

    def _go_on_after_trial(self, login: _Login, host: str) -> None:
        """Decide what the waiting hosts do, after this host has tried the login for them."""
        result = self._results[host]
        failure = result.get("failure") or {}

        if failure.get("login_refused"):
            login.refused_by.append(host)
            if len(login.refused_by) < self._refusals:
                self._try_next(login)
            else:
                self._give_up(login)

            return

        if _has_accepted(result, self._fleet[host] or {}):
            self._release(login)
            return

        # One search by a fast connection saves waiting for the time-out of each host that is down.
        unreachable = failure.get("code") == "unreachable"
        if unreachable and not login.sorted_by_answer and len(login.waiting) > 1:
            login.sorted_by_answer = True
            search = self._pool.submit(self._answering, list(login.waiting))
            self._searches[search] = login
            return

        self._try_next(login)

    def _give_up(self, login: _Login) -> None:
        """Fail the waiting hosts without asking them, because too many hosts have refused the login."""
        for host in login.waiting:
            self._results[host] = failed(_not_tried(host, login.refused_by))
            self._forbid(host)

        login.waiting.clear()

    def _go_on_after_search(self, login: _Login, answering: list[str]) -> None:
        """Try the login on the hosts that accept connections first. If there are none, ask all waiting hosts."""
        if not answering:
            self._release(login)
            return

        first = set(answering)
        last = [host for host in login.waiting if host not in first]
        login.waiting = [*answering, *last]
        self._try_next(login)

    def _answering(self, hosts: list[str]) -> list[str]:
        """The hosts that accept a connection. Nothing is sent over it."""

        def answers(host: str) -> bool:
            return _takes_connections(self._fleet[host] or {})

        with ThreadPoolExecutor(max_workers=self._threads) as pool:
            found = list(pool.map(answers, hosts))

        return [host for host, answered in zip(hosts, found) if answered]


def _has_accepted(result: Result, params: Params) -> bool:
    """True if a result proves that the host has accepted the password. params: the options for the host."""
    if not result.get("failed"):
        return True

    failure = result.get("failure") or {}
    code = failure.get("code", "invalid_input")
    if code == _COMPARED:
        return True

    if code in _UNPROVEN or params["auth_method"] == "basic":
        return False

    # A service is asked after the login, with the token that it gave. A failed login operation proves nothing: the
    # host may have been too busy to look at the password.
    return failure.get("operation") not in (None, *LOGIN_OPERATIONS)


def _outcome(host: str, future: Future[Result]) -> Result:
    """The result of an examination that has ended. An exception in it becomes the failure of this host."""
    error = future.exception()
    if isinstance(error, Exception):
        # A bug that shows on one host must not cost the other hosts their results. The text of the exception is left
        # out, because it may hold a secret.
        return {
            "failed": True,
            "changed": False,
            "msg": f"{host}: the examination broke off ({type(error).__name__}). This is a mistake in esx.trust.",
        }

    return future.result()


def _make_contexts(fleet: Iterable[Params]) -> None:
    """Make the settings of TLS that the threads will share. Errors in them are reported by each host that has them."""
    for params in fleet:
        verify = bool(params["validate_certs"]) and not params["thumbprint"]
        ca_path = params["ca_path"] if verify else None

        with contextlib.suppress(TrustError, OSError, ValueError):
            tls_context(ca_path, verify)


def _by_login(fleet: Mapping[str, Optional[Params]]) -> tuple[list[_Login], list[str]]:
    """The logins with their hosts, and the hosts that send no password and therefore need not wait."""
    logins: dict[tuple[str, str], _Login] = {}
    hosts_without_wait = []

    for host, params in fleet.items():
        if params is None or params["access_token"] or params["saml_token"] or not params["password"]:
            hosts_without_wait.append(host)
            continue

        name_and_password = (str(params["username"]), params["password"])
        login = logins.setdefault(name_and_password, _Login([]))
        login.waiting.append(host)

    return list(logins.values()), hosts_without_wait


def _takes_connections(params: Params) -> bool:
    """True if the host accepts a TCP connection, or if a proxy stands before it so that nobody can tell."""
    try:
        connection = Connection.from_params(params)
        if connection.proxy:
            return True

        with socket.create_connection((connection.hostname, connection.port), timeout=_CONNECT):
            return True
    except (TrustError, OSError, ValueError):
        return False


def _not_tried(host: str, refused_by: list[str]) -> Unauthenticated:
    """The error for a host that was not asked, because other hosts have refused the same login."""
    return Unauthenticated(
        f"{host}: was not examined, because {' and '.join(refused_by)} refused the same login, and hosts lock an"
        " account after five refusals.",
        "Check username and password; in lockdown mode only exception users may log in.",
        error_type="UNAUTHENTICATED",
    )
