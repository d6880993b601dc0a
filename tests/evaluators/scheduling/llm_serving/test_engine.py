"""The engine's own promises: stretches equal single iterations, memory is never overfull, nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.llm_serving.batching import Chunks
from evaluators.scheduling.llm_serving.director import Placement, Style
from evaluators.scheduling.llm_serving.fleet import Failure, Fleet, Goal
from evaluators.scheduling.llm_serving.goals import energy_j
from evaluators.scheduling.llm_serving.reference import RoundRobin
from evaluators.scheduling.llm_serving.replica import DECODE, PREFILL, Replica
from evaluators.scheduling.llm_serving.requests import BLOCK_TOKENS, Request, State, checked_arrivals
from evaluators.scheduling.llm_serving.simulator import Simulator
from tests.evaluators.scheduling.llm_serving.serving import FewestWaiting, arrival, fleet, random_arrivals, small_cost


class TokenByToken(Simulator):
    """The same engine without stretches: an event per iteration."""

    def _begin(self, now_s: float, replica: Replica, chunks: Chunks, iterations: int = 1, *, decode: bool) -> None:
        super()._begin(now_s, replica, chunks, 1, decode=decode)


class Watched(Simulator):
    """Looks at every replica whenever a step begins."""

    def _begin(
        self, now_s: float, replica: Replica, chunks: Chunks, iterations: int = 1 << 30, *, decode: bool
    ) -> None:
        super()._begin(now_s, replica, chunks, iterations, decode=decode)
        assert not (chunks and replica.role == DECODE)
        shared = {b for r in self.requests if r.replica == replica.index for b in r.blocks[: r.shared]}
        private = sum(
            r.target
            + (replica.iteration - r.joined_iteration if r.state is State.DECODING else 0)
            - BLOCK_TOKENS * r.shared
            for r in self.requests
            if r.replica == replica.index and r.state in (State.DECODING, State.PREFILLING, State.PAUSED)
        )
        assert replica.kv_used == private + BLOCK_TOKENS * len(shared)
        assert replica.kv_used + BLOCK_TOKENS * replica.cache.num_idle <= replica.cost.kv_tokens
        assert replica.num_running <= 128
        assert replica.read_tokens == sum(
            r.target + replica.iteration - r.joined_iteration for r in replica.decoding.values()
        )
        assert replica.queued_tokens == sum(
            r.target - r.prefilled for _, _, r in (*replica.waiting, *replica.prefilling)
        )
        assert replica.generated_tokens == sum(
            r.generated + (replica.iteration - r.joined_iteration if r.state is State.DECODING else 0)
            for r in self.requests
            if r.replica == replica.index and r.state in (State.WAITING, State.PREFILLING, State.DECODING, State.PAUSED)
        )


@dataclass(slots=True)
class ToReplica1(FewestWaiting):
    """Starts a request on replica 0, later on replica 2, and moves it to replica 1."""

    style: Style = field(default_factory=lambda: Style(rebalance_every_s=0.5))
    asked_s: list[float] = field(default_factory=list)

    def place(self, now_s: float, request: Request, replicas: Sequence[Replica]) -> Placement:
        return Placement(0 if replicas[0].up else 2, 0, request.arrival_s)

    def rebalance(self, now_s: float, replicas: Sequence[Replica]) -> Sequence[tuple[Request, int]]:
        self.asked_s.append(now_s)
        return [(request, 1) for replica in replicas for request in replica.decoding.values()]


class Handing(Watched):
    """Remembers when requests change replicas."""

    handed_s: tuple[float, ...] = ()

    def _hand_over(self, now_s: float, source: Replica, request: Request) -> None:
        super()._hand_over(now_s, source, request)
        self.handed_s += (now_s,)


def times(run: list[Request]) -> list[float]:
    return [t for r in run for t in (r.first_token_s, r.finish_s)]


@given(seed=st.integers(0, 10_000), prefill_first=st.booleans(), kv_tokens=st.sampled_from([5_000, 8_000, 40_000]))
@settings(max_examples=25, deadline=None)
def test_a_stretch_is_the_sum_of_its_iterations(seed: int, prefill_first: bool, kv_tokens: int) -> None:
    arrivals = random_arrivals(seed, 40)
    style = Style(prefill_first=prefill_first)
    fast = Simulator(arrivals, fleet(2, kv_tokens), RoundRobin(style))
    slow = TokenByToken(arrivals, fleet(2, kv_tokens), RoundRobin(style))
    assert times(fast.run()) == pytest.approx(times(slow.run()), rel=1e-9)
    assert fast.num_steps < slow.num_steps


@given(seed=st.integers(0, 10_000), kv_tokens=st.sampled_from([5_000, 8_000, 40_000]), split=st.booleans())
@settings(max_examples=25, deadline=None)
def test_memory_holds_and_every_request_is_served(seed: int, kv_tokens: int, split: bool) -> None:
    arrivals = [
        replace(a, blocks=tuple(range(seed + i % 3, seed + i % 3 + a.prompt // BLOCK_TOKENS)))
        for i, a in enumerate(random_arrivals(seed, 60))
    ]
    played = Fleet(
        costs=(small_cost(kv_tokens),) * 3,
        roles=(PREFILL, DECODE, DECODE) if split else (0, 0, 0),
        failure=Failure(replica=2, at_s=1.0, back_s=2.0),
    )
    for request in Watched(arrivals, played, RoundRobin()).run():
        assert request.state is State.FINISHED
        assert request.generated == request.output
        assert request.arrival_s < request.first_token_s <= request.finish_s


@given(
    seed=st.integers(0, 10_000),
    rate=st.sampled_from([0.5, 3.0, 20.0]),
    fails_s=st.floats(0.01, 20.0),
    roles=st.sampled_from([(0, 0, 0), (PREFILL, PREFILL, DECODE), (PREFILL, DECODE, DECODE)]),
    style=st.builds(Style, swaps=st.booleans(), prefill_first=st.booleans()),
)
@settings(max_examples=50, deadline=None)
def test_nothing_is_left_behind_by_a_replica_that_fails_busy_or_idle(
    seed: int, rate: float, fails_s: float, roles: tuple[int, ...], style: Style
) -> None:
    arrivals = random_arrivals(seed, 30, rate)
    failing = Failure(replica=1, at_s=fails_s, back_s=fails_s + 1.0)
    simulator = Simulator(
        arrivals, Fleet(costs=(small_cost(5_000),) * 3, roles=roles, failure=failing), RoundRobin(style)
    )
    simulator.run()
    for replica in simulator.replicas:
        counted = (replica.kv_used, replica.read_tokens, replica.queued_tokens, replica.generated_tokens)
        assert (counted, replica.predicted_tokens, replica.num_running) == ((0, 0, 0, 0), 0.0, 0)
        assert [*replica.waiting, *replica.evicted] == []


def test_a_replica_that_fails_idle_has_nothing_to_count() -> None:
    """Its last stretch is over: neither its tokens nor its energy come a second time."""
    arrivals = [arrival(0.0, 100, 200), arrival(0.1, 100, 2), arrival(30.0, 100, 2)]
    calm = replace(fleet(2), goal=Goal.ENERGY)
    failing = replace(calm, failure=Failure(replica=0, at_s=20.0, back_s=25.0))
    runs = [Simulator(arrivals, played, RoundRobin()) for played in (calm, failing)]
    spent = [energy_j(run.replicas, max(r.finish_s for r in run.run())) for run in runs]
    assert runs[1].replicas[0].kv_used == 0
    assert spent[0] == spent[1]


def test_hits_are_those_of_the_first_admission_also_where_another_replica_decodes() -> None:
    blocks = (7, 8, 9, 10)
    arrivals = [arrival(0.0, 2100, 5, blocks), arrival(10.0, 2100, 5, blocks)]
    split = replace(fleet(2, 40_000), roles=(PREFILL, DECODE))
    run = Simulator(arrivals, split, RoundRobin()).run()
    assert [(r.replica, r.hit_tokens) for r in run] == [(1, 0), (1, 2048)]


def test_what_a_replica_for_decodes_preempts_computes_its_prompt_where_prompts_are_computed() -> None:
    """Two sequences outgrow the decode replica; the later one arrives anew, and its tokens are not lost."""
    arrivals = [arrival(0.0, 1800, 400), arrival(0.001, 1800, 400)]
    costs = (small_cost(20_000), small_cost(4_100))
    split = Fleet(costs=costs, roles=(PREFILL, DECODE))
    run = Watched(arrivals, split, RoundRobin()).run()
    assert [r.preemptions > 0 for r in run] == [False, True]
    assert [r.generated for r in run] == [400, 400]


def test_a_shared_prefix_is_computed_once() -> None:
    blocks = (7, 8, 9, 10)
    first, second, other = (
        arrival(at, 2100, 5, shared) for at, shared in ((0.0, blocks), (10.0, blocks), (20.0, (7, 8, 1, 2)))
    )
    run = Simulator([first, second, other], fleet(1, 40_000), RoundRobin()).run()
    assert [r.hit_tokens for r in run] == [0, 2048, 1024]
    assert run[1].ttft_s < 0.2 * run[0].ttft_s


def test_an_idle_prefix_makes_room_for_running_requests() -> None:
    arrivals = [arrival(float(10 * i), 4000, 50, tuple(range(100 * i, 100 * i + 7))) for i in range(5)]
    arrivals.append(arrival(60.0, 4000, 50, arrivals[0].blocks))
    run = Simulator(arrivals, fleet(1, 9_000), RoundRobin()).run()
    assert run[-1].hit_tokens == 0  # it was the oldest


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(1.0, 10, 10), (0.5, 10, 10)], "sort the trace by time"),
        ([(-1.0, 10, 10)], "start at 0 or later"),
        ([(0.0, 0, 10)], "at least 1 prompt"),
        ([(0.0, 10, 0)], "at least 1 prompt"),
        ([(0.0, 9_000, 1_001)], "can never fit a KV cache of 10000"),
    ],
)
def test_impossible_arrivals_are_refused_with_a_reason(rows: list[tuple[float, int, int]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        checked_arrivals([arrival(*row) for row in rows], 10_000)


def test_a_copy_that_was_lost_is_not_taken_for_the_next_one() -> None:
    """Its end may come after the request is on its way again, from another replica."""
    fails = replace(fleet(3), failure=Failure(replica=0, at_s=0.9, back_s=100.0), link_bytes_per_s=1e8)
    director = ToReplica1()
    run = Handing([arrival(0.0, 1000, 400)], fails, director)
    (request,) = run.run()
    assert request.state is State.FINISHED
    assert director.asked_s[:2] == [0.5, 1.0]  # on replica 0, and after its failure on replica 2
    assert run.handed_s[0] > 1.0 + small_cost().transfer_s(1000, 1e8)
    assert len(run.handed_s) == run.num_migrations == 1
