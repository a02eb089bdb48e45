# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe, plan, apply, verify: how a run goes forward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.host import Host
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Answer
from ansible_collections.esx.trust.plugins.module_utils._engine.sent import Sent
from ansible_collections.esx.trust.plugins.module_utils._engine.taking_back import take_back
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._signals import tidying
from ansible_collections.esx.trust.plugins.module_utils._text import printable

#: Answers that say that somebody else changed the host since we looked.
_SUPERSEDED = ("ALREADY_EXISTS", "ALREADY_IN_DESIRED_STATE", "NOT_FOUND")
_RUN_AGAIN = "Run the task again; it looks at the host first."


@dataclass(frozen=True)
class Outcome:
    """What a run found and did or, in check mode, would do.

    before, after: the record of the resource at first and at last. steps: what was done.
    found: what the first look found, as the plan tells it. answers: what the host answered to the steps.
    changed: False although there are steps if the host holds after them what it held before them.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    found: Mapping[str, Any] = field(default_factory=dict)
    changed: bool = False
    answers: tuple[Answer, ...] = ()


def converge(client: Client, declared: Host, check_mode: bool) -> Outcome:
    """Bring one host to its declared state; in check mode, tell what that would take.

    Raises TrustError, whose `operations` are those that were carried out all the same.
    """
    run = _Run(client, declared)
    try:
        first = run.plan()
        last = first if check_mode else run.apply(first)
    except TrustError as error:
        run.put_back(error)
        error.operations = [step.describe() for step in run.performed]
        run.warn(error)
        raise
    except BaseException:
        # The run is being stopped. What was taken away to be replaced must not stay away.
        run.put_back(TrustError("stopped"))
        raise

    if check_mode or not run.performed:
        steps = first.steps if check_mode else ()
        return Outcome(first.before, last.after, steps, last.warnings, first.found, bool(steps))

    # A later plan finds nothing to do, so the warnings are those of the plans that were carried out.
    warnings = run.warnings
    after, changed = last.after, True
    seen, own_form = run.verify()
    if seen is not None:
        after = seen.before if own_form else after
        changed = seen.before != first.before or not own_form
    if own_form:
        end = "." if changed else "; it holds what it held before, so nothing was changed."
        warnings = (*warnings, *(f"{text}{end}" for text in own_form))
    return Outcome(first.before, after, tuple(run.performed), warnings, first.found, changed, run.answers)


class _Run:
    """One convergence, with the memory of what was sent."""

    def __init__(self, client: Client, declared: Host) -> None:
        self._client = client
        self._declared = declared
        self._sent = Sent(client, declared)
        #: Those of the plans of which a step was carried out.
        self.warnings: tuple[str, ...] = ()
        #: Refused once because the host had changed since we looked.
        self._superseded: list[Step] = []
        #: The first deletion that was planned under each name.
        self._first_deletions: dict[tuple[str, str], Step] = {}
        self._finished = False

    @property
    def performed(self) -> list[Step]:
        """What was carried out."""
        return self._sent.performed

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What the host answered to the steps whose answers came."""
        return tuple(self._sent.answers)

    def plan(self) -> Plan:
        """Look at the host and plan. Raises Conflict where the plan is one."""
        observed = self._sent.look()
        plan = self._declared.plan(observed)
        reason = plan.conflict or self._made_anew(plan)
        if reason:
            sent = "" if self._sent.steps or self._superseded else " Nothing was sent."
            conflict = Conflict(f"{self._client.host}: {printable(self._client.scrub(reason))}{sent}")
            conflict.returned = self._client.scrub_result(plan.found)
            raise conflict
        return plan

    def apply(self, plan: Plan) -> Plan:
        """Carry out the plan, or the one that replaces it when the host turns out otherwise; return the last one."""
        while plan.steps:
            failed = self._act(plan)
            if failed is None:
                break
            step, error = failed
            done = len(self.performed)
            first_superseded = self._first_superseded(step, error)
            # Whatever the host said about a write, what it holds now decides.
            plan = self._look_again(step, error)
            if step in plan.steps and not (error.retriable or first_superseded):
                raise self._explained(error, step)
            if plan.steps and len(self.performed) == done:
                self._client.spend_retry(self._explained(error, step))
        self._finished = True
        return plan

    def verify(self) -> tuple[Optional[Plan], list[str]]:
        """Look once more at what was written: the plan for what the host holds, and how its form differs."""
        last = {step.key: step for step in self.performed}
        steps = list(last.values())
        try:
            assumed = self._sent.assumed(self._sent.performed)
            observed = self._declared.look_again(self._client, steps, assumed)
        except TrustError:
            # What was written was confirmed. A look that fails takes nothing from that.
            return None, []
        if observed is None:
            return None, []
        forms = [self._declared.own_form(observed, step) for step in steps]
        return self._declared.plan(observed), [form for form in forms if form]

    def warn(self, error: TrustError) -> None:
        """Tell in `error`, which stopped the run, the warnings about what was carried out all the same."""
        if self.performed and self.warnings:
            warnings = [f"{self._client.host}: {warning}" for warning in self.warnings]
            error.returned = {**error.returned, **self._client.scrub_result({"warnings": warnings})}

    @tidying()
    def put_back(self, error: TrustError) -> None:
        """Put back what was taken away to be replaced, and say so in `error`, which stopped the run."""
        if not self._finished:
            take_back(self._sent, self._declared, error)

    def _made_anew(self, plan: Plan) -> str:
        """Why a deletion is not carried out: it is of another thing than the one that was to be deleted at first."""
        for step in plan.steps:
            if step.action != "delete":
                continue
            first = self._first_deletions.setdefault(step.key, step)
            if not self._declared.is_same(first, step):
                return (
                    f"the {step.resource} {step.id!r} was made anew by somebody else while this task was removing it,"
                    " and is another one now. It was left alone; run the task again to remove that one, too."
                )
        return ""

    def _act(self, plan: Plan) -> Optional[tuple[Step, TrustError]]:
        """Perform the plan, and remember what it warns of if a step of it was, or may have been, carried out."""
        number = len(self.performed)
        try:
            return self._perform(plan)
        finally:
            if len(self.performed) > number or self._sent.in_doubt:
                self.warnings = tuple(dict.fromkeys((*self.warnings, *plan.warnings)))

    def _perform(self, plan: Plan) -> Optional[tuple[Step, TrustError]]:
        for step in plan.steps:
            try:
                self._declared.check(self._client, step, self._sent.assumed(self.performed))
                self._sent.send(step)
            except TrustError as error:
                if isinstance(error, (Unauthenticated, Unauthorized)):
                    raise self._explained(error, step) from error
                return step, error
        return None

    def _explained(self, error: TrustError, step: Step) -> TrustError:
        return self._declared.explain(error, step, self._client.host)

    def _first_superseded(self, step: Step, error: TrustError) -> bool:
        if error.error_type not in _SUPERSEDED or step in self._superseded:
            return False
        self._superseded.append(step)
        return True

    def _look_again(self, step: Step, error: TrustError) -> Plan:
        try:
            return self.plan()
        except Conflict:
            raise
        except TrustError as second:
            if step not in self._sent.in_doubt:
                raise self._explained(error, step) from second
            second.message = (
                f"{error.message} Reading again failed too, so nobody knows whether the {step.action} of"
                f" {step.resource} {step.id!r} was carried out: {second.message}"
            )
            second.hint = _RUN_AGAIN
            raise
