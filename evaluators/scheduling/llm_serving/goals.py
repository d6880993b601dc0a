"""What a scenario asks for beside latency, how much of it was had, and what nobody can exceed.

Where there is such a goal, ``utility = 0.6 (utility of the latencies) + 0.4 worth``, with the worth in [0, 1]:

- energy: the least energy that serves the requests over the energy spent, idling included, up to the last token;
- tuning: tokens fine-tuned until the last request comes, over what an empty fleet could do in that time; they count in
  full where 95 % of the requests keep their limits, not at all at 75 %, in between in proportion;
- quality: the mean quality of the models that finished the requests.

The least energy: all linear work at the number of tokens and the clock that take the least energy per token, attention
at the lowest clock, and idling until the last request comes. Nobody fine-tunes faster than the least seconds per token
of the linear operations allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evaluators.scheduling.llm_serving.bounds import hull, shareable_tokens
from evaluators.scheduling.llm_serving.costs import CostModel
from evaluators.scheduling.llm_serving.fleet import Fleet, Goal
from evaluators.scheduling.llm_serving.pace import LOWEST_FREQUENCY, POWER_EXPONENT, READING_POWER, TUNING_COST
from evaluators.scheduling.llm_serving.replica import Replica
from evaluators.scheduling.llm_serving.requests import Arrival, Request
from evaluators.scheduling.llm_serving.simulator import Simulator

GOAL_SHARE = 0.4  # of the utility, where there is a goal beside latency
FULL_ATTAINMENT, NO_ATTAINMENT = 0.95, 0.75  # from where fine-tuned tokens count in full, and not at all
_READING_J: float = READING_POWER * LOWEST_FREQUENCY**POWER_EXPONENT  # per dynamic watt and second, at the lowest clock
_COMPUTING_J: float = LOWEST_FREQUENCY ** (POWER_EXPONENT - 1)  # the same per second at the highest clock
_TABLE = range(8, 16385, 8)


@dataclass(frozen=True, slots=True)
class Achieved:
    """How much of the goal was had: joules, fine-tuned tokens per second, or mean quality."""

    amount: float
    worth: float  # in [0, 1]

    def utility(self, latency_utility: float) -> float:
        """Both together."""
        return (1 - GOAL_SHARE) * latency_utility + GOAL_SHARE * self.worth


def goal_bound(arrivals: Sequence[Arrival], fleet: Fleet) -> float:
    """What no schedule can beat: at least so many joules, at most so many tokens per second, at most that quality."""
    match fleet.goal:
        case Goal.ENERGY:
            return least_energy_j(arrivals, fleet)
        case Goal.TUNING:
            return sum(1 / (TUNING_COST * hull(cost).per_token_s()) for cost in fleet.costs)
        case Goal.QUALITY:
            return 1.0
        case Goal.NONE:
            return 0.0


def achieved(run: Simulator, fleet: Fleet, bound: float, attainment: float) -> Achieved | None:
    """What a finished run had of the fleet's goal; `None` without one."""
    match fleet.goal:
        case Goal.ENERGY:
            spent_j = energy_j(run.replicas, max(request.finish_s for request in run.requests))
            return Achieved(spent_j, bound / spent_j)
        case Goal.TUNING:
            rate = run.tuned_tokens / run.requests[-1].arrival_s
            counted = (attainment - NO_ATTAINMENT) / (FULL_ATTAINMENT - NO_ATTAINMENT)
            return Achieved(rate, min(max(counted, 0.0), 1.0) * rate / bound)
        case Goal.QUALITY:
            quality = mean_quality(run.requests, fleet)
            return Achieved(quality, quality)
        case Goal.NONE:
            return None


def energy_j(replicas: Sequence[Replica], end_s: float) -> float:
    """Joules of a fleet from 0 to `end_s`."""
    return sum(r.cost.idle_w * end_s + (r.pace.dynamic_j if r.pace is not None else 0.0) for r in replicas)


def mean_quality(run: Sequence[Request], fleet: Fleet) -> float:
    """Of the models that gave the last tokens."""
    return float(np.mean([fleet.qualities[request.replica] for request in run]))


def least_energy_j(arrivals: Sequence[Arrival], fleet: Fleet) -> float:
    """What serving these requests takes at least, idling until the last one comes."""
    idle_j = arrivals[-1].arrival_s * sum(cost.idle_w for cost in fleet.costs)
    costs = set(fleet.costs)
    pairs = zip(arrivals, shareable_tokens(arrivals), strict=True)
    return idle_j + sum(min(_request_j(arrival, cached, cost) for cost in costs) for arrival, cached in pairs)


def _request_j(arrival: Arrival, cached: int, cost: CostModel) -> float:
    new, steps = arrival.prompt - cached, arrival.output - 1
    prefill_s = cost.prefill_pair_s * 0.5 * (arrival.prompt**2 - cached**2) + cost.prefill_s * new
    decode_s = cost.decode_s * (steps * arrival.prompt + 0.5 * steps * (steps - 1))
    attention_j = cost.dynamic_w * (_COMPUTING_J * prefill_s + _READING_J * decode_s)
    return attention_j + _least_j_per_token(cost) * (new + steps)


@lru_cache(maxsize=64)
def _least_j_per_token(cost: CostModel) -> float:
    """Linear work at the best number of tokens per iteration; beyond the table, its slope."""
    reading_j = _READING_J * cost.weights_s
    per_token = min((reading_j + _COMPUTING_J * (cost.linear(n) - cost.weights_s)) / n for n in _TABLE)
    return cost.dynamic_w * min(per_token, _COMPUTING_J * cost.slope_s)
