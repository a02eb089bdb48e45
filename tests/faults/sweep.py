# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sweep: every request of every case meets every fault, and an oracle judges what came of it.

The oracle is the host: what it holds before and after, and which requests changed it. What the module says is
compared with that.
"""

from __future__ import annotations

import base64
import contextlib
import enum
import itertools
import json
import os
import socket
import threading
import time
import traceback
import urllib.parse
import zlib
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from dataclasses import field
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any
from unittest import mock

from ansible_collections.esx.trust.plugins.module_utils._api import retries
from ansible_collections.esx.trust.plugins.module_utils._api import transport
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import is_parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker
from faults.cases import AUTH_METHODS
from faults.cases import CASES
from faults.cases import PASSWORD
from faults.cases import Case
from faults.cases import Module
from faults.cases import State
from simulator import Fault
from simulator import Fleet
from simulator import Host
from simulator import Record
from simulator.bodies import BODIES
from support.actions import run_action
from support.constants import KEY

#: Of every run; the sweep breaks more requests than that.
RETRIES = 1
#: Seconds, for the faults that make a client wait; all others must not need their time.
SHORT = 0.25
LONG = 20.0
#: A busy machine may hold up a thread for so long.
GRACE = 5.0
#: Operations that are no work.
_LOGINS = ("com.vmware.esx.authentication.token.", "com.vmware.cis.session.")
#: In place of 16 MiB, which would make the sweep slow and prove no more.
LARGEST_BODY = 64 * 1024
LONGEST_MESSAGE = 700

ONCE, TWICE, FOR_GOOD, ALWAYS = "once", "twice", "for good", "always"
#: How often a fault strikes, beginning with one request: it alone, it and so many more, all that follow; or every
#: request to its operation and to no other.
TIMES: dict[str, int | None] = {ONCE: 1, TWICE: 2, "3 times": 3, "4 times": 4, FOR_GOOD: None, ALWAYS: None}

COLUMNS = ("reset", "lost", "cut", "slow", "expired", "status", "redirect", "body")


@dataclass(frozen=True)
class Trouble:
    """A fault with a name. column: its place in the table. slow: it makes a client wait until the timeout."""

    name: str
    column: str
    fields: dict[str, Any]
    spans: tuple[str, ...] = (ONCE,)
    settings: dict[str, Any] = field(default_factory=dict)
    slow: bool = False

    def fault(self, index: int, operation: str, span: str) -> Fault:
        where = {"operation": operation} if span == ALWAYS else {"skip": index}
        return Fault.model_validate({**self.fields, **where, "times": TIMES[span]})


def _troubles() -> Iterator[Trouble]:
    every = tuple(TIMES)
    main = (ONCE, TWICE, FOR_GOOD, ALWAYS)
    ends = (ONCE, ALWAYS)
    for abort in ("reset", "close"):
        spans = every if abort == "reset" else ends
        yield Trouble(f"reset_before {abort}", "reset", {"kind": "reset_before", "abort": abort}, spans)
        yield Trouble(f"lose_answer {abort}", "lost", {"kind": "lose_answer", "abort": abort}, spans)
    for count in (0, 7, 40):
        yield Trouble(
            f"cut at {count}", "cut", {"kind": "cut_answer", "raw_bytes": count}, main if count == 40 else ends
        )
    for count in (0, 5):
        yield Trouble(f"cut in the body at {count}", "cut", {"kind": "cut_answer", "bytes": count}, ends)
    yield Trouble("late", "slow", {"kind": "delay", "seconds": 2 * SHORT}, main, slow=True)
    yield Trouble("late answer", "slow", {"kind": "delay_answer", "seconds": 4 * SHORT}, main, slow=True)
    yield Trouble("drip", "slow", {"kind": "drip", "seconds": SHORT / 4}, ends, slow=True)
    yield Trouble("expired", "expired", {"kind": "expire_tokens"}, main)
    for status in (429, 500, 502, 503, 504, 408, 409, 401, 403, 404, 400):
        spans = every if status in (500, 503) else main
        yield Trouble(f"{status}", "status", {"kind": "status", "status": status}, spans)
        old = {"dialect": "rest", "error_type_present": False, "echo_requests": True}
        yield Trouble(f"{status} older form", "status", {"kind": "status", "status": status}, ends, old)
    untyped = {"messages": [{"id": "com.vmware.x", "default_message": "No.", "args": []}]}
    yield Trouble("400 without error_type", "status", {"kind": "status", "status": 400, "body": untyped}, ends)
    yield Trouble("404 unknown", "status", {"kind": "status", "error_type": "OPERATION_NOT_FOUND"}, ends)
    for seconds in ("1", "9999", "soon"):
        later = {"kind": "status", "status": 503, "headers": {"Retry-After": seconds}}
        yield Trouble(f"503 retry after {seconds}", "status", later, ends)
    for status in (500, 502, 503, 504, 408):
        fields = {"kind": "answer", "status": status, "body": "upstream failed"}
        yield Trouble(f"done and {status}", "status", fields, main)
    for location in ("https://127.0.0.1:1/elsewhere", "/api/session", "https://[", "\u00e4"):
        for kind in ("redirect", "answer"):
            fields = {"kind": "redirect", "location": location}
            if kind == "answer":
                fields = {"kind": "answer", "status": 302, "body": "moved", "headers": {"Location": location}}
            yield Trouble(f"{kind} {location}", "redirect", fields, ends)
    for name in sorted(BODIES):
        sizes = (LARGEST_BODY, LARGEST_BODY + 1) if name == "huge" else (None,)
        for size, kind in itertools.product(sizes, ("status", "answer")):
            fields = {"kind": kind, "ready": name, "status": 200, "bytes": size}
            done = "done and " if kind == "answer" else ""
            yield Trouble(f"{done}{name}{size or ''}", "body", fields, ends)
        if BODIES[name](1).status not in (None, 200):
            yield Trouble(f"{name} with its own code", "body", {"kind": "status", "ready": name}, ends)


TROUBLES = tuple(_troubles())


@dataclass(frozen=True)
class Attempt:
    """One cell of the sweep. index, operation: the request that the trouble meets first."""

    case: Case
    auth_method: str
    check_mode: bool
    index: int
    operation: str
    trouble: Trouble
    span: str
    protocol: str = "rest"

    @property
    def way(self) -> Way:
        """The way of the two that this attempt goes, where it goes only one: always the same for one name."""
        return tuple(Way)[zlib.crc32(str(self).encode()) % len(Way)]

    def __str__(self) -> str:
        mode = ", check mode" if self.check_mode else ""
        mode += ", JSON-RPC" if self.protocol == "jsonrpc" else ""
        where = f"request {self.index} {short(self.operation)}"
        return f"{self.case} [{self.auth_method}{mode}] × {where} × {self.trouble.name} {self.span}"


@dataclass(frozen=True)
class Verdict:
    """ok: the module finished; else it failed. wrong: what was not as promised."""

    attempt: Attempt
    ok: bool
    changed: bool
    message: str
    wrong: tuple[str, ...]
    requests: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.attempt}: {'; '.join(self.wrong)}\n    {'ok' if self.ok else self.message}"


@dataclass(frozen=True)
class Ran:
    """What a run returned, in the form in which a module prints it."""

    result: dict[str, Any]
    crash: str
    seconds: float
    pauses: tuple[float, ...]
    connections: int
    most_open: int
    left_open: int

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def code(self) -> str:
        return str(self.result.get("failure", {}).get("code"))

    @property
    def operations(self) -> list[tuple[str, str]]:
        return [(entry["operation"], entry["id"]) for entry in self.result.get("operations", [])]


def short(operation: str) -> str:
    """The last two parts of an operation's name."""
    return ".".join(operation.rsplit(".", 2)[-2:])


