from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.contract import ContractError
from evaluators.scheduling.spot_deadline.job import (
    Choice,
    Job,
    Mode,
    State,
    advance,
    guarded,
    is_safe,
    is_settled,
    job_of_hours,
    seen,
)
from tests.evaluators.scheduling.spot_deadline.scenes import a_job, one_region, random_job

SPOT_HERE, ON_DEMAND_HERE, IDLE_HERE = Choice(Mode.SPOT, 0), Choice(Mode.ON_DEMAND, 0), Choice(Mode.IDLE, 0)


def hours(**changes: float) -> Job:
    told = {"work_h": 48.0, "deadline_h": 52.0, "overhead_h": 0.2, "tick_s": 195.0, **changes}
    return job_of_hours(**told, spot_usd_per_h=(0.918,), on_demand_usd_per_h=(3.06,), move_usd=0.0)


def test_hours_become_whole_ticks() -> None:
    job = hours()
    assert (job.work, job.deadline, job.overhead) == (887, 960, 4)
    assert job.spot_usd[0] == pytest.approx(0.3 * job.on_demand_usd[0])
    assert hours(tick_s=240.0).work == 720


def test_a_deadline_shorter_than_work_and_one_start_is_refused() -> None:
    with pytest.raises(ContractError, match=r"deadline_h: expected at least .* 48.*, found 47 h"):
        hours(deadline_h=47.0)
    with pytest.raises(ContractError, match="raise deadline_h"):
        hours(deadline_h=48.1, overhead_h=0.2)


def test_every_start_takes_the_overhead_and_going_on_does_not() -> None:
    job, state = one_region(overhead=2), State(0, 0, Mode.IDLE, 0, 0)
    done, spent = [], 0.0
    for choice in (SPOT_HERE, SPOT_HERE, SPOT_HERE, ON_DEMAND_HERE, ON_DEMAND_HERE, ON_DEMAND_HERE, SPOT_HERE):
        state, usd = advance(job, state, choice)
        done.append(state.done)
        spent += usd
    assert done == [0, 0, 1, 1, 1, 2, 2]
    assert spent == pytest.approx(4 * 0.3 + 3 * 1.0)


def test_idling_is_free_and_forgets_the_machine() -> None:
    job = one_region(overhead=2)
    state, usd = advance(job, State(5, 3, Mode.SPOT, 0, 0), IDLE_HERE)
    assert (state, usd) == (State(6, 3, Mode.IDLE, 0, 0), 0.0)
    assert advance(job, state, SPOT_HERE)[0].pending == 1


def test_starting_elsewhere_pays_the_move_once_and_the_overhead_again() -> None:
    job, running = a_job(), State(5, 3, Mode.SPOT, 0, 0)
    moved, usd = advance(job, running, Choice(Mode.SPOT, 1))
    assert usd == pytest.approx(0.25 + 0.5)
    assert (moved.region, moved.pending, moved.done) == (1, 2, 3)
    assert advance(job, moved, Choice(Mode.SPOT, 1))[1] == pytest.approx(0.25)


def test_spot_that_is_gone_is_not_running() -> None:
    running = State(5, 3, Mode.SPOT, 1, 1)
    assert seen(running, [True, False, True]) == State(5, 3, Mode.IDLE, 1, 0)
    assert seen(running, [False, True, False]) == running
    assert seen(running._replace(mode=Mode.ON_DEMAND), [False] * 3).mode is Mode.ON_DEMAND


def test_the_guard_acts_at_the_last_safe_tick_and_not_before() -> None:
    job = one_region(work=10, deadline=20, overhead=3)
    assert is_safe(job, State(6, 0, Mode.IDLE, 0, 0), IDLE_HERE)
    last = State(7, 0, Mode.IDLE, 0, 0)  # 13 ticks left for 10 of work and 3 of overhead
    assert not is_safe(job, last, IDLE_HERE)
    assert not is_safe(job, last, SPOT_HERE)
    assert guarded(job, last, IDLE_HERE) == ON_DEMAND_HERE
    running = State(7, 0, Mode.SPOT, 0, 0)
    assert is_safe(job, running, SPOT_HERE)  # a tick of progress keeps the distance
    assert not is_safe(job, running._replace(pending=1), SPOT_HERE)


def test_on_demand_may_not_be_left_when_another_start_does_not_fit() -> None:
    job = a_job(work=10, deadline=20, overhead=3)
    running = State(9, 0, Mode.ON_DEMAND, 1, 1)
    assert is_settled(job, running)
    assert guarded(job, running, Choice(Mode.ON_DEMAND, 0)) == Choice(Mode.ON_DEMAND, 1)
    assert guarded(job, running, Choice(Mode.ON_DEMAND, 1)) == Choice(Mode.ON_DEMAND, 1)


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_no_sequence_of_choices_misses_the_deadline(seed: int) -> None:
    rng = np.random.default_rng(seed)
    job = random_job(rng, regions=int(rng.integers(1, 4)), most_ticks=30)
    state = job.start
    lazy = rng.random()
    for _ in range(job.deadline):
        if state.done == job.work:
            break
        available = rng.random(job.regions) < 0.5
        state = seen(state, available)
        settled = is_settled(job, state)
        mode = Mode.IDLE if rng.random() < lazy else Mode(int(rng.integers(3)))
        choice = Choice(mode, int(rng.integers(job.regions)))
        if mode is Mode.SPOT and not available[choice.region]:
            choice = IDLE_HERE
        kept = guarded(job, state, choice)
        if settled:
            assert kept == (state.mode, state.region)
        state, _ = advance(job, state, kept)
    assert state.done == job.work
