"""The two engines: feasible, live, blind to the future, and optimal schedules are among those they can make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.job_shop.bound import Task, makespan_bound, one_machine_bound, trivial_bound
from evaluators.scheduling.job_shop.builder import build
from evaluators.scheduling.job_shop.dispatcher import first_in_first_out
from evaluators.scheduling.job_shop.generate import realised_durations
from evaluators.scheduling.job_shop.schedule import Choose, Offer, Progress
from evaluators.scheduling.job_shop.shop import Shop
from evaluators.scheduling.job_shop.simulation import simulate
from tests.evaluators.scheduling.job_shop.shops import (
    a_shop,
    assert_feasible,
    by_chance,
    optimum,
    shop_of,
    shops,
    shortest,
)

MANY = settings(deadline=None)
SEEDS = st.integers(0, 2**16)
DELAYS = st.sampled_from([0.0, 0.3, 1.0])


@MANY
@given(shop=shops(), seed=SEEDS, delay=DELAYS)
def test_builder_makes_feasible_schedules_above_the_bound(shop: Shop, seed: int, delay: float) -> None:
    schedule = build(shop, by_chance(seed, delay))
    assert_feasible(shop, shop.durations, schedule, blocking=False)
    assert trivial_bound(shop) <= makespan_bound(shop) <= schedule.makespan


@MANY
@given(shop=shops(), seed=SEEDS, delay=DELAYS, sigma=st.sampled_from([0.0, 0.5]), blocking=st.booleans())
def test_simulation_ends_with_a_feasible_schedule_above_the_bound(
    shop: Shop, seed: int, delay: float, sigma: float, blocking: bool
) -> None:
    true = shop.with_durations(realised_durations(shop, sigma, np.random.default_rng(seed)))
    schedule = simulate(shop, true.durations, by_chance(seed, delay, patience=0.4), blocking=blocking)
    assert_feasible(shop, true.durations, schedule, blocking=blocking)
    assert schedule.makespan >= makespan_bound(true)


@settings(deadline=None, max_examples=25)
@given(shop=shops(most_jobs=3, most_machines=3), seed=SEEDS)
def test_bound_is_at_most_the_optimum_and_the_builder_at_least(shop: Shop, seed: int) -> None:
    least = optimum(shop)
    assert makespan_bound(shop) <= least <= build(shop, by_chance(seed)).makespan


@settings(deadline=None, max_examples=15)
@given(shop=shops(most_jobs=3, most_machines=3))
def test_a_full_window_reaches_the_optimum(shop: Shop) -> None:
    assert min(build(shop, choices).makespan for choices in all_choices(shop)) == optimum(shop)


def all_choices(shop: Shop) -> list[Choose]:
    """A choice function for every path through the tree of decisions."""
    paths, unexplored = [], [[]]  # type: list[list[int]], list[list[int]]
    while unexplored:
        prefix = unexplored.pop()
        widths = _widths(shop, prefix)
        paths.append(prefix + [0] * (len(widths) - len(prefix)))
        for depth in range(len(prefix), len(widths)):
            unexplored += [[*prefix, *[0] * (depth - len(prefix)), other] for other in range(1, widths[depth])]
    return [_following(path) for path in paths]


def _following(path: list[int]) -> Choose:
    steps = iter(path)

    def choose(offer: Offer, progress: Progress) -> int:
        return next(steps, 0)

    return choose


def _widths(shop: Shop, path: list[int]) -> list[int]:
    widths, follow = [], _following(path)

    def choose(offer: Offer, progress: Progress) -> int | None:
        widths.append(len(offer.jobs))
        return follow(offer, progress)

    build(shop, choose)
    return widths


@MANY
@given(shop=shops(), seed=SEEDS)
def test_without_delay_no_machine_idles_while_a_job_waits_for_it(shop: Shop, seed: int) -> None:
    for schedule in (build(shop, by_chance(seed, 0.0)), simulate(shop, shop.durations, shortest, blocking=False)):
        for job, (starts, route) in enumerate(zip(schedule.starts, shop.routes, strict=True)):
            for op, (start, machine) in enumerate(zip(starts, route, strict=True)):
                waits_from = schedule.ends[job][op - 1] if op else 0
                others = [
                    (schedule.starts[other][k], schedule.ends[other][k])
                    for other in range(shop.num_jobs)
                    for k in range(shop.num_machines)
                    if shop.routes[other][k] == machine and other != job
                ]
                busy = sum(
                    min(end, start) - max(begin, waits_from) for begin, end in others if waits_from < end <= start
                )
                assert busy == start - waits_from


@pytest.mark.parametrize("rule", [shortest, first_in_first_out])
@pytest.mark.parametrize("seed", range(5))
def test_both_engines_agree_where_nothing_is_hidden_and_no_machine_waits(rule: Choose, seed: int) -> None:
    shop = a_shop(12, 8, seed)
    assert build(shop, rule) == simulate(shop, shop.durations, rule, blocking=False)


def test_jobs_that_wait_for_each_other_in_a_circle_move_at_once() -> None:
    shop = shop_of([[0, 1, 2], [1, 2, 0], [2, 0, 1]], [[3, 1, 1], [5, 1, 1], [4, 1, 1]])
    schedule = simulate(shop, shop.durations, first_in_first_out, blocking=True)
    assert [starts[1] for starts in schedule.starts] == [5, 5, 5]
    assert schedule.makespan == 7


def test_a_blocked_job_holds_its_machine() -> None:
    shop = shop_of([[0, 1], [1, 0], [0, 1]], [[1, 1], [9, 1], [1, 1]])
    schedule = simulate(shop, shop.durations, first_in_first_out, blocking=True)
    assert schedule.starts[0][1] == 9
    assert schedule.starts[1][1] == 9  # the two exchange machines
    assert schedule.starts[2][0] == 10


def test_a_shop_that_always_wants_to_wait_still_ends() -> None:
    shop = a_shop(5, 4)
    schedule = simulate(shop, shop.durations, by_chance(0, patience=1.0), blocking=True)
    assert_feasible(shop, shop.durations, schedule, blocking=True)


@MANY
@given(shop=shops(), seed=SEEDS, share=st.floats(0, 1), blocking=st.booleans())
def test_decisions_do_not_depend_on_durations_not_yet_known(
    shop: Shop, seed: int, share: float, blocking: bool
) -> None:
    """Two worlds agree on every operation that ends by a moment; all that is seen and decided until then is equal."""
    true = shop.with_durations(realised_durations(shop, 0.5, np.random.default_rng(seed)))
    first = _observed(shop, true, seed, blocking)
    moment = int(share * max(end for end, _ in first))
    schedule = simulate(shop, true.durations, _watching([], seed), blocking=blocking)
    ends = np.array(schedule.ends)
    changed = np.where(ends <= moment, true.durations_JM, true.durations_JM + np.maximum(0, moment - ends + 1) + 7)
    # An operation under way at the moment must not end before it in the other world either.
    other = _observed(shop, shop.with_durations(changed), seed, blocking)
    assert [seen for seen in other if seen[0] <= moment] == [seen for seen in first if seen[0] <= moment]


Seen = tuple[int, object]


def _observed(shop: Shop, true: Shop, seed: int, blocking: bool) -> list[Seen]:
    seen: list[Seen] = []
    simulate(shop, true.durations, _watching(seen, seed), blocking=blocking)
    return [*seen, (0, "begun")]


def _watching(seen: list[Seen], seed: int) -> Choose:
    """Notes the moment, all that is on offer and the choice."""
    inner = by_chance(seed, patience=0.2)

    def choose(offer: Offer, progress: Progress) -> int | None:
        place = inner(offer, progress)
        view = (offer, tuple(progress.machine_free), progress.machines_held, tuple(progress.next_op), place)
        seen.append((offer.earliest, view))
        return place

    return choose


@given(tasks=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.integers(0, 9)), min_size=1, max_size=5))
def test_one_machine_bound_is_the_preemptive_optimum(tasks: list[Task]) -> None:
    assert one_machine_bound(tasks) == _least_preemptive(tasks)


def _least_preemptive(tasks: list[Task]) -> int:
    """The least end such that, for any release and any tail, the work between them fits: Carlier's subset formula."""
    heads, tails = {head for head, _, _ in tasks}, {tail for _, _, tail in tasks}
    return max(
        head + sum(work for begin, work, end in tasks if begin >= head and end >= tail) + tail
        for head in heads
        for tail in tails
        if any(begin >= head and end >= tail for begin, _, end in tasks)
    )