# Running


class _Watched(threading.local):
    """What the client of this thread does to the machine."""

    def __init__(self) -> None:
        self.watching = False
        self.pauses: list[float] = []
        self.sockets: list[tuple[int, int]] = []
        self.most_open = 0

    def open_now(self) -> int:
        return sum(_is_open(*one) for one in self.sockets)


def _is_open(descriptor: int, inode: int) -> bool:
    try:
        return os.fstat(descriptor).st_ino == inode
    except OSError:
        return False


_watched = _Watched()
#: The way of the sweep that is under way, for all its threads.
_running = SimpleNamespace(way=None)


class Way(enum.Enum):
    """What runs: the `run` of a module, or the whole action of its name around it."""

    MODULE = "module"
    ACTION = "action"


@contextlib.contextmanager
def sweeping(way: Way = Way.MODULE) -> Iterator[None]:
    """Inside, pauses take no time, connections are counted, and bodies are large sooner."""
    connect = socket.socket.connect

    def counted(self: socket.socket, address: Any) -> None:
        if _watched.watching:
            _watched.sockets.append((self.fileno(), os.fstat(self.fileno()).st_ino))
            _watched.most_open = max(_watched.most_open, _watched.open_now())
        connect(self, address)

    def noted(seconds: float) -> None:
        # Looked up each time: every run has a list of its own.
        _watched.pauses.append(seconds)

    clock = SimpleNamespace(sleep=noted)
    with (
        mock.patch.object(socket.socket, "connect", counted),
        mock.patch.object(retries, "time", clock),
        mock.patch.object(transport, "MAX_BODY", LARGEST_BODY),
        mock.patch.object(_running, "way", way),
    ):
        yield


