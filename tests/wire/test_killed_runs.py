# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that moves issuers is killed at any point, and run again: always the declared end.

No chain is lost, and no right of the subjects of an issuer that moves.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator import Fault
from support.certificates import chain
from support.client_profiles import grants
from wire.checks import HELD
from wire.checks import issuer_options
from wire.processes import Starter

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

#: The writes of token issuers and client profiles; the creation of a token is none of them.
WRITES = "com.vmware.esx.authentication.*s.[cud][rpe][edl]*"
ONE, TWO, THREE = (chain(1, subject=subject) for subject in ("one", "two", "three"))
X, Y, Z, W = (f"https://{name}.example.com" for name in "xyzw")
RENAME = {"issuer_conflict": "rename"}

Issuers = Mapping[str, tuple[str, list[list[str]]]]
#: Alias and group -> what the group may do.
Rights = Mapping[tuple[str, str], set[str]]


@dataclass(frozen=True)
class Scene:
    """What the host holds, what is declared, what the writes are, and what the host holds in the end."""

    module: str
    options: Mapping[str, Any]
    begins: Issuers
    ends: Issuers
    writes: tuple[str, ...]
    rights_begin: Rights = field(default_factory=dict)
    rights_end: Rights = field(default_factory=dict)
    cascade: bool = True
    """The host deletes the client profiles that name an issuer's alias together with the issuer."""


def entry(alias: str, issuer: str, *chains: list[str], **more: Any) -> dict[str, Any]:
    return {**issuer_options(alias, issuer, list(chains)), **RENAME, **more}


SCENES = {
    "exact": Scene(
        "esx_token_issuer",
        entry("new", X, TWO),
        {"old": (X, [ONE])},
        {"new": (X, [TWO])},
        ("update", "create", "delete"),
    ),
    "merge": Scene(
        "esx_token_issuer",
        entry("new", X, TWO, chains_mode="merge"),
        {"old": (X, [ONE, THREE])},
        {"new": (X, [ONE, THREE, TWO])},
        ("update", "create", "delete"),
    ),
    "onto an alias in use": Scene(
        "esx_token_issuer",
        entry("new", X, TWO, chains_mode="merge"),
        {"old": (X, [ONE]), "new": (Y, [THREE])},
        {"new": (X, [ONE, TWO])},
        ("update", "update", "delete"),
    ),
    "chain of moves": Scene(
        "esx_host_trust",
        {
            "token_issuers": [
                entry("a", X, TWO, chains_mode="merge"),
                entry("b", W, TWO, chains_mode="merge"),
                entry("d", Z, TWO),
            ]
        },
        {"a": (W, [ONE]), "b": (Y, [THREE]), "d": (X, [THREE])},
        {"a": (X, [THREE, TWO]), "b": (W, [ONE, TWO]), "d": (Z, [TWO])},
        ("update",) * 5,
    ),
    "swap": Scene(
        "esx_host_trust",
        {"token_issuers": [entry("a", Y, TWO, chains_mode="merge"), entry("b", X, TWO, chains_mode="merge")]},
        {"a": (X, [ONE]), "b": (Y, [THREE])},
        {"a": (Y, [THREE, TWO]), "b": (X, [ONE, TWO])},
        ("create", "update", "update", "update", "delete"),
    ),
    **{
        name: Scene(
            "esx_token_issuer",
            entry("new", X, TWO, chains_mode="merge"),
            {"old": (X, [ONE])},
            {"new": (X, [ONE, TWO])},
            ("update", "create", "create", "create", "delete", "delete", "delete"),
            {("old", "admins"): {"READ_ONLY", "SECURITY_MGMT"}, ("old", "people"): {"OBSERVABILITY"}},
            {("new", "admins"): {"READ_ONLY", "SECURITY_MGMT"}, ("new", "people"): {"OBSERVABILITY"}},
            cascade,
        )
        for name, cascade in (("rights", True), ("rights without cascade", False))
    },
}
#: When the run is stopped: before its request is carried out, after it, or before it and the host does it all the same.
MOMENTS = ("before", "after", "late")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def attempts() -> Iterator[Any]:
    for name, scene in SCENES.items():
        for number, _write in enumerate(scene.writes):
            for moment in MOMENTS:
                for sent in SIGNALS:
                    # What Python makes of the others differs only by name, so they are not tried everywhere.
                    if sent in (signal.SIGHUP, signal.SIGINT) and (name != "merge" or moment == "late"):
                        continue
                    # What is put back is another matter where chains are merged, and where two issuers or rights move.
                    if sent == signal.SIGTERM and name not in ("merge", "swap", "rights"):
                        continue
                    # A host that keeps the profiles differs only in what it does by itself.
                    if not scene.cascade and (moment != "late" or sent != signal.SIGKILL):
                        continue
                    yield pytest.param(name, number, moment, sent, id=f"{name}-{number}-{moment}-{sent.name}")


