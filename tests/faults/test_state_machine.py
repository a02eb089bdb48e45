# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random declarations on one host, under random faults, beside other clients and beside each other.

There are so few names, keys and certificates that the runs get into each other's way. What a run may do is worked out
from what the host held before it.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from typing import Any
from typing import Union

from hypothesis import strategies as st
from hypothesis.stateful import initialize
from hypothesis.stateful import rule

from faults import cases
from faults.cases import State
from faults.declarations import FORMS
from faults.declarations import Declaration
from faults.declarations import HostDeclaration
from faults.declarations import changes
from faults.declarations import declarations
from faults.declarations import faults
from faults.machine import OnOneHost
from faults.machine import try_machine
from faults.oracle import written
from faults.runner import run
from simulator import Fault
from support.constants import KEY_ID

if TYPE_CHECKING:
    from faults.sweep import Sweep
    from simulator import Record


class Runs(OnOneHost):
    """Key providers and token issuers."""

    @initialize(retries=st.integers(0, 3), form=st.sampled_from(FORMS))
    def fresh(self, retries: int, form: tuple[str, str]) -> None:
        self.arrange(State({"bystander": KEY_ID}, {}), retries, form)

    @rule(
        declaration=declarations,
        troubles=st.lists(faults, max_size=3),
        check_mode=st.sampled_from((False,) * 4 + (True,)),
    )
    def a_run(self, declaration: Union[Declaration, HostDeclaration], troubles: list[Fault], check_mode: bool) -> None:
        before = State.of(self.host)
        ran, journal = self._run(declaration, troubles, check_mode)
        after = State.of(self.host)
        wrote = [written(record) for record in journal if record.wrote]

        assert declaration.spares(before, after), "something else was touched"

        self._keys_stay(before, after)

        assert declaration.keeps_merged(before, after), "a chain was lost"

        if check_mode:
            assert not any(record.writes for record in journal)

            return

        if not ran.failed:
            assert ran.operations == wrote
            assert ran.changed == bool(wrote)
            assert declaration.holds(after), "finished, and the host is not as declared"
        else:
            assert not Counter(ran.operations) - Counter(wrote), f"claims {ran.operations}, did {wrote}: {ran.message}"

            if ran.code == "conflict":
                assert before == after
            lost = (declaration.trusts & before.trusted) - after.trusted
            if isinstance(declaration, HostDeclaration):
                lost -= declaration.gives_up(before)

            assert not lost or "could not be put back" in ran.message

        self._converges(declaration)

    @rule(
        declaration=declarations,
        kind=st.sampled_from(("race", "race_after")),
        change=st.lists(changes, min_size=1, max_size=2),
        skip=st.integers(1, 4),
    )
    def a_run_beside_another_client(
        self, declaration: Union[Declaration, HostDeclaration], kind: str, change: list[dict[str, Any]], skip: int
    ) -> None:
        fault = Fault.model_validate({"kind": kind, "change": change, "skip": skip})
        ran, journal = self._run(declaration, [fault], False)
        self._tells_what_was_answered(ran.operations, journal)

        assert ran.changed == bool(ran.operations)

        self._converges(declaration)

    @rule(declaration=declarations, competing=declarations, same=st.booleans())
    def two_runs_at_once(
        self,
        declaration: Union[Declaration, HostDeclaration],
        competing: Union[Declaration, HostDeclaration],
        same: bool,
    ) -> None:
        before, seen = State.of(self.host), len(self.host.journal)
        if same:
            competing = declaration

        pair = (declaration, competing)
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda each: run(each.module, self._params(each), False), pair)

        journal = self.host.journal[seen:]
        for ran in (first, second):
            self._is_well_formed(ran)
        self._tells_what_was_answered(first.operations + second.operations, journal)
        # Deleted by the first and created by the second is no change in place.
        if not any(each.removes for each in pair):
            self._keys_stay(before, State.of(self.host))
        if same and not first.failed and not second.failed:
            assert declaration.holds(State.of(self.host))
        self._converges(competing)

    @rule(
        troubles=st.lists(faults, max_size=2),
        module=st.sampled_from((cases.KMS_PROVIDER_INFO, cases.TOKEN_ISSUER_INFO)),
    )
    def a_look(self, troubles: list[Fault], module: cases.Module) -> None:
        ran, journal = self._run(Declaration(module, {}), troubles, False)
        assert not any(record.writes for record in journal)

        state = State.of(self.host)

        if not ran.failed and module is cases.KMS_PROVIDER_INFO:
            key_ids = {record["provider"]: record["key_id"] for record in ran.result[module.records]}
            assert key_ids == state.providers
        elif not ran.failed:
            assert [record["issuer_alias"] for record in ran.result[module.records]] == sorted(state.issuers)

    def _tells_what_was_answered(self, operations: list[tuple[str, str]], journal: list[Record]) -> None:
        """A write that another client has made needless is answered like any other."""
        writes = [record for record in journal if record.writes]
        if self.protocol == "rest":
            assert Counter(operations) == Counter(written(record) for record in writes if record.status == 204)

            return

        # The code of HTTP says nothing here, so it is known only between which bounds the truth is.
        assert not Counter(operations) - Counter(map(written, writes))
        assert not Counter(written(record) for record in writes if record.wrote) - Counter(operations)

    def _converges(self, declaration: Union[Declaration, HostDeclaration]) -> None:
        second, _journal = self._run(declaration, [], False)
        state = State.of(self.host)

        if second.failed:
            assert second.code == "conflict", second.message

            return

        assert declaration.holds(state)

        third, journal = self._run(declaration, [], False)

        assert not third.failed
        assert not third.changed
        assert not any(record.writes for record in journal)
        assert State.of(self.host) == state

    @staticmethod
    def _keys_stay(before: State, after: State) -> None:
        for name, key_id in before.providers.items():
            assert after.providers.get(name, key_id) == key_id, "a key was replaced"


def test_random_runs(sweep: Sweep) -> None:
    try_machine(Runs, sweep, 60)
