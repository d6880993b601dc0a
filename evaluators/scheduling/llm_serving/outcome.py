"""What a run was worth: SLO attainment, speed against each request's floor, and the slowest twentieth.

``utility = 0.5 attainment + 0.3 speed + 0.2 tail``, all in [0, 1]. A request attains its SLO if first token and mean
time per token keep their limits and it is not starved; its speed is floor latency over latency; the tail is the mean
speed of the slowest 5 %. A request with priority counts `PRIORITY_WEIGHT` times. Speed and tail are at most 1, and no
request attains an SLO that its floor misses: hence the proven bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.llm_serving.bounds import Floor
from evaluators.scheduling.llm_serving.requests import Arrival, Request

ATTAINMENT_SHARE, SPEED_SHARE, TAIL_SHARE = 0.5, 0.3, 0.2
TAIL = 0.05  # share of the requests
STARVED = 20.0  # times the floor: such a latency is a miss, whatever the SLO
PRIORITY_WEIGHT = 3.0


@dataclass(frozen=True, slots=True)
class Assessment:
    """One run's figures; shares and speeds are weighted by priority, latencies are not."""

    attainment: float
    speed: float
    tail: float
    starved: float
    ttft_late: float  # misses by their cause; a request may have several
    tpot_late: float
    ttft_mean_s: float
    ttft_p99_s: float
    tpot_mean_s: float
    tpot_p99_s: float
    latency_mean_s: float
    latency_p99_s: float
    token_latency_s: float  # mean of latency over output tokens

    @property
    def utility(self) -> float:
        """What is scored; where a scenario has a goal beside latency, `goals` adds it."""
        return ATTAINMENT_SHARE * self.attainment + SPEED_SHARE * self.speed + TAIL_SHARE * self.tail


def assess(run: Sequence[Request], floors: Sequence[Floor]) -> Assessment:
    """The figures of finished requests, in the order of their floors."""
    weights = np.array([_weight(request.arrival) for request in run])
    speeds = np.array([floor.latency_s / r.latency_s for r, floor in zip(run, floors, strict=True)])
    starved = speeds < 1 / STARVED
    ttft_late = np.array([r.ttft_s > r.arrival.slo_ttft_s for r in run])
    tpot_late = np.array([r.tpot_s > r.arrival.slo_tpot_s for r in run])
    attained = ~(ttft_late | tpot_late | starved)
    latencies = np.array([r.latency_s for r in run])
    ttfts, tpots = np.array([r.ttft_s for r in run]), np.array([r.tpot_s for r in run])
    slowest = np.argsort(speeds)[: max(1, round(TAIL * len(run)))]
    return Assessment(
        attainment=float(np.average(attained, weights=weights)),
        speed=float(np.average(speeds, weights=weights)),
        tail=float(np.average(speeds[slowest], weights=weights[slowest])),
        starved=float(np.average(starved, weights=weights)),
        ttft_late=float(np.average(ttft_late, weights=weights)),
        tpot_late=float(np.average(tpot_late, weights=weights)),
        ttft_mean_s=float(ttfts.mean()),
        ttft_p99_s=float(np.percentile(ttfts, 99)),
        tpot_mean_s=float(tpots.mean()),
        tpot_p99_s=float(np.percentile(tpots, 99)),
        latency_mean_s=float(latencies.mean()),
        latency_p99_s=float(np.percentile(latencies, 99)),
        token_latency_s=float((latencies / [r.output for r in run]).mean()),
    )


def utility_bound(arrivals: Sequence[Arrival], floors: Sequence[Floor]) -> float:
    """What no schedule can exceed."""
    weights = [_weight(arrival) for arrival in arrivals]
    possible = [_keeps(f.ttft_s, f.tpot_s, arrival) for arrival, f in zip(arrivals, floors, strict=True)]
    return ATTAINMENT_SHARE * float(np.average(possible, weights=weights)) + SPEED_SHARE + TAIL_SHARE


def _keeps(ttft_s: float, tpot_s: float, arrival: Arrival) -> bool:
    return ttft_s <= arrival.slo_ttft_s and tpot_s <= arrival.slo_tpot_s


def _weight(arrival: Arrival) -> float:
    return PRIORITY_WEIGHT if arrival.priority > 0 else 1.0
