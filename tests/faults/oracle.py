# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges what came of a run under a fault.

The oracle is the host: what it holds before and after, and which requests changed it. What the module says is
compared with that.
"""

from __future__ import annotations

import json
import urllib.parse
import zlib
from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api import retries
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import is_parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import read_marker
from faults.cases import PASSWORD
from faults.cases import Case
from faults.cases import State
from faults.cases import is_profile
from faults.runner import Ran
from faults.runner import Way
from faults.runner import name_of
from faults.troubles import FOR_GOOD
from faults.troubles import LONG
from faults.troubles import SHORT
from faults.troubles import TWICE
from faults.troubles import Trouble
from simulator import Host
from simulator import Record
from support.constants import KEY
from support.credentials import basic_credentials

#: Of every run; the sweep breaks more requests than that.
RETRIES = 1
#: A busy machine may hold up a thread for so long.
GRACE = 5.0
#: Operations that are no work.
_LOGINS = ("com.vmware.esx.authentication.token.", "com.vmware.cis.session.")
LONGEST_MESSAGE = 700


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
        """The one of the two ways that this attempt uses. The name decides."""
        return tuple(Way)[self._digest % len(Way)]

    def is_in_share(self, share: int) -> bool:
        """True if this attempt belongs to the sample of one in `share`. The name decides. The sample has both ways."""
        return self._digest // len(Way) % share == 0

    @property
    def _digest(self) -> int:
        return zlib.crc32(str(self).encode())

    def __str__(self) -> str:
        mode = ", check mode" if self.check_mode else ""
        mode += {"rest": "", "jsonrpc": ", JSON-RPC", "auto": ", JSON-RPC by auto"}[self.protocol]
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


def short(operation: str) -> str:
    """The last two parts of an operation's name."""
    return ".".join(operation.rsplit(".", 2)[-2:])


@dataclass(frozen=True)
class Undisturbed:
    """What a case does when nothing goes wrong."""

    requests: tuple[str, ...]
    ran: Ran


def written(record: Record) -> tuple[str, str]:
    """A write as the module would call it."""
    action = str(record.operation).rpartition(".")[2]
    if action == "create":
        body = record.body
        if "local_user_name" in body:
            return action, f"local user {body['local_user_name']}"
        if "external_group_name" in body:
            return action, f"external group {body['domain']}\\{body['external_group_name']} of {body['issuer_alias']}"

        return action, body.get("provider") or body["issuer_alias"]

    return action, name_of(str(record.identifier))


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
        expected_operations = _to_announce(attempt, ran, undisturbed)
        if not ran.failed and not tells_an_untruth(attempt) and ran.operations != expected_operations:
            wrong.append(f"check mode announced {ran.operations}, not {expected_operations}")
    elif ran.failed:
        if Counter(ran.operations) - Counter(wrote):
            wrong.append(f"claims {ran.operations}, and {wrote} was carried out")
    elif ran.operations != wrote or ran.changed != bool(wrote):
        wrong.append(f"says changed={ran.changed} {ran.operations}, and {wrote} was carried out")

    # To mark an alias and to put it back are two writes under one name, with two bodies.
    sent: Counter[tuple[str, str, str]] = Counter()
    for record in journal:
        if record.wrote:
            operation, identifier = written(record)
            sent[operation, identifier, json.dumps(record.body, sort_keys=True)] += 1

    doubled = [(operation, identifier) for (operation, identifier, _body), count in sent.items() if count > 1]
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


def _to_announce(attempt: Attempt, ran: Ran, undisturbed: Undisturbed) -> list[tuple[str, str]]:
    """What a run in check mode that finishes has to announce.

    Where client profiles may not be read, an issuer is deleted all the same, with a warning, and the host removes the
    profiles that nobody saw.
    """
    announced = undisturbed.ran.operations
    forbidden = attempt.trouble.fields.get("status") == 403 and attempt.operation.endswith("client_profiles.list")
    if forbidden and ran.result.get("warnings"):
        return [(operation, name) for operation, name in announced if not is_profile(name)]

    return announced


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

    secrets = [PASSWORD, basic_credentials(host.username, PASSWORD), KEY, *host.tokens]

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
    answered_in_full = record.fault in (None, "expire_tokens", "race", "race_after")
    return answered_in_full and record.status is not None and record.status != 401


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

    # Whoever is to keep his rights has them under the alias of before or under the new one.
    rights = case.begins.rights & case.ends.rights
    if not rights <= after.rights and "could not be put back" not in ran.message:
        yield f"{rights - after.rights} have no rights any more, and nobody was told"
    lost = (case.begins.trusted & case.ends.trusted) - after.trusted
    # A host may act after the client gave up. Then the result says that the outcome is unknown.
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
