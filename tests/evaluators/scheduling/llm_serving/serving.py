"""Small fleets, arrivals and directors that the tests of `llm_serving` share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from evaluators.scheduling.llm_serving.costs import CostModel, cost_model
from evaluators.scheduling.llm_serving.director import BatchPlan, Placement, Style
from evaluators.scheduling.llm_serving.fleet import Fleet
from evaluators.scheduling.llm_serving.replica import Replica
from evaluators.scheduling.llm_serving.requests import Arrival, Request

TRACES = os.environ.get("EVENKEEL_TRACES")


def trace_file(name: str) -> Path:
    """A recorded trace, or a skip that says why."""
    if TRACES is None:
        pytest.skip("EVENKEEL_TRACES is not set: the recorded traces are no part of the project")
    path = Path(TRACES) / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def arrival(at_s: float, prompt: int, output: int, blocks: tuple[int, ...] = ()) -> Arrival:
    return Arrival(
        arrival_s=at_s, prompt=prompt, output=output, slo_ttft_s=1.0, slo_tpot_s=0.05, predicted=output, blocks=blocks
    )


def random_arrivals(seed: int, count: int, rate: float = 20.0, longest: int = 2000) -> list[Arrival]:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(1 / rate, count))
    return [
        arrival(float(t), int(p), int(d))
        for t, p, d in zip(times, rng.integers(1, longest, count), rng.integers(1, 300, count), strict=True)
    ]


def small_cost(kv_tokens: int = 20_000) -> CostModel:
    return cost_model("llama3-8b", "a100", 1, kv_tokens=kv_tokens)


def fleet(count: int, kv_tokens: int = 20_000) -> Fleet:
    return Fleet(costs=(small_cost(kv_tokens),) * count, roles=(0,) * count)


@dataclass(slots=True)
class FewestWaiting:
    """Vidur's "least outstanding requests", which counts waiting requests only and starts from replica 0."""

    style: Style = field(default_factory=Style)

    def place(self, now_s: float, request: Request, replicas: Sequence[Replica]) -> Placement:
        chosen = min(replicas, key=lambda replica: len(replica.waiting)).index
        return Placement(chosen, chosen, request.arrival_s)

    def plan(self, now_s: float, replica: Replica) -> BatchPlan:
        raise NotImplementedError

    def rebalance(self, now_s: float, replicas: Sequence[Replica]) -> Sequence[tuple[Request, int]]:
        raise NotImplementedError
