# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that a run has sent to a host, and the knowledge of their outcome.

No other file of the collection sends a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.login import is_of_login
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import Observed
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import StepAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError


class Sent:
    """The steps that one run has sent, and their outcome."""

    def __init__(self, client: Client, declared: DeclaredHost) -> None:
        self._client = client
        self._declared = declared
        #: The steps that were carried out, in their order.
        self.performed: list[Step] = []
        #: The steps that the host answered with a value, and the values.
        self.answers: list[StepAnswer] = []
        #: The steps that were sent and that may or may not have been carried out.
        self.unconfirmed: list[Step] = []
        #: The state of the host at the last look, and how many steps had been performed then.
        self._seen: Optional[tuple[Observed, int]] = None
        #: How often this run has sent a step.
        self._attempts = 0
        #: How often this run had sent a step, and how often it had waited, when the last look began.
        self._looked_at: Optional[tuple[int, int]] = None

    @property
    def steps(self) -> list[Step]:
        """All steps that may have been carried out."""
        return [*self.performed, *self.unconfirmed]

    @property
    def nothing_was_tried(self) -> bool:
        """True if this run has tried to send no step."""
        return self._attempts == 0

    @property
    def has_just_looked(self) -> bool:
        """True if this run has sent no step, and has waited for nothing, since its last look at the host began."""
        return self._looked_at == self._moment()

    def look(self) -> Observed:
        """Read the host, and count the unconfirmed steps that its state proves as performed. Raises TrustError."""
        began = self._moment()
        observed = self._declared.observe(self._client)
        for step in list(self.unconfirmed):
            # An earlier step of this loop may have removed this step from the list.
            still_unconfirmed = step in self.unconfirmed
            if still_unconfirmed and self._declared.was_carried_out(observed, step):
                self._note_performed(step)

        # The steps that were just counted are already a part of this state.
        self._seen = (observed, len(self.performed))
        self._looked_at = began

        return observed

    def send(self, step: Step) -> None:
        """Send a step. Raises TrustError; the step may be unconfirmed then."""
        # A step is also unconfirmed while it is on its way, because a signal may stop the run at that moment.
        is_repetition = step in self.unconfirmed
        if not is_repetition:
            self.unconfirmed.append(step)

        self._attempts += 1
        try:
            answer = self._declared.perform(self._client, step)
        except TrustError as error:
            # If the login failed, the step was not sent, or the host refused its token. An error of a repetition does
            # not tell whether the first attempt succeeded.
            outcome_unknown = error.outcome_unknown and not is_of_login(error)
            if not is_repetition and not outcome_unknown:
                self.unconfirmed.remove(step)

            raise

        if answer is not None:
            self.answers.append((step, answer))

        self._note_performed(step)

    def assumed(self, steps: Sequence[Step]) -> Observed:
        """The state of the host if it carried out these steps and no others.

        steps: they must begin with the performed steps.
        """
        observed: Observed = ()
        already_observed = 0
        if self._seen is not None:
            observed, already_observed = self._seen

        return self._declared.assumed(observed, steps[already_observed:])

    def _moment(self) -> tuple[int, int]:
        """How often this run has sent a step, and how often it has waited."""
        return self._attempts, self._client.retries_spent

    def _note_performed(self, step: Step) -> None:
        self.performed.append(step)
        # The outcome of earlier attempts at the same resource does not matter any more.
        self.unconfirmed = [doubtful for doubtful in self.unconfirmed if doubtful.key != step.key]
