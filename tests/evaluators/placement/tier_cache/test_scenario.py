from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, Outcome
from evaluators.placement.tier_cache.clairvoyant import MOST_AHEAD
from evaluators.placement.tier_cache.scenario import Scenario, make_scenario, read_ahead
from evaluators.placement.tier_cache.task import TASK
from evaluators.placement.tier_cache.terms import METRICS
from evaluators.scoring import within_bound
from tests.evaluators.placement.tier_cache.traces import CLOCK, LRU, START, a_scenario, a_system, a_trace, answering
from tests.in_process import InProcessCandidate

FLAT = "np.zeros((c['layers'], c['experts']))"
SHOWN = START + (  # as good as the future that it is shown
    "    def decide(self, event):\n"
    "        c = self.c\n"
    "        keep = np.zeros((c['layers'], c['experts']), dtype=np.float32)\n"
    "        ahead = []\n"
    "        for h, row in reversed(list(enumerate(event['future']))):\n"
    "            layer = (event['layer'] + 1 + h) % c['layers']\n"
    "            keep[layer, row > 0] = 1000 - h\n"
    "        order = np.argsort(-keep, axis=None)[:c['most_ahead']]\n"
    "        order = order[keep.reshape(-1)[order] > 0]\n"
    "        return {'keep': keep, 'ahead': np.pad(order, (0, c['most_ahead'] - len(order)), constant_values=-1)}\n"
)


def played(scenario: Scenario, source: str) -> InProcessCandidate:
    candidate = InProcessCandidate(source)
    assert scenario.play(candidate, CLOCK).outcome is Outcome.SCORED
    return candidate


def views_of(scenario: Scenario) -> list[dict[str, Any]]:
    return [cast("dict[str, Any]", arguments[0]) for _, arguments in played(scenario, LRU).calls]


def test_least_recently_used_scores_zero() -> None:
    result = a_scenario().play(InProcessCandidate(LRU), CLOCK)
    assert result.score == 0.0
    assert result.metrics["time_over_lru"] == 1.0
    assert result.metrics["ahead"] == 0.0


def test_the_score_runs_from_lru_to_the_bound_and_ends_at_the_floor() -> None:
    scenario = a_scenario()
    assert scenario.score(scenario.weak_us) == 0.0
    assert scenario.score(scenario.bound_us) == 1.0
    assert scenario.score(100 * scenario.weak_us) == FLOOR


def test_a_trace_that_lru_serves_nearly_at_the_bound_does_not_fill_the_score() -> None:
    system = a_system(2, 4, 8, top_k=2)
    scenario = make_scenario("one", "some", system, a_trace(system))
    assert scenario.weak_us == scenario.bound_us
    assert scenario.play(InProcessCandidate(LRU), CLOCK).score == 0.0


def test_who_is_shown_the_future_is_faster_and_not_above_the_bound() -> None:
    scenario = a_scenario(lookahead=18, steps=12)
    result = scenario.play(InProcessCandidate(SHOWN), CLOCK)
    assert result.score is not None
    assert 0.5 < result.score <= 1.0
    assert within_bound(result, TASK.bound) == result
    assert result.metrics["wasted"] < 0.3


def test_same_program_same_result() -> None:
    results = [a_scenario(lookahead=4).play(InProcessCandidate(SHOWN), CLOCK) for _ in range(2)]
    assert results[0] == results[1]


def test_a_program_is_asked_once_per_layer_of_a_step_and_sees_what_the_contract_says() -> None:
    scenario = a_scenario(hint=0.8, lookahead=2)
    views = views_of(scenario)
    assert len(views) == 18
    assert [(view["step"], view["layer"]) for view in views[:4]] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    for event, view in enumerate(views):
        assert set(view) == {
            "step", "layer", "fresh", "tokens", "probabilities", "hint", "future", "resident", "in_flight"
        }  # fmt: skip
        following = scenario.trace.tokens_NE[event + 1 : event + 3]
        assert view["future"].shape == (2, 8)
        assert (view["future"][: len(following)] == following).all()
        assert not view["future"][len(following) :].any()
        assert view["resident"].sum() <= 10
    assert cast("np.ndarray", scenario.config()["history"]).shape[1:] == (3, 8)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_of_the_future_is_shown_that_the_regime_does_not_show(seed: int) -> None:
    views = views_of(a_scenario(seed=seed))
    assert all(view["future"].size == 0 and not view["hint"].any() for view in views)


