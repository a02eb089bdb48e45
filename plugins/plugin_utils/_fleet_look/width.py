# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The number of hosts that are examined at a time."""

from __future__ import annotations

import time

#: So many hosts are examined at a time in the beginning.
_FIRST = 4
#: The number of hosts is judged again after so many seconds.
INTERVAL = 0.05
#: If this process works for a smaller share of the time, it has time to spare.
_BUSY = 0.6
#: A host is slow if its examination takes more seconds. A process that other programs slow down has time to spare, too,
#: so the share of the time does not suffice.
_SLOW = 0.1


class Width:
    """The number of hosts that are examined at a time.

    most: the most hosts.

    Python runs one thread at a time. If hosts answer at once, a few threads keep it busy, and many threads only hinder
    each other: with 50 threads, the same examinations take a third more CPU time. If hosts are far or slow, the threads
    wait for them. So the number of hosts is small in the beginning, and doubles while the process waits for slow hosts.
    """

    def __init__(self, most: int) -> None:
        #: The number of hosts that may be under way now.
        self.hosts = min(_FIRST, most)
        self._most = most
        self.measure_from_now()

    @property
    def may_grow(self) -> bool:
        """True if more hosts may be examined at a time."""
        return self.hosts < self._most

    def measure_from_now(self) -> None:
        """Begin a measurement. From now on, hosts wait for their turn."""
        self._since = time.monotonic()
        self._worked_before = time.process_time()
        self._ended = 0

    def note_end(self) -> None:
        """Note that the examination of a host has ended."""
        self._ended += 1

    def grow_if_idle(self) -> None:
        """Double the number of hosts, if this process waited for slow hosts since the measurement began."""
        elapsed = time.monotonic() - self._since
        if elapsed < INTERVAL:
            return

        worked = time.process_time() - self._worked_before
        has_time = worked < _BUSY * elapsed
        hosts_are_slow = self._ended * _SLOW < self.hosts * elapsed
        if has_time and hosts_are_slow:
            self.hosts = min(2 * self.hosts, self._most)

        self.measure_from_now()
