"""What no schedule can beat: a request's latency on an empty fleet, and the rate at which work can be done.

An iteration that computes q prompt tokens of a request takes at least ``g(q) + fixed + attention``, where g is the
lower convex hull of the linear operations' table. By convexity k equal chunks are the cheapest k chunks, so the prompt
takes at least ``min over k of k (g(p / k) + fixed)`` plus attention, whose sum does not depend on the chunks. Every
further token needs an iteration that reads its context. Tested by throwing random schedules at it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from evaluators.scheduling.llm_serving.costs import CostModel
from evaluators.scheduling.llm_serving.fleet import Fleet
from evaluators.scheduling.llm_serving.replica import DECODE, PREFILL
from evaluators.scheduling.llm_serving.requests import BLOCK_TOKENS, Arrival


@dataclass(frozen=True, slots=True)
class Floor:
    """The least seconds a request can take."""

    ttft_s: float
    tpot_s: float
    latency_s: float


class Hull:
    """The lower convex hull of a cost model's linear operations, non-decreasing, from 0 tokens on."""

    def __init__(self, cost: CostModel) -> None:
        falling = list(cost.linear_s)
        falling[0] = cost.linear_s[1]
        for i in range(len(falling) - 2, -1, -1):
            falling[i] = min(falling[i], falling[i + 1])
        self._tokens: list[float] = []
        self._seconds: list[float] = []
        self._tail = cost.slope_s
        for i, seconds in enumerate(falling):
            self._append(8.0 * i, seconds)
        while len(self._tokens) > 1 and self._last_slope() > cost.slope_s:  # the table goes on with this slope
            self._tokens.pop()
            self._seconds.pop()
        self.cheapest_tokens = min(
            (t for t in self._tokens if t > 0), key=lambda t: self(t) / t, default=self._tokens[-1]
        )

    def __call__(self, tokens: float) -> float:
        """Seconds that an iteration of that many tokens takes at least."""
        place = bisect_right(self._tokens, tokens)
        if place == len(self._tokens):
            return self._seconds[-1] + self._tail * (tokens - self._tokens[-1])
        left, right = place - 1, place
        share = (tokens - self._tokens[left]) / (self._tokens[right] - self._tokens[left])
        return self._seconds[left] + share * (self._seconds[right] - self._seconds[left])

    def per_token_s(self) -> float:
        """The least seconds per token at any size."""
        return min(self(self.cheapest_tokens) / self.cheapest_tokens, self._tail)

    def _append(self, tokens: float, seconds: float) -> None:
        while len(self._tokens) > 1:
            reach = self._seconds[-2] + (seconds - self._seconds[-2]) * (self._tokens[-1] - self._tokens[-2]) / (
                tokens - self._tokens[-2]
            )
            if self._seconds[-1] < reach:
                break
            self._tokens.pop()
            self._seconds.pop()
        self._tokens.append(tokens)
        self._seconds.append(seconds)

    def _last_slope(self) -> float:
        return (self._seconds[-1] - self._seconds[-2]) / (self._tokens[-1] - self._tokens[-2])


@lru_cache(maxsize=64)
def hull(cost: CostModel) -> Hull:
    """The hull of a cost model, made once."""
    return Hull(cost)


def prefill_floor_s(cost: CostModel, prompt: int, cached: int) -> float:
    """The least seconds to compute a prompt of which `cached` leading tokens are there."""
    linear, new = hull(cost), prompt - cached
    fixed = cost.cpu_s + cost.prefill_fixed_s
    low, high = 1, int(new / linear.cheapest_tokens) + 2  # with fixed costs on top, fewer chunks still are better
    while low < high:  # convex in the number of chunks
        middle = (low + high) // 2
        if middle * (linear(new / middle) + fixed) <= (middle + 1) * (linear(new / (middle + 1)) + fixed):
            high = middle
        else:
            low = middle + 1
    seconds = low * (linear(new / low) + fixed)
    return seconds + cost.prefill_pair_s * 0.5 * (prompt**2 - cached**2) + cost.prefill_s * new


def decode_floor_s(cost: CostModel, prompt: int, output: int) -> float:
    """The least seconds for every token after the first, one sequence at a time on its own."""
    steps = output - 1
    fixed = cost.cpu_s + hull(cost)(1) + min(cost.decode_fixed_s, cost.prefill_fixed_s)
    return steps * fixed + cost.decode_s * (steps * prompt + 0.5 * steps * (steps - 1))


def floors(arrivals: Sequence[Arrival], fleet: Fleet) -> list[Floor]:
    """The least latencies of every request, alone on the fleet's best replicas, all it may share already cached."""
    kinds = list(zip(fleet.costs, fleet.roles, strict=True))
    prefill = {cost for cost, role in kinds if role != DECODE}
    decode = {cost for cost, role in kinds if role != PREFILL}
    found = []
    for arrival, cached in zip(arrivals, shareable_tokens(arrivals), strict=True):
        ttft_s = min(prefill_floor_s(cost, arrival.prompt, cached) for cost in prefill)
        rest_s = min(decode_floor_s(cost, arrival.prompt, arrival.output) for cost in decode)
        found.append(Floor(ttft_s, rest_s / max(1, arrival.output - 1), ttft_s + rest_s))
    return found


def shareable_tokens(arrivals: Sequence[Arrival]) -> list[int]:
    """Leading prompt tokens of each request that an endless cache would hold."""
    seen: set[int] = set()
    tokens = []
    for arrival in arrivals:
        depth = 0
        for block in arrival.blocks:
            if block not in seen:
                break
            depth += 1
        tokens.append(BLOCK_TOKENS * min(depth, (arrival.prompt - 1) // BLOCK_TOKENS))
        seen.update(arrival.blocks)
    return tokens


def capacity_bound(arrivals: Sequence[Arrival], fleet: Fleet) -> float:
    """Requests per second of this mix that the fleet cannot exceed: the work of each on its cheapest replica."""
    works = [_work_s(a, cached, fleet.costs) for a, cached in zip(arrivals, shareable_tokens(arrivals), strict=True)]
    return len(fleet.costs) * len(works) / sum(works)


def _work_s(arrival: Arrival, cached: int, costs: Sequence[CostModel]) -> float:
    return min(_work_on_s(arrival, cached, cost) for cost in set(costs))


def _work_on_s(arrival: Arrival, cached: int, cost: CostModel) -> float:
    new, steps = arrival.prompt - cached, arrival.output - 1
    linear = hull(cost).per_token_s() * (new + steps)
    prefill = cost.prefill_pair_s * 0.5 * (arrival.prompt**2 - cached**2) + cost.prefill_s * new
    return linear + prefill + cost.decode_s * (steps * arrival.prompt + 0.5 * steps * (steps - 1))
