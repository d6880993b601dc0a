"""Work that ends early when somebody asks for it, and leaves nothing running behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def unless_set(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """The result of `work`; None if `stop` is set before. However this ends, Ctrl-C included, `work` has ended too."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        stopping.cancel()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
