# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines the hosts of a fleet side by side in threads, and decides on which host a login is tried first."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections import deque
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
from ansible_collections.esx.trust.plugins.module_utils._api.tls import tls_context
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._module.login_results import has_accepted
from ansible_collections.esx.trust.plugins.module_utils._module.login_results import refusal_in
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import REFUSED_HINT
from ansible_collections.esx.trust.plugins.module_utils._signals import Stopped
from ansible_collections.esx.trust.plugins.module_utils._signals import stoppable
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.reach import reachable
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.width import INTERVAL
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.width import Width

Params = Mapping[str, Any]
Result = dict[str, Any]

#: After a signal, the examinations under way have so many seconds to end.
_STOP_TIMEOUT = 5.0
#: A host that completes a TLS handshake within so many seconds is asked before the others.
_HANDSHAKE_TIMEOUT = 5.0
#: If a host tries a login for others and takes more seconds than this, it is asked for such a handshake.
_HANDSHAKE_AFTER = 5.0
#: At least every so many seconds, the examination checks for silent hosts, and whether Ansible still runs.
_CHECK_INTERVAL = 1.0


@dataclass
class _Login:
    """A user name with its password, and the hosts on which they have not been tried yet.

    waiting: the hosts that are not asked before this login is known to be good.
    refused_by: the hosts that refused it.
    searched: hosts that answer were searched for among the waiting hosts already.
    silent: the hosts that did not answer in this search.
    """

    waiting: list[str]
    refused_by: list[str] = field(default_factory=list)
    searched: bool = False
    silent: list[str] = field(default_factory=list)

    def take_all(self) -> list[str]:
        """All hosts on which the login was not tried. Afterwards there are none left."""
        hosts = [*self.waiting, *self.silent]
        self.waiting.clear()
        self.silent.clear()

        return hosts


@dataclass(eq=False)
class _Examined:
    """A host that is being examined, or whose examination is queued.

    login: the login that this host tries for the others, or None.
    since: when the examination began, in seconds of the monotonic clock; None before.
    has_handshake: the host was asked for a TLS handshake, because it took long.
    replaced: the host is silent, so another host tries the login in its place.
    """

    host: str
    login: Optional[_Login] = None
    since: Optional[float] = None
    has_handshake: bool = False
    replaced: bool = False