def run(module: Module, params: dict[str, Any], check_mode: bool) -> Ran:
    """Run the module, inside `sweeping`."""
    _watched.__init__()  # type: ignore[misc]
    _watched.watching = True
    crash, started = "", time.monotonic()
    try:
        if _running.way is Way.ACTION:
            result = run_action(module.name, params, check_mode)
        else:
            result = module.run(params, check_mode)
    except TrustError as error:
        # As run_module does it.
        result = {"failed": True, "msg": str(error), "changed": bool(error.operations), "failure": error.failure()}
        result["operations"] = error.operations
    except Exception:  # noqa: BLE001 - this is what must never happen
        crash = traceback.format_exc(limit=-1).strip().rpartition("\n")[2]
        result = {"failed": True, "msg": "(traceback)"}
    finally:
        _watched.watching = False
    seconds = time.monotonic() - started
    return Ran(
        result,
        crash,
        seconds,
        tuple(_watched.pauses),
        len(_watched.sockets),
        _watched.most_open,
        _watched.open_now(),
    )


# Judging


def written(record: Record) -> tuple[str, str]:
    """A write as the module would call it."""
    action = str(record.operation).rpartition(".")[2]
    if action == "create":
        body = record.body
        if "local_user_name" in body:
            return action, f"local user {body['local_user_name']}"
        return action, body.get("provider") or body["issuer_alias"]
    return action, str(record.identifier)


def tells_an_untruth(attempt: Attempt) -> bool:
    """The fault is a good answer of the API that is not true, which nobody can see.

    Then the module may end elsewhere than declared; all else holds.
    """
    fields, kind = attempt.trouble.fields, attempt.operation.rpartition(".")[2]
    if fields.get("ready") == "wrong_shape_list":
        return kind == "list"
    if fields["kind"] != "status":
        return False
    # Such an answer to the login is none about the provider, so it does not count here.
    absent = fields.get("status") == 404 or fields.get("error_type") == "OPERATION_NOT_FOUND"
    # A host without client profiles says the same of their list.
    without_service = "client_profiles" in attempt.operation and kind == "list"
    return absent and (kind == "get" or without_service or attempt.span in (TWICE, FOR_GOOD))


def most_requests(case: Case, undisturbed: Sequence[str]) -> int:
    """How many requests a run may send, from those that it sends when nothing goes wrong.

    A repetition of a write costs a look as well, and so does each write in doubt; to put back what a failed rename
    has deleted takes two attempts, each with a look; a token that expired costs a login and the request again.
    """
    services = [name.rpartition(".")[2] for name in undisturbed if not name.startswith(_LOGINS)]
    looks = sum(name in ("get", "list") for name in services)
    writes = len(services) - looks
    return len(undisturbed) + (1 + looks) * (RETRIES + 2) + writes * looks + 2


