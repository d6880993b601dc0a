from __future__ import annotations

import asyncio

from evolve.run.turnstile import Turn, Turnstile


async def passing_order(*, ordered: bool) -> list[int]:
    """Three walkers queue as 0, 1, 2 and arrive as 2, 1, 0."""
    turnstile, passed = Turnstile(ordered=ordered), list[int]()
    arrivals = [asyncio.Event() for _ in range(3)]

    async def walk(number: int, turn: Turn) -> None:
        await arrivals[number].wait()
        async with turn():
            passed.append(number)

    walkers = [asyncio.create_task(walk(number, turnstile.queue())) for number in range(3)]
    for arrival in reversed(arrivals):
        arrival.set()
        await asyncio.sleep(0)  # lets the walker reach the turnstile
    await asyncio.gather(*walkers)
    return passed


def test_an_ordered_turnstile_keeps_the_queue() -> None:
    assert asyncio.run(passing_order(ordered=True)) == [0, 1, 2]


def test_an_open_turnstile_lets_the_first_to_arrive_pass() -> None:
    assert asyncio.run(passing_order(ordered=False)) == [2, 1, 0]


def test_a_walker_that_fails_lets_the_others_by() -> None:
    async def scene() -> bool:
        turnstile = Turnstile(ordered=True)
        first, second = turnstile.queue(), turnstile.queue()
        try:
            async with first():
                raise LookupError
        except LookupError:
            async with second():
                return True

    assert asyncio.run(scene())
