# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The budget of a run for repeated requests, and the pauses before them."""

from __future__ import annotations

import random
import time

from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError

#: Seconds before the first repetition; doubled each time, up to the longest.
FIRST_DELAY = 0.5
LONGEST_DELAY = 8.0


class Retries:
    """The number of repetitions that are left for the whole life of a client. It limits the time of a run.

    number: how many repetitions there are.
    timeout: the longest pause, in seconds, that a host may ask for.
    """

    def __init__(self, number: int, timeout: float) -> None:
        self._number = number
        self._left = number
        self._timeout = timeout

    @property
    def spent(self) -> int:
        """How many repetitions were taken."""
        return self._number - self._left

    def spend(self, error: TrustError) -> None:
        """Take one repetition and wait before it.

        The pause grows from repetition to repetition, up to LONGEST_DELAY. It is longer if the host asks for more time
        in Retry-After.

        Raises `error` if no repetition is left, or if the host asks for a longer pause than the timeout.
        """
        asked = error.retry_after or 0
        if asked > self._timeout:
            error.reword(
                hint=(
                    f"The host asks for a pause of {asked:.10g} seconds, and timeout is {self._timeout:g}. Run the task"
                    " again after the pause."
                )
            )
            raise error

        if self._left <= 0:
            raise error

        used = self.spent
        self._left -= 1

        delay = min(FIRST_DELAY * 2**used, LONGEST_DELAY)
        if error.retry_after is not None:
            delay = max(delay, error.retry_after)
        else:
            # The processes of a fleet run shall not all repeat at the same moment.
            delay *= random.uniform(0.5, 1)  # noqa: S311 - no secret depends on it

        time.sleep(delay)
