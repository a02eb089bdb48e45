# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sweep: every request of every case meets every fault, and an oracle judges what came of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

from faults.cases import AUTH_METHODS
from faults.cases import CASES
from faults.cases import Case
from faults.cases import State
from faults.oracle import RETRIES
from faults.oracle import Attempt
from faults.oracle import Undisturbed
from faults.oracle import Verdict
from faults.oracle import judge
from faults.oracle import tells_an_untruth
from faults.runner import Way
from faults.runner import run
from faults.runner import way_under_way
from faults.troubles import ALWAYS
from faults.troubles import COLUMNS
from faults.troubles import FOR_GOOD
from faults.troubles import LONG
from faults.troubles import ONCE
from faults.troubles import SHORT
from faults.troubles import TIMES
from faults.troubles import TROUBLES
from faults.troubles import Trouble
from simulator import Fleet
from simulator import Host
from simulator import Record


@dataclass(frozen=True)
class Scope:
    """A part of all combinations. login: also the request for a login. share: one of so many, chosen by their names."""

    name: str
    auth_method: str = "token"
    check_mode: bool = False
    columns: tuple[str, ...] = COLUMNS
    spans: tuple[str, ...] = (ONCE,)
    login: bool = True
    protocol: str = "rest"
    share: int = 1

    def wants(self, case: Case, index: int, operation: str, trouble: Trouble, span: str) -> bool:
        if not self.login and index == 0 and operation.endswith("token.create"):
            return False
        # How long the connection stays broken matters most, and says nothing about what a body looks like.
        spans = (*self.spans, *TIMES) if trouble.name in ("reset_before reset", "lose_answer reset") else self.spans
        # The forms of errors of older hosts are forms of REST.
        of_another_form = bool(trouble.settings) and self.protocol != "rest"
        if trouble.name in case.spares or of_another_form:
            return False

        return trouble.column in self.columns and span in trouble.spans and span in spans


_WITHOUT_BODIES = tuple(column for column in COLUMNS if column != "body")
#: What the whole sweep sets `api_protocol` to, with the login methods of each. Hosts have no session service over
#: JSON-RPC; a host that is asked with auto speaks JSON-RPC.
METHODS = {"rest": AUTH_METHODS, "jsonrpc": ("token", "basic"), "auto": ("token",)}
#: Cases that stand for all others where the others would do the same.
_LEADING = ("kms_provider create", "kms_provider delete", "token_issuer rename", "kms_provider_info")
#: Of those, the ones that the quick sweep does with every login. How to log in is one matter, how to rename another.
_WITH_EVERY_LOGIN = ("kms_provider create", "kms_provider delete", "kms_provider_info")
#: Cases that together send every request there is. The quick sweep shows only to them what a body may look like.
_EVERY_REQUEST = (
    *_LEADING,
    "kms_provider delete unknown",
    "token_issuer create",
    "token_issuer update chains",
    "token_issuer one by one",
    "client_profile create",
    "client_profile update",
    "client_profile delete",
    "client_profile_info",
    "token_issuer_info",
)
#: Of all other cases the quick sweep tries one combination in so many.
_SHARE = 3
#: Cases that the quick sweep leaves out, because others do almost the same.
_ALMOST_THE_SAME = ("token_issuer rename with profiles, no cascade", "token_issuer delete with profiles")


def plan(full: bool) -> list[tuple[Case, Scope]]:
    """What to sweep: everything, or what differs enough to be seen every time."""
    tasks: list[tuple[Case, Scope]] = []
    for case in CASES:
        leading = case.name in _LEADING
        writes = not case.module.reads_only

        if full:
            for protocol, methods in METHODS.items():
                form = "" if protocol == "rest" else f"{protocol} "
                for method in methods:
                    tasks.append((case, Scope(form + method, method, spans=tuple(TIMES), protocol=protocol)))

                if writes:
                    ends = (ONCE, ALWAYS)
                    tasks.append((case, Scope(f"{form}check mode", check_mode=True, spans=ends, protocol=protocol)))

            continue

        if case.name in _ALMOST_THE_SAME:
            continue
        columns = COLUMNS if case.name in _EVERY_REQUEST else _WITHOUT_BODIES
        spans = (ONCE, FOR_GOOD) if leading else (ONCE,)
        share = 1 if case.name in _EVERY_REQUEST else _SHARE
        tasks.append((case, Scope("token", columns=columns, spans=spans, login=leading, share=share)))

        if leading:
            # What the order of a rename needs does not depend on the form of its requests.
            share = 1 if case.name in _WITH_EVERY_LOGIN else _SHARE
            tasks.append((case, Scope("jsonrpc", spans=(ONCE, FOR_GOOD), protocol="jsonrpc", share=share)))
        if leading and writes:
            tasks.append((case, Scope("check mode", check_mode=True, columns=_WITHOUT_BODIES)))

        if case.name in _WITH_EVERY_LOGIN:
            for method in ("basic", "session"):
                tasks.append((case, Scope(method, method, columns=_WITHOUT_BODIES)))

    return tasks


