# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has sent to a host, and what is known of it: the only place in the collection that writes to a host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.host import Host
from ansible_collections.esx.trust.plugins.module_utils._engine.host import Observed
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Answer
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError


class Sent:
    """The memory of one run."""

    def __init__(self, client: Client, declared: Host) -> None:
        self._client = client
        self._declared = declared
        #: Carried out, in their order.
        self.performed: list[Step] = []
        #: The steps that the host answered with a value, and the values.
        self.answers: list[Answer] = []
        #: Sent, and nobody knows (yet) whether they were carried out.
        self.in_doubt: list[Step] = []
        #: What the host held when it was last looked at, and the number of steps performed by then.
        self._seen: Optional[tuple[Observed, int]] = None

    @property
    def steps(self) -> list[Step]:
        """All that may have been carried out."""
        return [*self.performed, *self.in_doubt]

    def look(self) -> Observed:
        """Read what the host holds, and find the steps in doubt that it has carried out by now. Raises TrustError."""
        observed = self._declared.observe(self._client)
        for step in list(self.in_doubt):
            if step in self.in_doubt and self._declared.was_carried_out(observed, step):
                self._done(step)
        # The observation contains the steps that were found to be done.
        self._seen = (observed, len(self.performed))
        return observed

    def send(self, step: Step) -> None:
        """Send a step. Raises TrustError, after which the step may be in doubt."""
        # A step is in doubt while it is on its way, too, because the run may be stopped there.
        again = step in self.in_doubt
        if not again:
            self.in_doubt.append(step)
        try:
            answer = self._declared.perform(self._client, step)
        except TrustError as error:
            # What the host says about a repetition says nothing about the attempt before it.
            if not (again or error.outcome_unknown):
                self.in_doubt.remove(step)
            raise
        if answer is not None:
            self.answers.append((step, answer))
        self._done(step)

    def assumed(self, steps: Sequence[Step]) -> Observed:
        """What the host holds if it carried out these steps and no other; they begin with those performed."""
        observed, count = self._seen if self._seen else ((), 0)
        return self._declared.assumed(observed, steps[count:])

    def _done(self, step: Step) -> None:
        self.performed.append(step)
        # With this, nobody waits for an earlier attempt at the same resource any more.
        self.in_doubt = [doubt for doubt in self.in_doubt if doubt.key != step.key]
