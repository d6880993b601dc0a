from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.llm.model import Finish
from evolve.llm.retrying import RetryPolicy, Stop, TryAgain, after_failure, retry_after_s

FAILURES = [finish for finish in Finish if finish is not Finish.STOP]
POLICY = RetryPolicy()


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("finish", FAILURES)
def test_what_is_tried_again(finish: Finish) -> None:
    step = after_failure(POLICY, [finish], None, 600.0, rng())
    assert isinstance(step, Stop) == (finish is Finish.REFUSED)


def test_answers_of_no_use_are_bought_less_often_than_failures_are_repeated() -> None:
    assert isinstance(after_failure(POLICY, [Finish.LENGTH, Finish.EMPTY], None, 600.0, rng()), Stop)
    assert isinstance(after_failure(POLICY, [Finish.TIMEOUT, Finish.EMPTY], None, 600.0, rng()), TryAgain)


@given(st.lists(st.sampled_from(FAILURES), min_size=1, max_size=12), st.floats(0, 1000), st.none() | st.floats(0, 1e6))
def test_tries_are_bounded_and_waits_end_before_the_deadline(
    tries: list[Finish], left_s: float, asked_s: float | None
) -> None:
    step = after_failure(POLICY, tries, asked_s, left_s, rng())
    if isinstance(step, TryAgain):
        assert sum(finish is not Finish.ADAPTED for finish in tries) < POLICY.max_tries
        assert 0 <= step.after_s < left_s
        if asked_s is not None and tries[-1] is not Finish.ADAPTED:
            assert step.after_s >= asked_s


def test_waits_follow_from_the_seed_and_spread_under_a_bound_that_doubles() -> None:
    policy = RetryPolicy(max_tries=100)
    for num_failed, bound_s in [(1, 1.0), (2, 2.0), (3, 4.0), (20, 60.0)]:
        steps = [after_failure(policy, [Finish.TIMEOUT] * num_failed, None, 1e4, rng(seed)) for seed in range(200)]
        again = [after_failure(policy, [Finish.TIMEOUT] * num_failed, None, 1e4, rng(seed)) for seed in range(200)]
        waits_s = [step.after_s for step in steps if isinstance(step, TryAgain)]
        assert steps == again
        assert len(waits_s) == 200
        assert max(waits_s) <= bound_s
        assert min(waits_s) < 0.1 * bound_s
        assert max(waits_s) > 0.9 * bound_s


def test_a_server_that_answered_before_is_waited_for_until_the_deadline() -> None:
    tries = [Finish.UNREACHABLE] * 9
    assert isinstance(after_failure(POLICY, tries, None, 600.0, rng(), known=True), TryAgain)
    assert isinstance(after_failure(POLICY, tries, None, 600.0, rng()), Stop)
    assert isinstance(after_failure(POLICY, tries, None, 0.0, rng(), known=True), Stop)


def test_left_out_parameter_costs_neither_a_try_nor_a_wait() -> None:
    tries = [Finish.ADAPTED] * 3
    assert after_failure(POLICY, tries, None, 600.0, rng()) == TryAgain(0.0)
    assert isinstance(after_failure(POLICY, [*tries, Finish.TIMEOUT, Finish.TIMEOUT], None, 600.0, rng()), TryAgain)


def test_server_that_asks_for_more_than_is_left_is_not_waited_for() -> None:
    step = after_failure(POLICY, [Finish.RATE_LIMITED], 3600.0, 590.0, rng())
    assert isinstance(step, Stop)
    assert "the deadline is in 590 s" in step.reason


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        (" 7 ", 7.0),
        ("-4", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": value}, 60.0) == seconds


def test_no_retry_after() -> None:
    assert retry_after_s({}, 60.0) is None
