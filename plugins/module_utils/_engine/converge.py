# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The course of a run (observe, plan, apply, verify), and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import StepAnswer
from ansible_collections.esx.trust.plugins.module_utils._engine.run import Run
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    before: the record of the resource at the first look.
    after: the record at the end; in check mode, the record that a run would lead to.
    steps: the steps that were performed; in check mode, those that a run would perform.
    warnings: sentences for the user.
    found: the state of the host at the first look, as return values of the module.
    changed: False although there are steps, if the host holds the same after them as before them.
    answers: the steps that the host answered with a value, and the values.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    found: Mapping[str, Any] = field(default_factory=dict)
    changed: bool = False
    answers: tuple[StepAnswer, ...] = ()


def converge(client: Client, declared: DeclaredHost, *, check_mode: bool) -> Outcome:
    """Bring a host to its declared state. In check mode, only compute the steps to that state.

    Raises TrustError. Its `operations` are those that the run performed before it failed.
    """
    run = Run(client, declared)

    try:
        first = run.plan()
        if check_mode:
            return _planned_only(first)

        return _outcome(run, first, run.apply(first))
    except TrustError as error:
        run.restore(error)
        error.operations = [step.describe() for step in run.performed]
        run.add_warnings_to(error)
        if isinstance(error, Unreachable) and run.unconfirmed:
            raise _in_doubt(error, run.unconfirmed[0]) from error

        raise
    except BaseException:
        # A signal stops the run. The resources that it deleted to replace them must not stay away.
        run.restore(TrustError("stopped"))
        raise


def _in_doubt(error: Unreachable, step: Step) -> AnswerLost:
    """The error of a run that sent a step and cannot say whether it was carried out.

    The code `unreachable` would say that nothing was sent, and a roll-out would take the host for one that is down.
    """
    in_doubt = AnswerLost(error.message)
    vars(in_doubt).update(vars(error))

    if not error.hint.startswith(HINT_RUN_AGAIN):
        # The message does not say so yet.
        message = (
            f"{error.message} Nobody knows whether the {step.action} of {step.resource} {step.id!r}, which was sent"
            " before, was carried out."
        )
        in_doubt.reword(message=message, hint=f"{HINT_RUN_AGAIN} {error.hint}".strip())

    return in_doubt


def _planned_only(plan: Plan) -> Outcome:
    """The outcome of a run in check mode."""
    return Outcome(
        before=plan.before,
        after=plan.after,
        steps=plan.steps,
        warnings=plan.warnings,
        found=plan.found,
        changed=bool(plan.steps),
    )


def _outcome(run: Run, first: Plan, last: Plan) -> Outcome:
    """The outcome of a run that is not in check mode.

    Looks at the host once more, if steps were performed and their services ask for it. Raises TrustError.
    """
    if not run.performed:
        return Outcome(
            before=first.before,
            after=last.after,
            steps=(),
            warnings=last.warnings,
            found=first.found,
        )

    after = last.after
    changed = True
    # The last plan has nothing to do, so the warnings are those of the plans that were carried out.
    warnings = run.warnings

    latest, differences = run.verify()
    if latest is not None:
        changed = latest.before != first.before or not differences

    if latest is not None and differences:
        after = latest.before
        end = "." if changed else "; it holds the same as before, so nothing was changed."
        warnings += tuple(f"{difference}{end}" for difference in differences)

    return Outcome(
        before=first.before,
        after=after,
        steps=tuple(run.performed),
        warnings=warnings,
        found=first.found,
        changed=changed,
        answers=run.answers,
    )
