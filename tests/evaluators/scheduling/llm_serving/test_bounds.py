"""The bounds against schedules: random chunkings of the cost model, and whole random runs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.llm_serving.bounds import capacity_bound, decode_floor_s, floors, hull, prefill_floor_s
from evaluators.scheduling.llm_serving.costs import CostModel, cost_model
from evaluators.scheduling.llm_serving.fleet import Fleet
from evaluators.scheduling.llm_serving.outcome import assess, utility_bound
from tests.evaluators.scheduling.llm_serving.serving import random_arrivals, small_cost
from tests.evaluators.scheduling.llm_serving.test_program import WILD, play

KINDS = [("llama3-8b", "a100", 1), ("llama3-70b", "a100", 4), ("llama2-70b", "h100", 4), ("llama2-70b", "a100", 2)]
PROFILES = pytest.mark.parametrize("cost", [cost_model(*kind) for kind in KINDS], ids=lambda c: str(c.kv_tokens))


@PROFILES
@given(cuts=st.lists(st.integers(1, 3000), min_size=1, max_size=12), cached=st.sampled_from([0, 512, 4096]))
@settings(max_examples=60, deadline=None)
def test_no_chunking_computes_a_prompt_faster(cost: CostModel, cuts: list[int], cached: int) -> None:
    context, seconds = cached, 0.0
    for size in cuts:
        seconds += cost.iteration_s(0, 0, ((context, size),))
        context += size
    assert seconds >= prefill_floor_s(cost, context, cached) * (1 - 1e-12)


@PROFILES
@given(prompt=st.integers(1, 60_000), output=st.integers(2, 50), others=st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_no_company_makes_decoding_faster(cost: CostModel, prompt: int, output: int, others: int) -> None:
    seconds = sum(cost.iteration_s(1 + others, prompt + step, ()) for step in range(output - 1))
    assert seconds >= decode_floor_s(cost, prompt, output) * (1 - 1e-12)


@PROFILES
def test_the_hull_lies_below_the_table_and_touches_it(cost: CostModel) -> None:
    below = hull(cost)
    gaps = [cost.linear(n) - below(n) for n in range(1, 20_000, 7)]
    assert min(gaps) >= -1e-12
    assert min(gaps) < 1e-4


@given(seed=st.integers(0, 100))
@settings(max_examples=8, deadline=None)
def test_random_plans_stay_below_the_bounds(seed: int) -> None:
    arrivals = random_arrivals(seed, 50, rate=30.0)
    fleet = Fleet(costs=(small_cost(12_000),) * 3, roles=(0, 0, 0))
    least = floors(arrivals, fleet)
    run, _ = play(WILD, arrivals, fleet)
    for request, floor in zip(run, least, strict=True):
        assert request.ttft_s >= floor.ttft_s * (1 - 1e-12)
        assert request.tpot_s >= floor.tpot_s * (1 - 1e-12)
        assert request.latency_s >= floor.latency_s * (1 - 1e-12)
    assert assess(run, least).utility <= utility_bound(arrivals, least)
    busy_s = max(request.finish_s for request in run)
    assert len(run) / busy_s <= capacity_bound(arrivals, fleet)


def test_a_request_alone_comes_close_to_its_floor() -> None:
    arrivals = random_arrivals(1, 1, rate=1.0)
    fleet = Fleet(costs=(small_cost(),), roles=(0,))
    source = "class Policy:\n def __init__(self, c): pass\n def options(self): return {}\n"
    source += " def arrive(self, now, request, replicas): return {'route': [0.0], 'key': 0.0, 'budget': [16384]}\n"
    request = play(source, arrivals, fleet)[0][0]
    assert 1.0 <= request.latency_s / floors(arrivals, fleet)[0].latency_s < 1.05