class Sweep:
    """Runs attempts on the hosts of a fleet, as many at once as there are hosts."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._free: SimpleQueue[Host] = SimpleQueue()
        for host in fleet.hosts:
            self._free.put(host)
        self._undisturbed: dict[tuple[str, str, bool, str, Way], Undisturbed] = {}
        #: States from which a case is known to converge: a module remembers nothing, so once is enough.
        self._converges: set[Any] = set()

    def sweep(self, case: Case, scope: Scope, *, share: int = 1) -> list[Verdict]:
        """The verdicts of the attempts of one case that their names give to the way under way; of one in `share`.

        A scope that has a smaller share of its own keeps it.
        """
        share = max(share, scope.share)
        undisturbed = self.undisturbed(case, scope.auth_method, scope.check_mode, scope.protocol)
        of_this_way = [attempt for attempt in _attempts(case, scope, undisturbed) if attempt.way is way_under_way()]
        attempts = [attempt for attempt in of_this_way if attempt.is_in_share(share)]
        # The slow ones first, so that nobody waits for them at the end.
        attempts.sort(key=lambda attempt: not attempt.trouble.slow)

        with ThreadPoolExecutor(len(self.fleet.hosts)) as pool:
            return list(pool.map(self.attempt, attempts))

    def undisturbed(self, case: Case, auth_method: str, check_mode: bool, protocol: str = "rest") -> Undisturbed:
        """Run a case without a fault; it has to end as it says."""
        key = (case.name, auth_method, check_mode, protocol, way_under_way())
        if key not in self._undisturbed:
            with self._host() as host:
                case.arrange(host, protocol=protocol)
                connection = {"timeout": LONG, "retries": 0, "api_protocol": protocol}
                ran = run(case.module, case.params(host, self.fleet, auth_method, **connection), check_mode)

                assert not ran.crash, ran.crash
                assert State.of(host) == (case.begins if check_mode else case.ends), ran.message
                assert ran.failed == bool(case.failure) or check_mode, ran.message

                requests = tuple(str(record.operation) for record in host.journal)

            self._undisturbed[key] = Undisturbed(requests, ran)

        return self._undisturbed[key]

    def attempt(self, attempt: Attempt) -> Verdict:
        """Run a case under one fault, judge it, and see that it converges afterwards."""
        case, trouble = attempt.case, attempt.trouble
        with self._host() as host:
            case.arrange(host, protocol=attempt.protocol)
            host.settings(**trouble.settings)
            host.queue(trouble.fault(attempt.index, attempt.operation, attempt.span))
            timeout = SHORT if trouble.slow else LONG
            connection = {"timeout": timeout, "retries": RETRIES, "api_protocol": attempt.protocol}
            params = case.params(host, self.fleet, attempt.auth_method, **connection)
            ran = run(case.module, params, attempt.check_mode)
            delayed = trouble.fields["kind"] == "delay"
            again = attempt.span == ONCE and delayed and not attempt.check_mode
            wrong = []

            if again and ran.failed:
                # Somebody runs it again before the host has done what it was asked the first time.
                params["timeout"] = LONG
                run(case.module, params, False)

            if delayed and not host.wait_until(lambda: not any(_is_pending(record) for record in host.journal)):
                wrong.append("the simulator did not do what it was delayed to do")

            if not (again and ran.failed):
                undisturbed = self.undisturbed(case, attempt.auth_method, attempt.check_mode, attempt.protocol)
                wrong += judge(attempt, ran, host, undisturbed)

            requests = host.requests
            if not attempt.check_mode:
                wrong += self._converge(attempt, host)

        return Verdict(attempt, not ran.failed, ran.changed, ran.message, tuple(wrong), requests, ran.seconds)

    def _converge(self, attempt: Attempt, host: Host) -> list[str]:
        case, state = attempt.case, State.of(host)
        key = (case.name, attempt.protocol, state.key())
        if key in self._converges:
            return []
        case.arrange(host, state, protocol=attempt.protocol)
        connection = {"timeout": LONG, "retries": RETRIES, "api_protocol": attempt.protocol}
        params = case.params(host, self.fleet, attempt.auth_method, **connection)
        second, then = run(case.module, params, False), State.of(host)
        third, at_last = run(case.module, params, False), State.of(host)

        if case.failure:
            if second.code == third.code == case.failure and state == at_last:
                self._converges.add(key)
                return []

            return [f"another run ended in {second.code}, not in {case.failure}: {second.message}"]

        # Nothing restores rights that a host did not show when their issuer was renamed.
        hidden = "client_profiles" in attempt.operation and tells_an_untruth(attempt)
        ends = replace(case.ends, profiles=state.profiles) if hidden and then != case.ends else case.ends
        if second.failed or then != ends:
            return [f"another run does not converge: {second.crash or second.message}"]
        if third.failed or third.changed or at_last != ends:
            return [f"a third run changes something: {third.operations} {third.crash or third.message}"]
        if ends == case.ends:
            self._converges.add(key)

        return []

    @contextlib.contextmanager
    def _host(self) -> Iterator[Host]:
        host = self._free.get()
        try:
            yield host
        finally:
            # Also gives up whatever still waits in a fault.
            host.reset()
            self._free.put(host)


def _is_pending(record: Record) -> bool:
    return record.fault == "delay" and record.status is None


def _attempts(case: Case, scope: Scope, undisturbed: Undisturbed) -> Iterable[Attempt]:
    for index, operation in enumerate(undisturbed.requests):
        first = operation not in undisturbed.requests[:index]
        for trouble in TROUBLES:
            for span in trouble.spans:
                # "Always" is about an operation, not about its n-th request.
                if scope.wants(case, index, operation, trouble, span) and (first or span != ALWAYS):
                    yield Attempt(
                        case, scope.auth_method, scope.check_mode, index, operation, trouble, span, scope.protocol
                    )