def test_writing_into_what_is_shown_changes_nothing() -> None:
    scenario = a_scenario()
    for view in views_of(scenario):
        view["resident"][:] = True
    assert scenario.play(InProcessCandidate(LRU), CLOCK).score == 0.0
    cast("np.ndarray", scenario.config()["history"])[:] = 0
    assert scenario.trace.history_RLE.any()


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        ([24], "expected objects from 0 to 23, then -1, found 24"),
        ([3, -2], "expected objects from 0 to 23, then -1, found -2"),
        ([3, 4, 3], r"expected each object once, found \[3, 4, 3\]"),
        ([3, -1, 4], "expected nothing but -1 after the first -1"),
    ],
)
def test_a_list_that_is_none_is_invalid(ahead: list[int], sentence: str) -> None:
    padded = np.array(ahead + [-1] * (MOST_AHEAD - len(ahead)), dtype=np.int64)
    with pytest.raises(CandidateFailure, match=sentence) as failure:
        read_ahead(padded, 24)
    assert failure.value.outcome is Outcome.INVALID
    with pytest.raises(CandidateFailure, match=sentence):
        a_scenario().run(InProcessCandidate(answering(FLAT, f"np.array({padded.tolist()})")))


def test_a_full_list_and_an_empty_one_are_read() -> None:
    assert read_ahead(np.arange(MOST_AHEAD), 24) == list(range(MOST_AHEAD))
    assert read_ahead(np.full(MOST_AHEAD, -1), 24) == []


@pytest.mark.parametrize(
    ("keep", "ahead"),
    [
        ("np.zeros(3)", ""),
        (f"np.inf + {FLAT}", ""),
        (f"np.nan * {FLAT}", ""),
        (FLAT, "np.zeros(3, dtype=np.int64)"),
    ],
)
def test_wrong_shapes_and_numbers_that_are_none_are_invalid(keep: str, ahead: str) -> None:
    with pytest.raises(CandidateFailure) as failure:
        a_scenario().run(InProcessCandidate(answering(keep, ahead)))
    assert failure.value.outcome is Outcome.INVALID


def test_claims_beside_the_answer_count_for_nothing() -> None:
    boast = answering(FLAT, "np.full(16, -1), 'score': 1.0, 'time_us': 0, 'resident': True")
    plain = answering(FLAT)
    scenario = a_scenario()
    assert scenario.run(InProcessCandidate(boast)) == scenario.run(InProcessCandidate(plain))


def test_asking_for_everything_ahead_gains_no_slots_and_wastes_the_link() -> None:
    scenario = a_scenario(steps=20)
    result = scenario.play(
        InProcessCandidate(
            START + "        self.n = 0\n"
            "    def decide(self, event):\n"
            "        self.n += 1\n"
            "        keep = np.full((3, 8), float(self.n), dtype=np.float32)\n"
            "        objects = (np.arange(16) + 16 * self.n) % 24\n"
            "        keep.reshape(-1)[objects] += 1\n"
            "        return {'keep': keep, 'ahead': objects}\n"
        ),
        CLOCK,
    )
    assert result.score is not None
    assert result.score < 0.0
    assert result.metrics["link_busy"] > 0.9


def test_every_metric_is_declared() -> None:
    metrics = a_scenario().play(InProcessCandidate(LRU), CLOCK).metrics
    assert {*metrics, "score"} == {spec.name for spec in METRICS}
