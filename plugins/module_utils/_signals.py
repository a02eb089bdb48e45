# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a signal stops a run: at once while the run works, and afterwards while the run tidies up."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(BaseException):
    """SIGTERM or SIGHUP arrived. It is no Exception, so that no handler of errors catches it."""


class _State(threading.local):
    """The signals that arrived since the run began.

    Python delivers signals to the main thread only, so the state of every other thread stays empty.
    """

    def __init__(self) -> None:
        #: The numbers of the signals, in the order of their arrival.
        self.arrived: list[int] = []
        #: An exception has stopped the run. Later signals must not interrupt the clean-up that follows.
        self.interrupted = False
        #: How many blocks of `tidying` the thread is in.
        self.tidying = 0


_state = _State()


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM, SIGHUP and SIGINT stop the block by an exception.

    The exception is KeyboardInterrupt for SIGINT, and Stopped for the two others. After the block the process ends in
    the way in which the signal would have ended it.

    Only the first signal counts: a cancelled job often gets two of them, and people press Ctrl-C twice.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    handlers = _replaceable_handlers()
    _state.arrived = []
    _state.interrupted = False
    for number in handlers:
        signal.signal(number, _receive)

    try:
        yield
    finally:
        interrupted = _state.interrupted
        # A signal that arrives while the handlers are restored must not raise an exception here.
        _state.interrupted = True
        for number, handler in handlers.items():
            signal.signal(number, handler)

        if _state.arrived:
            first = _state.arrived[0]
            if handlers[first] is not signal.default_int_handler:
                os.kill(os.getpid(), first)
            elif not interrupted:
                raise KeyboardInterrupt


@contextmanager
def tidying() -> Iterator[None]:
    """Finish the block before a signal stops the run."""
    _state.tidying += 1
    try:
        yield
    finally:
        _state.tidying -= 1
        _interrupt_if_due()


def _replaceable_handlers() -> dict[int, Any]:
    """The handlers of the signals that may stop the run, by the number of the signal.

    A signal that is ignored (with nohup, or for a job in the background) stays ignored. A handler that Python did not
    set (None) is left alone, because Python could not restore it.
    """
    handlers: dict[int, Any] = {}
    for number in _STOPPING_SIGNALS:
        handler = signal.getsignal(number)
        if handler not in (signal.SIG_IGN, None):
            handlers[number] = handler
    return handlers


def _receive(number: int, _frame: Any) -> None:
    """The handler of the signals in a run."""
    _state.arrived.append(number)
    _interrupt_if_due()


def _interrupt_if_due() -> None:
    """Raise the exception that stops the run, unless it was raised already or the run is tidying up."""
    if not _state.arrived or _state.interrupted or _state.tidying:
        return

    _state.interrupted = True
    if _state.arrived[0] == signal.SIGINT:
        raise KeyboardInterrupt
    raise Stopped
