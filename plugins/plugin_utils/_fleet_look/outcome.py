# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sorts the hosts of a look by what has to be done for them."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import as_mapping
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import text
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import statements

#: The kind of the hosts to which nothing was sent, because other hosts have refused the same login.
_NOT_ASKED = "not_asked"
#: The sentence about an outcome names so many hosts of a kind.
_NAMED = 3


def hosts_by_need(results: Mapping[str, Optional[Mapping[str, Any]]]) -> dict[str, Any]:
    """The hosts, sorted by what has to be done for them.

    results: the results of esx_host_trust in check mode by host, None for a host that was not examined here.

    hosts: all hosts. roll_out: the hosts that get a task of their own, in the order of the fleet.
    failing: the hosts that are known to fail, each with the reason. down: the hosts that do not answer, each with the
    reason. Neither is written, because such a host would only stop the roll-out.
    failing_percentage: the failing hosts in percent of the hosts that answer.
    conflicts: the failing hosts that hold something which contradicts the declaration.
    not_asked: the failing hosts to which nothing was sent, because other hosts have refused the same login.
    login_refused: the failing hosts that have refused the login themselves.
    elsewhere: the hosts that were not examined here. as_declared: the hosts that need nothing.
    """
    kinds = {host: statements.kind_of(host, result) for host, result in results.items()}

    def hosts_of(*wanted: str) -> list[str]:
        return [host for host, kind in kinds.items() if kind in wanted]

    def reasons_of(*wanted: str) -> dict[str, str]:
        reasons = {}
        for host in hosts_of(*wanted):
            result = results[host] or {}
            reasons[host] = str(result.get("msg") or "It was not examined.")

        return reasons

    down = reasons_of(statements.DOWN)
    failing = reasons_of(statements.FAILED, statements.CONFLICT)

    answering = len(kinds) - len(down)
    failing_percentage = 100 * len(failing) / answering if answering else 0

    return {
        "hosts": list(kinds),
        "roll_out": hosts_of(statements.CHANGE, statements.LATER),
        "failing": failing,
        "failing_percentage": failing_percentage,
        "conflicts": hosts_of(statements.CONFLICT),
        "not_asked": [host for host in failing if _was_not_asked(results[host])],
        "login_refused": [host for host in failing if _failure(results[host]).get("login_refused")],
        "down": down,
        "elsewhere": hosts_of(statements.LATER),
        "as_declared": hosts_of(statements.NOTHING),
    }


def left_out(look: Mapping[str, Any], down_since: Iterable[str], *, each_host: bool) -> list[str]:
    """The hosts that fail at the end of a converge, because they were not written.

    look: the lists of a look, see `hosts_by_need`.
    down_since: the hosts that were down when it was their turn.
    each_host: True if the hosts that were not asked fail, too. Otherwise the host that refused their login fails for
        all of them.
    """
    failing = list(look["failing"])
    if not each_host:
        # If no other host failed, the run would succeed although these hosts were not written.
        failing = [host for host in failing if host not in look["not_asked"]] or failing

    return [*failing, *look["down"], *down_since]


def _was_not_asked(result: Optional[Mapping[str, Any]]) -> bool:
    """True if the host's login was refused by other hosts. A host that refused it itself has given an answer."""
    failure = _failure(result)
    answered = failure.get("status") is not None or failure.get("operation") or failure.get("login_refused")

    return failure.get("code") == "unauthenticated" and not answered


def _failure(result: Optional[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The failure in a result, empty if there is none."""
    return as_mapping((result or {}).get("failure"))


def sentence(look: Mapping[str, Any], done: Mapping[str, Optional[Mapping[str, Any]]], *, check_mode: bool) -> str:
    """How many hosts were changed, were as declared, failed and so on, with names of the hosts that need attention.

    look: the lists of a look, see `hosts_by_need`.
    done: the results of esx_host_trust for the hosts of `roll_out`, None for a host that was not reached.
    """
    words = {
        statements.CHANGE: "to be changed" if check_mode else "changed",
        statements.NOTHING: "as declared",
        statements.CONFLICT: "conflict",
        statements.FAILED: "failed",
        _NOT_ASKED: "not asked",
        statements.DOWN: "down",
        statements.LATER: "not written",
    }

    known = _known_kinds(look)
    hosts_by_kind: dict[str, list[str]] = {kind: [] for kind in words}
    for host in look["hosts"]:
        kind = known.get(host) or statements.kind_of(host, done.get(host))
        hosts_by_kind[kind].append(text(host))

    parts = []
    for kind, hosts in hosts_by_kind.items():
        if not hosts:
            continue

        part = f"{len(hosts):,} {words[kind]}"
        if kind in (statements.CONFLICT, statements.FAILED, statements.DOWN, statements.LATER):
            more = ", …" if len(hosts) > _NAMED else ""
            part += f" ({', '.join(hosts[:_NAMED])}{more})"

        parts.append(part)

    return f"{', '.join(parts)}." if parts else "No host."


def _known_kinds(look: Mapping[str, Any]) -> dict[str, str]:
    """The kinds of the hosts that the look left to no task of their own, by host."""
    kinds = dict.fromkeys(look["as_declared"], statements.NOTHING)
    kinds.update(dict.fromkeys(look["down"], statements.DOWN))
    kinds.update(dict.fromkeys(look["failing"], statements.FAILED))

    # These hosts are among the failing ones, too.
    kinds.update(dict.fromkeys(look["conflicts"], statements.CONFLICT))
    kinds.update(dict.fromkeys(look["not_asked"], _NOT_ASKED))

    return kinds