def holds(host: Host) -> dict[str, tuple[str, frozenset[tuple[str, ...]]]]:
    return {alias: (issuer.issuer, frozenset(map(tuple, issuer.chains))) for alias, issuer in host.issuers.items()}


def expected(issuers: Issuers) -> dict[str, tuple[str, frozenset[tuple[str, ...]]]]:
    return {alias: (issuer, frozenset(map(tuple, chains))) for alias, (issuer, chains) in issuers.items()}


def rights(host: Host) -> dict[tuple[str, str], set[str]]:
    return {
        (str(profile.issuer_alias), str(profile.name)): profile.entitlements
        for profile in host.client_profiles.values()
    }


def put(host: Host, issuers: Issuers, given: Rights, cascade: bool) -> None:
    host.settings(profiles_cascade=cascade)
    for alias, (issuer, chains) in issuers.items():
        host.put_issuer(alias, issuer, chains)

    for (alias, group), entitlements in given.items():
        subject = {"type": "EXTERNAL_GROUP", "name": group, "issuer_alias": alias, "domain": "d"}
        host.put_client_profile(**subject, grants=grants(*sorted(entitlements)))


@pytest.mark.parametrize(("name", "number", "moment", "sent"), attempts())
def test_the_next_run_ends_as_declared(
    start: Starter,
    modules: Modules,
    host: Host,
    gate: threading.Event,
    name: str,
    number: int,
    moment: str,
    sent: signal.Signals,
) -> None:
    scene = SCENES[name]
    put(host, scene.begins, scene.rights_begin, scene.cascade)
    before = holds(host)
    # The n-th of all writes, whatever it is.
    operation, skip = WRITES, number
    kind: Any = "delay_answer" if moment == "after" else "delay"
    host.queue(Fault(kind=kind, operation=operation, skip=skip, seconds=HELD))

    running = start(scene.module, **scene.options)

    assert host.wait_until(lambda: sum(record.writes for record in host.journal) > number, timeout=30)
    assert [str(record.operation).rpartition(".")[2] for record in host.writes] == list(scene.writes[: number + 1])

    running.send(sent)
    running.ended()

    if moment == "late":
        held = len(host.writes)
        gate.set()
        assert host.wait_until(lambda: host.journal[index_of(host, number)].status is not None), held

    now, rights_now = holds(host), rights(host)

    # Whoever had a right has it under one of the two aliases.
    for (_alias, group), entitlements in scene.rights_begin.items():
        assert entitlements in [may for (_alias, name), may in rights_now.items() if name == group]

    # Every chain of an issuer that is declared with merge is there, whatever name the host has for it at the moment.
    declared = scene.options.get("token_issuers", [scene.options])
    kept = [entry["issuer"] for entry in declared if entry.get("chains_mode") == "merge"]
    there = [chains for _issuer, chains in now.values()]

    for issuer, chains in before.values():
        if issuer in kept:
            assert any(chains <= each for each in there)

    if sent != signal.SIGKILL and moment != "late":
        # It was told to stop, and could put things in order.
        trusted = {issuer for issuer, _chains in now.values()}
        assert {entry["issuer"] for entry in declared} & {issuer for issuer, _chains in before.values()} <= trusted

    if moment == "before":
        # What never arrived must not arrive in the middle of the next run.
        host.reset()
        issuers_now = {alias: (issuer, [list(each) for each in chains]) for alias, (issuer, chains) in now.items()}
        put(host, issuers_now, rights_now, scene.cascade)
        modules.connection.update(hostname=host.address, port=host.port)

    again = modules.run(scene.module, **scene.options)

    assert not again.failed, again.message
    assert holds(host) == expected(scene.ends)
    assert rights(host) == scene.rights_end
    assert not modules.run(scene.module, **scene.options).changed


def index_of(host: Host, number: int) -> int:
    """The place of the n-th write in the journal."""
    return [place for place, record in enumerate(host.journal) if record.writes][number]
