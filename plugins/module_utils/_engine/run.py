# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run: looks at the host, sends the steps of a plan, and makes a new plan after a failure."""

from __future__ import annotations

from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import StepAnswer
from ansible_collections.esx.trust.plugins.module_utils._engine.restoring import restore_after_failure
from ansible_collections.esx.trust.plugins.module_utils._engine.sent import Sent
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import ChangedMeanwhile
from ansible_collections.esx.trust.plugins.module_utils._errors import Conflict
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._signals import tidying
from ansible_collections.esx.trust.plugins.module_utils._text import printable

#: These error types show that somebody else has changed the host since the last look.
_SUPERSEDED = ("ALREADY_EXISTS", "ALREADY_IN_DESIRED_STATE", "NOT_FOUND")


class Run:
    """One run, with the memory of the steps that it sent."""

    def __init__(self, client: Client, declared: DeclaredHost) -> None:
        self._client = client
        self._declared = declared
        self._sent = Sent(client, declared)
        #: The warnings of all plans of which at least one step was carried out, or may have been.
        self.warnings: tuple[str, ...] = ()
        #: The steps that the host refused once because it had changed since the last look.
        self._superseded: list[Step] = []
        #: The deletions that were first planned for each resource, by its kind and name. A host may hold several
        #: profiles of one subject, which have one name.
        self._first_deletions: dict[tuple[str, str], list[Step]] = {}
        #: All steps were carried out, so nothing is to be restored.
        self._finished = False

    @property
    def performed(self) -> list[Step]:
        """The steps that were carried out."""
        return self._sent.performed

    @property
    def unconfirmed(self) -> list[Step]:
        """The steps that were sent and that may or may not have been carried out."""
        return self._sent.unconfirmed

    @property
    def answers(self) -> tuple[StepAnswer, ...]:
        """The steps that the host answered with a value, and the values."""
        return tuple(self._sent.answers)

    def plan(self) -> Plan:
        """Look at the host and make a plan. Raises Conflict if the plan has a conflict, or another TrustError."""
        observed = self._sent.look()
        plan = self._declared.plan(observed)

        reason = plan.conflict or self._created_again(plan)
        if not reason:
            return plan

        end = " Nothing was sent." if self._sent.nothing_was_tried else ""
        conflict = Conflict(f"{self._client.host}: {printable(self._client.scrub(reason))}{end}")
        conflict.returned = self._client.scrub_result(plan.found)
        raise conflict

    def apply(self, plan: Plan) -> Plan:
        """Carry out the plan. After an error, look at the host, make a new plan, and carry out that plan.

        Returns the last plan. Raises TrustError.
        """
        while plan.steps:
            retries_before = self._client.retries_spent
            failure = self._act(plan)
            if failure is None:
                break

            step, error = failure
            first_superseded = self._first_superseded(step, error)
            steps_after_it = plan.steps[plan.steps.index(step) + 1 :]

            # The state of the host decides, whatever the host said about the write.
            known_as_performed = len(self.performed)
            plan = self._plan_after_failure(step, error)

            may_be_repeated = error.retriable or first_superseded
            if step in plan.steps and not may_be_repeated:
                raise error

            # If the change of somebody else makes the step unnecessary, the rest is carried out without a wait.
            done_by_another = _shows_a_change(error) and step not in plan.steps
            look_found_nothing_new = len(self.performed) == known_as_performed and not done_by_another
            # A host may store each write in another form. Then the steps never become fewer, although each was done.
            there_is_more_to_do = len(plan.steps) > len(steps_after_it)
            # If the step was not sent because of the connection, a login or the look may have waited for the host.
            has_waited = isinstance(error, Unreachable) and self._client.retries_spent > retries_before
            if plan.steps and (look_found_nothing_new or there_is_more_to_do) and not has_waited:
                self._client.spend_retry(error)

        self._finished = True
        return plan

    def verify(self) -> tuple[Optional[Plan], list[str]]:
        """Look once more at the resources that were written, if their service asks for it.

        Returns the plan for the latest state of the host, or None without such a look, and a sentence for each
        resource that the host keeps in another form than the written form. Raises Unauthenticated if the host refuses
        the login.
        """
        last_steps = {step.key: step for step in self.performed}
        steps = list(last_steps.values())

        try:
            assumed = self._sent.assumed(self._sent.performed)
            observed = self._declared.look_again(self._client, steps, assumed)
        except TrustError as error:
            if error.login_refused:
                # The result must say so, because the next task would send the same password again.
                raise

            # The host confirmed the writes before, so the run succeeded although this look failed.
            return None, []

        if observed is None:
            return None, []

        differences: list[str] = []
        for step in steps:
            difference = self._declared.difference_from_written(observed, step)
            if difference:
                differences.append(difference)

        return self._declared.plan(observed), differences

    def add_warnings_to(self, error: TrustError) -> None:
        """Add the warnings about the performed steps to `error`, which stopped the run."""
        if not self.performed or not self.warnings:
            return

        warnings = [f"{self._client.host}: {warning}" for warning in self.warnings]
        error.returned = {
            **error.returned,
            **self._client.scrub_result({"warnings": warnings}),
        }

    @tidying()
    def restore(self, error: TrustError) -> None:
        """Restore the resources that the run deleted to replace them, and say so in `error`, which stopped the run."""
        if not self._finished:
            restore_after_failure(self._sent, self._declared, error)

    def _created_again(self, plan: Plan) -> str:
        """The reason why a planned deletion is not carried out, or an empty text.

        Somebody else may have created the resource again while this run deleted it. The new resource is left alone.
        """
        deletions: dict[tuple[str, str], list[Step]] = {}
        for step in plan.steps:
            if step.deletes:
                deletions.setdefault(step.key, []).append(step)

        for key, now in deletions.items():
            # The deletions of one plan are not compared with each other.
            first = self._first_deletions.setdefault(key, now)
            for step in now:
                if not any(self._declared.is_same(planned, step) for planned in first):
                    return (
                        f"the {step.resource} {step.id!r} was created again by somebody else while this task deleted"
                        " it. The new resource was left alone; run the task again to remove it, too."
                    )

        return ""

    def _act(self, plan: Plan) -> Optional[tuple[Step, TrustError]]:
        """Perform the plan, and keep its warnings if a step of it was carried out, or may have been.

        Returns the step that failed and its error, or None.
        """
        performed_before = len(self.performed)
        try:
            return self._perform(plan)
        finally:
            if len(self.performed) > performed_before or self._sent.unconfirmed:
                # A later plan may repeat a warning.
                self.warnings = tuple(dict.fromkeys((*self.warnings, *plan.warnings)))

    def _perform(self, plan: Plan) -> Optional[tuple[Step, TrustError]]:
        """Send the steps of the plan until one fails. Returns that step and its error, or None.

        Raises Unauthenticated or Unauthorized, after which no further step can succeed.
        """
        for step in plan.steps:
            try:
                assumed = self._sent.assumed(self.performed)
                self._declared.check(self._client, step, assumed, self._sent.has_just_looked)
                self._sent.send(step)
            except (Unauthenticated, Unauthorized):
                raise
            except TrustError as error:
                return step, error

        return None

    def _first_superseded(self, step: Step, error: TrustError) -> bool:
        """True if the host refused the step because it has changed, and did so for the first time."""
        if error.error_type not in _SUPERSEDED or step in self._superseded:
            return False

        self._superseded.append(step)
        return True

    def _plan_after_failure(self, step: Step, error: TrustError) -> Plan:
        """Make a new plan after the error of a step. Raises TrustError, which tells whether the step is unconfirmed."""
        try:
            return self.plan()
        except Conflict:
            raise
        except TrustError as second:
            # The next task must not send a refused password again, whatever ended this one.
            error.login_refused = error.login_refused or second.login_refused

            if step in self._sent.unconfirmed:
                error.reword(
                    message=(
                        f"{error.message} Reading again failed too, so nobody knows whether the {step.action} of"
                        f" {step.resource} {step.id!r} was carried out: {second.message}"
                    ),
                    hint=HINT_RUN_AGAIN,
                )

            raise error from second


def _shows_a_change(error: TrustError) -> bool:
    """True if the error of a step says that somebody else has changed the host since the run looked at it."""
    return isinstance(error, ChangedMeanwhile) or error.error_type in _SUPERSEDED