def judge(attempt: Attempt, ran: Ran, host: Host, undisturbed: Undisturbed) -> list[str]:
    """Everything about a run under a fault that is not as promised."""
    case, journal = attempt.case, host.journal
    after = State.of(host)
    wrote = [written(record) for record in journal if record.wrote]
    wrong = [
        *_judge_form(attempt, ran, host),
        *_judge_wire(attempt, ran, journal),
        *_judge_logins(journal),
        *_judge_bounds(attempt, ran, journal, undisturbed),
    ]
    if ran.crash:
        return wrong
    if attempt.check_mode or case.module.reads_only:
        wrong += ["the server saw a write"] * any(record.writes for record in journal)
    # The truth about writes.
    if attempt.check_mode:
        if not ran.failed and not tells_an_untruth(attempt) and ran.operations != undisturbed.ran.operations:
            wrong.append(f"check mode announced {ran.operations}, not {undisturbed.ran.operations}")
    elif ran.failed:
        if Counter(ran.operations) - Counter(wrote):
            wrong.append(f"claims {ran.operations}, and {wrote} was carried out")
    elif ran.operations != wrote or ran.changed != bool(wrote):
        wrong.append(f"says changed={ran.changed} {ran.operations}, and {wrote} was carried out")
    # To mark an alias and to put it back are two writes under one name, with two bodies.
    sent = Counter((*written(record), json.dumps(record.body, sort_keys=True)) for record in journal if record.wrote)
    doubled = [one[:2] for one, count in sent.items() if count > 1]
    if doubled:
        wrong.append(f"carried out twice: {doubled}")
    # The host.
    if not ran.failed and not tells_an_untruth(attempt):
        if case.failure and not attempt.check_mode:
            wrong.append(f"finished where it has to fail with {case.failure}")
        expected = case.begins if attempt.check_mode else case.ends
        if after != expected:
            wrong.append("finished, and the host is not as declared")
        if case.module.reads_only and ran.result[case.module.records] != undisturbed.ran.result[case.module.records]:
            wrong.append("returned what the host does not hold")
    if ran.failed:
        wrong += _judge_losses(case, after, ran, journal)
    return wrong


def _judge_form(attempt: Attempt, ran: Ran, host: Host) -> Iterator[str]:
    if ran.crash:
        yield f"traceback: {ran.crash}"
        return
    output = json.dumps(ran.result)
    if ran.failed:
        message, failure = ran.message, ran.result["failure"]
        if not message.strip() or len(message) > LONGEST_MESSAGE or "\n" in message:
            yield f"the message is no sentence ({len(message)} characters)"
        if host.address not in message:
            yield "the message does not name the host"
        if "Traceback" in output or "object at 0x" in output:
            yield "the output shows the inside of the program"
        if not failure.get("code") or not failure.get("message"):
            yield "the failure has no code or message"
        if ran.changed != bool(ran.operations):
            yield "changed contradicts operations"
    secrets = [PASSWORD, base64.b64encode(f"{host.username}:{PASSWORD}".encode()).decode(), KEY, *host.tokens]
    for secret in secrets:
        if secret in output or urllib.parse.quote(secret, safe="") in output:
            yield "a secret is in the output"


def _judge_wire(attempt: Attempt, ran: Ran, journal: list[Record]) -> Iterator[str]:
    if ran.most_open > 1:
        yield f"{ran.most_open} connections at once"
    if ran.left_open:
        yield f"{ran.left_open} connections left open"
    if any("elsewhere" in record.path for record in journal):
        yield "a redirect was followed"


def _judge_logins(journal: list[Record]) -> Iterator[str]:
    doubtful = refused = 0
    proven = False
    for record in journal:
        if record.authentication != "basic":
            proven = proven or _heard(record)
            continue
        if refused:
            yield "a refused login was sent again"
        # A login that has worked and is refused now says that something is not permitted; what a failed rename has
        # deleted is put back with it all the same.
        refused += record.status == 401 and not proven
        if not proven and _may_hide_a_refusal(record):
            doubtful += 1
        proven = proven or _heard(record)
    if doubtful > 2:
        yield f"an unproven password was sent {doubtful} times"


