"""Clocks, fine-tuning, swapping and models of unequal quality: what they cost, what they bring, what bounds them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.llm_serving.admission import admit
from evaluators.scheduling.llm_serving.costs import CostModel, cost_model
from evaluators.scheduling.llm_serving.director import Style
from evaluators.scheduling.llm_serving.fleet import Failure, Fleet, Goal
from evaluators.scheduling.llm_serving.goals import achieved, goal_bound, least_energy_j
from evaluators.scheduling.llm_serving.pace import LOWEST_FREQUENCY, Pace
from evaluators.scheduling.llm_serving.program import ProgramDirector
from evaluators.scheduling.llm_serving.reference import RoundRobin
from evaluators.scheduling.llm_serving.replica import Replica
from evaluators.scheduling.llm_serving.requests import Arrival, Request, State
from evaluators.scheduling.llm_serving.simulator import Simulator
from evaluators.scheduling.llm_serving.views import fleet_config
from tests.evaluators.scheduling.llm_serving.serving import arrival, fleet, random_arrivals, small_cost
from tests.evaluators.scheduling.llm_serving.test_engine import TokenByToken, Watched, times
from tests.evaluators.scheduling.llm_serving.test_program import WILD, program
from tests.in_process import InProcessCandidate

PLACE = '"route": replicas[4] + replicas[5], "key": request[5]'


def run(source: str, arrivals: list[Arrival], played: Fleet, engine: type[Simulator] = Simulator) -> Simulator:
    config = {**fleet_config(played), "mean_prompt": 1000.0, "mean_output": 150.0, "seed": 1}
    simulator = engine(arrivals, played, ProgramDirector(InProcessCandidate(source), config, len(played.costs)))
    simulator.run()
    return simulator


def paced(frequency: float = 1.0, tune_s: float = 0.0, options: str = "{}") -> str:
    count = "replicas.shape[1]"
    reply = f'"frequency": np.full({count}, {frequency}), "tune_s": np.full({count}, {tune_s})'
    return program(options=options, arrive="{" + PLACE + ", " + reply + "}")


def amount(simulator: Simulator, played: Fleet) -> float:
    found = achieved(simulator, played, 1.0, 1.0)
    assert found is not None
    return found.amount


@given(seed=st.integers(0, 10_000), kv_tokens=st.sampled_from([5_000, 40_000]))
@settings(max_examples=10, deadline=None)
def test_the_neutral_settings_change_nothing_to_the_bit(seed: int, kv_tokens: int) -> None:
    arrivals, plain = random_arrivals(seed, 60), fleet(2, kv_tokens)
    silent = run(program(arrive="{" + PLACE + "}"), arrivals, plain)
    neutral = run(paced(options='{"swap": False}'), arrivals, replace(plain, goal=Goal.ENERGY))
    assert times(silent.requests) == times(neutral.requests)


@given(seed=st.integers(0, 10_000), kv_tokens=st.sampled_from([5_000, 8_000]))
@settings(max_examples=10, deadline=None)
def test_a_stretch_is_the_sum_of_its_iterations_at_any_clock_and_with_swapping(seed: int, kv_tokens: int) -> None:
    arrivals, played = random_arrivals(seed, 40), replace(fleet(2, kv_tokens), goal=Goal.ENERGY)
    source = paced(frequency=0.7, options='{"swap": True}')
    fast, slow = (run(source, arrivals, played, engine) for engine in (Simulator, TokenByToken))
    assert times(fast.requests) == pytest.approx(times(slow.requests), rel=1e-9)
    assert amount(fast, played) == pytest.approx(amount(slow, played), rel=1e-9)


def test_a_lower_clock_slows_prompts_more_than_decodes_and_takes_less_energy() -> None:
    played, arrivals = replace(fleet(1), goal=Goal.ENERGY), [arrival(0.0, 3000, 200), arrival(20.0, 3000, 200)]
    fast, slow = (run(paced(frequency=f), arrivals, played) for f in (1.0, 0.5))
    prompts = slow.requests[1].ttft_s / fast.requests[1].ttft_s
    decodes = slow.requests[1].tpot_s / fast.requests[1].tpot_s
    assert 1.6 < prompts < 2.0
    assert 1.0 <= decodes < 1.05
    assert amount(slow, played) < 0.9 * amount(fast, played)


def test_energy_is_power_times_time() -> None:
    """A replica that computes one long prompt draws close to its limit, one that decodes a good half above idling."""
    cost = small_cost()
    pace, seconds = Pace(), cost.iteration_s(0, 0, ((0, 8192),))
    pace.begin(cost, 0, ((0, 8192),), seconds)
    pace.end(cost, 1, seconds)
    assert 0.9 * cost.dynamic_w * seconds < pace.dynamic_j <= cost.dynamic_w * seconds
    assert cost.idle_w + cost.dynamic_w == 400.0
    decoding, step_s = Pace(), cost.iteration_s(8, 8000, ())
    decoding.begin(cost, 8, (), step_s)
    decoding.end(cost, 100, 100 * step_s)
    assert decoding.dynamic_j == pytest.approx(0.55 * cost.dynamic_w * 100 * step_s, rel=0.02)


def test_idle_time_is_spent_on_fine_tuning_and_requests_wait_for_one_iteration_at_most() -> None:
    played = replace(fleet(1), goal=Goal.TUNING)
    arrivals = [arrival(0.0, 100, 2), *(arrival(10.0 * i, 500, 100) for i in range(1, 6))]
    none, some = (run(paced(tune_s=tune_s), arrivals, played) for tune_s in (0.0, 0.04))
    assert none.tuned_tokens == 0
    assert 0.7 * 50.0 < some.tuned_tokens * 3 * small_cost().linear(512) / 512 < 50.0
    for quiet, beside in zip(none.requests[1:], some.requests[1:], strict=True):
        assert quiet.ttft_s <= beside.ttft_s <= quiet.ttft_s + 2 * 0.04
        assert beside.tpot_s <= 0.04


def test_tokens_fine_tuned_after_the_last_request_came_do_not_count() -> None:
    """Else holding a single request back would buy any number of them."""
    played = replace(fleet(1), goal=Goal.TUNING)
    short, long = (
        run(paced(tune_s=0.04), [arrival(0.0, 100, 2), arrival(5.0, 100, output)], played) for output in (2, 2000)
    )
    assert short.tuned_tokens == long.tuned_tokens


def test_fine_tuning_counts_only_where_requests_keep_their_limits() -> None:
    played = replace(fleet(1), goal=Goal.TUNING)
    simulator = run(paced(tune_s=0.04), [arrival(0.0, 100, 2), arrival(5.0, 100, 2)], played)
    worth = [found.worth for a in (1.0, 0.95, 0.85, 0.75, 0.1) if (found := achieved(simulator, played, 1e5, a))]
    assert worth[0] == worth[1] == pytest.approx(2 * worth[2])
    assert worth[3] == worth[4] == 0.0


def test_a_failure_stops_fine_tuning_and_what_comes_later_starts_it_again() -> None:
    played = replace(fleet(2), goal=Goal.TUNING, failure=Failure(replica=1, at_s=2.0, back_s=4.0))
    simulator = run(paced(tune_s=0.04), [arrival(0.5 * i, 200, 20) for i in range(20)], played)
    assert all(request.generated == request.output for request in simulator.requests)
    assert simulator.replicas[1].tuned_by(9.5) > 0


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_swapping_keeps_memory_and_counts(seed: int) -> None:
    arrivals = random_arrivals(seed, 50, rate=40.0)
    for request in Watched(arrivals, fleet(2, 5_000), RoundRobin(Style(swaps=True))).run():
        assert request.generated == request.output
        assert not request.swapped


def test_swapping_saves_computing_anew() -> None:
    last_s, preemptions = [0.0, 0.0], 0
    for seed in range(8):
        arrivals = random_arrivals(seed, 50, rate=40.0)
        for place, swaps in enumerate((True, False)):
            requests = Simulator(arrivals, fleet(2, 5_000), RoundRobin(Style(swaps=swaps))).run()
            last_s[place] += max(request.finish_s for request in requests)
            preemptions += sum(request.preemptions for request in requests)
    assert preemptions > 50
    assert last_s[0] < last_s[1]


def test_a_swap_takes_the_time_of_its_copies_and_nothing_is_computed_anew() -> None:
    cost = cost_model("llama3-70b", "a100", 4)
    replica, request = Replica(0, cost), Request(0, arrival(0.0, 1000, 50))
    replica.swaps = True
    replica.enqueue(request)
    replica.begin(0.0, [(admit(replica, 0), 1000)])
    replica.advance()
    request.prefilled = 1000
    replica.queued_tokens = 0
    replica.complete_prefill(request)
    replica.join(request)
    replica.preempt(request, 1.0)
    assert (replica.kv_used, replica.queued_tokens, request.swapped) == (0, 0, True)
    assert admit(replica, 0).state is State.DECODING
    assert replica.kv_used == 1000
    replica.begin(1.0, [], 1)
    copy_s = 1000 * 327_680 / (4 * 25e9)
    assert replica.ended_s == pytest.approx(1.0 + 2 * copy_s + cost.iteration_s(1, 1000, ()), rel=1e-12)


def test_new_settings_count_from_the_next_iteration_of_every_replica() -> None:
    place = '{"route": [now > 0, now == 0], "key": now, "tune_s": [0.0, 0.0] if now == 0 else [0.04, 0.04]}'
    played = replace(fleet(2), goal=Goal.TUNING)
    simulator = run(
        program(arrive=place), [arrival(0.0, 100, 1000), arrival(0.5, 100, 2), arrival(9.0, 100, 2)], played
    )
    assert 0.035 < simulator.requests[0].tpot_s < 0.04


def test_answers_count_by_the_model_that_gave_them_and_decodes_stay_with_their_model() -> None:
    costs = (cost_model("llama3-8b", "a100", 1), cost_model("llama3-70b", "a100", 4))
    played = Fleet(costs=costs, roles=(0, 0), goal=Goal.QUALITY, qualities=(0.6, 1.0))
    arrivals = [arrival(0.0, 500, 200), arrival(0.1, 500, 200)]
    small, large = (
        run(program(arrive='{"route": ' + r + ', "key": 0.0}'), arrivals, played) for r in ("[0, 1]", "[1, 0]")
    )
    assert (amount(small, played), amount(large, played)) == (0.6, 1.0)
    moving = program(
        '{"rebalance_s": 0.5}', '{"route": [0, 1], "key": 0.0}', rebalance='{"move": np.full(len(requests), 1)}'
    )
    assert amount(run(moving, arrivals, played), played) == 0.6


def test_an_answer_that_was_preempted_is_not_finished_by_another_model() -> None:
    costs = (cost_model("llama3-8b", "a100", 1), cost_model("llama3-70b", "a100", 4))
    played = Fleet(costs=costs, roles=(0, 0), goal=Goal.QUALITY, qualities=(0.6, 1.0))
    hopping = program(  # when the second comes the first is preempted, and waits until it may move
        '{"batches": True, "rebalance_s": 0.05}',
        '{"route": [0, 1], "key": 0.0}',
        batch='{"admit": np.maximum(waiting[:, 3], 1) * ((waiting[:, 5] == 0) | (replica == 1) | (now > 2.0)),'
        ' "run": np.where(running[:, 2] == 2, running[:, 3], np.where((running[:, 5] > 50) & (now < 1.2), -1, 1))}',
        rebalance='{"move": np.where((requests[:, 2] == 1) & (requests[:, 5] > 0), 1, -1)}',
    )
    played_out = run(hopping, [arrival(0.0, 500, 300), arrival(1.0, 500, 200)], played)
    assert played_out.requests[0].preemptions == 1
    assert amount(played_out, played) == 0.6


KINDS = [("llama3-8b", "a100", 1), ("llama3-70b", "a100", 4), ("llama2-70b", "h100", 4)]


PROFILES = pytest.mark.parametrize("cost", [cost_model(*kind) for kind in KINDS], ids=lambda c: str(c.kv_tokens))
CLOCKS = st.sampled_from([LOWEST_FREQUENCY, 0.75, 1.0])


def least_j(cost: CostModel, prompt: int, output: int) -> float:
    return least_energy_j([arrival(0.0, prompt, output)], Fleet(costs=(cost,), roles=(0,)))


@PROFILES
@given(cuts=st.lists(st.integers(1, 6000), min_size=1, max_size=8), frequency=CLOCKS)
@settings(max_examples=25, deadline=None)
def test_no_chunking_and_no_clock_compute_a_prompt_with_less_energy(
    cost: CostModel, cuts: list[int], frequency: float
) -> None:
    pace, context = Pace(), 0
    pace.frequency = frequency
    for size in cuts:
        chunk = ((context, size),)
        pace.end(cost, 1, pace.begin(cost, 0, chunk, cost.iteration_s(0, 0, chunk)))
        context += size
    assert pace.dynamic_j >= least_j(cost, context, 1) * (1 - 1e-9)


@PROFILES
@given(prompt=st.integers(1, 100_000), others=st.integers(0, 127), frequency=CLOCKS)
@settings(max_examples=25, deadline=None)
def test_no_company_and_no_clock_decode_with_less_energy(
    cost: CostModel, prompt: int, others: int, frequency: float
) -> None:
    """`others` without any context share all but the reading of the KV."""
    pace = Pace()
    pace.frequency = frequency
    reading_j = 0.55 * frequency**2.4 * cost.dynamic_w * cost.decode_s * prompt
    pace.end(cost, 1, pace.begin(cost, 1 + others, (), cost.iteration_s(1 + others, prompt, ())))
    shared_j = max(0.0, pace.dynamic_j - 1.1 * reading_j) / (1 + others)
    decode_j = least_j(cost, prompt, 2) - least_j(cost, prompt, 1)
    assert reading_j + shared_j >= decode_j * (1 - 1e-9)


@pytest.mark.parametrize("goal", [Goal.ENERGY, Goal.TUNING, Goal.QUALITY])
@given(seed=st.integers(0, 1000))
@settings(max_examples=4, deadline=None)
def test_random_plans_stay_below_the_bounds_of_the_goals(goal: Goal, seed: int) -> None:
    played = replace(fleet(3, 12_000), goal=goal, qualities=(0.5, 1.0, 1.0))
    arrivals = random_arrivals(seed, 50, rate=30.0)
    found = achieved(run(WILD, arrivals, played), played, goal_bound(arrivals, played), 1.0)
    assert found is not None
    assert 0 <= found.worth < 1
