from __future__ import annotations

import asyncio

import pytest

from evolve.run.stopping import unless_set


class Work:
    """Goes on until it is cancelled, and cleans up."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cleaned_up = False

    async def go_on(self) -> str:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.cleaned_up = True
        return "never"


def test_work_that_ends_gives_its_result() -> None:
    async def scene() -> str | None:
        return await unless_set(asyncio.Event(), asyncio.sleep(0, "done"))

    assert asyncio.run(scene()) == "done"


@pytest.mark.parametrize("by_cancellation", [False, True])
def test_work_has_cleaned_up_when_it_was_stopped_or_interrupted(by_cancellation: bool) -> None:
    async def scene() -> bool:
        work, stop = Work(), asyncio.Event()
        waiting = asyncio.create_task(unless_set(stop, work.go_on()))
        await work.began.wait()
        if by_cancellation:  # as by Ctrl-C
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        else:
            stop.set()
            assert await waiting is None
        return work.cleaned_up

    assert asyncio.run(scene())