def _heard(record: Record) -> bool:
    """The client knows from the answer that its login is good."""
    whole = record.fault in (None, "expire_tokens", "race", "race_after")
    return whole and record.status is not None and record.status != 401


def _may_hide_a_refusal(record: Record) -> bool:
    if record.fault is None:
        return False
    return record.status is None or record.status < 300 or record.status in (408, 500, 502, 504) or record.fault in (
        "delay", "delay_answer", "drip", "cut_answer"
    )  # fmt: skip


def _judge_bounds(attempt: Attempt, ran: Ran, journal: list[Record], undisturbed: Undisturbed) -> Iterator[str]:
    most = most_requests(attempt.case, undisturbed.requests)
    if len(journal) > most:
        yield f"{len(journal)} requests, promised are at most {most}"
    timeout = SHORT if attempt.trouble.slow else LONG
    longest = max(min(retries.FIRST_DELAY * 2**RETRIES, retries.LONGEST_DELAY), timeout)
    if len(ran.pauses) > RETRIES or any(pause > longest for pause in ran.pauses):
        yield f"pauses of {ran.pauses} seconds"
    bound = most * timeout if attempt.trouble.slow else 0
    if ran.seconds > bound + GRACE:
        yield f"took {ran.seconds:.1f} s, promised are at most {bound:.1f} s"


def _judge_losses(case: Case, after: State, ran: Ran, journal: list[Record]) -> Iterator[str]:
    for kind in ("providers", "issuers", "profiles"):
        begins, ends, now = (getattr(state, kind) for state in (case.begins, case.ends, after))
        stay = {name: value for name, value in begins.items() if ends.get(name) == value}
        if any(now.get(name) != value for name, value in stay.items()):
            yield f"{kind} were touched that were to stay"
        for name in now:
            if now[name] in (begins.get(name), ends.get(name)):
                continue
            if kind == "issuers" and _is_trace(case.begins, name, now[name]):
                continue
            yield f"{kind}: {name!r} is neither as before nor as declared"
    lost = (case.begins.trusted & case.ends.trusted) - after.trusted
    # What the host does after the client has given up is its own; then the client has said that it does not know.
    late = any(record.fault == "delay" and record.wrote for record in journal)
    if lost and "could not be put back" not in ran.message and not (late and ran.code == "answer_lost"):
        yield f"{lost} is no longer trusted, and nobody was told"


def _is_trace(begins: State, alias: str, now: Any) -> bool:
    """True if an alias holds a marker, and the chains that belong to its issuer.

    That is the alias that held the issuer, or one that was made to keep it for a moment.
    """
    marker = read_marker(now[0])
    if marker is None:
        return False
    held = (marker.issuer, now[1])
    return begins.issuers.get(alias) == held or (is_parking_alias(alias) and held in begins.issuers.values())


# Sweeping


@dataclass(frozen=True)
class Undisturbed:
    """What a case does when nothing goes wrong."""

    requests: tuple[str, ...]
    ran: Ran


@dataclass(frozen=True)
class Scope:
    """A part of all combinations. login: also the request for a login."""

    name: str
    auth_method: str = "token"
    check_mode: bool = False
    columns: tuple[str, ...] = COLUMNS
    spans: tuple[str, ...] = (ONCE,)
    login: bool = True
    protocol: str = "rest"

    def wants(self, case: Case, index: int, operation: str, trouble: Trouble, span: str) -> bool:
        if not self.login and index == 0 and operation.endswith("token.create"):
            return False
        # How long the connection stays broken matters most, and says nothing about what a body looks like.
        spans = (*self.spans, *TIMES) if trouble.name in ("reset_before reset", "lose_answer reset") else self.spans
        if trouble.name in case.spares:
            return False
        return trouble.column in self.columns and span in trouble.spans and span in spans


_WITHOUT_BODIES = tuple(column for column in COLUMNS if column != "body")
#: Cases that stand for all others where the others would do the same.
_LEADING = ("kms_provider create", "kms_provider delete", "token_issuer rename", "kms_provider_info")


