# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event loop that works beside a test."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from collections.abc import Coroutine
from typing import Any
from typing import TypeVar

Result = TypeVar("Result")
START_TIMEOUT = 30.0


class Background:
    """An event loop in a thread of its own."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        #: What went wrong in the loop itself; an error of the tests.
        self.errors: list[str] = []
        self.loop.set_exception_handler(self._note)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(START_TIMEOUT)

    def do(self, action: Callable[[], Result]) -> Result:
        async def inside() -> Result:
            return action()

        return self.run(inside())

    def wait_until(self, condition: Callable[[], bool], timeout: float = 5.0) -> bool:
        """Looks again after each turn of the loop until the condition holds."""
        end = time.monotonic() + timeout
        while not (held := self.do(condition)) and time.monotonic() < end:
            self.run(asyncio.sleep(0.001))
        return held

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(START_TIMEOUT)
        self.loop.close()

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        # A broken connection is what this is here for, and the end of a test comes at any moment.
        if not isinstance(error, (OSError, asyncio.CancelledError)):
            self.errors.append(f"{context.get('message')}: {error!r}")

    def _work(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
