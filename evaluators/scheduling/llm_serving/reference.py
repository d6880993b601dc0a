"""Directors of our own: the weak baseline that scores 0, and quick ones to measure and test the engine with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from evaluators.scheduling.llm_serving.director import (
    BatchPlan,
    Placement,
    Style,
    decode_candidates,
    prefill_candidates,
)
from evaluators.scheduling.llm_serving.replica import Replica
from evaluators.scheduling.llm_serving.requests import Request


@dataclass(slots=True)
class RoundRobin:
    """Replicas in turn, first come first served: the task's weak baseline, as `seeds/llm_serving/baselines` has it."""

    style: Style = field(default_factory=Style)
    _turn: int = 0

    def place(self, now_s: float, request: Request, replicas: Sequence[Replica]) -> Placement:
        """The next replica that is up."""
        del now_s
        turn = self._turn
        self._turn += 1
        prefill, decode = prefill_candidates(replicas), decode_candidates(replicas)
        return Placement(prefill[turn % len(prefill)].index, decode[turn % len(decode)].index, request.arrival_s)

    def plan(self, now_s: float, replica: Replica) -> BatchPlan:
        """Never asked."""
        raise NotImplementedError

    def rebalance(self, now_s: float, replicas: Sequence[Replica]) -> Sequence[tuple[Request, int]]:
        """Never asked."""
        raise NotImplementedError
