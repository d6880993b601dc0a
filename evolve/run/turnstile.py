"""Lets coroutines pass a gate in the order in which they queued, however long each takes to arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

Turn = Callable[[], AbstractAsyncContextManager[None]]


class Turnstile:
    """With `ordered` False everybody passes at once."""

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self._last: asyncio.Event | None = None

    def queue(self) -> Turn:
        """A place in the queue, taken now: enter the result to wait for those before, leave it to let others by."""
        before, mine = self._last, asyncio.Event()
        self._last = mine

        @asynccontextmanager
        async def turn() -> AsyncIterator[None]:
            try:
                if self._ordered and before is not None:
                    await before.wait()
                yield
            finally:
                mine.set()

        return turn
