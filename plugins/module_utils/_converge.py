# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe, plan, apply, verify: the only place in the collection that writes to a host."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.retries import FIRST_DELAY
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


class Declaration(Protocol):
    """What is declared of one host: one resource, or several that are planned together."""

    def observe(self, client: Client) -> Any:
        """Read what the host holds. Raises TrustError."""

    def plan(self, observed: Any) -> Plan:
        """Compare what the host holds with what is declared. Pure."""

    def after(self, step: Step) -> Declaration:
        """The declaration to go on with when `step` was carried out and its plan was not. Pure."""

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        """The error of a step that the host refused, with what is known about this resource."""

    def misses(self, observed: Any, step: Step) -> bool:
        """True if the host does without what the restoring `step` would put back. Pure."""

    def restored(self, observed: Any, step: Step) -> bool:
        """True if the host holds what the restoring `step` puts back, where it was. Pure."""


@dataclass(frozen=True)
class Outcome:
    """What a run found and did or, in check mode, would do.

    before, after: the record of the resource at first and at last. steps: what was done.
    found: what the first look found, as the plan tells it.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    found: Mapping[str, Any] = field(default_factory=dict)


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
        # The run is being stopped. What was deleted to be replaced must not stay away.
        run.put_back(TrustError("stopped"))
        raise
    return Outcome(
        before=first.before,
        after=last.after,
        steps=first.steps if check_mode else tuple(run.performed),
        # The plan that was acted on tells what was done, where a later look only finds it done.
        warnings=run.acted.warnings if run.performed and run.acted else last.warnings,
        found=first.found,
    )


class _Run:
    """One convergence, with the memory of what was sent."""

    def __init__(self, client: Client, declaration: Declaration) -> None:
        self._client = client
        self._declaration = declaration
        self.performed: list[Step] = []
        #: The plan that was acted on last.
        self.acted: Optional[Plan] = None
        #: Sent, and nobody knows (yet) whether they were carried out.
        self._unsettled: list[Step] = []
        #: Refused once because the host had changed since we looked.
        self._superseded: list[Step] = []
        self._finished = False

    def plan(self) -> Plan:
        """Look at the host and plan. Raises Conflict where the plan is one."""
        observed = self._declaration.observe(self._client)
        plan = self._settled(observed)
        if plan.conflict:
            sent = "" if self.performed or self._unsettled or self._superseded else " Nothing was sent."
            conflict = Conflict(f"{self._client.host}: {printable(self._client.scrub(plan.conflict))}{sent}")
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

    @tidying()
    def put_back(self, error: TrustError) -> None:
        """Restore what was taken away to be replaced, and say so in `error`, which stopped the run."""
        if self._finished:
            return
        # The last one first: what came later stands where the earlier one was.
        for step in [step for step in reversed((*self.performed, *self._unsettled)) if step.restore]:
            certain = step in self.performed
            restored = self._restore(step, certain)
            what = f"The {step.resource} {step.id!r}"
            why = "deleted to be replaced" if step.action == "delete" else "changed to make room"
            if restored:
                error.message += f" {what}, {why}, was put back."
            elif restored is False:
                was = "was" if certain else "may have been"
                error.message += f" {what} {was} {why} and could not be put back."
                error.hint = f"{error.hint} Mend this at once: until then the host does without it.".strip()
                error.not_restored.append(dict((step.restore or step).body or {}))

    def _settled(self, observed: Any) -> Plan:
        """The plan for what was observed, after the steps in doubt were settled by it.

        A step in doubt was carried out if nothing is planned any more for what it is about, and what it took away is
        no longer there. What else is planned by now says nothing about it.
        """
        plan = self._declaration.plan(observed)
        planned = self.acted.steps if self.acted else ()
        for step in [step for step in self._unsettled if step in planned]:
            rest = self._declaration.after(step).plan(observed)
            stays = step.restore and self._declaration.restored(observed, step.restore)
            planned_anew = (step.resource, step.id) in [(one.resource, one.id) for one in rest.steps]
            if not (rest.conflict or stays or planned_anew):
                self._done(step)
                plan = rest
        return plan

    def _perform(self, plan: Plan) -> Optional[tuple[Step, TrustError]]:
        for step in plan.steps:
            # Also in doubt while it is on its way, in case the run is stopped there.
            if step not in self._unsettled:
                self._unsettled.append(step)
            try:
                self._client.call(step.call)
            except TrustError as error:
                if not error.outcome_unknown:
                    self._unsettled.remove(step)
                if isinstance(error, (Unauthenticated, Unauthorized)):
                    raise self._explained(error, step) from error
                return step, error
            self._done(step)
        return None

    def _done(self, step: Step) -> None:
        self._unsettled.remove(step)
        self.performed.append(step)
        self._declaration = self._declaration.after(step)

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

    def _restore(self, taken: Step, certain: bool) -> Optional[bool]:
        """Carry out the restoring step of a step. None if there turned out to be nothing to restore."""
        step = taken.restore or taken
        in_doubt = False
        # Twice, because the first attempt may meet the same broken connection as what it follows.
        for attempt in range(3):
            observed = self._observed()
            if not certain and attempt == 0 and observed is not None and not self._declaration.misses(*observed, step):
                # The host may be about to carry out what was sent to it a moment ago.
                time.sleep(FIRST_DELAY)
                observed = self._observed()
            if observed is not None and not self._declaration.misses(*observed, step):
                if not (in_doubt and self._declaration.restored(*observed, step)):
                    return None
                self.performed.append(step)
                return True
            if attempt == 2:
                break
            try:
                self._client.call(step.call)
            except (Unauthenticated, Unauthorized):
                return False
            except TrustError as error:
                # "Already exists" and lost answers alike are settled by looking.
                in_doubt = in_doubt or error.outcome_unknown
            else:
                self.performed.append(step)
                return True
        return False

    def _observed(self) -> Optional[tuple[Any]]:
        """What the host holds, in a tuple of one, or None if it cannot be read."""
        try:
            return (self._declaration.observe(self._client),)
        except TrustError:
            return None
