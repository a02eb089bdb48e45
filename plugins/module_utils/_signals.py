# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run is stopped: by the first signal, in the middle of its work but never of its tidying up."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(BaseException):
    """SIGTERM or SIGHUP, as an exception that no handler of errors catches."""


class _State(threading.local):
    """What came since the run began. Python lets only the main thread receive signals; other threads see nothing."""

    def __init__(self) -> None:
        self.came: list[int] = []
        #: The run was told; what comes now must not interrupt how it puts things away.
        self.told = False
        self.tidying = 0


_state = _State()


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM, SIGHUP and SIGINT stop what is done in here by an exception; then the process ends as it would have.

    Only the first one counts. A cancelled job often gets both, and an impatient person sends one twice.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {number: signal.getsignal(number) for number in _NUMBERS}
    # One that is ignored (nohup, a job in the background) stays so, and one that Python did not set cannot be restored.
    before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    _state.came, _state.told = [], False
    for number in before:
        signal.signal(number, _arrived)
    try:
        yield
    finally:
        told, _state.told = _state.told, True
        for number, handler in before.items():
            signal.signal(number, handler)
        if _state.came:
            first = _state.came[0]
            if before[first] is not signal.default_int_handler:
                os.kill(os.getpid(), first)
            elif not told:
                raise KeyboardInterrupt


@contextmanager
def tidying() -> Iterator[None]:
    """What is begun in here is brought to its end before a signal stops the run."""
    _state.tidying += 1
    try:
        yield
    finally:
        _state.tidying -= 1
        _tell()


def _arrived(number: int, _frame: Any) -> None:
    _state.came.append(number)
    _tell()


def _tell() -> None:
    if _state.came and not _state.told and not _state.tidying:
        _state.told = True
        raise KeyboardInterrupt if _state.came[0] == signal.SIGINT else Stopped
