# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every request of every case meets every fault: nothing is lost, doubled or hidden, and running again converges.

`make faults` does more of the same and shows it as a table.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from faults import sweep as sweeps
from faults.cases import AUTH_METHODS
from faults.cases import CASES
from faults.oracle import LONGEST_MESSAGE
from faults.runner import Way
from faults.runner import sweeping
from faults.troubles import TROUBLES
from faults.troubles import Trouble
from simulator import Fault

if TYPE_CHECKING:
    from faults.cases import Case
    from faults.sweep import Scope
    from faults.sweep import Sweep
    from simulator import Host
    from support.modules import Modules

PLAN = sweeps.plan(full=False)


@pytest.mark.parametrize(("case", "scope"), PLAN, ids=[f"{case}-{scope.name}" for case, scope in PLAN])
def test_every_request_meets_every_fault(sweep: Sweep, case: Case, scope: Scope) -> None:
    verdicts = sweep.sweep(case, scope)
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    shown = "\n".join(str(verdict) for verdict in wrong[:8])

    assert verdicts
    assert not wrong, f"{len(wrong)} of {len(verdicts)} outcomes are wrong, such as\n{shown}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_a_fault_the_case_ends_as_it_says(any_way: Sweep, case: Case) -> None:
    """With every login, in both modes, and by both ways, which ask the host for the same and say the same."""
    for auth_method, check_mode in itertools.product(AUTH_METHODS, (False, True)):
        with sweeping(Way.MODULE):
            module = any_way.undisturbed(case, auth_method, check_mode)
        with sweeping(Way.ACTION):
            action = any_way.undisturbed(case, auth_method, check_mode)

        # In check mode nobody asks the host for the write that it would refuse.
        if not (check_mode and case.failure):
            assert module.ran.changed == (case.begins != case.ends)

        assert action.ran.changed == module.ran.changed
        assert action.ran.code == module.ran.code
        assert action.requests == module.requests


SAMPLE = [trouble for trouble in TROUBLES if not trouble.slow and trouble.settings == {}][::4]


@pytest.mark.parametrize("trouble", SAMPLE, ids=lambda trouble: trouble.name)
def test_main_prints_one_sentence_or_the_truth(modules: Modules, host: Host, trouble: Trouble) -> None:
    for operation in ("token.create", "providers.get", "providers.create"):
        host.reset()
        host.queue(Fault.model_validate({**trouble.fields, "operation": f"*.{operation}"}))
        ran = modules.kms_provider(retries=0)
        wrote = [record for record in host.writes if record.wrote]

        if ran.failed:
            assert ran.result["failure"]["code"]
            assert host.address in ran.message
            assert len(ran.message) < LONGEST_MESSAGE
            assert len(ran.operations) <= len(wrote)
        else:
            assert ran.changed == bool(wrote)

        assert "Traceback" not in ran.output
        assert not modules.kms_provider().failed
        assert list(host.providers) == ["site-a"]
