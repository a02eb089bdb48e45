# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The budget of repetitions of one run, and the pauses before them."""

from __future__ import annotations

import random
import time

from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError

#: Seconds before the first repetition; doubled each time, up to the longest.
FIRST_DELAY = 0.5
LONGEST_DELAY = 8.0


class Retries:
    """A number of repetitions for the whole life of a client, so that the time that a run may take has a bound."""

    def __init__(self, number: int, timeout: float) -> None:
        self._number = number
        self._left = number
        self._timeout = timeout

    def spend(self, error: TrustError) -> None:
        """Take one repetition and wait before it; raise `error` if none is left.

        The pause is at most the longest delay, or the time that the host asks for in Retry-After, up to the timeout.
        """
        if self._left <= 0 or (error.retry_after or 0) > self._timeout:
            raise error
        used = self._number - self._left
        self._left -= 1

        delay = min(FIRST_DELAY * 2**used, LONGEST_DELAY)
        if error.retry_after is not None:
            delay = max(delay, error.retry_after)
        else:
            # Spread the forks of a fleet run.
            delay *= random.uniform(0.5, 1)  # noqa: S311 - no secret hangs on it
        time.sleep(delay)
