from __future__ import annotations

import numpy as np
import pytest

from evaluators.placement.tier_cache.patterns import PATTERNS
from evaluators.placement.tier_cache.system import popular
from evaluators.placement.tier_cache.workload import HISTORY, top_k
from tests.evaluators.placement.tier_cache.traces import a_system, a_trace

MODEL = a_system(8, 64, 128, top_k=8)


def reuse(pattern: str) -> float:
    """Share of a token's experts that the token before had used."""
    tokens_NE = a_trace(MODEL, pattern=pattern, steps=60, seed=3).tokens_NE
    used = tokens_NE > 0
    return float((used[8:] & used[:-8]).sum() / used[8:].sum())


def test_every_token_chooses_its_experts_in_every_layer() -> None:
    trace = a_trace(a_system(3, 16, 20, top_k=4, tokens=5), steps=9)
    assert trace.tokens_NE.shape == (27, 16)
    assert (trace.tokens_NE.sum(axis=1) == 20).all()
    assert trace.tokens_NE.max() <= 5
    assert np.allclose(trace.probabilities_NE.sum(axis=1), 1, atol=1e-4)


def test_needed_objects_are_those_of_the_layer_with_tokens() -> None:
    system = a_system(2, 8, 8, top_k=2)
    trace = a_trace(system, steps=2)
    assert all(len(row) == 2 for row in trace.needed(system))
    assert [int(row.min() // 8) for row in trace.needed(system)] == [0, 1, 0, 1]


def test_patterns_differ_in_how_often_a_token_uses_what_the_last_one_did() -> None:
    assert 0.3 < reuse("popular") < 0.5  # chance: 1/8; OLMoE: 0.25 to 0.47
    assert 0.55 < reuse("sticky") < 0.75
    assert reuse("chained") < reuse("popular")


def test_experts_of_a_skewed_router_are_uneven_and_the_history_tells() -> None:
    trace = a_trace(MODEL, pattern="skewed", steps=60)
    uses_LE = trace.tokens_NE.reshape(60, 8, 64).sum(axis=0)
    assert np.sort(uses_LE, axis=1)[:, -16:].sum() > 0.6 * uses_LE.sum()
    assert np.corrcoef(uses_LE.reshape(-1), trace.history_RLE.sum(axis=0).reshape(-1))[0, 1] > 0.7


def test_a_chain_ties_an_expert_to_one_of_the_layer_before() -> None:
    def strongest(pattern: str) -> float:
        used = a_trace(a_system(2, 16, 8, top_k=2), pattern=pattern, steps=400).tokens_NE.reshape(400, 2, 16) > 0
        first, second = used[:, 0].astype(float), used[:, 1].astype(float)
        lift = (first.T @ second) / np.maximum(1, first.sum(axis=0))[:, None] - second.mean(axis=0)
        return float(np.median(lift.max(axis=1)))

    assert strongest("chained") > strongest("popular") + 0.1


def test_recurring_sequences_are_of_few_kinds() -> None:
    history = a_trace(MODEL, pattern="recurring").history_RLE.reshape(HISTORY, -1).astype(float)
    alike = np.corrcoef(history)[np.triu_indices(HISTORY, 1)]
    assert alike.max() > 0.85
    assert alike.min() < 0.5


@pytest.mark.parametrize("wanted", [0.6, 0.8, 0.95, 1.0])
def test_hints_are_as_good_as_they_are_said_to_be(wanted: float) -> None:
    trace = a_trace(MODEL, steps=60, hint=wanted)
    told = top_k(trace.hints_NE[:-1], 8)
    truth = trace.tokens_NE[1:] > 0
    there = np.arange(len(told)) % 8 != 7
    assert (told & truth)[there].sum() / truth[there].sum() == pytest.approx(wanted, abs=0.02)


def test_no_hint_crosses_to_the_next_step_and_none_is_given_for_zero() -> None:
    hinted, silent = (a_trace(MODEL, hint=hint).hints_NE.any(axis=1).reshape(-1, 8) for hint in (0.8, 0.0))
    assert hinted[:, :-1].all()
    assert not hinted[:, -1].any()
    assert not silent.any()


def test_sequences_begin_as_often_as_the_pattern_says() -> None:
    steps = PATTERNS["recurring"].steps
    fresh = a_trace(MODEL, pattern="recurring", steps=2 * steps + 1).fresh_N.reshape(-1, 8)
    assert np.flatnonzero(fresh[:, 0]).tolist() == [0, steps, 2 * steps]
    assert (fresh == fresh[:, :1]).all()


def test_the_same_numbers_give_the_same_trace() -> None:
    first, again, other = (a_trace(MODEL, hint=0.8, seed=seed) for seed in (5, 5, 6))
    assert (first.tokens_NE == again.tokens_NE).all()
    assert (first.hints_NE == again.hints_NE).all()
    assert (first.history_RLE == again.history_RLE).all()
    assert (first.tokens_NE != other.tokens_NE).any()


def test_popular_takes_the_most_used_and_the_lowest_id_among_equals() -> None:
    history_RLE = np.array([[[3, 1], [1, 5]], [[0, 0], [0, 1]]], dtype=np.int32)
    assert popular(history_RLE, 2).tolist() == [True, False, False, True]
    assert popular(history_RLE, 3).tolist() == [True, True, False, True]