def plan(full: bool) -> list[tuple[Case, Scope]]:
    """What to sweep: everything, or what differs enough to be seen every time."""
    tasks: list[tuple[Case, Scope]] = []
    for case in CASES:
        leading = case.name in _LEADING
        writes = not case.module.reads_only
        if full:
            spans = tuple(TIMES)
            tasks += [(case, Scope(method, method, spans=spans)) for method in AUTH_METHODS]
            tasks += [(case, Scope("check mode", check_mode=True, spans=(ONCE, ALWAYS)))] * writes
            tasks.append((case, Scope("jsonrpc", spans=spans, protocol="jsonrpc")))
            continue
        tasks.append((case, Scope("token", spans=(ONCE, FOR_GOOD) if leading else (ONCE,), login=leading)))
        if leading:
            tasks += [(case, Scope(method, method, columns=_WITHOUT_BODIES)) for method in ("basic", "session")]
            tasks += [(case, Scope("check mode", check_mode=True))] * writes
            tasks.append((case, Scope("jsonrpc", spans=(ONCE, FOR_GOOD), protocol="jsonrpc")))
    return tasks


class Sweep:
    """Runs attempts on the hosts of a fleet, as many at once as there are hosts."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._free: SimpleQueue[Host] = SimpleQueue()
        for host in fleet.hosts:
            self._free.put(host)
        self._undisturbed: dict[tuple[str, str, bool, str], Undisturbed] = {}
        #: States from which a case is known to converge: a module remembers nothing, so once is enough.
        self._converges: set[Any] = set()

    def sweep(self, case: Case, scope: Scope, *, one_way: bool = False) -> list[Verdict]:
        """The verdicts of all attempts of one case; one_way: of those which their names give to the way under way."""
        undisturbed = self.undisturbed(case, scope.auth_method, scope.check_mode, scope.protocol)
        # The slow ones first, so that nobody waits for them at the end.
        attempts = sorted(_attempts(case, scope, undisturbed), key=lambda attempt: not attempt.trouble.slow)
        if one_way:
            attempts = [attempt for attempt in attempts if attempt.way is _running.way]
        with ThreadPoolExecutor(len(self.fleet.hosts)) as pool:
            return list(pool.map(self.attempt, attempts))

    def undisturbed(self, case: Case, auth_method: str, check_mode: bool, protocol: str = "rest") -> Undisturbed:
        """Run a case without a fault; it has to end as it says."""
        key = (case.name, auth_method, check_mode, protocol)
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
            again = attempt.span == ONCE and trouble.fields["kind"] == "delay" and not attempt.check_mode
            wrong = []
            if again and ran.failed:
                # Somebody runs it again before the host has done what it was asked the first time.
                params["timeout"] = LONG
                run(case.module, params, False)
            if not host.wait_until(lambda: not any(_is_pending(record) for record in host.journal)):
                wrong.append("the simulator did not do what it was delayed to do")
            if not (again and ran.failed):
                undisturbed = self.undisturbed(case, attempt.auth_method, attempt.check_mode, attempt.protocol)
                wrong += judge(attempt, ran, host, undisturbed)
            requests = len(host.journal)
            if not attempt.check_mode:
                wrong += self._converge(attempt, host)
        return Verdict(attempt, not ran.failed, ran.changed, ran.message, tuple(wrong), requests, ran.seconds)

    def _converge(self, attempt: Attempt, host: Host) -> list[str]:
        case, state = attempt.case, State.of(host)
        key = (case.name, state.key())
        if key in self._converges:
            return []
        case.arrange(host, state)
        params = case.params(host, self.fleet, attempt.auth_method, timeout=LONG, retries=RETRIES)
        second, then = run(case.module, params, False), State.of(host)
        third, at_last = run(case.module, params, False), State.of(host)
        if case.failure:
            if second.code == third.code == case.failure and state == at_last:
                self._converges.add(key)
                return []
            return [f"another run ended in {second.code}, not in {case.failure}: {second.message}"]
        if second.failed or then != case.ends:
            return [f"another run does not converge: {second.crash or second.message}"]
        if third.failed or third.changed or at_last != case.ends:
            return [f"a third run changes something: {third.operations} {third.crash or third.message}"]
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
