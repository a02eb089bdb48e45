# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe, plan, apply, verify: the only place in the collection that writes to a host."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._plan import Step
from ansible_collections.esx.trust.plugins.module_utils._signals import tidying
from ansible_collections.esx.trust.plugins.module_utils._text import printable

#: Answers that say that somebody else changed the host since we looked.
_SUPERSEDED = ("ALREADY_EXISTS", "ALREADY_IN_DESIRED_STATE", "NOT_FOUND")
_RUN_AGAIN = "Run the task again; it looks at the host first."
_PUT_BACK_BY_HAND = "Run the task again at once: until then the host does without it."


class Declaration(Protocol):
    """What is declared of one host: one resource, or several that are planned together."""

    def observe(self, client: Client) -> Any:
        """Read what the host holds. Raises TrustError."""

    def look_again(self, client: Client, steps: Sequence[Step], observed: Any) -> Any:
        """Read once more what the steps wrote, where hosts may keep another form of it; else None.

        Raises TrustError.
        """

    def plan(self, observed: Any) -> Plan:
        """Compare what the host holds with what is declared. Pure."""

    def perform(self, client: Client, step: Step) -> None:
        """Send the request of a step. Raises TrustError."""

    def was_carried_out(self, observed: Any, step: Step) -> bool:
        """True if what the host holds shows that a step whose answer was lost was carried out. Pure."""

    def is_same(self, step: Step, other: Step) -> bool:
        """True if two deletions under one name are of the same thing. Pure."""

    def take_back(self, observed: Any, sent: Sequence[Step]) -> list[Step]:
        """The steps that put back what the `sent` steps took away and what is declared to stay. Pure."""

    def left_over(self, observed: Any, sent: Sequence[Step]) -> list[str]:
        """A sentence for each thing that the `sent` steps left behind and that does no harm. Pure."""

    def assumed(self, observed: Any, sent: Sequence[Step]) -> Any:
        """What the host holds if it held `observed` and carried out all that was `sent`. Pure."""

    def own_form(self, observed: Any, step: Step) -> str:
        """How the host's form of what a step wrote differs from the one that was written, or nothing. Pure."""

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        """The error of a step that the host refused, with what is known about this resource."""