class Examination:
    """One look at a fleet.

    fleet: the validated options for each host. None for a host whose options were refused.
    ask: examines one host; called in a thread.
    forbid: notes that the login of a host must not be tried later in this run.
    threads: the most hosts that are examined at a time, see `Width`.
    refusals: after so many hosts have refused a login, it is tried on no other host.
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
        self._width = Width(threads)
        self._results: dict[str, Result] = {}
        #: The examinations that are not begun yet.
        self._queue: deque[_Examined] = deque()
        #: The examinations under way.
        self._examined: dict[Future[Result], _Examined] = {}
        #: The searches for hosts that answer, and the login for which the search is made.
        self._searches: dict[Future[list[str]], _Login] = {}
        #: The handshakes with hosts that took long while others waited for them.
        self._handshakes: dict[Future[bool], _Examined] = {}
        #: If a job runner kills Ansible, a worker gets no signal, but it gets another parent.
        self._parent = os.getppid()

    def results(self) -> dict[str, Result]:
        """The result for each host, in the order of the fleet.

        A signal stops the examination, and so does the end of Ansible: no further host is begun, and the hosts under
        way have a few seconds to end. Raises Stopped.
        """
        _make_contexts(params for params in self._fleet.values() if params)

        # The filters of warnings belong to the whole process. If each thread set and restored them, the threads would
        # restore each other's filters.
        with stoppable(), warnings.catch_warnings():
            warnings.simplefilter("ignore")

            try:
                self._examine_all()
            finally:
                # This must be inside of stoppable(), because at the end of stoppable() the signal ends the process.
                self._pool.shutdown(wait=False, cancel_futures=True)
                wait(self._examined, timeout=_STOP_TIMEOUT)

        return {host: self._results[host] for host in self._fleet}

    def _examine_all(self) -> None:
        """Examine all hosts. Raises Stopped if Ansible has ended."""
        logins, hosts_without_wait = _by_login(self._fleet)
        self._ask_all(hosts_without_wait)

        for login in logins:
            self._try_next(login)

        while self._queue or self._examined or self._searches:
            self._wait_for_next()
            self._check_silence()

    def _begin(self, host: str, login: Optional[_Login] = None) -> None:
        """Examine a host as soon as it is its turn. login: the login that the host tries for others."""
        if not self._queue:
            self._width.measure_from_now()

        self._queue.append(_Examined(host, login))
        self._begin_queued()

    def _begin_queued(self) -> None:
        """Begin as many of the queued examinations as may be under way."""
        while self._queue and len(self._examined) < self._width.hosts:
            examined = self._queue.popleft()
            self._examined[self._pool.submit(self._work, examined)] = examined

    def _work(self, examined: _Examined) -> Result:
        """The result of a host. This runs in a thread."""
        examined.since = time.monotonic()
        return self._ask(examined.host)

    def _ask_all(self, hosts: Iterable[str]) -> None:
        """Examine these hosts. None of them has to try a login for the others."""
        for host in hosts:
            self._begin(host)

    def _try_next(self, login: _Login) -> None:
        """Examine the next waiting host, which tries the login for the others.

        If only silent hosts are left, all of them are examined at the same time, unless a host has refused the login:
        a silent host that wakes up would get it too.
        """
        if login.waiting:
            self._begin(login.waiting.pop(0), login)
        elif login.refused_by:
            self._give_up(login)
        else:
            for host in login.take_all():
                self._begin(host, login)

    def _wait_for_next(self) -> None:
        """Wait a moment for examinations, searches and handshakes to end, and go on from their results."""
        timeout = _CHECK_INTERVAL
        if self._queue:
            self._width.grow_if_idle()
            self._begin_queued()
            if self._width.may_grow:
                timeout = min(timeout, INTERVAL)

        under_way: list[Future[Any]] = [*self._examined, *self._searches, *self._handshakes]
        ended, _still_under_way = wait(under_way, timeout=timeout, return_when=FIRST_COMPLETED)

        for future in ended:
            if future in self._searches:
                login = self._searches.pop(future)
                self._go_on_after_search(login, future.result())
            elif future in self._handshakes:
                asked = self._handshakes.pop(future)
                self._go_on_after_handshake(asked, future.result())
            else:
                examined = self._examined.pop(future)
                self._width.note_end()
                self._results[examined.host] = _outcome(examined.host, future)
                self._go_on_after_trial(examined)

    def _check_silence(self) -> None:
        """Ask for a TLS handshake if a host takes long while others wait. Raises Stopped if Ansible has ended."""
        if os.getppid() != self._parent:
            raise Stopped

        now = time.monotonic()
        for examined in self._examined.values():
            if examined.login is None or not examined.login.waiting or examined.has_handshake:
                continue

            if examined.since is not None and now - examined.since > _HANDSHAKE_AFTER:
                examined.has_handshake = True
                handshake = self._pool.submit(_is_reachable, self._fleet[examined.host] or {})
                self._handshakes[handshake] = examined

    def _go_on_after_handshake(self, examined: _Examined, answered: bool) -> None:
        """Let another host try the login if this host is silent. A silent host has not got the password."""
        still_examined = examined in self._examined.values()
        if still_examined and examined.login is not None and not answered:
            examined.replaced = True
            self._try_reachable(examined.login)

    def _go_on_after_trial(self, examined: _Examined) -> None:
        """Decide what the waiting hosts do, after a host has tried the login for them."""
        login = examined.login
        if login is None:
            return

        result = self._results[examined.host]
        failure = result.get("failure") or {}
        params = self._fleet[examined.host] or {}

        if refusal_in(result) is not None:
            login.refused_by.append(examined.host)
            if len(login.refused_by) >= self._refusals:
                self._give_up(login)
                return
        elif has_accepted(result, params.get("auth_method", "")):
            self._ask_all(login.take_all())
            return

        if examined.replaced:
            # Another host tries the login already.
            return

        if failure.get("code") == "unreachable":
            self._try_reachable(login)
        else:
            self._try_next(login)

    def _give_up(self, login: _Login) -> None:
        """Fail all hosts on which the login was not tried, because other hosts have refused it."""
        hosts = login.take_all()
        for future, examined in list(self._examined.items()):
            not_begun = examined.login is login and future.cancel()
            if not_begun:
                del self._examined[future]
                hosts.append(examined.host)

        for examined in list(self._queue):
            if examined.login is login:
                self._queue.remove(examined)
                hosts.append(examined.host)

        for host in hosts:
            self._results[host] = _not_tried(host, login.refused_by).result()
            self._forbid(host)

    def _try_reachable(self, login: _Login) -> None:
        """Try a login on a waiting host that answers. The search for such hosts is made once for a login."""
        if login.searched or len(login.waiting) < 2:
            self._try_next(login)
            return

        login.searched = True
        search = self._pool.submit(self._reachable_hosts, list(login.waiting))
        self._searches[search] = login

    def _go_on_after_search(self, login: _Login, reachable_hosts: list[str]) -> None:
        """Try the login on the hosts that answer. The silent hosts come last."""
        # During the search, a host that was replaced may have answered, so that these hosts do not wait any more.
        found = set(reachable_hosts)
        waiting = set(login.waiting)
        login.silent = [host for host in login.waiting if host not in found]
        login.waiting = [host for host in reachable_hosts if host in waiting]
        self._try_next(login)

    def _reachable_hosts(self, hosts: list[str]) -> list[str]:
        """The hosts that complete a TLS handshake."""

        def is_reachable(host: str) -> bool:
            return _is_reachable(self._fleet[host] or {})

        with ThreadPoolExecutor(max_workers=self._threads) as pool:
            found = list(pool.map(is_reachable, hosts))

        return [host for host, answered in zip(hosts, found) if answered]


def _outcome(host: str, future: Future[Result]) -> Result:
    """The result of an examination that has ended. An exception in it becomes the failure of this host."""
    error = future.exception()
    if isinstance(error, Exception):
        # A bug that shows on one host must not cost the other hosts their results. The text of the exception is left
        # out, because it may hold a secret.
        return {
            "failed": True,
            "changed": False,
            "msg": (
                f"{host}: the examination broke off ({type(error).__name__}). This is a bug in esx.trust. Report it at"
                " https://github.com/esx-trust/esx.trust/issues, without secrets."
            ),
        }

    return future.result()


def _make_contexts(fleet: Iterable[Params]) -> None:
    """Make the settings of TLS that the threads will share. Errors in them are reported by each host that has them."""
    for params in fleet:
        verify = bool(params["validate_certs"]) and not params["thumbprint"]
        ca_path = params["ca_path"] if verify else None

        with contextlib.suppress(TrustError, OSError, ValueError):
            tls_context(ca_path=ca_path, verify=verify)


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


def _is_reachable(params: Params) -> bool:
    """True if the host, or the host behind its proxy, completes a TLS handshake in time. No request is sent."""
    try:
        connection = Connection.from_params(params)
        in_time = replace(connection, timeout=min(connection.timeout, _HANDSHAKE_TIMEOUT))
        return reachable(in_time)
    except (TrustError, OSError, ValueError):
        return False


def _not_tried(host: str, refused_by: list[str]) -> Unauthenticated:
    """The error for a host that was not asked, because other hosts have refused the same login."""
    return Unauthenticated(
        f"{host}: was not examined, because {' and '.join(refused_by)} refused the same login, and hosts lock an"
        " account after five refusals.",
        REFUSED_HINT,
        error_type="UNAUTHENTICATED",
    )
