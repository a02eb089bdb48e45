# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host, on which a state machine runs modules one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import hypothesis
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import run_state_machine_as_test

from faults import cases
from faults.cases import State
from faults.declarations import Declared
from faults.runner import Ran
from faults.runner import run
from faults.troubles import LONG
from simulator import Fault

if TYPE_CHECKING:
    from faults.sweep import Sweep
    from simulator import Fleet
    from simulator import Host
    from simulator import Record


class OnOneHost(RuleBasedStateMachine):
    """The state is the host's; what is remembered between two rules is nothing."""

    fleet: Fleet
    host: Host
    protocol: str
    connection: dict[str, Any]

    def arrange(self, held: State, retries: int, form: tuple[str, str], **settings: Any) -> None:
        """A fresh host that holds this, and how the runs speak to it."""
        self.protocol, auth_method = form
        cases.CASES[0].arrange(self.host, held, protocol=self.protocol)
        self.host.settings(**settings)

        self.connection = {
            "api_protocol": self.protocol,
            "auth_method": auth_method,
            "retries": retries,
            "timeout": LONG,
        }

    def _params(self, declaration: Declared) -> dict[str, Any]:
        host = self.host
        login = {"hostname": host.address, "port": host.port, "username": host.username, "password": cases.PASSWORD}
        return declaration.module.params(
            {**login, "ca_path": self.fleet.ca_path, **self.connection, **declaration.options}
        )

    def _run(self, declaration: Declared, troubles: list[Fault], check_mode: bool) -> tuple[Ran, list[Record]]:
        seen = len(self.host.journal)
        self.host.queue(*troubles)
        ran = run(declaration.module, self._params(declaration), check_mode)
        self.host.clear_faults()
        self._is_well_formed(ran)

        assert ran.most_open <= 1
        assert ran.left_open == 0

        return ran, self.host.journal[seen:]

    @staticmethod
    def _is_well_formed(ran: Ran) -> None:
        assert not ran.crash, ran.crash

        if ran.failed:
            assert ran.code != "None"
            assert ran.message
            assert "\n" not in ran.message


def try_machine(machine: type[OnOneHost], sweep: Sweep, examples: int) -> None:
    class Here(machine):  # type: ignore[misc, valid-type] # mypy takes no parameter for a base
        fleet = sweep.fleet
        host = sweep.fleet.hosts[0]

    run_state_machine_as_test(
        Here,
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