@dataclass(frozen=True)
class Outcome:
    """What a run found and did or, in check mode, would do.

    before, after: the record of the resource at first and at last. steps: what was done.
    found: what the first look found, as the plan tells it.
    changed: False although there are steps if the host holds after them what it held before them.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    found: Mapping[str, Any] = field(default_factory=dict)
    changed: bool = False


def converge(client: Client, declaration: Declaration, check_mode: bool) -> Outcome:
    """Bring one host to its declared state; in check mode, tell what that would take.

    Raises TrustError, whose `operations` are those that were carried out all the same.
    """
    run = _Run(client, declaration)
    try:
        first = run.plan()
        last = first if check_mode else run.apply(first)
    except TrustError as error:
        run.put_back(error)
        error.operations = [step.describe() for step in run.performed]
        raise
    except BaseException:
        # The run is being stopped. What was taken away to be replaced must not stay away.
        run.put_back(TrustError("stopped"))
        raise

    if check_mode or not run.performed:
        steps = first.steps if check_mode else ()
        return Outcome(first.before, last.after, steps, last.warnings, first.found, bool(steps))

    # The plan that was acted on tells what was done, where a later look only finds it done.
    warnings = run.acted.warnings if run.acted else ()
    after, changed = last.after, True
    seen, own_form = run.verify()
    if seen is not None:
        after = seen.before if own_form else after
        changed = seen.before != first.before or not own_form
    if own_form:
        end = "." if changed else "; it holds what it held before, so nothing was changed."
        warnings = (*warnings, *(f"{text}{end}" for text in own_form))
    return Outcome(first.before, after, tuple(run.performed), warnings, first.found, changed)


class _Run:
    """One convergence, with the memory of what was sent."""

    def __init__(self, client: Client, declaration: Declaration) -> None:
        self._client = client
        self._declaration = declaration
        self.performed: list[Step] = []
        #: The plan that was acted on last.
        self.acted: Optional[Plan] = None
        #: What the host held when it was last looked at, and the number of steps performed by then.
        self._seen: Optional[tuple[Any, int]] = None
        #: Sent, and nobody knows (yet) whether they were carried out.
        self._unsettled: list[Step] = []
        #: Refused once because the host had changed since we looked.
        self._superseded: list[Step] = []
        #: The first deletion that was planned under each name.
        self._doomed: dict[tuple[str, str], Step] = {}
        self._finished = False

    def plan(self) -> Plan:
        """Look at the host and plan. Raises Conflict where the plan is one."""
        observed = self._look()
        self._settle(observed)
        plan = self._declaration.plan(observed)
        reason = plan.conflict or self._made_anew(plan)
        if reason:
            sent = "" if self.performed or self._unsettled or self._superseded else " Nothing was sent."
            conflict = Conflict(f"{self._client.host}: {printable(self._client.scrub(reason))}{sent}")
            conflict.returned = self._client.scrub_result(plan.found)
            raise conflict
        return plan

    def apply(self, plan: Plan) -> Plan:
        """Carry out the plan, or the one that replaces it when the host turns out otherwise; return the last one."""
        while plan.steps:
            self.acted = plan
            failed = self._perform(plan)
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
            observed = self._declaration.look_again(self._client, steps, self._seen[0] if self._seen else None)
        except TrustError:
            # What was written was confirmed. A look that fails takes nothing from that.
            return None, []
        if observed is None:
            return None, []
        forms = [self._declaration.own_form(observed, step) for step in steps]
        return self._declaration.plan(observed), [form for form in forms if form]

    @tidying()
    def put_back(self, error: TrustError) -> None:
        """Put back what was taken away to be replaced, and say so in `error`, which stopped the run."""
        if self._finished or not (self.performed or self._unsettled):
            return

        declaration = self._declaration
        sent = [*self.performed, *self._unsettled]
        if not self._perhaps_lost(sent):
            assumed = self._assumed(self.performed)
            error.message += "".join(f" {text}" for text in declaration.left_over(assumed, sent))
            return

        restoring: list[Step] = []
        remaining: list[Step] = []
        # More than once, because the first attempt may meet the same broken connection as what it follows.
        for _attempt in range(3):
            try:
                observed = self._look()
            except (Unauthenticated, Unauthorized):
                remaining = self._perhaps_lost(sent)
                break
            except TrustError:
                remaining = self._perhaps_lost(sent)
                continue
            self._settle(observed)
            remaining = declaration.take_back(observed, sent)
            if not remaining or not self._restore(remaining, restoring):
                break

        self._tell_restored([step for step in dict.fromkeys(restoring) if step in self.performed], error)
        self._tell_lost(remaining, error)
        error.message += "".join(f" {text}" for text in declaration.left_over(self._assumed(self.performed), sent))

    def _perhaps_lost(self, sent: Sequence[Step]) -> list[Step]:
        """What there is to put back if the steps in doubt were not carried out, or else if they were."""
        for assumed in (self._assumed(self.performed), self._assumed(sent)):
            steps = self._declaration.take_back(assumed, sent)
            if steps:
                return steps
        return []

    def _restore(self, steps: list[Step], restoring: list[Step]) -> bool:
        """Carry out steps that put something back. Those that are done leave the list. True if it is worth a retry."""
        while steps:
            step = steps[0]
            restoring.append(step)
            in_doubt = step in self._unsettled
            if not in_doubt:
                self._unsettled.append(step)
            try:
                self._declaration.perform(self._client, step)
            except TrustError as refusal:
                if not (in_doubt or refusal.outcome_unknown):
                    self._unsettled.remove(step)
                return not isinstance(refusal, (Unauthenticated, Unauthorized))
            self._done(step)
            steps.pop(0)
        return False

    def _tell_restored(self, steps: list[Step], error: TrustError) -> None:
        names = [repr(step.id) for step in steps if step.after is not None]
        if names:
            error.message += f" The {steps[0].resource} {' and '.join(names)} was put back as it was."

    def _tell_lost(self, steps: list[Step], error: TrustError) -> None:
        lost = [step for step in steps if step.after is not None]
        if not lost:
            return
        names = " and ".join(repr(step.id) for step in lost)
        error.message += f" The {lost[0].resource} {names} could not be put back."
        error.hint = f"{error.hint} {_PUT_BACK_BY_HAND}".strip()
        error.not_restored.extend(dict(step.after.spec()) for step in lost)

    def _look(self) -> Any:
        observed = self._declaration.observe(self._client)
        self._seen = (observed, len(self.performed))
        return observed

    def _assumed(self, sent: Sequence[Step]) -> Any:
        observed, count = self._seen if self._seen else (None, 0)
        return self._declaration.assumed(observed, sent[count:])

    def _settle(self, observed: Any) -> None:
        """Find the steps in doubt that the host has carried out by now."""
        for step in list(self._unsettled):
            if self._declaration.was_carried_out(observed, step):
                self._done(step)

    def _made_anew(self, plan: Plan) -> str:
        """Why a deletion is not carried out: it is of another thing than the one that was to be deleted at first."""
        for step in plan.steps:
            if step.action != "delete":
                continue
            first = self._doomed.setdefault(step.key, step)
            if not self._declaration.is_same(first, step):
                return (
                    f"the {step.resource} {step.id!r} was made anew by somebody else while this task was removing it,"
                    " and is another one now. It was left alone; run the task again to remove that one, too."
                )
        return ""

    def _perform(self, plan: Plan) -> Optional[tuple[Step, TrustError]]:
        for step in plan.steps:
            # Also in doubt while it is on its way, in case the run is stopped there.
            in_doubt = step in self._unsettled
            if not in_doubt:
                self._unsettled.append(step)
            try:
                self._declaration.perform(self._client, step)
            except TrustError as error:
                # What the host says about a repetition says nothing about the attempt before it.
                if not (in_doubt or error.outcome_unknown):
                    self._unsettled.remove(step)
                if isinstance(error, (Unauthenticated, Unauthorized)):
                    raise self._explained(error, step) from error
                return step, error
            self._done(step)
        return None

    def _done(self, step: Step) -> None:
        self.performed.append(step)
        # What was sent before about the same thing is answered by this.
        self._unsettled = [doubt for doubt in self._unsettled if doubt.key != step.key]

    def _explained(self, error: TrustError, step: Step) -> TrustError:
        return self._declaration.explain(error, step, self._client.host)

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
            if step not in self._unsettled:
                raise self._explained(error, step) from second
            second.message = (
                f"{error.message} Reading again failed too, so nobody knows whether the {step.action} of"
                f" {step.resource} {step.id!r} was carried out: {second.message}"
            )
            second.hint = _RUN_AGAIN
            raise
