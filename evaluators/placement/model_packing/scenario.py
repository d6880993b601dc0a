"""One cluster to place: what the program is told, what its answer is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.candidate import Argument, Candidate, CandidateFailure, ReplyField
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.placement.model_packing.bound import room_bound
from evaluators.placement.model_packing.cluster import NOWHERE, Cluster, Ints, pressure
from evaluators.placement.model_packing.placement import fault, first_fit
from evaluators.problem import ClockPolicy

LEAST_SPAN = 0.05  # of the bound: a cluster where first fit is nearly the best is not blown up to the whole score
NEAR = 1.1  # GPUs with at most so many times the least room count as tight


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scenario:
    """A cluster with its anchors; built by `make_scenario`."""

    name: str
    regime: str
    cluster: Cluster
    candidate_seed: int
    weak: float  # room of the weak baseline
    bound: float  # room that no placement exceeds

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Score the program's placement.

        Raises:
            CandidateFailure: `INVALID`: no such GPU, too much on one, parts of a model together, too much moved.
        """
        del clock  # models stay placed for minutes to hours: no time is charged
        field = ReplyField(name="gpu", dtype="int64", shape=(self.cluster.num_parts,))
        gpu_N = candidate.function("place", self.arguments(), (field,)).arrays["gpu"].astype(np.int64)
        if found := fault(self.cluster, gpu_N):
            raise CandidateFailure(Outcome.INVALID, f"place: {found}")
        return self.result(gpu_N)

    def arguments(self) -> list[Argument]:
        """What `place` is called with: copies, so that nothing it does to them reaches the scorer."""
        cluster = self.cluster
        parts: dict[str, Argument] = {
            "size_gb": cluster.size_N.copy(),
            "rate": cluster.rate_N.copy(),
            "slo": cluster.slo_N.copy(),
            "model": cluster.model_N.copy(),
            "home": cluster.home_N.copy(),
        }
        return [parts, cluster.memory_G.copy(), cluster.budget_gb, self.candidate_seed]

    def result(self, gpu_N: Ints) -> InstanceResult:
        """Score and metrics of a valid placement."""
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(self.cluster.room(gpu_N)),
            metrics=self._metrics(gpu_N),
        )

    def score(self, room: float) -> float:
        """0 at the room of first fit, 1 at the bound (less where the two are nearly one), at least -1."""
        span = max(self.bound - self.weak, LEAST_SPAN * self.bound)
        return max(FLOOR, (room - self.weak) / span)

    def _metrics(self, gpu_N: Ints) -> dict[str, float]:
        cluster = self.cluster
        rooms, room = cluster.rooms(gpu_N), cluster.room(gpu_N)
        placed_gb = float(cluster.size_N[cluster.home_N != NOWHERE].sum())
        metrics = {
            "room_gb": room,
            "max_kvpr": pressure(room),
            "bound_kvpr": pressure(self.bound),
            "room_over_bound": room / self.bound,
            "tight_gpus": 100 * float((rooms <= NEAR * room).mean()),
            "free_sd": 100 * float((cluster.free_gb(gpu_N) / cluster.memory_G).std()),
        }
        if placed_gb:
            metrics["moved"] = 100 * cluster.moved_gb(gpu_N) / placed_gb
        return metrics


def make_scenario(name: str, regime: str, cluster: Cluster, candidate_seed: int) -> Scenario:
    """The scenario with its bound computed.

    Raises:
        ValueError: First fit, which is score 0, cannot place the cluster.
    """
    weak = first_fit(cluster)
    if weak is None:
        raise ValueError(f"scenario {name}: first fit finds no GPU for a part, so that nothing is score 0")
    return Scenario(
        name=name,
        regime=regime,
        cluster=cluster,
        candidate_seed=candidate_seed,
        weak=cluster.room(weak),
        bound=room_bound(cluster),
    )
